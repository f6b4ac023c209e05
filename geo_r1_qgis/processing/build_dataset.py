"""`geo_r1:builddataset`: polygons and a raster become a data set at the service."""

from __future__ import annotations

from typing import Any, Dict, get_args

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core import training_wire as tw
from .algorithm import Parameters
from .label_algorithm import LabelAlgorithm

translate = QCoreApplication.translate

BAR_OF_CUTTING = 60.0
"""Percent of the work; the rest is sending."""


class BuildDataset(LabelAlgorithm):
    """Checks the labels, takes chips and sends them."""

    def name(self) -> str:
        return "builddataset"

    def displayName(self) -> str:
        return translate("GeoR1Processing", "Build a training data set")

    def shortHelpString(self) -> str:
        return translate(
            "GeoR1Processing",
            "Takes pictures of the raster around each polygon and sends them to the Geo-R1 service as a data set. "
            "Every row that cannot be used is named in the log, with what mends it. Polygons near each other are never "
            "divided between learning and judging. The same labels and seed give the same data set.\n\n"
            "The result is an id; “Train a model” takes it.",
        )

    def initAlgorithm(self, configuration: Any = None) -> None:
        self.add_label_parameters()
        self.add(
            QgsProcessingParameterString(
                "NAME", translate("GeoR1Processing", "Name of the data set"), optional=True
            )
        )
        self.addOutput(
            QgsProcessingOutputString("DATASET", translate("GeoR1Processing", "Data set"))
        )
        for name, says in (
            ("TRAIN", translate("GeoR1Processing", "Pictures to learn from")),
            ("VALIDATION", translate("GeoR1Processing", "Pictures to choose the checkpoint by")),
            ("HELD_OUT_COUNT", translate("GeoR1Processing", "Pictures to judge by")),
            ("LABEL_COUNT", translate("GeoR1Processing", "Labels that were used")),
            ("LEFT_OUT", translate("GeoR1Processing", "Labels that were left out")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, says))

    def work(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        check = self.check_labels(feedback)
        with self.service(feedback) as service:
            service.connect()  # nothing is cut for a service that is not there
            samples = self.cut(check, parameters, context, feedback, BAR_OF_CUTTING)

            def tell(done: int, of: int) -> None:
                rest = (100.0 - BAR_OF_CUTTING) * done / max(1, of)
                feedback.setProgress(BAR_OF_CUTTING + rest)

            typed = self.parameterAsString(parameters, "NAME", context).strip()
            name = typed or check.labels[0].expression
            request = tw.DatasetRequest(name=name[:200], samples=samples)
            made = service.make_dataset(request, self.path_of, tell)
        train, validation, held_out = (made.samples.get(p, 0) for p in get_args(tw.Part))
        told = translate(
            "GeoR1Processing",
            "Data set {id}: {train} pictures to learn from, {validation} to choose the checkpoint by, "
            "{held_out} held out for the verdict.",
        )
        feedback.pushInfo(
            told.format(id=made.id, train=train, validation=validation, held_out=held_out)
        )
        if not held_out:
            feedback.pushWarning(
                translate(
                    "GeoR1Processing",
                    "Nothing is held out, so that a training can give no verdict: the labels are too few or too near "
                    "each other for that share.",
                )
            )
        return {
            "DATASET": made.id,
            "TRAIN": train,
            "VALIDATION": validation,
            "HELD_OUT_COUNT": held_out,
            "LABEL_COUNT": len(check.labels),
            "LEFT_OUT": check.left_out,
        }
