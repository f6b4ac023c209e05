"""Leads a question about a whole layer, or about features of one, through its life: plan, run, progress, Stop, Resume."""

from __future__ import annotations

import json
import logging
from typing import Callable, List, Optional, Tuple

from qgis.core import Qgis, QgsProject, QgsSettings, QgsVectorLayer
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..capture.scene_plan import ScenePlan
from ..core import wire
from ..core.errors import CaptureError, GeoR1Error
from ..core.scene_question import options_of
from ..core.scene_records import SceneFind, SceneOptions, SceneResult
from ..layers.scene_journal import SceneJournal
from ..layers.scene_resume import Unfinished
from ..layers.store import DetectionStore
from ..network.access import AccessKeeper
from ..network.blocking import BlockingService
from ..network.connection import Connection
from ..tasks.outcome import Done, Failed
from ..tasks.progress_words import progress_words
from ..tasks.scene_run import SceneRun
from ..tasks.scene_worker import SceneWorker
from .answers_panel import Answer, Question
from .ask_panel import FEATURES, SCENES
from .dock import GeoR1Dock
from .preview import SendingPreview
from .scene_offer import UnfinishedOffer
from .scene_planner import ScenePlanner
from .scene_words import end_words, plan_words, stage_words, trouble_words

log = logging.getLogger(__name__)

LOOK_SECONDS = "geo_r1/scene_look_s"
"""Where the time of one look is kept, for the next estimate."""
USUAL_LOOK_S = 0.5
MAX_LISTED = 1000
"""Answers in the dock's list; the layer has all of them."""
CLOSE_S = 5.0


