"""`geo_r1:ground`: a question about all of a raster, or about a part of it, as polygons."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from qgis.core import (
    QgsFeature,
    QgsFeatureSink,
    QgsFields,
    QgsGeometry,
    QgsPointXY,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..capture.scene_plan import ScenePlan, plan_scene
from ..core.scene_question import options_of
from ..core.scene_records import SceneFind
from ..core.wire import Task
from ..crs.measure import area_m2
from ..layers.rows import polygons_px_of
from ..network.access import AccessKeeper
from ..tasks.scene_run import SceneRun
from .algorithm import Parameters, ServiceAlgorithm

translate = QCoreApplication.translate

TASKS: List[Task] = ["rec", "ovd", "gres"]
FIELDS = (
    "MultiPolygon?field=label:string(0,0)&field=rank:integer&field=query:string(0,0)&field=area_m2:double"
    "&field=geometry_check:string(0,0)&field=reasoning:string(0,0)"
)
"""As a memory layer's address: the names of field types differ between Qt 5 and Qt 6."""


class Ground(ServiceAlgorithm):
    """Looks at a raster tile by tile, in flat memory, and compares over everything."""

    def __init__(self, access: AccessKeeper) -> None:
        super().__init__(access)
        self._run: Optional[SceneRun] = None
        self._plan = ScenePlan()

    def name(self) -> str:
        return "ground"

    def displayName(self) -> str:
        return translate("GeoR1Processing", "Find objects in a whole raster")

    def shortHelpString(self) -> str:
        return translate(
            "GeoR1Processing",
            "Asks about all of a raster, or about an extent of it, tile by tile. What borders of tiles cut is one object in "
            "the output. A comparison (“the largest white tank left of the road”) is answered once, over everything, in "
            "metres; “all ships” gives all of them.\n\nCancel keeps what was found until then.",
        )

    def initAlgorithm(self, configuration: Any = None) -> None:
        raster = translate("GeoR1Processing", "Raster to look at")
        self.add(QgsProcessingParameterRasterLayer("RASTER", raster))
        what = translate("GeoR1Processing", "What to find, in plain words")
        self.add(QgsProcessingParameterString("EXPRESSION", what))
        tasks = [
            translate("GeoR1Processing", "One object"),
            translate("GeoR1Processing", "All objects"),
            translate("GeoR1Processing", "Masks"),
        ]
        sought = translate("GeoR1Processing", "What is asked for")
        self.add(QgsProcessingParameterEnum("TASK", sought, tasks, defaultValue=0))
        extent = translate("GeoR1Processing", "Part to look at (empty: all of it)")
        self.add(QgsProcessingParameterExtent("EXTENT", extent, optional=True))
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
            QgsProcessingParameterFeatureSink(
                "OUTPUT",
                translate("GeoR1Processing", "Objects"),
                QgsProcessing.SourceType.TypeVectorPolygon,
            )
        )
        for name, says in (
            ("COUNT", translate("GeoR1Processing", "Objects that were found")),
            ("TILES", translate("GeoR1Processing", "Tiles that were answered")),
            ("FAILED", translate("GeoR1Processing", "Tiles without an answer")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, says))
        ended = translate("GeoR1Processing", "How it ended: finished or stopped")
        self.addOutput(QgsProcessingOutputString("OUTCOME", ended))

    def prepare(self, parameters: Parameters, context: QgsProcessingContext) -> None:
        layer = self.parameterAsRasterLayer(parameters, "RASTER", context)
        query = self.parameterAsString(parameters, "EXPRESSION", context).strip()
        if not query:
            raise QgsProcessingException(translate("GeoR1Processing", "EXPRESSION is empty."))
        extent = None
        if parameters.get("EXTENT") and layer is not None:
            extent = self.parameterAsExtent(parameters, "EXTENT", context, layer.crs())
        self._plan = plan_scene(
            layer,
            context=context.transformContext(),
            map_crs=context.project().crs() if context.project() is not None else None,
            m_per_px=self.parameterAsDouble(parameters, "M_PER_PX", context),
            extent=extent,
        )
        if self._plan.problem:
            raise QgsProcessingException(self._plan.problem)
        task = TASKS[self.parameterAsEnum(parameters, "TASK", context)]
        options = options_of(query, task, None, model=self.model_of(parameters, context))
        self._run = SceneRun(self._plan, options)
        self._query = query
        self._fields = QgsFields(QgsVectorLayer(FIELDS, "fields", "memory").fields())

    def work(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        fields = self._fields
        sink, output = self.parameterAsSink(
            parameters, "OUTPUT", context, fields, QgsWkbTypes.Type.MultiPolygon, self._plan.crs
        )
        if sink is None:
            raise QgsProcessingException(self.invalidSinkError(parameters, "OUTPUT"))
        feedback.pushInfo(self._plan.summary)

        def found(find: SceneFind) -> None:
            sink.addFeature(self._feature(find, fields), QgsFeatureSink.Flag.FastInsert)

        with self.service(feedback) as service:
            result = self._run.run(
                service,
                progress=lambda done, total, _left: feedback.setProgress(
                    100 * done / max(1, total)
                ),
                found=found,
                is_cancelled=feedback.isCanceled,
            )
        if result.reasoning:
            feedback.pushInfo(result.reasoning)
        if result.tiles.failed:
            words = translate(
                "GeoR1Processing",
                "{count} of {total} tiles have no answer. The first one: {reason}",
            )
            feedback.pushWarning(
                words.format(
                    count=result.tiles.failed,
                    total=result.tiles.total,
                    reason=result.first_failure,
                )
            )
        return {
            "OUTPUT": output,
            "COUNT": result.count,
            "TILES": result.tiles.answered,
            "FAILED": result.tiles.failed,
            "OUTCOME": result.outcome,
        }

    def postProcessAlgorithm(
        self, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        self._let_go()
        return {}

    def _let_go(self) -> None:
        """On the main thread, and before QGIS ends."""
        run, self._run = self._run, None
        if run is not None:
            run.close()
        self._plan = ScenePlan()

    def _feature(self, find: SceneFind, fields: QgsFields) -> QgsFeature:
        feature = QgsFeature(fields)
        polygons = [
            [[QgsPointXY(x, y) for x, y in ring] for ring in polygon]
            for polygon in find.outline_map
        ]
        feature.setGeometry(QgsGeometry.fromMultiPolygonXY(polygons))
        area = area_m2(polygons_px_of(find.detection), find.frame)
        feature.setAttributes(
            [find.label, find.rank, self._query, area, find.geometry_check, find.reasoning]
        )
        return feature
