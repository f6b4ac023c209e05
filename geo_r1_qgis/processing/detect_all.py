"""`geo_r1:detectall`: every object of a kind in a raster, as polygons."""

from __future__ import annotations

from typing import Any, List

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core.comparison import read_comparison
from ..core.scene_question import options_of
from ..core.scene_records import SceneFind
from ..crs.measure import area_m2
from ..layers.rows import polygons_px_of
from .algorithm import Parameters
from .scene_algorithm import Asked, SceneAlgorithm

translate = QCoreApplication.translate


class DetectAll(SceneAlgorithm):
    """Inventory of a kind of object."""

    def name(self) -> str:
        return "detectall"

    def displayName(self) -> str:
        return translate("GeoR1Processing", "Find all objects of a kind")

    def shortHelpString(self) -> str:
        return translate(
            "GeoR1Processing",
            "Finds every object of a kind (“storage tanks”, “white cars”, “ships near the pier”) in a raster, in an extent of it "
            "or in areas, tile by tile; what borders of tiles cut is one object.\n\nBoxes are upright in the raster's own "
            "grid; with outlines, each object is drawn along its edge. Objects smaller than the smallest area are left out of the "
            "output.\n\nCancel keeps what was found until then. With a result file (under Advanced), a run that was "
            "cancelled or broke off goes on where it ended when it is started again with the same inputs.",
        )

    def initAlgorithm(self, configuration: Any = None) -> None:
        self.add_raster()
        kind = translate("GeoR1Processing", "Kind of object, in plain words")
        self.add(QgsProcessingParameterString("EXPRESSION", kind))
        outlines = translate("GeoR1Processing", "Outlines instead of boxes")
        self.add(QgsProcessingParameterBoolean("OUTLINES", outlines, defaultValue=False))
        self.add_place()
        self.add(
            QgsProcessingParameterNumber(
                "MIN_AREA_M2",
                translate("GeoR1Processing", "Smallest area in square metres"),
                QgsProcessingParameterNumber.Type.Double,
                defaultValue=0.0,
                minValue=0.0,
            ),
            is_advanced=True,
        )
        self.add_outputs()

    def questions(self, parameters: Parameters, context: QgsProcessingContext) -> List[Asked]:
        query = self.parameterAsString(parameters, "EXPRESSION", context).strip()
        if not query:
            raise QgsProcessingException(translate("GeoR1Processing", "EXPRESSION is empty."))
        comparison = read_comparison(query).comparison
        if comparison is not None and not comparison.many:
            words = translate(
                "GeoR1Processing",
                "“{query}” asks for one object: use “Find objects in a whole raster” (geo_r1:ground) for it, or name a kind, "
                "as in “all {kind}”.",
            )
            raise QgsProcessingException(words.format(query=query, kind=comparison.target))
        self._min_area_m2 = self.parameterAsDouble(parameters, "MIN_AREA_M2", context)
        has_outlines = self.parameterAsBoolean(parameters, "OUTLINES", context)
        model = self.model_of(parameters, context)
        return [
            Asked(query, options_of(query, "gres" if has_outlines else "ovd", None, model=model))
        ]

    def prepare(self, parameters: Parameters, context: QgsProcessingContext) -> None:
        super().prepare(parameters, context)
        if self._min_area_m2 and not self.plan.frame.m_per_px:
            words = translate(
                "GeoR1Processing",
                "MIN_AREA_M2 is {area:g}, but the ground size of “{layer}” is not known: give it a CRS, or leave MIN_AREA_M2 at 0.",
            )
            values = {"area": self._min_area_m2, "layer": self.plan.layer_name}
            raise QgsProcessingException(words.format(**values))

    def is_wanted(self, find: SceneFind) -> bool:
        if not self._min_area_m2:
            return True
        area = area_m2(polygons_px_of(find.detection), find.frame)
        return (
            area is None or area >= self._min_area_m2
        )  # none: it lies where the CRS has no answer
