"""Detections → GeoPackage or GeoJSON with true outlines. It and `features.py` alone import pyogrio, shapely and pyproj."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from geo_r1_backend.errors import ConfigError, MissingExtra
from geo_r1_backend.wire import Detection

DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON"}
LAYER = "detections"
LONGITUDE_LATITUDE = "EPSG:4326"

Ring = list[tuple[float, float]]
Polygons = list[list[Ring]]
"""Polygon, ring (the first is the outline, the others are holes), point; rings closed."""


@dataclass(frozen=True)
class Answer:
    """What is written beside every outline."""

    query: str
    reasoning: str
    model: str


def check_target(path: Path, *, overwrite: bool) -> None:
    """Refuse what could not be written, before a model is asked.

    Raises:
        ConfigError: for an unknown ending, a file that is there, or a folder that is not.
        MissingExtra: if the packages that write are absent.
    """
    if path.suffix.lower() not in DRIVERS:
        raise ConfigError(
            f"“{path.name}” ends in “{path.suffix}”; known endings are {', '.join(DRIVERS)}.",
            hint="Use --out result.gpkg for a GeoPackage.",
        )
    if path.exists() and not overwrite:
        raise ConfigError(
            f"{path} is there already.", hint="Choose another name, or add --overwrite."
        )
    if not path.resolve().parent.is_dir():
        raise ConfigError(f"The folder {path.resolve().parent} does not exist.", hint="Make it.")
    _packages()


def polygons_of(
    detection: Detection, to_map: Callable[[float, float], tuple[float, float]]
) -> Polygons:
    """Outlines of a detection in map units: a mask with its holes, or the four corners of a box.

    All four corners are transformed, not two: under a rotated raster a box is no rectangle of the axes.
    """
    polygons_px = detection.polygons_px if detection.kind == "mask" else None
    if not polygons_px:
        x_min, y_min, x_max, y_max = detection.box_px
        corners = [(x_min, y_max), (x_max, y_max), (x_max, y_min), (x_min, y_min), (x_min, y_max)]
        polygons_px = [[[list(corner) for corner in corners]]]
    return [[[to_map(x, y) for x, y in ring] for ring in rings] for rings in polygons_px]


def write_detections(
    path: Path,
    detections: Sequence[Detection],
    outlines: Sequence[Polygons],
    answer: Answer,
    *,
    crs_wkt: str,
    overwrite: bool = False,
) -> None:
    """Write one layer of multipolygons; GeoJSON is in longitude and latitude, as its standard wants.

    Args:
        path: .gpkg, .geojson or .json.
        detections: rows, in the order of ``outlines``.
        outlines: in the units of ``crs_wkt``.
        answer: what was asked and said.
        crs_wkt: empty = pixels, y upwards.
        overwrite: replace the file if it is there.
    """
    pyogrio, pyproj, shapely = _packages()
    driver = DRIVERS[path.suffix.lower()]
    crs = crs_wkt
    areas = [_area_m2(polygons, crs_wkt, pyproj) for polygons in outlines]
    if driver == "GeoJSON" and crs_wkt:
        onto = pyproj.Transformer.from_crs(crs_wkt, LONGITUDE_LATITUDE, always_xy=True)
        outlines = [
            [[[onto.transform(x, y) for x, y in ring] for ring in rings] for rings in polygons]
            for polygons in outlines
        ]
        crs = LONGITUDE_LATITUDE
    shapes = [_shape(polygons, shapely) for polygons in outlines]
    columns = _columns(detections, areas, answer)
    if overwrite:
        path.unlink(missing_ok=True)
    with warnings.catch_warnings():
        # a picture has no place; the file says so by having no CRS
        warnings.filterwarnings("ignore", "'crs' was not provided", UserWarning)
        pyogrio.raw.write(
            path,
            geometry=np.array(shapely.to_wkb(shapes), dtype=object),
            field_data=list(columns.values()),
            fields=np.array(list(columns), dtype=object),
            layer=LAYER if driver == "GPKG" else None,
            driver=driver,
            geometry_type="MultiPolygon",
            crs=crs or None,
        )


def _columns(
    detections: Sequence[Detection], areas: Sequence[float], answer: Answer
) -> dict[str, Any]:
    """Attributes by name, as in the plugin's result layer."""
    count = len(detections)
    created = datetime.now(timezone.utc).isoformat(timespec="seconds")

    def text(values: Sequence[str]) -> Any:
        return np.array(list(values), dtype=object)

    columns: dict[str, Any] = {
        "uid": text([str(uuid.uuid4()) for _ in range(count)]),
        "query": text([answer.query] * count),
        "label": text([d.label for d in detections]),
        "rank": np.array([d.rank for d in detections], dtype=np.int32),
        "kind": text([d.kind for d in detections]),
        "reasoning": text([answer.reasoning] * count),
        "model": text([answer.model] * count),
        "created": text([created] * count),
        "area_m2": np.array(areas, dtype=np.float64),
    }
    for index, name in enumerate(("x_min_px", "y_min_px", "x_max_px", "y_max_px")):
        columns[name] = np.array([d.box_px[index] for d in detections], dtype=np.float64)
    return columns


def _shape(polygons: Polygons, shapely: Any) -> Any:
    """A valid multipolygon, whatever a transformation has bent."""
    orient = shapely.geometry.polygon.orient
    shape = shapely.MultiPolygon(
        [orient(shapely.Polygon(rings[0], rings[1:])) for rings in polygons]
    )
    if shape.is_valid:
        return shape
    parts = shapely.get_parts(shapely.make_valid(shape, method="structure"))
    return shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon"])


def _area_m2(polygons: Polygons, crs_wkt: str, pyproj: Any) -> float:
    """Area on the ellipsoid, holes taken off; not a number where the place is not known."""
    if not crs_wkt:
        return float("nan")
    crs = pyproj.CRS.from_user_input(crs_wkt)
    if crs.geodetic_crs is None:
        return float("nan")
    onto = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    area_m2 = 0.0
    for rings in polygons:
        for index, ring in enumerate(rings):
            longitudes, latitudes = onto.transform(*zip(*ring, strict=True))
            area, _ = crs.get_geod().polygon_area_perimeter(longitudes, latitudes)
            area_m2 += abs(float(area)) * (1 if index == 0 else -1)
    return area_m2


def _packages() -> tuple[Any, Any, Any]:
    for package in ("pyogrio", "pyproj", "shapely"):
        try:
            __import__(package)
        except ImportError as error:
            what = "Writing a GeoPackage or GeoJSON"
            raise MissingExtra(extra="geo", package=package, what=what) from error
    import pyogrio.raw
    import pyproj
    import shapely
    import shapely.geometry

    return pyogrio, pyproj, shapely
