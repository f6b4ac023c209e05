"""Keeps the plan of a whole layer, or of features of one, for what the panel says. Features are read in the background."""

from __future__ import annotations

from typing import Any, Callable, Optional, Tuple

from qgis.core import QgsApplication, QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..capture.scene_areas import AreaReader
from ..capture.scene_plan import TILE_PX, ScenePlan, plan_scene, within
from ..core.sentences import explain
from ..tasks.function_task import FunctionTask
from ..tasks.outcome import Done, Failed
from .ask_panel import FEATURES, AskPanel


class ScenePlanner(QObject):
    """`ready` comes when the plan of features, which `plan` did not have yet, is there."""

    ready = pyqtSignal()

    def __init__(
        self, panel: AskPanel, view_px: Callable[[], int], parent: Optional[QObject] = None
    ) -> None:
        super().__init__(parent)
        self._panel = panel
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
        return {
            "coarser": form.coarser,
            "levels": form.levels,
            # its longest side may be of a strip: a square of it would be shrunk, as the embedded model's 672 px are
            "tile_px": min(TILE_PX, self._view_px() or TILE_PX),
            "selected": form.selected_only.isChecked() if self._panel.area == FEATURES else False,
        }

    def plan(self) -> Optional[ScenePlan]:
        """What would be looked at; none while features are still being read."""
        raster = self._panel.layer
        base = self.base_plan(raster, self.recipe())
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
        key = (raster.id(), layer.id(), selected, tuple(sorted(recipe.items())))
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
