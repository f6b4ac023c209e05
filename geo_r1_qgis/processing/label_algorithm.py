"""What building a data set and scoring a model have in common: labels of a layer, checked, and chips of a raster."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, List, Optional

from qgis.core import (
    QgsFeatureIterator,
    QgsFeatureRequest,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingFeedback,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..capture.labels import ALL, REVIEWED, LabelChoice, LabelReader
from ..capture.training_chips import ChipSet
from ..core.errors import GeoR1Error
from ..core.label_check import Check, Problem, Weight
from ..core.training_wire import Sample
from ..core.training_words import problem_words
from ..core.wire import Task
from ..network.access import AccessKeeper
from ..network.blocking import Left
from .algorithm import MAX_SEED, Parameters, ServiceAlgorithm

translate = QCoreApplication.translate

ROWS = (ALL, REVIEWED)
TASKS: List[Task] = ["rec", "ovd", "gres"]
MAX_HELD_OUT = 0.3
"""Of the labels; with a larger share too little is left to learn from, see `core/split.py`."""
SHOWN_PROBLEMS = 200


class RawRows:
    """A source of features whose geometry is judged by `LabelReader`, row by row, and not by Processing's first “no”."""

    def __init__(self, source: QgsProcessingFeatureSource) -> None:
        self._source = source
        self.fields: Any = source.fields
        self.sourceCrs: Any = source.sourceCrs

    def getFeatures(self, request: QgsFeatureRequest) -> QgsFeatureIterator:
        flag = QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks
        return self._source.getFeatures(request, flag)


