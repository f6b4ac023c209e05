"""Follows the canvas and the layers: which raster is looked at, which area, and what would be sent.

Makes plans (`capture/plan.py`), never pictures.
"""

from __future__ import annotations

from typing import Callable, Optional, Tuple

from qgis.core import QgsGeometry, QgsProject, QgsRasterLayer, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsMapTool
from qgis.PyQt.QtCore import QObject, QTimer

from ..capture.plan import CapturePlan, plan_capture
from .ask_panel import DRAWN, SCENES, VIEW, AskPanel
from .maptool_rectangle import RectangleTool, outline_band

FOLLOW_MS = 120
"""The line is rewritten once the canvas has rested for this long."""


class SendingPreview(QObject):
    """Keeps *what will be sent* true, and draws the rectangle that the user chose."""

    def __init__(
        self, canvas: QgsMapCanvas, panel: AskPanel, parent: Optional[QObject] = None
    ) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._panel = panel
        self.scene_words: Callable[[], Tuple[str, bool]] = lambda: ("", False)
        """What would be sent of a whole layer or of features of one, and whether it cannot be."""
        self._area_map: Optional[QgsGeometry] = None
        self._chosen_id = ""
        self._tool_before: Optional[QgsMapTool] = None
        self._tool = RectangleTool(canvas)
        self._tool.drawn.connect(self._on_drawn)
        self._tool.given_up.connect(self._on_given_up)
        self._band = outline_band(canvas)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(FOLLOW_MS)
        self._timer.timeout.connect(self.refresh)
        self._links = (
            (canvas.extentsChanged, self._follow),
            (canvas.rotationChanged, self._follow),
            (canvas.destinationCrsChanged, self._on_crs_changed),
            (canvas.layersChanged, self._on_layers_changed),
            (QgsProject.instance().layersRemoved, self._on_layers_changed),
            (panel.changed, self._on_panel_changed),
            (panel.layer_chosen, self._on_layer_chosen),
            (panel.draw_requested, self.draw),
        )
        for signal, slot in self._links:
            signal.connect(slot)
        self._on_layers_changed()

    def close(self) -> None:
        """Let go of the canvas and the project."""
        self._timer.stop()
        for signal, slot in self._links:
            signal.disconnect(slot)
        self._leave_tool()
        self._tool.remove()
        self._canvas.scene().removeItem(self._band)

    def plan(self) -> CapturePlan:
        """What would be sent at this moment."""
        area = self._area_map if self._panel.area == DRAWN else None
        return plan_capture(self._canvas, self._panel.layer, area)

    def refresh(self) -> None:
        """Rewrite the line and the outline."""
        if self._panel.area in SCENES:
            text, is_problem = self.scene_words()
            self._panel.set_sending(text, is_problem=is_problem)
        elif self._panel.area == DRAWN and self._area_map is None:
            self._panel.set_sending(self.tr("Draw a rectangle on the map."), is_problem=True)
        else:
            plan = self.plan()
            text = "\n".join(filter(None, (plan.summary, getattr(plan, "note", ""))))
            self._panel.set_sending(text, is_problem=bool(plan.problem))
        is_drawn = self._panel.area == DRAWN and self._area_map is not None
        self._band.reset(QgsWkbTypes.GeometryType.PolygonGeometry)
        if is_drawn:
            self._band.setToGeometry(self._area_map, None)

    def draw(self) -> None:
        """Let the user draw the area on the map."""
        if self._canvas.mapTool() is not self._tool:
            self._tool_before = self._canvas.mapTool()
            self._canvas.setMapTool(self._tool)
        self._canvas.setFocus()

    def use_area(self, area_map: QgsGeometry) -> None:
        """Look at this polygon of the canvas's CRS instead of the view."""
        self._area_map = area_map
        self._panel.set_area(DRAWN)
        self.refresh()

    def _on_drawn(self, area_map: QgsGeometry) -> None:
        self._leave_tool()
        self.use_area(area_map)
        self._panel.query.setFocus()

    def _on_given_up(self) -> None:
        self._leave_tool()
        if self._area_map is None:
            self._panel.set_area(VIEW)

    def _leave_tool(self) -> None:
        if self._canvas.mapTool() is self._tool:
            if self._tool_before is not None:
                self._canvas.setMapTool(self._tool_before)
            else:
                self._canvas.unsetMapTool(self._tool)
        self._tool_before = None

    def _follow(self, *_: object) -> None:
        self._timer.start()

    def _on_panel_changed(self) -> None:
        self._timer.start(0)

    def _on_layer_chosen(self) -> None:
        layer = self._panel.layer
        self._chosen_id = layer.id() if layer is not None else ""

    def _on_crs_changed(self) -> None:
        # the polygon's numbers mean another place now
        if self._area_map is not None:
            self._area_map = None
            self._panel.set_area(VIEW)
        self._follow()

    def _on_layers_changed(self, *_: object) -> None:
        if QgsProject.instance().mapLayer(self._chosen_id) is None:
            self._chosen_id = ""
            top = topmost_raster()
            if top is not None and top is not self._panel.layer:
                self._panel.layer_combo.setLayer(top)
        self._follow()


def topmost_raster() -> Optional[QgsRasterLayer]:
    """The raster on top of the visible ones; the topmost of all if none is visible."""
    root = QgsProject.instance().layerTreeRoot()
    rasters = [layer for layer in root.layerOrder() if isinstance(layer, QgsRasterLayer)]
    seen = [layer for layer in rasters if root.findLayer(layer).isVisible()]
    return next(iter(seen + rasters), None)
