"""What questions about a whole raster have in common: where they look, what they write, and going on where they ended."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from qgis.core import (
    QgsCoordinateTransform,
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSink,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingUtils,
    QgsRasterLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..capture.scene_areas import areas_of
from ..capture.scene_pixels import pixels_of
from ..capture.scene_plan import SceneArea, ScenePlan, plan_scene
from ..capture.scene_reader import SceneReader
from ..core.errors import GeoR1Error, LayerError
from ..core.plain_text import one_line
from ..core.scene_records import FINISHED, STOPPED, SceneFind, SceneOptions, SceneResult
from ..layers.scene_journal import SceneJournal
from ..layers.scene_resume import find_run
from ..network.access import AccessKeeper
from ..network.blocking import BlockingService
from ..tasks.progress_words import progress_words
from ..tasks.scene_run import SceneRun
from .algorithm import Parameters, error_words
from .scene_features import FeatureMaker
from .scene_parameters import SceneParameters
from .scene_telling import say_plan, say_result

translate = QCoreApplication.translate

STYLE = Path(__file__).resolve().parent.parent / "resources" / "detections.qml"
SAY_S = 1.0
"""How often it is said how far a run is."""
SHOWN_CHARACTERS = 200
"""Of a reason that QGIS gives: it may be a page of SQL."""


@dataclass(frozen=True)
class Asked:
    """One question of a run."""

    query: str
    """In the user's words."""
    options: SceneOptions


