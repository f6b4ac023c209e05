"""`geo_r1:evaluate`: how many objects of a polygon layer a model finds, asked as a person would ask."""

from __future__ import annotations

from typing import Any, Dict, List

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterEnum,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QImage

from ..core import wire
from ..core.mask_overlap import mask_iou
from ..core.scoring import Mark, Tally, mark, tally
from ..core.training_wire import MIN_HELD_OUT_FOR_VERDICT, Sample
from ..core.training_words import metric_words
from .algorithm import Parameters
from .label_algorithm import LabelAlgorithm

translate = QCoreApplication.translate

BAR_OF_CUTTING = 20.0
ITEM = "1"


class Evaluate(LabelAlgorithm):
    """Asks the service about each chip and compares the answer with the polygons."""

    def name(self) -> str:
        return "evaluate"

    def displayName(self) -> str:
        return translate("GeoR1Processing", "Score a model on polygons")

    def shortHelpString(self) -> str:
        return translate(
            "GeoR1Processing",
            "Asks the model for each polygon, in a picture around it, and counts what it finds: one object is right if "
            "the first box shares half of the union with it (Acc@0.5); of all objects it is F1 at the same limit, of masks their "
            "mean share of the union (gIoU).\n\n"
            "With the labels, seed and share of “Build a training data set”, “held-out” are the very pictures that a "
            "training on that data set has not seen. SCORE is in percent; LOW and HIGH bound it by chance (95 %, over places) "
            "and are given from {count} objects on.",
        ).format(count=MIN_HELD_OUT_FOR_VERDICT)

    def initAlgorithm(self, configuration: Any = None) -> None:
        self.add_label_parameters()
        parts = [
            translate("GeoR1Processing", "The held-out ones: never learned from"),
            translate("GeoR1Processing", "All of them"),
        ]
        self.add(
            QgsProcessingParameterEnum(
                "PART", translate("GeoR1Processing", "Polygons to ask for"), parts, defaultValue=0
            )
        )
        self.add(
            QgsProcessingParameterString(
                "MODEL",
                translate("GeoR1Processing", "Model (empty: the one chosen in the dock)"),
                optional=True,
            )
        )
        self.addOutput(QgsProcessingOutputString("METRIC", translate("GeoR1Processing", "Metric")))
        self.addOutput(QgsProcessingOutputString("MODEL_ID", translate("GeoR1Processing", "Model")))
        for name, says in (
            ("SCORE", translate("GeoR1Processing", "Score, in percent")),
            ("LOW", translate("GeoR1Processing", "Lower bound of the score, in percent")),
            ("HIGH", translate("GeoR1Processing", "Upper bound of the score, in percent")),
            ("RIGHT", translate("GeoR1Processing", "Pictures answered right")),
            ("CHIPS", translate("GeoR1Processing", "Pictures that were asked about")),
            ("OBJECTS", translate("GeoR1Processing", "Objects in them")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, says))

    def work(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        check = self.check_labels(feedback)
        is_all = self.parameterAsEnum(parameters, "PART", context) == 1
        model = self.model_of(parameters, context)
        marks: List[Mark] = []
        answered_by = ""
        with self.service(feedback) as service:
            service.connect()  # nothing is cut for a service that is not there
            samples = self.cut(check, parameters, context, feedback, BAR_OF_CUTTING)
            chosen = [each for each in samples if is_all or each.part == "held_out"]
            if not chosen:
                raise QgsProcessingException(
                    translate(
                        "GeoR1Processing",
                        "No polygon is held out: they lie too near each other, or the share is 0. "
                        "Draw some farther away, or ask for all of them.",
                    )
                )
            for number, sample in enumerate(chosen):
                item = wire.GroundItem(
                    ITEM,
                    sample.chip,
                    sample.query,
                    sample.task,
                    detail="view",  # as in the verdict of a training
                )
                request = wire.GroundRequest(items=[item], model=model)
                image = self.image_of(sample.chip)
                answer = service.ground(request, {sample.chip: image})
                answered_by = answer.model
                marks.append(_mark(sample, answer, image))
                rest = (100.0 - BAR_OF_CUTTING) * (number + 1) / len(chosen)
                feedback.setProgress(BAR_OF_CUTTING + rest)
        found = tally(marks, seed=self.parameterAsInt(parameters, "SEED", context))
        feedback.pushInfo(_words(found, answered_by))
        outputs = {
            "SCORE": 100 * found.value,
            "METRIC": found.metric,
            "MODEL_ID": answered_by,
            "RIGHT": found.right,
            "CHIPS": found.samples,
            "OBJECTS": found.objects,
        }
        if found.objects >= MIN_HELD_OUT_FOR_VERDICT:
            outputs.update(LOW=100 * found.low, HIGH=100 * found.high)
        return outputs


def _mark(sample: Sample, answer: wire.ResultEvent, image: bytes) -> Mark:
    """How a picture was answered."""
    says_none = answer.outcome == "none"
    overlap = None
    if sample.task == "gres":
        size_px = QImage.fromData(image).size()  # large objects have large pictures
        overlap = mask_iou(
            [polygon for found in answer.detections for polygon in found.polygons_px or []],
            sample.polygons_px or [],
            width_px=size_px.width(),
            height_px=size_px.height(),
            says_none=says_none,
        )
    return mark(
        sample.task,
        [found.box_px for found in answer.detections],
        sample.boxes_px,
        says_none=says_none,
        mask_iou=overlap,
        place=sample.place or sample.chip,
    )


def _words(found: Tally, model: str) -> str:
    """The score in one line; of few objects an interval would only look like one."""
    words = translate(
        "GeoR1Processing",
        "{model}: {metric} {value:.0f} %, {samples} pictures, {objects} objects.",
    )
    if found.objects >= MIN_HELD_OUT_FOR_VERDICT:
        words = translate(
            "GeoR1Processing",
            "{model}: {metric} {value:.0f} % (95 %: {low:.0f} to {high:.0f}), {samples} pictures, {objects} objects.",
        )
    return words.format(
        model=model,
        metric=metric_words(found.metric, QCoreApplication.translate),
        value=100 * found.value,
        low=100 * found.low,
        high=100 * found.high,
        samples=found.samples,
        objects=found.objects,
    )
