"""Which service to use: this machine's own, or a server that somebody runs; with a test before OK.

Sends nothing unless the test is pressed, and then only to the address that stands there.
"""

from __future__ import annotations

from typing import Optional

from qgis.gui import QgsFileWidget, QgsPasswordLineEdit
from qgis.PyQt.QtCore import QCoreApplication, Qt
from qgis.PyQt.QtGui import QResizeEvent
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from ..core.address import Way, clean_address, destination_of
from ..core.errors import GeoR1Error
from ..core.sentences import explain
from ..core.settings import Settings
from ..core.standing import Endpoint, Standing
from ..network.access import AccessKeeper
from ..network.handshake import Handshake
from . import colours
from .standing_words import StandingWords


class ServerDialog(QDialog):
    """Edits the part of the settings that says where the service is; the token goes to `access`, not to them."""

    def __init__(
        self,
        settings: Settings,
        parent: Optional[QWidget] = None,
        *,
        access: Optional[AccessKeeper] = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._keeper = access
        self._handshake: Optional[Handshake] = None
        self.failure: Optional[GeoR1Error] = None
        """After OK: why the token could not be put into the store."""
        self.setWindowTitle(self.tr("Geo-R1 service"))
        self.setMinimumWidth(520)
        self._make_local(settings)
        self._make_remote(settings)
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Ok | buttons.Cancel, self)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.finished.connect(self._stop_test)
        self._arrange()
        self.local.toggled.connect(self._follow)
        self.url.textChanged.connect(self._follow)
        self.access.textChanged.connect(self._follow)
        self.agree.toggled.connect(self._follow)
        self._follow()

    @property
    def settings(self) -> Settings:
        """The settings as they were edited; after OK, with the id of the token in the store."""
        common = self._settings.with_changes(
            service_command=self.command.filePath().strip(),
            start_service=self.start.isChecked(),
            last_url=self._address or self._settings.last_url,
        )
        if not self.remote.isChecked():
            return common.with_changes(service_url="")
        return common.with_changes(
            service_url=self._address,
            plain_http_url=self._address if self.agree.isChecked() else "",
        )

    def accept(self) -> None:
        """Keep the token where the user wants it, then close; the store may ask for its master password."""
        if self.remote.isChecked():
            self._keep_access()
        super().accept()

    def test(self) -> None:
        """Ask the address who is there, with the token that stands here or is kept."""
        self._stop_test()
        try:
            endpoint = Endpoint(self._address, self._access_to_use(), is_local=False)
        except GeoR1Error as error:
            words = explain(error, QCoreApplication.translate)
            self._say_result(
                words.title, " ".join(filter(None, (words.text, words.hint))), good=False
            )
            return
        self._say_result(self.tr("Asking {url}…").format(url=self._address), "", good=None)
        self.test_button.setEnabled(False)
        self._handshake = Handshake(data_folder="", remote=endpoint, parent=self)
        self._handshake.judged.connect(self._on_judged)
        self._handshake.start()

    @property
    def _address(self) -> str:
        try:
            return clean_address(self.url.text())
        except GeoR1Error:
            return ""

    @property
    def _has_kept_access(self) -> bool:
        """Whether a token for this very address is kept already."""
        known = self._settings.service_url or self._settings.last_url
        return bool(self._settings.service_authcfg) and self._address == known

    def _access_to_use(self) -> str:
        typed = self.access.text().strip()
        if typed or self._keeper is None:
            return typed
        settings = self._settings.with_changes(
            service_url=self._address,
            service_authcfg=self._settings.service_authcfg if self._has_kept_access else "",
        )
        return self._keeper.find(settings, may_prompt=True)

    def _keep_access(self) -> None:
        typed, authcfg = self.access.text().strip(), self._settings.service_authcfg
        if self._keeper is None:
            return
        if not typed and self._keeper.problem == "" and self.keep.isChecked():
            # one that is known for this session only (or from an earlier version) moves into the store
            try:
                typed = "" if self._has_kept_access else self._access_to_use()
            except GeoR1Error as error:
                self.failure = error
        if not typed:
            if not self._has_kept_access:
                self._settings = self._settings.with_changes(service_authcfg="")
            return
        if not self.keep.isChecked():
            self._keeper.forget(self._address, authcfg)
            self._keeper.keep_for_session(typed, self._address)
            self._settings = self._settings.with_changes(service_authcfg="")
            return
        try:
            authcfg = self._keeper.keep(typed, self._address, authcfg=authcfg)
        except GeoR1Error as error:
            self.failure, authcfg = error, ""
        self._settings = self._settings.with_changes(service_authcfg=authcfg)

    def _on_judged(self, standing: Standing) -> None:
        self._handshake = None
        self.test_button.setEnabled(True)
        status = StandingWords().describe(standing)
        if not standing.can_ask:
            self._say_result(status.line, status.hint, good=False)
            return
        health = standing.health
        found = self.tr("{model} on {device} answers, version {version}.")
        self._say_result(
            found.format(
                model=health.model_title or health.model or "Geo-R1",
                device=health.device.upper() or "?",
                version=health.version,
            ),
            self.tr("The certificate is good.") if self._address.startswith("https:") else "",
            good=True,
        )

    def _say_result(self, line: str, more: str, *, good: Optional[bool]) -> None:
        colour = {True: colours.GOOD, False: colours.BAD, None: colours.WAITING}[good]
        self.result.setText("\n".join(filter(None, (line, more))))
        self.result.setStyleSheet(f"border-left: 4px solid {colour.name()}; padding-left: 6px;")
        self.result.setVisible(True)
        self._fit()

    def _stop_test(self, *_: object) -> None:
        if self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None

    def _follow(self, *_: object) -> None:
        is_remote = self.remote.isChecked()
        for widget in (self.command, self.start):
            widget.setEnabled(not is_remote)
        for widget in (self.url, self.access, self.keep):
            widget.setEnabled(is_remote)
        if self._keeper is None or self._keeper.problem:
            self.keep.setEnabled(False)
        address = self._address
        is_open = bool(address) and destination_of(address).way is Way.OPEN
        self.agree.setVisible(is_remote and is_open)
        is_fit = bool(address) and (not is_open or self.agree.isChecked())
        self.test_button.setEnabled(is_remote and is_fit)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not is_remote or is_fit)
        kept = self._has_kept_access
        self.access.setPlaceholderText(self.tr("kept in QGIS's password store") if kept else "")
        self.warning.setText(self._warning(address, is_open))
        self.warning.setVisible(is_remote)
        self._stop_test()
        self.result.setVisible(False)
        self._fit()

    def _warning(self, address: str, is_open: bool) -> str:
        if not address:
            return self.tr("An address looks like https://server:8443.")
        host = destination_of(address).host
        first = self.tr("Views and questions are sent to {host}.").format(host=host)
        if not is_open:
            return first
        return (
            first
            + " "
            + self.tr(
                "With http they and the token can be read by everybody on the way. Ask for an https "
                "address, or use an SSH tunnel."
            )
        )

    def _make_local(self, settings: Settings) -> None:
        self.local = QRadioButton(self.tr("The service of this machine"), self)
        self.command = QgsFileWidget(self)
        self.command.setFilePath(settings.service_command)
        self.command.lineEdit().setPlaceholderText(self.tr("geo-r1, found by itself"))
        self.command.lineEdit().setAccessibleName(self.tr("Command that starts the service"))
        self.start = QCheckBox(self.tr("Start it when it is needed"), self)
        self.start.setChecked(settings.start_service)

    def _make_remote(self, settings: Settings) -> None:
        self.remote = QRadioButton(self.tr("A server"), self)
        (self.remote if settings.service_url else self.local).setChecked(True)
        self.url = QLineEdit(settings.service_url or settings.last_url, self)
        self.url.setPlaceholderText("https://server:8443")
        self.url.setAccessibleName(self.tr("Address of the server"))
        self.access = QgsPasswordLineEdit(self)
        self.access.setAccessibleName(self.tr("Token for the server"))
        self.keep = QCheckBox(self.tr("Keep the token in QGIS's password store"), self)
        self.keep.setToolTip(
            self.tr("Encrypted with your master password. Else it is forgotten with QGIS's end.")
        )
        can_keep = self._keeper is not None and not self._keeper.problem
        self.keep.setChecked(can_keep)
        if not can_keep:
            self.keep.setText(
                self.tr("QGIS's password store is off: the token is kept for this session only")
            )
        self.agree = QCheckBox(self.tr("I know that it is not encrypted, and want it"), self)
        self.agree.setChecked(
            bool(settings.plain_http_url) and settings.plain_http_url == settings.service_url
        )
        self.warning = QLabel(self)
        self.warning.setWordWrap(True)
        self.warning.setTextFormat(Qt.TextFormat.PlainText)
        self.test_button = QPushButton(self.tr("Test the connection"), self)
        self.test_button.setAutoDefault(False)
        self.test_button.clicked.connect(self.test)
        self.result = QLabel(self)
        self.result.setObjectName("geoR1TestResult")
        self.result.setWordWrap(True)
        self.result.setTextFormat(Qt.TextFormat.PlainText)
        self.result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.result.hide()

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.addWidget(self.local)
        form = QFormLayout()
        form.addRow(self.tr("Command"), self.command)
        form.addRow("", self.start)
        column.addLayout(form)
        column.addWidget(self.remote)
        form = QFormLayout()
        form.addRow(self.tr("Address"), self.url)
        form.addRow(self.tr("Token"), self.access)
        form.addRow("", self.keep)
        column.addLayout(form)
        for widget in (self.warning, self.agree):
            column.addWidget(widget)
        column.addWidget(self.test_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.result)
        column.addStretch(1)
        column.addWidget(self.buttons)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Grow to the wrapped sentences; a window does not do that by itself."""
        self.layout().activate()
        height_px = self.layout().totalHeightForWidth(self.width())
        self.setMinimumHeight(max(0, height_px))  # -1: nothing in it is wrapped now
