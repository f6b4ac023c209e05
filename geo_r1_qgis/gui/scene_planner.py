"""Keeps the plan of a whole layer, or of features of one, for what the panel says. Features are read in the background."""

from __future__ import annotations

from typing import Any, Callable, Optional, Tuple

from qgis.core import (
    QgsApplication,
    QgsCoordinateTransform,
    QgsCsException,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsSettings,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..capture.ground import has_own_pixels
from ..capture.scene_areas import AreaReader
from ..capture.scene_plan import TILE_PX, ScenePlan, plan_scene, within
from ..capture.web_scene import MOST_REQUESTS, USUAL_M_PER_PX, web_scene
from ..core.sentences import explain
from ..crs.measure import m_per_px_at
from ..tasks.function_task import FunctionTask
from ..tasks.outcome import Done, Failed
from .ask_panel import FEATURES, AskPanel

MOST_KEY = "geo_r1/most_web_requests"


class ScenePlanner(QObject):
    """`ready` comes when the plan of features, which `plan` did not have yet, is there."""

    ready = pyqtSignal()

    def __init__(
        self,
        panel: AskPanel,
        canvas: QgsMapCanvas,
        view_px: Callable[[], int],
        parent: Optional[QObject] = None,
    ) -> None:
        super().__init__(parent)
        self._panel = panel
        self._canvas = canvas
        self._view_px = view_px
        self._task: Optional[FunctionTask] = None
        self._key: Optional[Tuple[Any, ...]] = None
        self._plan: Optional[ScenePlan] = None
        self._native: Tuple[str, float] = ("", 0.0)

    def close(self) -> None:
        """Wait for nothing more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        self.forget()

    def forget(self) -> None:
        """Read features anew with the next `plan`: they may have changed."""
        self._key = self._plan = None

    def recipe(self) -> dict:
        """How the plan that the panel describes is made again."""
        form = self._panel.scene_form
        web: dict = {}
        if is_web(self._panel.layer):
            shown = self._shown(self._panel.layer)
            web = {
                "extent": shown,
                "m_per_px": form.web_m_per_px,
                "has_areas": self._panel.area == FEATURES,
            }
        return {
            **web,
            "coarser": 1 if web else form.coarser,
            "levels": form.levels,
            # its longest side may be of a strip: a square of it would be shrunk, as the embedded model's 672 px are
            "tile_px": min(TILE_PX, self._view_px() or TILE_PX),
            "selected": form.selected_only.isChecked() if self._panel.area == FEATURES else False,
        }

    def plan(self) -> Optional[ScenePlan]:
        """What would be looked at; none while features are still being read."""
        raster = self._panel.layer
        if is_web(raster):
            self._name_web_sizes(raster)
        base = self.base_plan(raster, self.recipe())
        if base.web is None:
            self._name_sizes(raster, base)
        if base.problem or self._panel.area != FEATURES:
            return base
        layer = self._panel.scene_form.areas_layer
        if layer is None:
            return ScenePlan(problem=self.tr("There is no polygon layer: add one to the map."))
        return self.of_features(base, raster, layer, self.recipe())

    def base_plan(self, raster: Optional[QgsRasterLayer], recipe: dict) -> ScenePlan:
        """The plan of all of a raster."""
        project = QgsProject.instance()
        if "m_per_px" in recipe and is_web(raster):
            scene, problem = web_scene(
                raster,
                context=project.transformContext(),
                m_per_px=recipe["m_per_px"],
                tile_px=recipe["tile_px"],
                levels=recipe["levels"],
                most_requests=_most_requests(),
            )
            if scene is None:
                return ScenePlan(layer=raster, problem=problem)
            if recipe["has_areas"]:
                return ScenePlan(layer=raster, layer_name=raster.name(), web=scene)
            return scene.over(QgsRectangle(*recipe["extent"]))
        more: dict = {
            "context": project.transformContext(),
            "map_crs": project.crs(),
            "tile_px": recipe["tile_px"],
            "levels": recipe["levels"],
        }
        plan = plan_scene(raster, **more)
        if plan.problem or recipe["coarser"] == 1 or not plan.frame.m_per_px:
            return plan
        return plan_scene(raster, m_per_px=plan.frame.m_per_px * recipe["coarser"], **more)

    def of_features(
        self, base: ScenePlan, raster: QgsRasterLayer, layer: QgsVectorLayer, recipe: dict
    ) -> Optional[ScenePlan]:
        """The plan of the features of a layer; none while they are being read."""
        selected = tuple(layer.selectedFeatureIds()) if recipe["selected"] else None
        of_recipe = {name: value for name, value in recipe.items() if name != "extent"}
        key = (raster.id(), layer.id(), selected, tuple(sorted(of_recipe.items())))
        if key == self._key:
            return self._plan
        self._key, self._plan = key, None
        context = QgsProject.instance().transformContext()
        reader = AreaReader(layer, raster, context, selected_only=recipe["selected"])
        task = FunctionTask(
            self.tr("Geo-R1: reading areas"), lambda: within(base, reader.read(task.isCanceled))
        )
        if self._task is not None:
            self._task.cancel()
        self._task = task
        task.taskCompleted.connect(self._on_read)
        task.taskTerminated.connect(self._on_read)
        QgsApplication.taskManager().addTask(task)
        return None

    def _shown(self, raster: QgsRasterLayer) -> list:
        """What the map shows, in the raster's CRS: left, bottom, right, top."""
        settings = self._canvas.mapSettings()
        project = QgsProject.instance()
        transform = QgsCoordinateTransform(settings.destinationCrs(), raster.crs(), project)
        try:
            bounds = transform.transformBoundingBox(settings.visibleExtent())
        except QgsCsException:
            return [0.0, 0.0, 0.0, 0.0]
        return [bounds.xMinimum(), bounds.yMinimum(), bounds.xMaximum(), bounds.yMaximum()]

    def _name_web_sizes(self, raster: QgsRasterLayer) -> None:
        settings = self._canvas.mapSettings()
        units = settings.mapUnitsPerPixel() / settings.devicePixelRatio()
        middle = QgsPointXY(settings.visibleExtent().center())
        size_m = m_per_px_at(middle, (units, 0.0), (0.0, -units), settings.destinationCrs())
        if (raster.id(), -size_m) != self._native:
            is_other = self._native[0] != raster.id()
            self._native = (raster.id(), -size_m)
            self._panel.scene_form.set_web(size_m or USUAL_M_PER_PX, is_other=is_other)

    def _on_read(self) -> None:
        task = self._task
        if task is None or task.outcome is None:
            return  # of an earlier one, which nobody waits for
        self._task = None
        if isinstance(task.outcome, Done):
            self._plan = task.outcome.value
        elif isinstance(task.outcome, Failed):
            words = explain(task.outcome.error, lambda _context, text: self.tr(text))
            self._plan = ScenePlan(problem=words.text or words.title)
        else:
            self._key = None
        self.ready.emit()

    def _name_sizes(self, raster: Optional[QgsRasterLayer], base: ScenePlan) -> None:
        name = raster.id() if raster is not None else ""
        native = base.frame.native_m_per_px or 0.0 if base.frame is not None else 0.0
        if (name, native) != self._native and not base.problem:
            self._native = (name, native)
            self._panel.scene_form.set_native(native)


def is_web(raster: Optional[QgsRasterLayer]) -> bool:
    """Whether a layer has no pixels of its own: a server draws it."""
    return raster is not None and raster.isValid() and not has_own_pixels(raster)


def _most_requests() -> int:
    try:
        return int(QgsSettings().value(MOST_KEY, MOST_REQUESTS))
    except (TypeError, ValueError):
        return MOST_REQUESTS