class SceneController(QObject):
    """`began` comes with the frame of what is looked at, `ended` once per run with its outcome (`tasks/outcome.py`)."""

    began = pyqtSignal(object)
    ended = pyqtSignal(object)

    def __init__(
        self,
        *,
        dock: GeoR1Dock,
        preview: SendingPreview,
        connection: Connection,
        store: DetectionStore,
        access: AccessKeeper,
        canvas: QgsMapCanvas,
        view_px: Callable[[], int],
        plugin_version: str,
        parent: Optional[QObject] = None,
    ) -> None:
        super().__init__(parent)
        self._dock, self._connection, self._store = dock, connection, store
        self._preview, self._access, self._plugin_version = preview, access, plugin_version
        self.planner = ScenePlanner(dock.ask_panel, canvas, view_px, self)
        self.planner.ready.connect(self._on_planned)
        preview.scene_words = self._preview_words
        self._worker: Optional[SceneWorker] = None
        self._journal: Optional[SceneJournal] = None
        self._question: Optional[Question] = None
        self._offer = UnfinishedOffer(dock.scene_status, lambda: self.is_running, self)
        self._waits_for_plan: Optional[Callable[[], None]] = None
        self._count = 0
        dock.ask_panel.ask_requested.connect(self.ask)
        dock.ask_panel.stop_requested.connect(self.stop)
        dock.stop_pressed.connect(self.stop)
        dock.scene_status.resume_requested.connect(self.resume)
        QgsProject.instance().cleared.connect(self._on_cleared)

    @property
    def is_running(self) -> bool:
        """Whether a run is under way."""
        return self._worker is not None

    def ask(self) -> None:
        """Ask what stands in the panel about all of the chosen area."""
        panel = self._dock.ask_panel
        if panel.area not in SCENES or self.is_running:
            return
        self._dock.notice.hide()
        query = panel.query.text().strip()
        if not query:
            self._dock.notice.show_error(GeoR1Error(code="query-empty"))
            return
        if panel.area == FEATURES and self._waits_for_plan is None:
            self.planner.forget()
        plan = self.planner.plan()
        if plan is None:
            self._waits_for_plan = self.ask
            return
        self._waits_for_plan = None
        if plan.problem:
            code = "layer-missing" if plan.layer is None and panel.layer is None else ""
            self._dock.notice.show_error(CaptureError(plan.problem, code=code))
            return
        panel.query.remember(query)
        settings = self._connection.settings
        options = options_of(
            query,
            panel.task,
            panel.comparison_form.comparison,
            model=settings.model or None,
            max_new_tokens=min(settings.max_new_tokens, SceneOptions(query).max_new_tokens),
        )
        areas_layer = panel.scene_form.areas_layer if panel.area == FEATURES else None
        recipe = {**self.planner.recipe(), "fingerprint": plan.fingerprint}
        self._begin(plan, options, recipe, areas_layer.id() if areas_layer else "")

    def resume(self) -> None:
        """Go on with the run that is offered."""
        left = self._offer.left
        if left is None or self.is_running:
            return
        self._dock.notice.hide()
        raster = QgsProject.instance().mapLayer(left.layer_id) or self._dock.ask_panel.layer
        try:
            options = SceneOptions.from_json(left.options)
            plan = self._plan_again(left, raster)
        except GeoR1Error as error:
            self._dock.notice.show_error(error)
            return
        if plan is None:
            self._waits_for_plan = self.resume
            return
        self._waits_for_plan = None
        if plan.problem:
            self._dock.notice.show_error(CaptureError(plan.problem))
        elif plan.fingerprint != left.recipe.get("fingerprint"):
            layer = plan.layer.name()
            self._dock.notice.show_error(GeoR1Error(code="scene-changed", layer=layer))
        else:
            self._begin(plan, options, left.recipe, left.areas_layer_id, resume=left)

    def stop(self) -> None:
        """End the run now; what was found stays."""
        self._waits_for_plan = None
        if self._worker is not None:
            self._worker.stop()

    def close(self) -> None:
        """Stop, wait until what was found is written, and let go."""
        QgsProject.instance().cleared.disconnect(self._on_cleared)
        self.planner.close()
        self._offer.close()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
            worker.wait(CLOSE_S)

    def look_for_unfinished(self) -> None:
        """See in the background whether the project's file has a run to go on with."""
        if not self.is_running:
            self._offer.look(self._store.path)

    # ---- planning

    def _preview_words(self) -> Tuple[str, bool]:
        plan = self.planner.plan()
        if plan is None:
            return self.tr("Reading the areas…"), False
        if plan.problem:
            return plan.problem, True
        looks = plan.tile_count * self._questions_per_tile()
        words = plan_words(plan.summary, looks * self._look_s())
        return "\n".join(filter(None, (words, plan.note))), False

    def _questions_per_tile(self) -> int:
        comparison = self._dock.ask_panel.comparison_form.comparison
        return 2 if comparison is not None and comparison.needs_anchor else 1

    def _on_planned(self) -> None:
        if self._waits_for_plan is not None:
            self._waits_for_plan()
        self._preview.refresh()

    def _plan_again(self, left: Unfinished, raster: object) -> Optional[ScenePlan]:
        recipe = {**_USUAL_RECIPE, **left.recipe, "has_areas": bool(left.areas_layer_id)}
        base = self.planner.base_plan(raster, recipe)
        if base.problem or not left.areas_layer_id:
            return base
        layer = QgsProject.instance().mapLayer(left.areas_layer_id)
        if not isinstance(layer, QgsVectorLayer):
            raise GeoR1Error(code="scene-areas-gone")
        return self.planner.of_features(base, raster, layer, {**_USUAL_RECIPE, **left.recipe})

    # ---- running

    def _begin(
        self,
        plan: ScenePlan,
        options: SceneOptions,
        recipe: dict,
        areas_layer_id: str,
        resume: Optional[Unfinished] = None,
    ) -> None:
        health = self._connection.standing.health
        try:
            self._journal = SceneJournal(self._store.target_for(plan.frame))
            run = SceneRun(
                plan,
                options,
                journal=self._journal,
                resume=resume.run_uid if resume else "",
                layer_id=plan.layer.id(),
                areas_layer_id=areas_layer_id,
                recipe=json.dumps(recipe),
                versions={
                    "plugin": self._plugin_version,
                    "service": health.version if health else "",
                    "wire": wire.WIRE_VERSION,
                    "qgis": Qgis.version(),
                },
            )
        except GeoR1Error as error:
            self._dock.notice.show_error(error)
            return
        settings, access = self._connection.settings, self._access
        self._worker = SceneWorker(
            run, lambda leave: BlockingService(settings, access, wants_to_leave=leave), self
        )
        self._worker.progressed.connect(self._on_progress)
        self._worker.found.connect(self._on_found)
        self._worker.ended.connect(self._on_ended)
        self._count = 0
        self._offer.left = None
        self._question = Question(options.query, plan.frame, options.task)
        self._dock.answers.begin_question(self._question)
        self.began.emit(plan.frame)
        self._dock.reasoning.clear()
        self._dock.reasoning.set_stage(self.tr("Looking at everything…"))
        self._dock.ask_panel.set_running(True)
        self._connection.hold(True)
        self._on_progress(0, plan.tile_count, None)
        self._worker.start()

    def _on_progress(self, done: int, total: int, seconds_left: Optional[float]) -> None:
        words = progress_words(done, total, seconds_left, self._count)
        self._dock.scene_status.show_progress(done, total, words)

    def _on_found(self, finds: List[SceneFind]) -> None:
        if self._worker is None:
            return
        for find in finds:
            if self._count < MAX_LISTED:
                answer = Answer(find.uid, find.detection, find.frame, find.area_id)
                self._dock.answers.add_answer(self._question, answer)
            self._count += 1
        self._store.stored.emit(finds[-1].uid)

    def _on_ended(self, outcome: object) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.wait(CLOSE_S)
        worker.deleteLater()
        self._connection.hold(False)
        self._dock.ask_panel.set_running(False)
        self._dock.scene_status.hide()
        self._store.show_now()
        words = ""
        if isinstance(outcome, Done):
            words = self._say_result(outcome.value)
        elif isinstance(outcome, Failed):
            words = self.tr("failed")
            log.warning("scene run failed: %s", outcome.error.code)
            self._dock.notice.show_error(outcome.error)
            self._dock.reasoning.set_stage(self.tr("Failed"))
            if outcome.error.code == "scene-old":  # it can only be asked anew
                self._dock.ask_panel.query.setText(self._question.query)
            if isinstance(outcome.error, OSError):
                self._connection.look_quietly()
        else:
            words = self.tr("stopped")
            self._dock.reasoning.set_stage(self.tr("Stopped"))
        self._dock.answers.end_question(self._question, words)
        self.look_for_unfinished()
        self.ended.emit(outcome)

    def _say_result(self, result: SceneResult) -> str:
        fresh = result.tiles.answered - result.tiles.earlier
        if fresh > 0:
            QgsSettings().setValue(LOOK_SECONDS, result.seconds / fresh)
        self._dock.reasoning.set_stage(stage_words(result))
        if result.reasoning:
            self._question.reasoning = result.reasoning
            self._dock.reasoning.feed("think", result.reasoning)
        self._dock.reasoning.finish()
        trouble = trouble_words(result)
        if trouble:
            self._dock.notice.show_remark(self.tr("Not every tile was answered"), trouble)
        if result.count > MAX_LISTED:
            words = self.tr("{count} found, {listed} listed")
            return words.format(count=f"{result.count:,}", listed=f"{MAX_LISTED:,}")
        return end_words(result) if not result.count else ""

    @staticmethod
    def _look_s() -> float:
        try:
            return float(QgsSettings().value(LOOK_SECONDS, USUAL_LOOK_S))
        except (TypeError, ValueError):
            return USUAL_LOOK_S

    def _on_cleared(self) -> None:
        self.stop()
        self.planner.forget()
        self._offer.dismiss()


_USUAL_RECIPE = {"coarser": 1, "levels": 2, "tile_px": 448, "selected": False}
