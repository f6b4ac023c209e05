"""Reference systems by name and as text, and how wide the world is in them."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Iterator, List, Optional

from osgeo import gdal, osr
from qgis.core import QgsCoordinateReferenceSystem

LOCAL = "USER:"
"""Authority of CRSs that a user made: the number means something else in every profile."""


def wkt2(crs: QgsCoordinateReferenceSystem) -> str:
    """WKT2 of a CRS; empty where there is none."""
    return crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED) if crs.isValid() else ""


def crs_from(authid: str, wkt: str) -> QgsCoordinateReferenceSystem:
    """The CRS of a frame or of a file; invalid where there is none."""
    if authid and not (wkt and authid.startswith(LOCAL)):
        crs = QgsCoordinateReferenceSystem(authid)
        if crs.isValid():
            return crs
    return QgsCoordinateReferenceSystem.fromWkt(wkt) if wkt else QgsCoordinateReferenceSystem()


def name_of(crs: QgsCoordinateReferenceSystem) -> str:
    """Short name for a sentence."""
    return crs.authid() or crs.description() or "custom"


@dataclass(frozen=True)
class World:
    """Where east follows west again: at the date line, in degrees as in Mercator's projections."""

    width: float = 0.0
    """Once around, in units of the CRS; 0 = the CRS does not go around."""
    middle_x: float = 0.0
    """Half a width from the seam on both sides."""

    def near(self, x: float, reference_x: float) -> float:
        """The same place with the x that is nearest to another one."""
        if not self.width or not math.isfinite(x):
            return x
        return x - self.width * round((x - reference_x) / self.width)


def world_of(crs: QgsCoordinateReferenceSystem) -> World:
    """The world in a CRS; one without width where it does not go around (or is not known)."""
    return _world_of(wkt2(crs)) if crs.isValid() else World()


@dataclass(frozen=True)
class Base:
    """The geographic system that a CRS is built on."""

    wkt: str
    semi_major_m: float
    flattening: float
    radians_per_unit: float


@lru_cache(maxsize=64)
def base_of(wkt: str) -> Optional[Base]:
    """The geographic system under a CRS, on the same datum; none for a local grid without one."""
    with quiet_gdal():
        geographic = _geographic(_reference(wkt))
        if geographic is None:
            return None
        inverse_flattening = geographic.GetInvFlattening()
        return Base(
            wkt=geographic.ExportToWkt(["FORMAT=WKT2_2019"]),
            semi_major_m=geographic.GetSemiMajor(),
            flattening=1 / inverse_flattening if inverse_flattening else 0.0,
            radians_per_unit=geographic.GetAngularUnits(),
        )


@lru_cache(maxsize=64)
def _world_of(wkt: str) -> World:
    with quiet_gdal():
        reference = _reference(wkt)
        geographic = _geographic(reference)
        if geographic is None:
            return World()
        if reference.IsGeographic():
            return World(2 * math.pi / reference.GetAngularUnits())
        degree = math.radians(1) / geographic.GetAngularUnits()
        steps = _steps_east(geographic, reference, degree)
        if not steps or max(steps) - min(steps) > 1e-9 * abs(steps[0]):
            return World()
        return World(360 * abs(steps[0]), reference.GetProjParm("false_easting", 0.0))


def _steps_east(
    geographic: osr.SpatialReference, projected: osr.SpatialReference, degree: float
) -> List[float]:
    """How far one degree to the east is at different places: the same everywhere on a cylinder in normal position."""
    steps = []
    try:
        change = osr.CoordinateTransformation(geographic, projected)
        for longitude in (-100, 10, 100):
            for latitude in (0, 40):
                start, end = (
                    change.TransformPoint((longitude + step) * degree, latitude * degree)
                    for step in (0, 1)
                )
                steps.append(end[0] - start[0])
    except (RuntimeError, TypeError):  # not everywhere defined, so it does not go around
        return []
    # The seam of the CRS may lie within one of the three steps.
    steps.sort()
    usual = steps[len(steps) // 2]
    kept = [step for step in steps if abs(step - usual) < abs(usual) * 10]
    return kept if len(kept) >= 4 and all(map(math.isfinite, kept)) and usual else []


def _reference(wkt: str) -> osr.SpatialReference:
    reference = osr.SpatialReference()
    try:
        reference.ImportFromWkt(wkt)
    except RuntimeError:  # where another plugin made GDAL raise
        return osr.SpatialReference()
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def _geographic(reference: osr.SpatialReference) -> Optional[osr.SpatialReference]:
    try:
        geographic = reference.CloneGeogCS()
    except RuntimeError:
        return None
    if geographic is not None:
        geographic.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return geographic


@contextmanager
def quiet_gdal() -> Iterator[None]:
    """No words of GDAL on the terminal: what it refuses is answered here."""
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        yield
    finally:
        gdal.PopErrorHandler()


def forget() -> None:
    """What was remembered of reference systems; for the plugin's end."""
    base_of.cache_clear()
    _world_of.cache_clear()
