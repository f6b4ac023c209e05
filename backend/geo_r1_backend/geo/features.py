"""Polygons of a vector layer with their attributes, in the CRS that is asked for; beside `vector.py`, which writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geo_r1_backend.errors import ConfigError, MissingExtra

Ring = list[tuple[float, float]]


@dataclass(frozen=True)
class Feature:
    """One feature: its polygons (each with its rings, the outside first) in map units, and its attributes."""

    polygons: tuple[tuple[Ring, ...], ...]
    attributes: dict[str, Any]


def read_features(path: Path, *, layer: str | None = None, crs_wkt: str = "") -> list[Feature]:
    """All features with an area.

    Args:
        path: GeoPackage, or any file that GDAL reads.
        layer: name; the only one where there is one.
        crs_wkt: the polygons come in this CRS; empty = in their own.

    Raises:
        MissingExtra: if pyogrio, pyproj or shapely is not installed.
        ConfigError: for a file that cannot be read, several layers without a choice, or a layer of points or lines.
    """
    try:
        import pyogrio
        import pyproj
        import shapely
    except ImportError as error:
        raise MissingExtra(
            extra="geo", package=str(error.name), what="Reading a GeoPackage"
        ) from error
    try:
        names = [str(name) for name, geometry in pyogrio.list_layers(path) if geometry is not None]
        chosen = _chosen(names, layer, path)
        about, _, geometries, columns = pyogrio.raw.read(path, layer=chosen)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", hint="Open it in QGIS.") from error
    shapes = shapely.make_valid(shapely.force_2d(shapely.from_wkb(geometries)))
    if crs_wkt and about["crs"]:
        onto = pyproj.Transformer.from_crs(about["crs"], crs_wkt, always_xy=True)
        shapes = shapely.transform(shapes, onto.transform, interleaved=False)
    features = []
    for index, shape in enumerate(shapes):
        polygons = _polygons(shape, shapely)
        if polygons:
            values = zip(about["fields"], columns, strict=True)
            features.append(Feature(polygons, {str(n): column[index] for n, column in values}))
    if len(shapes) and not features:
        raise ConfigError(
            f"No feature of {path.name} ({chosen}) has an area.", hint="Choose a polygon layer."
        )
    return features


@dataclass(frozen=True)
class Row:
    """One row of a layer of labels, used or not."""

    fid: int
    polygons: tuple[tuple[Ring, ...], ...]
    """Empty where the row cannot be used."""
    attributes: dict[str, Any]
    problem: str = ""
    """`empty-geometry`, `no-area`, or `mended-geometry` (used all the same)."""


@dataclass(frozen=True)
class Rows:
    """A layer of labels, row by row."""

    rows: tuple[Row, ...]
    layer: str
    crs: str
    """Of the file, as it says it; empty = it says nothing."""
    was_transformed: bool


def read_rows(path: Path, *, layer: str | None = None, crs_wkt: str = "") -> Rows:
    """Every row, also those that cannot be used, each with what is wrong with it.

    Args:
        path: GeoPackage, or any file that GDAL reads.
        layer: name; the only one where there is one.
        crs_wkt: the polygons come in this CRS; empty = in their own.

    Raises:
        MissingExtra: if pyogrio, pyproj or shapely is not installed.
        ConfigError: for a file that cannot be read, or several layers without a choice.
    """
    try:
        import pyogrio
        import pyproj
        import shapely
    except ImportError as error:
        raise MissingExtra(
            extra="geo", package=str(error.name), what="Reading a GeoPackage"
        ) from error
    try:
        names = [str(name) for name, geometry in pyogrio.list_layers(path) if geometry is not None]
        chosen = _chosen(names, layer, path)
        about, fids, geometries, columns = pyogrio.raw.read(path, layer=chosen, return_fids=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", hint="Open it in QGIS.") from error
    shapes = shapely.force_2d(shapely.from_wkb(geometries, on_invalid="ignore"))
    usable = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    valid = shapely.is_valid(shapes)
    shapes[usable] = shapely.make_valid(shapes[usable])
    crs = str(about["crs"] or "")
    moves = bool(crs and crs_wkt) and not pyproj.CRS(crs).equals(
        pyproj.CRS(crs_wkt), ignore_axis_order=True
    )
    if moves:
        onto = pyproj.Transformer.from_crs(crs, crs_wkt, always_xy=True)
        shapes[usable] = shapely.transform(shapes[usable], onto.transform, interleaved=False)
    rows = []
    for index, shape in enumerate(shapes):
        values = zip(about["fields"], columns, strict=True)
        polygons = _polygons(shape, shapely) if usable[index] else ()
        problem = "" if valid[index] else "mended-geometry"
        if not polygons:
            problem = "no-area" if usable[index] else "empty-geometry"
        attributes = {str(name): column[index] for name, column in values}
        rows.append(Row(int(fids[index]), polygons, attributes, problem))
    return Rows(tuple(rows), chosen, crs, moves)


def _chosen(names: list[str], layer: str | None, path: Path) -> str:
    if layer is not None and layer in names:
        return layer
    if layer is None and len(names) == 1:
        return names[0]
    there = ", ".join(names) or "none with geometry"
    asked = f"has no layer “{layer}”" if layer else "has more than one layer, or none"
    raise ConfigError(f"{path.name} {asked}; there are: {there}.", hint="Choose one with --layer.")


def _polygons(shape: Any, shapely: Any) -> tuple[tuple[Ring, ...], ...]:
    if shape is None:
        return ()
    parts = [part for part in shapely.get_parts(shape) if part.geom_type.endswith("Polygon")]
    singles = [single for part in parts for single in shapely.get_parts(part)]
    return tuple(
        tuple([(x, y) for x, y in ring.coords] for ring in (one.exterior, *one.interiors))
        for one in singles
        if one.area > 0
    )
