"""Objects of a scene as features of an output layer."""

from __future__ import annotations

from datetime import datetime, timezone

from qgis.core import QgsFeature, QgsFields, QgsGeometry, QgsPointXY, QgsVectorLayer
from qgis.PyQt.QtCore import QDateTime

from ..core.scene_records import SceneFind
from ..crs.measure import area_m2
from ..layers.rows import polygons_px_of

FIELDS = (
    ("uid", "string(0,0)"),
    ("query", "string(0,0)"),
    ("label", "string(0,0)"),
    ("rank", "integer"),
    ("kind", "string(0,0)"),
    ("area_id", "string(0,0)"),
    ("area_m2", "double"),
    ("geometry_check", "string(0,0)"),
    ("review", "string(0,0)"),
    ("reasoning", "string(0,0)"),
    ("model", "string(0,0)"),
    ("created", "datetime"),
)
"""Named as in the result layer of the dock, so that its style and its forms fit."""


class FeatureMaker:
    """Make it on any thread."""

    def __init__(self) -> None:
        # by a memory layer's address: the names of field types differ between Qt 5 and Qt 6
        address = "&".join(f"field={name}:{kind}" for name, kind in FIELDS)
        layer = QgsVectorLayer(f"MultiPolygon?{address}", "fields", "memory")
        self.fields = QgsFields(layer.fields())
        self._created = QDateTime.fromString(
            datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), "yyyy-MM-ddThh:mm:ssZ"
        )

    def feature(self, find: SceneFind, query: str, model: str) -> QgsFeature:
        """One object, in the CRS of the raster.

        Args:
            find: the object.
            query: in the user's words.
            model: that answered; empty where it is not known.
        """
        feature = QgsFeature(self.fields)
        polygons = [
            [[QgsPointXY(x, y) for x, y in ring] for ring in polygon]
            for polygon in find.outline_map
        ]
        feature.setGeometry(QgsGeometry.fromMultiPolygonXY(polygons))
        area = area_m2(polygons_px_of(find.detection), find.frame)
        values = {
            "uid": find.uid,
            "query": query,
            "label": find.label,
            "rank": find.rank,
            "kind": find.detection.kind,
            "area_id": find.area_id or None,
            "area_m2": area,
            "geometry_check": find.geometry_check or None,
            "reasoning": find.reasoning or None,
            "model": model or None,
            "created": self._created,
        }
        for name, value in values.items():
            feature.setAttribute(name, value)
        return feature
