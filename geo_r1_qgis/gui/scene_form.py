"""How a whole raster is looked at: which areas, at what pixel size. Shown under the area where it is more than a view."""

from __future__ import annotations

from typing import Optional, Tuple

from qgis.core import QgsMapLayerProxyModel, QgsVectorLayer
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QWidget

from ..capture.scene_plan import USUAL_LEVELS
from ..capture.web_scene import USUAL_M_PER_PX
from ..core.tiling import UNTIL_WHOLE

COARSER = (1, 2, 4, 8, 16)
"""How many of the raster's pixels a sent pixel spans."""


WEB_SIZES_M = (0.6, 1.2, 2.4, 10.0)


class SceneForm(QWidget):
    """`changed` comes when other tiles would be sent."""

    changed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.areas_label = QLabel(self.tr("Features"), self)
        self.areas_combo = QgsMapLayerComboBox(self)
        self.areas_combo.setObjectName("geoR1SceneAreas")
        self.areas_combo.setAccessibleName(self.tr("Polygon layer whose features are looked at"))
        self.areas_combo.setFilters(QgsMapLayerProxyModel.Filter.PolygonLayer)
        self.areas_combo.setMinimumContentsLength(8)
        self.areas_combo.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.areas_label.setBuddy(self.areas_combo)
        self.selected_only = QCheckBox(self.tr("Selected features only"), self)
        self.selected_only.setObjectName("geoR1SceneSelected")
        self.size_combo = QComboBox(self)
        self.size_combo.setObjectName("geoR1SceneSize")
        self.size_combo.setMinimumContentsLength(8)
        self.size_combo.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.size_combo.setAccessibleName(self.tr("Ground size of the pixels that are sent"))
        self.size_label = QLabel(self.tr("Pixels"), self)
        self.size_label.setBuddy(self.size_combo)
        self.large_too = QCheckBox(self.tr("Also larger than two tiles"), self)
        self.large_too.setObjectName("geoR1SceneLarge")
        self.large_too.setToolTip(
            self.tr("Looks from farther and farther away, until one picture shows everything")
        )
        self.set_native(0.0)
        self.areas_combo.layerChanged.connect(self.changed)
        self.selected_only.toggled.connect(self.changed)
        self.size_combo.currentIndexChanged.connect(self.changed)
        self.large_too.toggled.connect(self.changed)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(5)
        grid.addWidget(self.areas_label, 0, 0)
        grid.addWidget(self.areas_combo, 0, 1)
        grid.addWidget(self.selected_only, 1, 0, 1, 2)
        grid.addWidget(self.size_label, 2, 0)
        grid.addWidget(self.size_combo, 2, 1)
        grid.addWidget(self.large_too, 3, 0, 1, 2)
        grid.setColumnStretch(1, 1)

    @property
    def labels(self) -> Tuple[QLabel, ...]:
        """What stands before the fields."""
        return self.areas_label, self.size_label

    @property
    def areas_layer(self) -> Optional[QgsVectorLayer]:
        """Whose features are looked at."""
        return self.areas_combo.currentLayer()

    @property
    def coarser(self) -> int:
        """How many of the raster's pixels a sent pixel spans."""
        return self.size_combo.currentData()

    @property
    def levels(self) -> int:
        """Of the tiles."""
        return UNTIL_WHOLE if self.large_too.isChecked() else USUAL_LEVELS

    def show_for(self, *, features: bool) -> None:
        """Show what belongs to the chosen area."""
        for widget in (self.areas_label, self.areas_combo, self.selected_only):
            widget.setVisible(features)

    @property
    def web_m_per_px(self) -> float:
        """Chosen ground size of a web map layer's pixels."""
        return float(self.size_combo.currentData())

    def set_web(self, view_m: float, *, is_other: bool) -> None:
        """Offer sizes for a layer without pixels of its own: that of the map, and what the models know best.

        Args:
            view_m: ground size of a pixel of the map.
            is_other: another layer was chosen: begin with the map's.
        """
        chosen = 0 if is_other else max(0, self.size_combo.currentIndex())
        sizes = [(self.tr("as on the map ({size} m)"), view_m)]
        sizes.append((self.tr("as the models know best ({size} m)"), USUAL_M_PER_PX))
        sizes += [(self.tr("{size} m"), size) for size in WEB_SIZES_M]
        self.size_combo.blockSignals(True)
        self.size_combo.clear()
        for words, size in sizes:
            self.size_combo.addItem(words.format(size=f"{size:.3g}"), size)
        self.size_combo.setCurrentIndex(min(chosen, self.size_combo.count() - 1))
        self.size_combo.blockSignals(False)

    def set_native(self, m_per_px: float) -> None:
        """Name the pixel sizes by what they are on the ground; 0 = not known."""
        chosen = self.size_combo.currentIndex()
        self.size_combo.blockSignals(True)
        self.size_combo.clear()
        for factor in COARSER if m_per_px else COARSER[:1]:
            words = self.tr("the raster’s own") if factor == 1 else self.tr("{n} × coarser")
            size = self.tr(" ({size} m)").format(size=f"{m_per_px * factor:.3g}")
            self.size_combo.addItem(words.format(n=factor) + (size if m_per_px else ""), factor)
        self.size_combo.setCurrentIndex(max(0, min(chosen, self.size_combo.count() - 1)))
        self.size_combo.blockSignals(False)
