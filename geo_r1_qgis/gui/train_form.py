"""What to learn from: polygons, what they show, the raster, and, under “More”, how. Starts nothing itself."""

from __future__ import annotations

from typing import Optional

from qgis.core import QgsMapLayerProxyModel, QgsRasterLayer, QgsVectorLayer
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..capture.labels import ALL, REVIEWED, SELECTED, LabelChoice, is_result_layer
from .train_more import TrainMore


class TrainForm(QWidget):
    """`changed` comes when another check would be needed."""

    changed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.labels = self._layers("geoR1TrainLabels", self.tr("Polygon layer with the labels"))
        self.labels.setFilters(QgsMapLayerProxyModel.Filter.PolygonLayer)
        self.raster = self._layers(
            "geoR1TrainRaster", self.tr("Raster that the labels were drawn on")
        )
        self.raster.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
        self.which = self._combo("geoR1TrainWhich", self.tr("Which rows to use"))
        self.field = self._combo("geoR1TrainField", self.tr("Where it stands what a polygon shows"))
        self.expression = QLineEdit(self)
        self.expression.setObjectName("geoR1TrainExpression")
        self.expression.setPlaceholderText(self.tr("the round fish pond"))
        self.expression.setAccessibleName(self.tr("What the polygons show"))
        self.expression.setToolTip(self.tr("As you would ask for one of them"))
        self.task = self._combo("geoR1TrainTask", self.tr("What is asked for: one object or all"))
        self.task.addItem(self.tr("One object"), "rec")
        self.task.addItem(self.tr("All objects"), "ovd")
        self.task.addItem(self.tr("Mask"), "gres")
        self.more = QToolButton(self)
        self.more.setObjectName("geoR1TrainMore")
        self.more.setText(self.tr("More ▾"))
        self.more.setCheckable(True)
        self.more.setAutoRaise(True)
        self.more.setAccessibleName(self.tr("More choices: method, what learns, steps, seed"))
        self.further = TrainMore(self)
        self.further.hide()
        self.method, self.adaptation, self.steps, self.seed = (
            self.further.method,
            self.further.adaptation,
            self.further.steps,
            self.further.seed,
        )
        self.more.toggled.connect(self.further.setVisible)
        self.labels.layerChanged.connect(lambda _=None: self.refresh())
        self.raster.layerChanged.connect(lambda _=None: self.changed.emit())
        self.expression.textChanged.connect(lambda _=None: self.changed.emit())
        for combo in (self.which, self.field, self.task):
            combo.currentIndexChanged.connect(lambda _=0: self._on_choice())
        self._arrange()
        self.refresh()

    @property
    def label_layer(self) -> Optional[QgsVectorLayer]:
        """The layer with the polygons."""
        return self.labels.currentLayer()

    @property
    def raster_layer(self) -> Optional[QgsRasterLayer]:
        """The raster."""
        return self.raster.currentLayer()

    @property
    def choice(self) -> LabelChoice:
        """What is read of the label layer."""
        return LabelChoice(
            self.which.currentData() or ALL,
            self.field.currentData() or "",
            self.expression.text().strip(),
        )

    def refresh(self) -> None:
        """Offer what the chosen layer has: its fields, and its reviewed detections."""
        layer = self.label_layer
        for combo in (self.which, self.field):
            combo.blockSignals(True)
            combo.clear()
        if is_result_layer(layer):
            self.which.addItem(self.tr("Reviewed detections"), REVIEWED)
        self.which.addItem(self.tr("All features"), ALL)
        self.which.addItem(self.tr("Selected features"), SELECTED)
        self.field.addItem(self.tr("The same for all:"), "")
        if layer is not None:
            for name in layer.fields().names():
                self.field.addItem(self.tr("Field “{name}”").format(name=name), name)
        for combo in (self.which, self.field):
            combo.blockSignals(False)
        self._on_choice()

    def _on_choice(self) -> None:
        is_reviewed = self.which.currentData() == REVIEWED
        self.field.setEnabled(not is_reviewed)
        self.expression.setVisible(not is_reviewed and not self.field.currentData())
        self.changed.emit()

    def _combo(self, name: str, says: str) -> QComboBox:
        combo = QComboBox(self)
        combo.setObjectName(name)
        combo.setAccessibleName(says)
        combo.setMinimumContentsLength(8)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        return combo

    def _layers(self, name: str, says: str) -> QgsMapLayerComboBox:
        combo = QgsMapLayerComboBox(self)
        combo.setObjectName(name)
        combo.setAccessibleName(says)
        combo.setMinimumContentsLength(8)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        return combo

    def _arrange(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(5)
        rows = (
            (self.tr("Polygons"), self.labels),
            ("", self.which),
            (self.tr("They show"), self.field),
            ("", self.expression),
            (self.tr("On"), self.raster),
            (self.tr("Find"), self.task),
        )
        for row, (text, widget) in enumerate(rows):
            label = QLabel(text, self)
            label.setBuddy(widget)
            grid.addWidget(label, row, 0)
            grid.addWidget(widget, row, 1)
        grid.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(grid)
        layout.addWidget(self.more)
        layout.addWidget(self.further)
