"""`geo_r1:groundtable`: many expressions, each about every area of a raster, as polygons and as a table of counts."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from qgis.core import (
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSink,
    QgsFields,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterString,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core.scene_question import options_of
from ..core.scene_records import SceneFind, SceneResult
from ..core.wire import Task
from ..crs.measure import area_m2
from ..layers.rows import polygons_px_of
from ..network.access import AccessKeeper
from .algorithm import Parameters
from .scene_algorithm import Asked, SceneAlgorithm

translate = QCoreApplication.translate

MAX_EXPRESSIONS = 1000
COUNT_FIELDS = (
    "NoGeometry?field=query:string(0,0)&field=area_id:string(0,0)&field=count:integer&field=area_m2:double"
    "&field=outcome:string(0,0)&field=failed_tiles:integer"
)


class GroundTable(SceneAlgorithm):
    """One run over the raster for each expression."""

    def __init__(self, access: AccessKeeper) -> None:
        super().__init__(access)
        self._counts: Optional[QgsFeatureSink] = None

    def name(self) -> str:
        return "groundtable"

    def displayName(self) -> str:
        return translate("GeoR1Processing", "Find a table of expressions in areas")

    def shortHelpString(self) -> str:
        return translate(
            "GeoR1Processing",
            "Asks every expression about every area (or about all of the raster, or an extent of it). Expressions come from a field "
            "of a table or layer, or are typed, one in a line; “all cars” gives all, “the largest roof” one in each "
            "area.\n\nObjects are one layer, with the expression and the area of each. The table of counts has a row for each "
            "expression and area, also where nothing was found.\n\nWith a result file (under Advanced) nothing is asked twice "
            "when it is started again with the same inputs.",
        )

    def initAlgorithm(self, configuration: Any = None) -> None:
        self.add_raster()
        self.add(
            QgsProcessingParameterFeatureSource(
                "TABLE",
                translate("GeoR1Processing", "Table with expressions"),
                [QgsProcessing.SourceType.TypeVector],
                optional=True,
            )
        )
        self.add(
            QgsProcessingParameterField(
                "FIELD",
                translate("GeoR1Processing", "Field with the expressions"),
                parentLayerParameterName="TABLE",
                optional=True,
            )
        )
        typed = translate("GeoR1Processing", "Expressions, one in a line")
        self.add(QgsProcessingParameterString("EXPRESSIONS", typed, multiLine=True, optional=True))
        outlines = translate("GeoR1Processing", "Outlines instead of boxes")
        self.add(QgsProcessingParameterBoolean("OUTLINES", outlines, defaultValue=False))
        self.add_place()
        self.add_outputs()
        self.add(
            QgsProcessingParameterFeatureSink(
                "COUNTS",
                translate("GeoR1Processing", "Counts"),
                QgsProcessing.SourceType.TypeVector,
                optional=True,
            )
        )

    def questions(self, parameters: Parameters, context: QgsProcessingContext) -> List[Asked]:
        typed = self.parameterAsString(parameters, "EXPRESSIONS", context)
        rows = [*typed.splitlines(), *self._from_table(parameters, context)]
        queries = list(dict.fromkeys(row.strip() for row in rows if row.strip()))
        if not queries:
            words = translate(
                "GeoR1Processing",
                "There is no expression: type some in EXPRESSIONS, or give TABLE and FIELD.",
            )
            raise QgsProcessingException(words)  # fmt: skip
        if len(queries) > MAX_EXPRESSIONS:
            words = translate(
                "GeoR1Processing",
                "There are {count} expressions, at most {limit} can be asked at once: split the table.",
            )
            raise QgsProcessingException(words.format(count=len(queries), limit=MAX_EXPRESSIONS))  # fmt: skip
        task: Task = "gres" if self.parameterAsBoolean(parameters, "OUTLINES", context) else "rec"
        model = self.model_of(parameters, context)
        return [Asked(query, options_of(query, task, None, model=model)) for query in queries]

    def _from_table(self, parameters: Parameters, context: QgsProcessingContext) -> List[str]:
        table = self.parameterAsSource(parameters, "TABLE", context)
        if table is None:
            return []
        field = self.parameterAsString(parameters, "FIELD", context)
        if not field:
            words = translate(
                "GeoR1Processing",
                "TABLE is given without FIELD: choose the field that has the expressions.",
            )
            raise QgsProcessingException(words)  # fmt: skip
        request = QgsFeatureRequest()
        request.setFlags(QgsFeatureRequest.Flag.NoGeometry)
        return [str(row[field] or "") for row in table.getFeatures(request)]

    def work(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        fields = QgsFields(QgsVectorLayer(COUNT_FIELDS, "fields", "memory").fields())
        flat = QgsWkbTypes.Type.NoGeometry
        self._counts, counts = self.parameterAsSink(parameters, "COUNTS", context, fields, flat, self._plan.crs)  # fmt: skip
        self._count_fields = fields
        self._cells: Dict[str, Tuple[int, float]] = {}
        outputs = super().work(parameters, context, feedback)
        if self._counts is not None:
            outputs["COUNTS"] = counts
        return outputs

    def clean(self) -> None:
        self._counts = None  # the file is closed while QGIS is still there to close it

    def is_wanted(self, find: SceneFind) -> bool:
        count, area = self._cells.get(find.area_id, (0, 0.0))
        more = area_m2(polygons_px_of(find.detection), find.frame) or 0.0
        self._cells[find.area_id] = (count + 1, area + more)
        return True

    def answered(self, asked: Asked, result: SceneResult) -> None:
        cells, self._cells = self._cells, {}
        if self._counts is None:
            return
        for name in dict.fromkeys(area.id for area in self._plan.areas):
            count, area = cells.get(name, (0, 0.0))
            feature = QgsFeature(self._count_fields)
            feature.setAttributes(
                [asked.query, name or None, count, area, result.outcome, result.tiles.failed]
            )
            self._counts.addFeature(feature, QgsFeatureSink.Flag.FastInsert)
