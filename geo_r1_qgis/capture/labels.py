"""Read labels from a polygon layer and say of each row that cannot be used why. For any thread but the GUI's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, List, Optional, Union

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
    QgsWkbTypes,
)

from ..core.label_check import Check, Label, Problem, Weight, judge
from ..core.training_wire import MAX_POINTS_PER_SAMPLE
from ..core.wire import MAX_QUERY_CHARACTERS

ALL, SELECTED, REVIEWED = "all", "selected", "reviewed"
ACCEPTED = ("accepted", "edited")
REJECTED = "rejected"
MAX_NAME_CHARACTERS = 200


@dataclass(frozen=True)
class LabelChoice:
    """What the user chose."""

    which: str = ALL
    expression_field: str = ""
    """Field with the question of each row; empty = `expression` for all."""
    expression: str = ""


def is_result_layer(layer: Optional[QgsVectorLayer]) -> bool:
    """Whether the layer has the columns of detections that were reviewed."""
    names = set(layer.fields().names()) if isinstance(layer, QgsVectorLayer) else set()
    return {"uid", "query", "review"} <= names


class LabelReader:
    """Make it on the GUI thread (that takes a snapshot of the layer), `read` on another one.

    `labels` is a layer, or what Processing hands out instead: anything with `fields`, `sourceCrs` and `getFeatures`.
    """

    def __init__(
        self,
        labels: Any,
        raster: QgsRasterLayer,
        choice: LabelChoice,
        context: QgsCoordinateTransformContext,
    ) -> None:
        is_layer = isinstance(labels, QgsVectorLayer)
        self._source = QgsVectorLayerFeatureSource(labels) if is_layer else labels
        self._names = labels.fields().names()
        self._choice = choice
        self._crs = QgsCoordinateReferenceSystem(labels.crs() if is_layer else labels.sourceCrs())
        self._raster_crs = QgsCoordinateReferenceSystem(raster.crs())
        self._extent = QgsRectangle(raster.extent())
        self._context = QgsCoordinateTransformContext(context)
        units = (abs(raster.rasterUnitsPerPixelX() * raster.rasterUnitsPerPixelY())) ** 0.5
        self._units_per_px = units or 1.0
        self._request = QgsFeatureRequest()
        if choice.which == SELECTED:
            self._request.setFilterFids(labels.selectedFeatureIds())
        self._raster_name = raster.name()

    def read(self, is_cancelled: Callable[[], bool] = lambda: False) -> Check:
        """All rows, judged."""
        problems: List[Problem] = []
        has_both = self._crs.isValid() and self._raster_crs.isValid()
        if self._crs.isValid() != self._raster_crs.isValid():
            code = "labels-no-crs" if self._raster_crs.isValid() else "raster-no-crs"
            problems.append(Problem(code, Weight.BLOCKS))
        if (
            not self._choice.expression_field
            and not self._choice.expression.strip()
            and (self._choice.which != REVIEWED)
        ):
            problems.append(Problem("no-expression-for-all", Weight.BLOCKS))
        transform = QgsCoordinateTransform(self._crs, self._raster_crs, self._context)
        if problems:
            return Check([], problems, self._units_per_px)
        labels: List[Label] = []
        for feature in self._source.getFeatures(self._request):
            if is_cancelled():
                break
            found = self._label(feature, transform if has_both else None)
            if isinstance(found, Label):
                labels.append(found)
            elif found is not None:
                problems.append(found)
        return judge(labels, problems, self._units_per_px)

    def _label(  # noqa: PLR0911 - one way out for each thing that can be wrong with a row
        self, feature: QgsFeature, transform: Optional[QgsCoordinateTransform]
    ) -> Union[Label, Problem, None]:
        fid = int(feature.id())
        is_positive = True
        if self._choice.which == REVIEWED:
            review = str(self._value(feature, "review"))
            if review not in (*ACCEPTED, REJECTED):
                return None
            is_positive = review != REJECTED
        name_of_field = "query" if self._choice.which == REVIEWED else self._choice.expression_field
        text = self._value(feature, name_of_field) if name_of_field else self._choice.expression
        text = " ".join(str(text).split())
        if not text:
            return Problem("no-expression", Weight.LEFT_OUT, fid)
        if len(text) > MAX_QUERY_CHARACTERS:
            return Problem(
                "long-expression", Weight.LEFT_OUT, fid,
                {"count": len(text), "limit": MAX_QUERY_CHARACTERS},
            )  # fmt: skip
        geometry = QgsGeometry(feature.geometry())
        if geometry.isNull() or geometry.isEmpty():
            return Problem("empty-geometry", Weight.LEFT_OUT, fid)
        if geometry.type() != QgsWkbTypes.GeometryType.PolygonGeometry:
            return Problem("not-polygon", Weight.LEFT_OUT, fid)
        if not geometry.isGeosValid():
            return Problem("invalid-geometry", Weight.LEFT_OUT, fid)
        if transform is not None:
            try:
                geometry.transform(transform)
            except QgsCsException:
                return Problem("outside", Weight.LEFT_OUT, fid, {"raster": self._raster_name})
        bounds = geometry.boundingBox()
        if not bounds.isFinite() or not self._extent.contains(bounds.center()):
            return Problem("outside", Weight.LEFT_OUT, fid, {"raster": self._raster_name})
        multi = geometry.asMultiPolygon() if geometry.isMultipart() else [geometry.asPolygon()]
        polygons = tuple(
            tuple(tuple((point.x(), point.y()) for point in ring) for ring in polygon)
            for polygon in multi
        )
        points = sum(len(ring) for polygon in polygons for ring in polygon)
        if not points or points > MAX_POINTS_PER_SAMPLE:
            return Problem(
                "many-points",
                Weight.LEFT_OUT,
                fid,
                {"count": points, "limit": MAX_POINTS_PER_SAMPLE},
            )
        box = (bounds.xMinimum(), bounds.yMinimum(), bounds.xMaximum(), bounds.yMaximum())
        name = str(self._value(feature, "label")) if "label" in self._names else ""
        return Label(fid, text, box, polygons, is_positive, (name or text)[:MAX_NAME_CHARACTERS])

    def _value(self, feature: QgsFeature, name: str) -> object:
        if name not in self._names:
            return ""
        value = feature.attributes()[self._names.index(name)]
        is_null = value is None or (hasattr(value, "isNull") and value.isNull())
        return "" if is_null else value
