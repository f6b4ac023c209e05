"""Leads one fine-tuning through its life: check, chips, data set, run, verdict. The states are `core/train_state.py`'s.

Everything runs on the GUI thread except the reading of labels and the taking of chips (tasks); nothing here waits. A run
belongs to the service: leaving QGIS leaves it alone, and `on_tab` finds it again.
"""

from __future__ import annotations

import logging
from typing import Optional

from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..core import training_wire as tw
from ..core.errors import GeoR1Error, Unexpected
from ..core.label_check import Check
from ..core.standing import Standing
from ..core.train_state import Stage, TrainState
from ..network.client import Pending, body_of
from ..network.connection import Connection
from ..network.run_stream import RunStream
from ..network.training_client import TrainingClient
from .dataset_maker import DatasetMaker
from .train_panel import TrainPanel

log = logging.getLogger(__name__)

SHOW_MS = 50
"""However many events come, the panel is drawn at most this often."""
ACTIVE = ("queued", "running", "stopping")


class TrainController(QObject):
    """Joins the Train tab to labels, chips and the service. `ended` comes once per run, with its `TrainState`."""

    model_chosen = pyqtSignal(str)
    ended = pyqtSignal(object)

    def __init__(
        self,
        *,
        panel: TrainPanel,
        connection: Connection,
        canvas: QgsMapCanvas,
        parent: Optional[QObject] = None,
    ) -> None:
        super().__init__(parent)
        self.state = TrainState()
        self._panel, self._connection, self._canvas = panel, connection, canvas
        self._maker = DatasetMaker(panel.form, self.state, self)
        self._client: Optional[TrainingClient] = None
        self._stream: Optional[RunStream] = None
        self._asked: Optional[Pending] = None
        self._show = QTimer(self)
        self._show.setSingleShot(True)
        self._show.setInterval(SHOW_MS)
        self._show.timeout.connect(self._show_now)
        self._maker.checked.connect(lambda: panel.show_check(self.check))
        self._maker.moved.connect(self._show_now)
        self._maker.progressed.connect(self._show_soon)
        self._maker.arrived.connect(self._on_dataset)
        self._maker.failed.connect(self._fail)
        connection.settled.connect(self._on_settled)
        panel.form.changed.connect(self._on_changed)
        panel.go_pressed.connect(self.go)
        panel.resume_pressed.connect(self.resume)
        panel.use_pressed.connect(self._use)
        panel.row_chosen.connect(self._show_row)
        panel.run_opened.connect(self.open_run)
        panel.run_deleted.connect(self._delete)
        self._show_now()

    @property
    def check(self) -> Optional[Check]:
        """Of the labels that are chosen now; none = not checked."""
        return self._maker.check

    def go(self) -> None:
        """What the large button says: check, start, or stop."""
        self._panel.notice.hide()
        if self.state.is_running:
            self.stop()
        elif not self._maker.can_start:
            self._maker.check_labels()
        else:
            self.state.begin()
            self._show_now()
            may_start = self._connection.settings.start_service
            self._connection.connect_service(may_start=may_start, by_user=True)

    def stop(self) -> None:
        """End the preparation, or ask the run to save and leave."""
        if self.state.is_preparing:
            self._maker.cancel()
            self.state.move(Stage.IDLE)
            self._panel.stage.clear()
            self._show_now()
        elif self.state.run is not None and self._client is not None:
            self.state.move(Stage.STOPPING)
            self._ask(self._client.stop_run(self.state.run.id), lambda _run: None)
            self._show_now()

    def resume(self) -> None:
        """Go on from the last checkpoint."""
        if self.state.can_resume and self._client is not None:
            self._panel.notice.hide()
            self._ask(self._client.resume_run(self.state.run.id), self._on_resumed)

    def open_run(self, run: tw.RunInfo) -> None:
        """Show a run of the list, from its first event on."""
        if self.state.is_preparing or self._client is None:
            return
        self._close_stream()
        self.state.follow(run)
        self._listen(0)
        self._show_now()

    def on_tab(self, index: int) -> None:
        """The tab was opened: what does the service know, and does anything run?"""
        if index == 1 and self._connection.standing.can_ask:
            self._take_client(self._connection.standing)
            self._list_runs()
        if index == 1:
            self._show_now()  # another model may have been chosen meanwhile

    def close(self) -> None:
        """Let go of everything; a run goes on without us."""
        self._connection.settled.disconnect(self._on_settled)
        self._show.stop()
        self._maker.cancel()
        self._close_stream()

    # ---- before the run ----------------------------------------------------------------------------------------------

    def _on_changed(self) -> None:
        self._maker.check = None
        if not self.state.is_running:
            self._panel.stage.clear()
            self._panel.show_check(None)
            self._set_button()

    def _on_settled(self, standing: Standing) -> None:
        if standing.can_ask:
            self._take_client(standing)
        if self.state.stage is not Stage.CONNECTING:
            return
        if standing.can_ask:
            self._maker.make(self._client)
        else:
            self._fail(standing.refusal)

    def _on_dataset(self, dataset: tw.DatasetInfo) -> None:
        form, settings = self._panel.form, self._connection.settings
        self.state.move(Stage.STARTING)
        request = tw.RunRequest(
            dataset=dataset.id,
            name=self._maker.name,
            model=settings.model or None,
            method=form.method.currentData() or None,
            adaptation=form.adaptation.currentData() or None,
            steps=form.steps.value() or None,
            seed=form.seed.value(),
        )
        self._ask(self._client.post_run(request), self._on_run)
        self._show_now()

    def _take_client(self, standing: Standing) -> None:
        if self._client is None or self._client.endpoint != standing.endpoint:
            self._close_stream()
            self._client = TrainingClient(standing.endpoint, self)

    def _fail(self, error: GeoR1Error) -> None:
        if self.state.is_preparing:
            self._maker.cancel()
            self.state.fail(error)
            self._show_now()
        log.warning("training: %s (request %s)", error.code, error.request_id or "-")
        self._panel.notice.show_error(error)

    # ---- the run -----------------------------------------------------------------------------------------------------

    def _on_run(self, run: tw.RunInfo) -> None:
        self.state.follow(run)
        self._listen(0)
        self._show_now()

    def _on_resumed(self, run: tw.RunInfo) -> None:
        self.state.resume(run)
        self._listen(self.state.last_event)
        self._show_now()

    def _listen(self, after: int) -> None:
        self._close_stream()
        self._stream = RunStream(self._client, self.state.run.id, after)
        self._stream.event_read.connect(self._on_event)
        self._stream.ended.connect(self._on_ended)
        self._stream.failed.connect(self._on_lost)
        self._stream.start()

    def _on_event(self, event: tw.RunEvent) -> None:
        try:
            self.state.take(event)
        except Exception as error:  # border: whatever a stranger's event leads to, it is said
            log.exception("an event of the run")
            self._on_lost(Unexpected(error))
        self._show_soon()

    def _on_ended(self) -> None:
        self._close_stream()
        self._show_now()
        if self.state.error is not None:
            self._panel.notice.show_error(self.state.error)
        self._list_runs()
        self.ended.emit(self.state)

    def _on_lost(self, error: GeoR1Error) -> None:
        """The way to the run is lost, not the run."""
        self._close_stream()
        if self.state.is_running:
            self.state.move(Stage.IDLE)
        self._panel.notice.show_error(error)
        self._show_now()

    def _use(self) -> None:
        if self.state.adapter is not None:
            self.model_chosen.emit(self.state.adapter)
            title = self.tr("Questions go to this model now")
            text = self.tr(
                "Open the tab Ask, look at a place where you drew nothing, and ask in the words that you taught. Another model: "
                "menu ▸ Model."
            )
            self._panel.notice.show_remark(title, text)
            self._show_now()

    def _delete(self, run: tw.RunInfo) -> None:
        if self._client is None:
            return
        exchange = self._client.delete_run(run.id)

        def deleted() -> None:
            try:
                body_of(exchange)
            except GeoR1Error as error:
                self._panel.notice.show_error(error)
            self._list_runs()

        exchange.ended.connect(deleted)

    def _list_runs(self) -> None:
        pending = self._client.runs()
        pending.arrived.connect(self._on_runs)

    def _on_runs(self, runs: tw.RunList) -> None:
        self._panel.show_runs(runs.runs)
        known = self.state.run.id if self.state.run is not None else ""
        going_on = next((r for r in runs.runs if r.state in ACTIVE and r.id != known), None)
        if going_on is not None and not self.state.is_running and self._stream is None:
            self.open_run(going_on)

    # ---- showing -----------------------------------------------------------------------------------------------------

    def _show_soon(self) -> None:
        if not self._show.isActive():
            self._show.start()

    def _show_now(self) -> None:
        for chip in self._panel.show_state(self.state):
            self._fetch(chip)
        adapter = self.state.adapter
        self._panel.set_in_use(bool(adapter) and adapter == self._connection.settings.model)
        self._set_button()

    def _fetch(self, chip: str) -> None:
        if self._client is None or self.state.run is None:
            return
        exchange = self._client.chip_of(self.state.run.dataset, chip)

        def arrived() -> None:
            if exchange.error is None and exchange.status == 200:
                self._panel.strip.set_pixels(chip, exchange.body)

        exchange.ended.connect(arrived)

    def _set_button(self) -> None:
        if self.state.is_running:
            is_enabled = self.state.stage is not Stage.STOPPING
            self._panel.set_button(self.tr("Stop"), is_enabled=is_enabled)
        elif not self._maker.can_start:
            self._panel.set_button(self.tr("Check the labels"))
        else:
            self._panel.set_button(self.tr("Start training"))

    def _show_row(self, fid: int) -> None:
        layer = self._panel.form.label_layer
        if layer is not None:
            layer.selectByIds([fid])
            self._canvas.zoomToSelected(layer)

    def _ask(self, pending: Pending, then: object) -> None:
        self._asked = pending
        pending.arrived.connect(then)
        pending.failed.connect(self._fail)

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort()
            stream.deleteLater()
