"""Areas of a scene from the features of a polygon layer."""

from __future__ import annotations

from typing import Callable, Iterable, List

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsRasterLayer,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
    QgsWkbTypes,
)

from ..core.errors import CaptureError
from .scene_plan import SceneArea

MAX_AREAS = 100_000
"""More than this and the list of them, not the raster, decides how much memory a run takes."""


class AreaReader:
    """Make it on the GUI thread (that takes a snapshot of the layer), `read` on any one."""

    def __init__(
        self,
        layer: QgsVectorLayer,
        raster: QgsRasterLayer,
        context: QgsCoordinateTransformContext,
        *,
        selected_only: bool = False,
    ) -> None:
        self._source = QgsVectorLayerFeatureSource(layer)
        self._name = layer.name()
        self._request = QgsFeatureRequest()
        self._request.setNoAttributes()
        if selected_only:
            self._request.setFilterFids(layer.selectedFeatureIds())
        crs = QgsCoordinateReferenceSystem(raster.crs())
        has_both = layer.crs().isValid() and crs.isValid()
        self._to_raster = QgsCoordinateTransform(
            layer.crs() if has_both else crs, crs, QgsCoordinateTransformContext(context)
        )

    def read(self, is_cancelled: Callable[[], bool] = lambda: False) -> List[SceneArea]:
        """The polygons in the CRS of the raster, each with the number of its feature as id, in their order.

        Raises:
            CaptureError: if there are none, or too many.
        """
        features = self._source.getFeatures(self._request)
        areas = areas_of(features, self._to_raster, self._name, is_cancelled=is_cancelled)
        return sorted(areas, key=lambda area: int(area.id))


def areas_of(
    features: Iterable[QgsFeature],
    to_raster: QgsCoordinateTransform,
    layer_name: str,
    *,
    name_of: Callable[[QgsFeature], str] = lambda feature: str(feature.id()),
    is_cancelled: Callable[[], bool] = lambda: False,
) -> List[SceneArea]:
    """Polygons of features in the CRS of the raster, in the order of the features.

    Args:
        features: others than polygons are passed over.
        to_raster: from their CRS to that of the raster.
        layer_name: for what is said.
        name_of: gives the id of an area.
        is_cancelled: nothing comes back once it is true.

    Raises:
        CaptureError: if there are none, or too many.
    """
    areas: List[SceneArea] = []
    for feature in features:
        if is_cancelled():
            return []
        polygon = QgsGeometry(feature.geometry())
        if polygon.isEmpty() or polygon.type() != QgsWkbTypes.GeometryType.PolygonGeometry:
            continue
        try:
            polygon.transform(to_raster)
        except QgsCsException:  # it has no place on the raster
            continue
        areas.append(SceneArea(name_of(feature), polygon))
        if len(areas) > MAX_AREAS:
            raise CaptureError(code="scene-areas", layer=layer_name, limit=MAX_AREAS)
    if not areas:
        raise CaptureError(code="scene-no-areas", layer=layer_name)
    return areas
