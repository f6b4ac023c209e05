"""Where the chosen answers are to be written, as what, and in which CRS. Writes nothing itself."""

from __future__ import annotations

from typing import Optional

from qgis.core import QgsCoordinateReferenceSystem
from qgis.gui import QgsFileWidget, QgsProjectionSelectionWidget
from qgis.PyQt.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QWidget

GPKG, GEOJSON = "GPKG", "GeoJSON"


class ExportDialog(QDialog):
    """File and CRS for an export."""

    def __init__(
        self, count: int, crs: QgsCoordinateReferenceSystem, parent: Optional[QWidget] = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Export answers"))
        self.setMinimumWidth(460)
        self.file = QgsFileWidget(self)
        self.file.setStorageMode(QgsFileWidget.StorageMode.SaveFile)
        self.file.setFilter(self.tr("GeoPackage (*.gpkg);;GeoJSON (*.geojson)"))
        self.file.setDialogTitle(self.tr("Export answers to"))
        self.file.lineEdit().setAccessibleName(self.tr("File to write"))
        self.file.fileChanged.connect(self._on_file)
        self.crs = QgsProjectionSelectionWidget(self)
        self.crs.setCrs(crs)
        self.crs.setAccessibleName(self.tr("Coordinate reference system of the file"))
        self.add_layer = QCheckBox(self.tr("Add it to the project"), self)
        self.add_layer.setChecked(True)
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Ok | buttons.Cancel, self)
        self.buttons.button(buttons.Ok).setText(self.tr("Export"))
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        form = QFormLayout(self)
        form.addRow(QLabel(self.tr("{count} answers").format(count=count), self))
        form.addRow(self.tr("File"), self.file)
        form.addRow(self.tr("CRS"), self.crs)
        form.addRow("", self.add_layer)
        form.addRow(self.buttons)
        self._on_file("")

    @property
    def path(self) -> str:
        """The file, with the ending of its format."""
        path = self.file.filePath().strip()
        return path if path.lower().endswith((".gpkg", ".geojson", ".json")) else f"{path}.gpkg"

    @property
    def driver(self) -> str:
        """OGR's name of the format."""
        return GEOJSON if self.path.lower().endswith("json") else GPKG

    def _on_file(self, path: str) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(bool(path.strip()))
