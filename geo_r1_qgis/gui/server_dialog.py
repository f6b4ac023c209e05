"""Which service to use: this machine's own, or a server that somebody runs. Connects to nothing itself."""

from __future__ import annotations

from typing import Optional

from qgis.gui import QgsFileWidget, QgsPasswordLineEdit
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QWidget,
)

from ..core.settings import Settings


class ServerDialog(QDialog):
    """Edits the part of the settings that says where the service is."""

    def __init__(self, settings: Settings, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(self.tr("Geo-R1 service"))
        self.setMinimumWidth(480)
        self.local = QRadioButton(self.tr("The service of this machine"), self)
        self.remote = QRadioButton(self.tr("A server"), self)
        (self.remote if settings.service_url else self.local).setChecked(True)
        self.command = QgsFileWidget(self)
        self.command.setFilePath(settings.service_command)
        self.command.lineEdit().setPlaceholderText(self.tr("geo-r1, found by itself"))
        self.command.lineEdit().setAccessibleName(self.tr("Command that starts the service"))
        self.start = QCheckBox(self.tr("Start it when it is needed"), self)
        self.start.setChecked(settings.start_service)
        self.url = QLineEdit(settings.service_url, self)
        self.url.setPlaceholderText("https://server:8443")
        self.url.setAccessibleName(self.tr("Address of the server"))
        self.access = QgsPasswordLineEdit(self)
        self.access.setText(settings.service_access)
        self.access.setAccessibleName(self.tr("Token for the server"))
        self.warning = QLabel(self)
        self.warning.setWordWrap(True)
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Ok | buttons.Cancel, self)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._arrange()
        self.local.toggled.connect(self._follow)
        self.url.textChanged.connect(self._follow)
        self._follow()

    @property
    def settings(self) -> Settings:
        """The settings as they were edited."""
        is_remote = self.remote.isChecked()
        return self._settings.with_changes(
            service_command=self.command.filePath().strip(),
            start_service=self.start.isChecked(),
            service_url=self.url.text().strip().rstrip("/") if is_remote else "",
            service_access=self.access.text().strip() if is_remote else "",
        )

    def _follow(self, *_: object) -> None:
        is_remote = self.remote.isChecked()
        for widget in (self.command, self.start):
            widget.setEnabled(not is_remote)
        for widget in (self.url, self.access):
            widget.setEnabled(is_remote)
        address = QUrl(self.url.text().strip())
        is_address = address.scheme() in ("http", "https") and bool(address.host())
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(
            not is_remote or is_address
        )
        is_open = is_remote and address.scheme() == "http"
        self.warning.setText(
            self.tr("Images and questions are sent to this server.")
            + (
                " " + self.tr("With http they and the token can be read on the way.")
                if is_open
                else ""
            )
        )
        self.warning.setVisible(is_remote)

    def _arrange(self) -> None:
        form = QFormLayout(self)
        form.addRow(self.local)
        form.addRow(self.tr("Command"), self.command)
        form.addRow("", self.start)
        form.addRow(self.remote)
        form.addRow(self.tr("Address"), self.url)
        form.addRow(self.tr("Token"), self.access)
        form.addRow(self.warning)
        form.addRow(self.buttons)