class LabelAlgorithm(ServiceAlgorithm):
    """Same labels, raster, task, seed and share: the same chips in the same parts, in each algorithm and in the dock."""

    def __init__(self, access: AccessKeeper) -> None:
        super().__init__(access)
        self._reader: Optional[LabelReader] = None
        self._chips: Optional[ChipSet] = None
        self._folder: Optional[TemporaryDirectory[str]] = None

    def add_label_parameters(self) -> None:
        """Declare labels, what they show, raster and task."""
        self.add(
            QgsProcessingParameterFeatureSource(
                "LABELS",
                translate("GeoR1Processing", "Polygons around the objects"),
                [QgsProcessing.SourceType.TypeVectorPolygon],
            )
        )
        self.add(
            QgsProcessingParameterField(
                "FIELD",
                translate("GeoR1Processing", "Field that says what a polygon shows"),
                parentLayerParameterName="LABELS",
                optional=True,
            )
        )
        self.add(
            QgsProcessingParameterString(
                "EXPRESSION",
                translate(
                    "GeoR1Processing", "Or the same for all, as you would ask for one of them"
                ),
                optional=True,
            )
        )
        self.add(
            QgsProcessingParameterRasterLayer(
                "RASTER", translate("GeoR1Processing", "Raster that they were drawn on")
            )
        )
        self.add(
            QgsProcessingParameterEnum(
                "TASK",
                translate("GeoR1Processing", "What is asked for"),
                [
                    translate("GeoR1Processing", "One object"),
                    translate("GeoR1Processing", "All objects"),
                    translate("GeoR1Processing", "Masks"),
                ],
                defaultValue=0,
            )
        )
        self.add(
            QgsProcessingParameterNumber(
                "HELD_OUT",
                translate(
                    "GeoR1Processing", "Share that is held out (empty: by the number of labels)"
                ),
                QgsProcessingParameterNumber.Type.Double,
                optional=True,
                minValue=0.0,
                maxValue=MAX_HELD_OUT,
            )
        )
        rows = [
            translate("GeoR1Processing", "All"),
            translate("GeoR1Processing", "Reviewed detections of a result layer"),
        ]
        self.add(
            QgsProcessingParameterEnum(
                "ROWS", translate("GeoR1Processing", "Rows to use"), rows, defaultValue=0
            ),
            is_advanced=True,
        )
        self.add(
            QgsProcessingParameterNumber(
                "SEED",
                translate("GeoR1Processing", "Seed"),
                defaultValue=0,
                minValue=0,
                maxValue=MAX_SEED,
            ),
            is_advanced=True,
        )

    def prepare(self, parameters: Parameters, context: QgsProcessingContext) -> None:
        source = self.parameterAsSource(parameters, "LABELS", context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, "LABELS"))
        raster = self.parameterAsRasterLayer(parameters, "RASTER", context)
        if raster is None:
            raise QgsProcessingException(self.invalidRasterError(parameters, "RASTER"))
        choice = LabelChoice(
            ROWS[self.parameterAsEnum(parameters, "ROWS", context)],
            self.parameterAsString(parameters, "FIELD", context),
            self.parameterAsString(parameters, "EXPRESSION", context).strip(),
        )
        self._reader = LabelReader(RawRows(source), raster, choice, context.transformContext())
        self._folder = TemporaryDirectory(prefix="geo-r1-chips-")
        self._chips = ChipSet(raster, context.transformContext(), Path(self._folder.name))

    def check_labels(self, feedback: QgsProcessingFeedback) -> Check:
        """All labels, judged; each row that is left out is named, with what mends it.

        Raises:
            QgsProcessingException: if nothing can be started, with the reason and its mend.
            Left: if the user left.
        """
        check = self._reader.read(feedback.isCanceled)
        if feedback.isCanceled():
            raise Left
        fatal = [line_of(each) for each in check.problems if each.weight is Weight.BLOCKS]
        others = [each for each in check.problems if each.weight is not Weight.BLOCKS]
        for problem in others[:SHOWN_PROBLEMS]:
            feedback.pushWarning(line_of(problem))
        if len(others) > SHOWN_PROBLEMS:
            more = translate("GeoR1Processing", "… and {count} more")
            feedback.pushWarning(more.format(count=len(others) - SHOWN_PROBLEMS))
        if fatal:
            rows = [line_of(p) for p in others[:3] if p.weight is Weight.LEFT_OUT]
            raise QgsProcessingException("\n".join([*fatal, *rows]))
        ready = translate("GeoR1Processing", "{count} labels can be used, {left_out} are left out.")
        feedback.pushInfo(ready.format(count=len(check.labels), left_out=check.left_out))
        return check

    def cut(
        self,
        check: Check,
        parameters: Parameters,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
        share_of_bar: float,
    ) -> List[Sample]:
        """Take the chips; the progress bar moves from 0 to `share_of_bar`.

        Raises:
            GeoR1Error: if none can be taken.
            Left: if the user left.
        """
        has_share = parameters.get("HELD_OUT") is not None
        held_out = self.parameterAsDouble(parameters, "HELD_OUT", context) if has_share else None

        def tell(done: int, of: int) -> None:
            feedback.setProgress(share_of_bar * done / max(1, of))

        samples = self._chips.cut(
            check,
            task=TASKS[self.parameterAsEnum(parameters, "TASK", context)],
            seed=self.parameterAsInt(parameters, "SEED", context),
            progress=tell,
            is_cancelled=feedback.isCanceled,
            held_out=held_out,
        )
        if feedback.isCanceled():
            raise Left
        return samples

    def path_of(self, sha256: str) -> Path:
        """Where a chip lies, until `clean`."""
        return self._chips.path_of(sha256)

    def image_of(self, sha256: str) -> bytes:
        """The bytes of a chip.

        Raises:
            GeoR1Error: if its file is gone.
        """
        try:
            return self.path_of(sha256).read_bytes()
        except OSError as error:
            raise GeoR1Error(str(error), code="chips-gone", reason=str(error)) from error

    def clean(self) -> None:
        """Remove the chips' files and let go of layers."""
        chips, folder = self._chips, self._folder
        self._chips = self._folder = self._reader = None
        if chips is not None:
            chips.close()
        if folder is not None:
            folder.cleanup()


def line_of(problem: Problem) -> str:
    """A problem with its row and what mends it."""
    what, mend = problem_words(problem, QCoreApplication.translate)
    text = f"{what}. {mend}".strip()
    if problem.fid is None:
        return text
    return translate("GeoR1Processing", "Row {fid}: {text}").format(fid=problem.fid, text=text)
