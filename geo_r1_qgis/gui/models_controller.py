"""Joins the Models tab to the service: list, load, unload, delete, get. Nothing here waits.

A download belongs to the service: leaving QGIS leaves it alone, and `on_tab` finds it again.
"""

from __future__ import annotations

from typing import Any, Callable, List, Optional

from qgis.PyQt.QtCore import QObject, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QMessageBox

from ..core import models_wire as mw
from ..core import wire
from ..core.address import Way, destination_of
from ..core.errors import GeoR1Error, ServiceError
from ..core.model_groups import can_manage
from ..core.standing import Standing
from ..network.client import Pending
from ..network.connection import Connection
from ..network.fetch_stream import FetchStream
from ..network.models_client import ModelsClient
from .fetch_dialog import FetchDialog
from .models_panel import ModelsPanel
from .models_words import size_words

TAB = 2
AGAIN_MS = 2000
"""How often the list is read anew while a model loads or somebody else's download goes on."""


class ModelsController(QObject):
    """`model_chosen` carries an id (empty = the service's own choice); `models_changed` comes when the list is another."""

    model_chosen = pyqtSignal(str)
    models_changed = pyqtSignal()

    def __init__(
        self, *, panel: ModelsPanel, connection: Connection, parent: Optional[QObject] = None
    ) -> None:
        super().__init__(parent)
        self._panel = panel
        self._connection = connection
        self._client: Optional[ModelsClient] = None
        self._models: List[wire.ModelInfo] = []
        self._fetches: List[mw.FetchInfo] = []
        self._stream: Optional[FetchStream] = None
        self._pending: List[Pending] = []
        self._is_open = False
        self.dialog: Optional[FetchDialog] = None
        self.box: Optional[QMessageBox] = None
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(AGAIN_MS)
        self._again.timeout.connect(self.refresh)
        panel.use_pressed.connect(self._use)
        panel.load_pressed.connect(self._load)
        panel.unload_pressed.connect(self._unload)
        panel.delete_pressed.connect(self._ask_to_delete)
        panel.go_on_pressed.connect(lambda info: self.fetch(info.consent))
        panel.forget_pressed.connect(self._ask_to_forget)
        panel.stop_pressed.connect(self.stop)
        panel.get_pressed.connect(self.open_dialog)
        connection.standing_changed.connect(self._on_standing)

    @property
    def is_fetching(self) -> bool:
        """Whether a download is listened to."""
        return self._stream is not None

    def on_tab(self, index: int) -> None:
        """The tab was opened, or left."""
        self._is_open = index == TAB
        if not self._is_open:
            self._again.stop()
        elif self._connection.standing.can_ask:
            self.refresh()
        else:
            may_start = self._connection.settings.start_service
            self._connection.connect_service(may_start=may_start, by_user=True)

    def refresh(self) -> None:
        """Read the list of models and of downloads anew."""
        if not self._connection.standing.can_ask:
            return
        self._take_client()
        self._ask(self._client.models(), self._on_models)

    def open_dialog(self) -> None:
        """Ask which model to get."""
        self._panel.notice.hide()
        dialog = self.dialog = FetchDialog(self._panel)
        dialog.plan_requested.connect(self._plan)
        dialog.agreed.connect(self.fetch)
        dialog.finished.connect(self._on_dialog_closed)
        dialog.open()

    def fetch(self, request: mw.FetchRequest) -> None:
        """Fetch what was agreed to, or listen to it where it is being fetched."""
        if self._client is None or self._stream is not None:
            return
        self._panel.notice.hide()
        self._stream = FetchStream(self._client, request)
        self._stream.event_read.connect(self._on_event)
        self._stream.ended.connect(self._on_ended)
        self._stream.failed.connect(self._on_lost)
        self._stream.start()
        begun = mw.FetchProgressEvent(0, request.size_bytes, "asking")
        self._panel.show_coming(request.repository, begun)

    def stop(self) -> None:
        """End the download that is listened to; what has come stays."""
        if self._stream is None or self._client is None:
            return
        self._panel.stop.setEnabled(False)
        request = self._stream.request
        self._ask(self._client.fetches(), lambda found: self._stop(found, request))

    def close(self) -> None:
        """Let go of everything; a download goes on without us."""
        self._connection.standing_changed.disconnect(self._on_standing)
        self._again.stop()
        self._close_stream()
        for pending in self._pending:
            pending.abort()
        self._pending = []

    # ---- the list ----------------------------------------------------------------------------------------------------

    def _on_standing(self, standing: Standing) -> None:
        if standing.can_ask and self._is_open and self._is_another(standing):
            self.refresh()

    def _is_another(self, standing: Standing) -> bool:
        return self._client is None or self._client.endpoint != standing.endpoint

    def _take_client(self) -> None:
        if self._is_another(self._connection.standing):
            self._close_stream()
            self._panel.show_coming("", None)
            self._client = ModelsClient(self._connection.standing.endpoint, self)

    @property
    def _can_manage(self) -> bool:
        health = self._connection.standing.health
        return health is not None and can_manage(health.wire_version)

    def _on_models(self, models: wire.ModelList) -> None:
        is_new = [m.id for m in models.models] != [m.id for m in self._models]
        had_some = bool(self._models)
        self._models = models.models
        if is_new and had_some:
            self.models_changed.emit()
        if self._can_manage:
            self._ask(self._client.fetches(), self._on_fetches)
        else:
            self._fetches = []
            self._show()
            self._panel.notice.show_error(GeoR1Error(code="service-too-old"))

    def _on_fetches(self, found: mw.FetchList) -> None:
        self._fetches = found.fetches
        running = [info for info in found.fetches if info.state == "running"]
        if running and self._stream is None:
            self.fetch(running[0].consent)
        self._show()
        waits = any(m.state == "loading" for m in self._models) or len(running) > 1
        if waits and self._is_open:
            self._again.start()

    def _show(self) -> None:
        followed = self._stream.request if self._stream is not None else None
        self._panel.show_models(
            self._models,
            [info for info in self._fetches if info.consent != followed],
            wanted=self._connection.settings.model,
            can_manage=self._can_manage,
        )

    # ---- one model ---------------------------------------------------------------------------------------------------

    def _use(self, model: wire.ModelInfo) -> None:
        self.model_chosen.emit("" if model.is_default else model.id)
        self._show()

    def _load(self, model: wire.ModelInfo) -> None:
        self._panel.notice.hide()
        self._panel.load.setEnabled(False)
        self._ask(self._client.load_model(model.id), self._on_changed)
        self._again.start()  # the state "loading" is shown meanwhile

    def _unload(self, model: wire.ModelInfo) -> None:
        self._panel.notice.hide()
        self._panel.load.setEnabled(False)
        self._ask(self._client.unload_model(model.id), self._on_changed)

    def _on_changed(self, _info: object) -> None:
        self.refresh()

    def _ask_to_delete(self, model: wire.ModelInfo) -> None:
        title = model.title or model.id
        text = self.tr("Delete “{model}”?").format(model=title)
        more = self.tr("{size} on the service's disk become free. It cannot be undone.").format(
            size=size_words(model.size_bytes)
        )
        if model.run:
            more += "\n" + self.tr("The curves and the verdict of its run stay.")
        self._confirm(text, more, self.tr("Delete"), lambda: self._delete(model))

    def _delete(self, model: wire.ModelInfo) -> None:
        self._panel.notice.hide()
        self._ask(self._client.delete_model(model.id), self._on_deleted)

    def _on_deleted(self, gone: wire.ModelInfo) -> None:
        if self._connection.settings.model == gone.id:
            self.model_chosen.emit("")  # the service's own choice, until another one is made
        self.refresh()

    def _ask_to_forget(self, info: mw.FetchInfo) -> None:
        text = self.tr("Forget what has come of “{repository}”?").format(repository=info.repository)
        more = self.tr("{size} on the service's disk become free.").format(
            size=size_words(info.done_bytes)
        )
        self._confirm(text, more, self.tr("Forget"), lambda: self._forget(info))

    def _forget(self, info: mw.FetchInfo) -> None:
        self._ask(self._client.forget_fetch(info.id), self._on_changed)

    def _confirm(self, text: str, more: str, verb: str, then: Callable[[], None]) -> None:
        box = self.box = QMessageBox(self._panel)
        box.setObjectName("geoR1ModelsConfirm")
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(self.tr("Models"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(text)
        box.setInformativeText(more)
        yes = box.addButton(verb, QMessageBox.ButtonRole.DestructiveRole)
        no = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(no)
        box.setEscapeButton(no)
        yes.clicked.connect(lambda _=False: then())
        box.finished.connect(box.deleteLater)
        box.open()

    # ---- a download --------------------------------------------------------------------------------------------------

    def _plan(self, request: mw.PlanRequest) -> None:
        dialog = self.dialog
        if dialog is None or self._client is None:
            return
        pending = self._client.plan(request)
        pending.arrived.connect(lambda plan: self._on_plan(dialog, plan))
        pending.failed.connect(lambda error: self._on_no_plan(dialog, error))

    def _on_plan(self, dialog: FetchDialog, plan: mw.FetchPlan) -> None:
        if dialog is self.dialog:
            dialog.show_plan(plan, self._place_of(plan))

    def _on_no_plan(self, dialog: FetchDialog, error: GeoR1Error) -> None:
        if dialog is self.dialog:
            dialog.show_error(error)

    def _place_of(self, plan: mw.FetchPlan) -> str:
        destination = destination_of(self._connection.settings.service_url)
        if destination.way is Way.LOCAL:
            return f"{self._connection.folder}/models/{plan.model}"
        return self.tr("on the server {host}").format(host=destination.host)

    def _on_dialog_closed(self, _result: int) -> None:
        dialog, self.dialog = self.dialog, None
        if dialog is not None:
            dialog.deleteLater()

    def _stop(self, found: mw.FetchList, request: mw.FetchRequest) -> None:
        for info in found.fetches:
            if info.consent == request:
                self._ask(self._client.stop_fetch(info.id), lambda _info: None)

    def _on_event(self, event: mw.FetchEvent) -> None:
        stream = self._stream
        if stream is None:
            return
        if isinstance(event, mw.FetchProgressEvent):
            self._panel.show_coming(stream.request.repository, event)
        elif isinstance(event, mw.FetchErrorEvent):
            self._panel.notice.show_error(ServiceError(**vars(event.error)))
        elif isinstance(event, mw.FetchResultEvent):
            title = self.tr("“{model}” is here, whole and checked").format(model=event.model)
            self._panel.select_next(event.model)
            self._panel.notice.show_remark(title, self.tr("Press Use to ask it from now on."))

    def _on_ended(self) -> None:
        self._close_stream()
        self._panel.show_coming("", None)
        self.refresh()

    def _on_lost(self, error: GeoR1Error) -> None:
        """The way to the download is lost, not what has come."""
        self._close_stream()
        self._panel.show_coming("", None)
        self._panel.notice.show_error(error)
        self.refresh()

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort()
            stream.deleteLater()

    def _ask(self, pending: Pending, then: Callable[[Any], None]) -> None:
        self._pending = [*self._pending, pending]

        def gone() -> None:
            self._pending = [each for each in self._pending if each is not pending]

        def arrived(value: Any) -> None:
            gone()
            then(value)

        def failed(error: GeoR1Error) -> None:
            gone()
            self._panel.notice.show_error(error)
            self._show()

        pending.arrived.connect(arrived)
        pending.failed.connect(failed)