class SceneAlgorithm(SceneParameters):
    """Asks one question after the other about the same raster; a subclass says which."""

    def __init__(self, access: AccessKeeper) -> None:
        super().__init__(access)
        self._plan = ScenePlan()
        self._reader: Optional[SceneReader] = None
        self._asked: List[Asked] = []
        self._output = ""

    def questions(self, parameters: Parameters, context: QgsProcessingContext) -> List[Asked]:
        """What is asked; called on the main thread.

        Raises:
            QgsProcessingException: if there is nothing to ask.
        """
        raise NotImplementedError

    def answered(self, asked: Asked, result: SceneResult) -> None:
        """Told after each question, on the thread that works."""

    def is_wanted(self, find: SceneFind) -> bool:
        """Whether an object comes into the output."""
        return True

    @property
    def plan(self) -> ScenePlan:
        """What is looked at; once it is prepared."""
        return self._plan

    # ---- before

    def prepare(self, parameters: Parameters, context: QgsProcessingContext) -> None:
        self._asked = self.questions(parameters, context)
        layer = self.parameterAsRasterLayer(parameters, "RASTER", context)
        areas = self._areas(parameters, context, layer)
        extent = None
        if parameters.get("EXTENT") and layer is not None:
            if areas is not None:
                words = translate(
                    "GeoR1Processing", "EXTENT and AREAS are both given: leave one of them empty."
                )
                raise QgsProcessingException(words)  # fmt: skip
            extent = self.parameterAsExtent(parameters, "EXTENT", context, layer.crs())
        self._plan = plan_scene(
            layer,
            context=context.transformContext(),
            map_crs=context.project().crs() if context.project() is not None else None,
            m_per_px=self.parameterAsDouble(parameters, "M_PER_PX", context),
            extent=extent,
            areas=areas,
        )
        if self._plan.problem:
            raise QgsProcessingException(self._plan.problem)
        self._journal = self.parameterAsFileOutput(parameters, "JOURNAL", context)
        self._pixels = pixels_of(layer.source())
        self._reader = SceneReader(self._plan)

    def _areas(
        self, parameters: Parameters, context: QgsProcessingContext, raster: QgsRasterLayer
    ) -> Optional[List[SceneArea]]:
        source = self.parameterAsSource(parameters, "AREAS", context)
        if source is None or raster is None:
            return None
        field = self.parameterAsString(parameters, "AREA_FIELD", context)
        to_raster = QgsCoordinateTransform(
            source.sourceCrs(), raster.crs(), context.transformContext()
        )
        request = QgsFeatureRequest()
        request.setSubsetOfAttributes([field] if field else [], source.fields())
        features = source.getFeatures(request)
        if not field:
            return areas_of(features, to_raster, source.sourceName())
        return areas_of(
            features, to_raster, source.sourceName(), name_of=lambda each: str(each[field])
        )

    # ---- the work

    def work(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        maker = FeatureMaker()
        polygons = QgsWkbTypes.Type.MultiPolygon
        sink, self._output = self.parameterAsSink(
            parameters, "OUTPUT", context, maker.fields, polygons, self._plan.crs
        )
        if sink is None:
            raise QgsProcessingException(self.invalidSinkError(parameters, "OUTPUT"))
        say_plan(self._plan, feedback)
        totals = {"COUNT": 0, "TILES": 0, "EMPTY": 0, "FAILED": 0}
        outcome = FINISHED
        with self.service(feedback) as service:
            for number, asked in enumerate(self._asked):
                count, result = self._ask(asked, number, service, maker, sink, feedback)
                self.answered(asked, result)
                totals["COUNT"] += count
                totals["TILES"] += result.tiles.answered
                totals["EMPTY"] += result.tiles.empty
                totals["FAILED"] += result.tiles.failed
                if result.outcome == STOPPED:
                    outcome = STOPPED
                    break
        return {"OUTPUT": self._output, **totals, "OUTCOME": outcome}

    def _ask(
        self,
        asked: Asked,
        number: int,
        service: BlockingService,
        maker: FeatureMaker,
        sink: QgsFeatureSink,
        feedback: QgsProcessingFeedback,
    ) -> Tuple[int, SceneResult]:
        """One question about everything; how many objects came into the output."""
        if len(self._asked) > 1:
            feedback.pushInfo(f"{number + 1}/{len(self._asked)}: {asked.query}")
        run = self._run_of(asked)
        written = 0
        said_s = 0.0

        def found(find: SceneFind) -> None:
            nonlocal written
            if self.is_wanted(find):
                self._put(sink, maker.feature(find, asked.query, run.model))
                written += 1

        def progress(done: int, total: int, seconds_left: Optional[float]) -> None:
            nonlocal said_s
            share = done / max(1, total)
            feedback.setProgress(100 * (number + share) / len(self._asked))
            if time.monotonic() - said_s >= SAY_S:
                said_s = time.monotonic()
                feedback.setProgressText(progress_words(done, total, seconds_left, written))

        try:
            result = run.run(
                service, progress=progress, found=found, is_cancelled=feedback.isCanceled
            )
        except GeoR1Error as error:
            if not self._journal:
                raise
            raise QgsProcessingException(self._kept(error)) from error
        say_result(result, feedback)
        return written, result

    @staticmethod
    def _put(sink: QgsFeatureSink, feature: QgsFeature) -> None:
        if sink.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
            return
        words = translate(
            "GeoR1Processing",
            "An object could not be written to OUTPUT: {reason}. Make some room, or choose another place, and run it again.",
        )
        raise QgsProcessingException(
            words.format(reason=one_line(sink.lastError(), SHOWN_CHARACTERS))
        )

    def _kept(self, error: GeoR1Error) -> str:
        """What went wrong, and that the result file has what came before."""
        words = translate(
            "GeoR1Processing",
            "The tiles that were answered are kept in {path}: run it again with the same inputs, and only the others are asked.",
        )
        # a full or locked file is written again by itself in the dock only
        said = error_words(error, with_hint=not isinstance(error, LayerError))
        return f"{said} {words.format(path=self._journal)}"

    def _run_of(self, asked: Asked) -> SceneRun:
        if not self._journal:
            return SceneRun(self._plan, asked.options, reader=self._reader)
        # another raster on the same grid, or one that was written anew, has other answers
        recipe = {"fingerprint": self._plan.fingerprint, "pixels": self._pixels}
        return SceneRun(
            self._plan,
            asked.options,
            reader=self._reader,
            journal=SceneJournal.at(
                self._journal, crs_wkt=self._plan.frame.crs_wkt, context=self._plan.context
            ),
            resume=find_run(Path(self._journal), asked.options.to_json(), recipe),
            recipe=json.dumps(recipe),
        )

    # ---- after

    def postProcessAlgorithm(
        self, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        layer = (
            QgsProcessingUtils.mapLayerFromString(self._output, context) if self._output else None
        )
        if layer is not None:
            layer.loadNamedStyle(str(STYLE))
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
        self._plan = ScenePlan()
        return {}
