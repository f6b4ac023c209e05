"""`geo_r1:ground`: a question about all of a raster, or about a part of it, as polygons."""

from __future__ import annotations

from typing import Any, List

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingParameterEnum,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core.scene_question import options_of
from ..core.wire import Task
from .algorithm import Parameters
from .scene_algorithm import Asked, SceneAlgorithm

translate = QCoreApplication.translate

TASKS: List[Task] = ["rec", "ovd", "gres"]


class Ground(SceneAlgorithm):
    """Looks at a raster tile by tile, in flat memory, and compares over everything."""

    def name(self) -> str:
        return "ground"

    def displayName(self) -> str:
        return translate("GeoR1Processing", "Find objects in a whole raster")

    def shortHelpString(self) -> str:
        return translate(
            "GeoR1Processing",
            "Asks about all of a raster, about an extent of it, or about areas one by one, tile by tile. What borders of tiles "
            "cut is one object in the output. A comparison (“the largest white tank left of the road”) is answered once, over "
            "everything (or once for each area), in metres; “all ships” gives all of them.\n\nCancel keeps what was found until "
            "then. With a result file (under Advanced), a run that was cancelled or broke off goes on where it ended when it is "
            "started again with the same inputs.",
        )

    def initAlgorithm(self, configuration: Any = None) -> None:
        self.add_raster()
        what = translate("GeoR1Processing", "What to find, in plain words")
        self.add(QgsProcessingParameterString("EXPRESSION", what))
        tasks = [
            translate("GeoR1Processing", "One object"),
            translate("GeoR1Processing", "All objects"),
            translate("GeoR1Processing", "Masks"),
        ]
        sought = translate("GeoR1Processing", "What is asked for")
        self.add(QgsProcessingParameterEnum("TASK", sought, tasks, defaultValue=0))
        self.add_place()
        self.add_outputs()

    def questions(self, parameters: Parameters, context: QgsProcessingContext) -> List[Asked]:
        query = self.parameterAsString(parameters, "EXPRESSION", context).strip()
        if not query:
            raise QgsProcessingException(translate("GeoR1Processing", "EXPRESSION is empty."))
        task = TASKS[self.parameterAsEnum(parameters, "TASK", context)]
        model = self.model_of(parameters, context)
        return [Asked(query, options_of(query, task, None, model=model))]
