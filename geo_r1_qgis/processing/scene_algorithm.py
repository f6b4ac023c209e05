"""What questions about a whole raster have in common: where they look, what they write, and going on where they ended."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from qgis.core import (
    QgsCoordinateTransform,
    QgsFeatureRequest,
    QgsFeatureSink,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingUtils,
    QgsRasterLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..capture.scene_areas import areas_of
from ..capture.scene_plan import SceneArea, ScenePlan, plan_scene
from ..capture.scene_reader import SceneReader
from ..core.scene_records import FINISHED, STOPPED, SceneFind, SceneOptions, SceneResult
from ..layers.scene_journal import SceneJournal
from ..layers.scene_resume import find_run
from ..network.access import AccessKeeper
from ..network.blocking import BlockingService
from ..tasks.progress_words import progress_words
from ..tasks.scene_run import SceneRun
from .algorithm import Parameters, ServiceAlgorithm
from .scene_features import FeatureMaker

translate = QCoreApplication.translate

STYLE = Path(__file__).resolve().parent.parent / "resources" / "detections.qml"
SAY_S = 1.0
"""How often it is said how far a run is."""


@dataclass(frozen=True)
class Asked:
    """One question of a run."""

    query: str
    """In the user's words."""
    options: SceneOptions


class SceneAlgorithm(ServiceAlgorithm):
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

    # ---- parameters

    def add_raster(self) -> None:
        """Declare what is looked at."""
        raster = translate("GeoR1Processing", "Raster to look at")
        self.add(QgsProcessingParameterRasterLayer("RASTER", raster))

    def add_place(self) -> None:
        """Declare which part of it, and what most people leave as it is."""
        extent = translate("GeoR1Processing", "Part to look at (empty: all of it)")
        self.add(QgsProcessingParameterExtent("EXTENT", extent, optional=True))
        self.add(
            QgsProcessingParameterFeatureSource(
                "AREAS",
                translate("GeoR1Processing", "Areas, each with answers of its own (instead of a part)"),
                [QgsProcessing.SourceType.TypeVectorPolygon],
                optional=True,
            )
        )  # fmt: skip
        self.add(
            QgsProcessingParameterField(
                "AREA_FIELD",
                translate("GeoR1Processing", "Field that names the areas (empty: number of the feature)"),
                parentLayerParameterName="AREAS",
                optional=True,
            )
        )  # fmt: skip
        self.add(
            QgsProcessingParameterNumber(
                "M_PER_PX",
                translate("GeoR1Processing", "Metres per pixel that is sent (0: the raster's own)"),
                QgsProcessingParameterNumber.Type.Double,
                defaultValue=0.0,
                minValue=0.0,
            ),
            is_advanced=True,
        )
        self.add(
            QgsProcessingParameterString(
                "MODEL",
                translate("GeoR1Processing", "Model (empty: the one chosen in the dock)"),
                optional=True,
            ),
            is_advanced=True,
        )
        self.add(
            QgsProcessingParameterFileDestination(
                "JOURNAL",
                translate("GeoR1Processing", "Result file in which every tile is kept: run it again, and only what is missing is asked"),
                translate("GeoR1Processing", "GeoPackage (*.gpkg)"),
                optional=True,
                createByDefault=False,
            ),
            is_advanced=True,
        )  # fmt: skip

    def add_outputs(self) -> None:
        """Declare the objects and how it ended."""
        objects = translate("GeoR1Processing", "Objects")
        polygons = QgsProcessing.SourceType.TypeVectorPolygon
        self.add(QgsProcessingParameterFeatureSink("OUTPUT", objects, polygons))
        for name, says in (
            ("COUNT", translate("GeoR1Processing", "Objects that were found")),
            ("TILES", translate("GeoR1Processing", "Tiles that were answered")),
            ("FAILED", translate("GeoR1Processing", "Tiles without an answer")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, says))
        ended = translate("GeoR1Processing", "How it ended: finished or stopped")
        self.addOutput(QgsProcessingOutputString("OUTCOME", ended))

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
        self._pixels = _pixels_of(layer)
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
        if self._plan.outside:
            words = translate(
                "GeoR1Processing", "Areas that lie beside the raster and are left out: {count}."
            )
            feedback.pushWarning(words.format(count=self._plan.outside))  # fmt: skip
        feedback.pushInfo(self._plan.summary)
        totals = {"COUNT": 0, "TILES": 0, "FAILED": 0}
        outcome = FINISHED
        with self.service(feedback) as service:
            for number, asked in enumerate(self._asked):
                count, result = self._ask(asked, number, service, maker, sink, feedback)
                self.answered(asked, result)
                totals["COUNT"] += count
                totals["TILES"] += result.tiles.answered
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
                sink.addFeature(
                    maker.feature(find, asked.query, run.model), QgsFeatureSink.Flag.FastInsert
                )
                written += 1

        def progress(done: int, total: int, seconds_left: Optional[float]) -> None:
            nonlocal said_s
            share = done / max(1, total)
            feedback.setProgress(100 * (number + share) / len(self._asked))
            if time.monotonic() - said_s >= SAY_S:
                said_s = time.monotonic()
                feedback.setProgressText(progress_words(done, total, seconds_left, written))

        result = run.run(service, progress=progress, found=found, is_cancelled=feedback.isCanceled)
        if result.reasoning:
            feedback.pushInfo(result.reasoning)
        if result.tiles.earlier:
            words = translate(
                "GeoR1Processing", "{count} of {total} tiles were known from the result file."
            )
            feedback.pushInfo(words.format(count=result.tiles.earlier, total=result.tiles.total))  # fmt: skip
        if result.tiles.failed:
            words = translate(
                "GeoR1Processing",
                "{count} of {total} tiles have no answer. The first one: {reason}",
            )
            values = {"count": result.tiles.failed, "total": result.tiles.total}
            feedback.pushWarning(words.format(**values, reason=result.first_failure))
        return written, result

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


def _pixels_of(layer: QgsRasterLayer) -> str:
    """Tells rasters apart, and a file from what it was before; a digest, because a source may hold a password."""
    source = layer.source()
    with suppress(OSError):  # no file
        file = Path(source).stat()
        source = f"{source} {file.st_size} {file.st_mtime_ns}"
    return hashlib.sha256(source.encode()).hexdigest()
