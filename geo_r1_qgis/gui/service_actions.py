"""Everything a user can do about the service: the header's button, the notice's button, and the menu.

Follows the `Connection`; asks no questions about images.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Optional

from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QMenu, QMessageBox

from ..core import wire
from ..core.address import Destination, Way, destination_of, passed_on
from ..core.errors import CommandNotFound, GeoR1Error
from ..core.log_text import readable
from ..core.sentences import Mend
from ..core.settings import Settings
from ..core.standing import Standing
from ..network.connection import Connection
from ..network.launcher import log_path, read_tail
from .dock import GeoR1Dock
from .doctor_dialog import DoctorDialog
from .qt_names import QActionGroup
from .server_dialog import ServerDialog
from .small_print import plain_tooltip
from .text_dialog import show_text

INSTALL_COMMANDS = "pipx install geo-r1-backend\n\npipx install ./backend"
"""From an index, and from a clone of the repository."""
UPDATE_COMMAND = "pipx upgrade geo-r1-backend"


class ServiceActions(QObject):
    """Menu, mends and the list of models."""

    settings_changed = pyqtSignal(object)
    server_chosen = pyqtSignal()
    """OK was pressed and the token is where the user wants it."""
    retry_requested = pyqtSignal()
    write_again_requested = pyqtSignal()
    plugin_manager_requested = pyqtSignal()

    def __init__(
        self,
        *,
        dock: GeoR1Dock,
        connection: Connection,
        plugin_version: str = "",
        parent: Optional[QObject] = None,
    ) -> None:
        super().__init__(parent)
        self._plugin_version = plugin_version
        self._dock = dock
        self._connection = connection
        self._models: List[wire.ModelInfo] = []
        self._models_of: Optional[str] = None
        self._mends: Dict[Mend, Callable[[], None]] = {
            Mend.START: connection.start_service,
            Mend.RECONNECT: self.look_again,
            Mend.RETRY: self.retry_requested.emit,
            Mend.WRITE_AGAIN: self.write_again_requested.emit,
            Mend.SET_ACCESS: self.edit_server,
            Mend.UNLOCK: self.look_again,
            Mend.SET_ADDRESS: self.edit_server,
            Mend.SET_COMMAND: self.edit_server,
            Mend.OPEN_LOG: self.show_log,
            Mend.HOW_TO_INSTALL: self.show_how_to_install,
            Mend.HOW_TO_UPDATE: self.show_how_to_update,
            Mend.OPEN_PLUGIN_MANAGER: self.plugin_manager_requested.emit,
        }
        connection.standing_changed.connect(self._on_standing)
        dock.header.mend_requested.connect(self.mend)
        dock.header.leaves_requested.connect(self.show_what_leaves)
        dock.notice.mend_requested.connect(self.mend)
        dock.train.notice.mend_requested.connect(self.mend)
        dock.models.notice.mend_requested.connect(self.mend)
        dock.ask_panel.task_chosen.connect(lambda task: self._change(task=task))
        self._fill_menu(dock.menu)
        self._offer_tasks()

    def mend(self, mend: Mend) -> None:
        """Do what a button promised."""
        if mend in self._mends:
            self._mends[mend]()

    def use_model(self, model: str) -> None:
        """Ask this model from now on; the list of models is read anew, for it may be a new one."""
        self._change(model=model)
        self.list_models_anew()

    def list_models_anew(self) -> None:
        """Read the list of models once more: there are others now."""
        self._models_of = None
        self._on_standing(self._connection.standing)

    def look_again(self) -> None:
        """Look who is there, and start the local service if the settings say so."""
        may_start = self._connection.settings.start_service
        self._connection.connect_service(may_start=may_start, by_user=True)

    def edit_server(self) -> None:
        """Ask where the service is."""
        access = self._connection.access
        dialog = ServerDialog(self._connection.settings, self._dock, access=access)
        dialog.accepted.connect(lambda: self._use(dialog.settings, dialog.failure))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def show_log(self) -> None:
        """Show the end of the service's log, or what it said when it did not start."""
        path = log_path(self._connection.folder)
        error = self._connection.standing.error
        text = (error.details if error is not None else "") or read_tail(path)
        show_text(
            self._dock,
            self.tr("Log of the Geo-R1 service"),
            explanation=str(path),
            text=readable(text)
            or self.tr("The log is empty: the service has not been started on this machine."),
            folder=str(path.parent) if path.parent.is_dir() else "",
            at_end=True,
        )

    def show_how_to_install(self) -> None:
        """Show the one command that installs the service."""
        error = self._connection.standing.error
        places = error.details if isinstance(error, CommandNotFound) else ""
        explanation = self.tr(
            "The service is a program of its own, so that nothing has to be installed into QGIS. Type one of these "
            "lines once in a terminal (Python 3.10 or newer; the second one in a clone of the repository), then "
            "choose “Start the service” in the menu. If it is installed already, say where it is under “Connect to "
            "a server…”."
        )
        looked = "\n\n" + self.tr("Looked at:") + "\n" + places if places else ""
        title = self.tr("Install the Geo-R1 service")
        show_text(self._dock, title, explanation=explanation, text=INSTALL_COMMANDS + looked)

    def show_how_to_update(self) -> None:
        """Show the one command that updates the service."""
        explanation = self.tr("Type this in a terminal, then choose “Look again” in the menu.")
        show_text(
            self._dock,
            self.tr("Update the Geo-R1 service"),
            explanation=explanation,
            text=UPDATE_COMMAND,
        )

    def show_what_leaves(self) -> None:
        """Say which bytes go where."""
        endpoint = self._connection.standing.endpoint
        remote = self._connection.settings.service_url
        url = remote or (endpoint.url if endpoint else "127.0.0.1")
        first = {
            Way.LOCAL: self.tr("Nothing. The service runs on this machine ({url})."),
            Way.TLS: self.tr("Your questions and pictures go to the server {url}, encrypted."),
            Way.OPEN: self.tr(
                "Your questions, pictures and the token go to the server {url}. They are not encrypted: everybody on "
                "the way can read them."
            ),
            Way.TUNNEL: self.tr(
                "Your questions and pictures go to {url}, an address of this machine that was entered by hand. If it is "
                "a tunnel, they go on to its other end."
            ),
        }[destination_of(remote).way]
        model = self._chosen_model() or self._connection.standing.health
        if model is not None and self._destination().onward:
            first = self.tr(
                "The service at {url} passes your questions and pictures on to {host}, which runs the chosen model."
            ).replace("{host}", model.device or "?")
        more = self.tr(
            "With each question it gets the text of the question and one picture of the chosen area. The size of the "
            "picture stands under the question before you press Enter. Without a question nothing is sent; there is "
            "no telemetry and no account. If you get a model from the hub (tab Models), the service asks the hub for it."
        )
        box = QMessageBox(self._dock)
        box.setObjectName("geoR1Leaves")
        box.setWindowTitle(self.tr("What leaves this machine"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(first.format(url=url))
        box.setInformativeText(more)
        box.finished.connect(box.deleteLater)
        box.open()

    def examine(self) -> None:
        """Open the doctor's window and begin: every step is tried on a picture with a known answer."""
        dialog = DoctorDialog(self._connection, self._plugin_version, self._dock)
        dialog.show()
        dialog.start()

    def _fill_menu(self, menu: QMenu) -> None:
        menu.addAction(self.tr("Start the service"), self._connection.start_service)
        menu.addAction(self.tr("Look again"), self.look_again)
        menu.addAction(self.tr("Connect to a server…"), self.edit_server)
        self._model_menu = menu.addMenu(self.tr("Model"))
        self._model_menu.setEnabled(False)
        menu.addSeparator()
        menu.addAction(self.tr("Forget the answers of this session"), self._dock.answers.clear)
        menu.addSeparator()
        menu.addAction(self.tr("Check everything (doctor)…"), self.examine)
        menu.addAction(self.tr("Log of the service…"), self.show_log)
        menu.addAction(self.tr("What leaves this machine…"), self.show_what_leaves)
        menu.addAction(self.tr("How to install the service…"), self.show_how_to_install)

    def _on_standing(self, standing: Standing) -> None:
        self._dock.header.show_standing(standing)
        self._show_destination()
        url = standing.endpoint.url if standing.endpoint is not None and standing.can_ask else None
        if url is None or url == self._models_of:
            return
        self._models_of = url
        pending = self._connection.client.models()
        pending.arrived.connect(self._on_models)
        pending.failed.connect(self._on_no_models)

    def _on_models(self, models: wire.ModelList) -> None:
        self._models = models.models
        self._model_menu.clear()
        group = QActionGroup(self._model_menu)
        for model in self._models:
            # an ampersand alone would underline the letter after it
            action = self._model_menu.addAction((model.title or model.id).replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(model is self._chosen_model())
            action.setToolTip(plain_tooltip(model.note or model.licence))
            action.setEnabled(model.state != "failed")
            action.triggered.connect(lambda _=False, chosen=model: self._choose_model(chosen))
            group.addAction(action)
        self._model_menu.setEnabled(len(self._models) > 0)
        self._offer_tasks()

    def _on_no_models(self, _error: GeoR1Error) -> None:
        self._models_of = (
            None  # asked again with the next look; until then both usual tasks are offered
        )

    def _choose_model(self, model: wire.ModelInfo) -> None:
        self._change(model="" if model.is_default else model.id)
        self._offer_tasks()

    def _chosen_model(self) -> Optional[wire.ModelInfo]:
        wanted = self._connection.settings.model
        by_id = [model for model in self._models if model.id == wanted]
        defaults = [model for model in self._models if model.is_default]
        return next(iter(by_id + defaults + self._models), None)

    @property
    def view_px(self) -> int:
        """Longest side that the chosen model sees without shrinking; 0 = not known."""
        model = self._chosen_model()
        return model.max_view_px if model is not None else 0

    def _offer_tasks(self) -> None:
        model = self._chosen_model()
        tasks = model.tasks if model is not None else ["rec", "ovd"]
        self._dock.ask_panel.set_tasks(tasks, self._connection.settings.task)
        is_own = model is not None and not model.is_default
        self._dock.header.show_model((model.title or model.id) if is_own else "")
        self._show_destination()

    def _destination(self) -> Destination:
        """Where views and questions go, through the service where the chosen model is one of other servers."""
        destination = destination_of(self._connection.settings.service_url)
        known = self._chosen_model() or self._connection.standing.health
        return passed_on(destination, known.engine, known.device) if known else destination

    def _show_destination(self) -> None:
        self._dock.header.show_destination(self._destination())

    def _use(self, settings: Settings, failure: Optional[GeoR1Error] = None) -> None:
        self._models_of = None
        if settings.service_url != self._connection.settings.service_url:
            self._models = []  # of another service; until its own list is there, its health says what answers
            self._dock.header.show_model("")
        self._dock.notice.hide()
        if failure is not None:
            self._dock.notice.show_error(failure)
        else:
            self.server_chosen.emit()
        self.settings_changed.emit(settings)
        self._connection.use_settings(settings)
        self._show_destination()

    def _change(self, **changes: object) -> None:
        settings = self._connection.settings.with_changes(**changes)
        self._connection.settings = settings
        self.settings_changed.emit(settings)
