"""Rasters with discs at known places, a detector without faults, and the distance between a polygon and its object.

Discs, because the box around the picture of a disc is known far below a pixel: middle and extent of an ellipse follow
from its first and second moments. Whatever affine way a disc takes into the picture and its box takes back to the
raster, each side of the box touches the disc. So nothing that the plugin says about itself enters the measure: a polygon
is read from the file, brought to the raster's own columns and rows (GDAL's transformations, not QGIS's), and compared.
"""

import itertools
import math
from dataclasses import dataclass, field

import numpy as np
from osgeo import gdal, osr
from qgis.core import QgsGeometry, QgsPointXY

from tests.qgis.make_rasters import BACKGROUND, COLOURS, write_tiff

gdal.UseExceptions()

WIDTH_PX, HEIGHT_PX = 400, 300
RADIUS_PX = 12.0
MIDDLES = {
    "red": (72.3, 62.1),
    "green": (212.8, 52.4),
    "blue": (102.5, 232.7),
    "yellow": (272.0, 182.9),
}
"""Column and row of the middle of each disc; no two at mirrored places, none on the grid."""
SUBSAMPLES = 8


@dataclass(frozen=True)
class Ground:
    """A raster of discs, and what must be known to look at it from outside."""

    path: str
    geotransform: tuple = ()
    gcps: list = field(default_factory=list)
    crs_wkt: str = ""
    radius_px: float = RADIUS_PX
    middles: dict = field(default_factory=lambda: dict(MIDDLES))

    def columns_rows(self, points, crs_wkt):
        """Columns and rows of the raster under places of a CRS; a raster across the date line is one raster."""
        same = not crs_wkt or not self.crs_wkt
        found = [(x, y) for x, y in points] if same else transformed(points, crs_wkt, self.crs_wkt)
        if self.gcps:
            file = gdal.Open(self.path)
            back = gdal.Transformer(file, None, ["METHOD=GCP_POLYNOMIAL"])
            return [back.TransformPoint(1, x, y)[1][:2] for x, y in found]
        period = period_of(self.crs_wkt)
        inverse = gdal.InvGeoTransform(self.geotransform)
        middle_x = gdal.ApplyGeoTransform(self.geotransform, WIDTH_PX / 2, HEIGHT_PX / 2)[0]
        if period:
            found = [(x - period * round((x - middle_x) / period), y) for x, y in found]
        return [tuple(gdal.ApplyGeoTransform(inverse, x, y)) for x, y in found]


def make_discs(path, geotransform=None, crs=None, *, gcps=None, **of_ground) -> Ground:
    """Write the raster.

    Args:
        path: of the GeoTIFF.
        geotransform: GDAL's six numbers, or none for a raster with ground control points only.
        crs: anything that GDAL understands (``EPSG:2263``, WKT, a PROJ string), or none.
        gcps: (column, row, x, y) of ground control points.
        of_ground: `radius_px` and `middles` other than the usual.
    """
    reference = osr.SpatialReference()
    if crs:
        reference.SetFromUserInput(crs)
    wkt = reference.ExportToWkt(["FORMAT=WKT2_2019"]) if crs else ""
    ground = Ground(str(path), tuple(geotransform or ()), list(gcps or ()), wkt, **of_ground)
    pixels = np.full((3, HEIGHT_PX, WIDTH_PX), float(BACKGROUND))
    for colour, (x, y) in ground.middles.items():
        share = _coverage(x, y, ground.radius_px)
        for band in range(3):
            pixels[band] += share * (COLOURS[colour][band] - BACKGROUND)
    pixels = np.rint(pixels).astype(np.uint8)
    if gcps is None:
        write_tiff(path, pixels, geotransform, wkt=wkt or None)
    else:
        file = gdal.GetDriverByName("GTiff").Create(str(path), WIDTH_PX, HEIGHT_PX, 3)
        file.SetGCPs([gdal.GCP(x, y, 0, column, row) for column, row, x, y in gcps], wkt)
        file.WriteRaster(0, 0, WIDTH_PX, HEIGHT_PX, pixels.tobytes())
        file.FlushCache()
    return ground


def _coverage(x, y, radius_px):
    """Part of each pixel that a disc covers."""
    columns = (np.arange(WIDTH_PX * SUBSAMPLES) + 0.5) / SUBSAMPLES - x
    rows = (np.arange(HEIGHT_PX * SUBSAMPLES) + 0.5) / SUBSAMPLES - y
    half_chord = np.sqrt(np.clip(radius_px**2 - rows**2, 0, None))
    # Each subsampled row covers a pixel from the one end of its chord to the other, exactly.
    left = columns[::SUBSAMPLES] - 0.5 / SUBSAMPLES
    covered = np.minimum(left[None, :] + 1, half_chord[:, None]) - np.maximum(
        left[None, :], -half_chord[:, None]
    )
    return np.clip(covered, 0, 1).reshape(HEIGHT_PX, SUBSAMPLES, WIDTH_PX).mean(axis=1)


def box_around(colour, pixels):
    """The box of a disc's picture as a faultless model would answer it; none if the disc is not wholly in it."""
    to_colour = np.array(COLOURS[colour], float) - BACKGROUND
    share = np.clip((pixels - float(BACKGROUND)) @ to_colour / (to_colour @ to_colour), 0, 1)
    off_axis = np.abs(pixels - float(BACKGROUND) - share[..., None] * to_colour).sum(axis=2)
    sure = (share > 0.8) & (off_axis < 60)
    if not sure.any():
        return None
    ys, xs = np.nonzero(sure)
    left, right, top, bottom = xs.min() - 3, xs.max() + 4, ys.min() - 3, ys.max() + 4
    if left < 0 or top < 0 or right > pixels.shape[1] or bottom > pixels.shape[0]:
        return None
    mass = share[top:bottom, left:right]
    ys, xs = np.mgrid[top:bottom, left:right] + 0.5
    x, y = (xs * mass).sum() / mass.sum(), (ys * mass).sum() / mass.sum()
    # A pixel is an average over itself; without that the moments would be a twelfth too large.
    half_width = 2 * math.sqrt(((xs - x) ** 2 * mass).sum() / mass.sum() - 1 / 12)
    half_height = 2 * math.sqrt(((ys - y) ** 2 * mass).sum() / mass.sum() - 1 / 12)
    return [
        float(x - half_width),
        float(y - half_height),
        float(x + half_width),
        float(y + half_height),
    ]


def sides_off_px(geometry, crs_wkt, ground, colour):
    """How far the sides of a polygon are from touching their disc, in raster pixels: the worst of the four.

    Args:
        geometry: the QgsGeometry of a detection, from the file.
        crs_wkt: of the file.
        ground: the raster.
        colour: of the disc.
    """
    rings = [
        QgsGeometry.fromPolygonXY(
            [
                [
                    # parts that were cut at the edge of the world fit together again when they are brought here
                    QgsPointXY(round(column, 5), round(row, 5))
                    for column, row in ground.columns_rows(
                        [(point.x(), point.y()) for point in part[0]], crs_wkt
                    )
                ]
            ]
        )
        for part in geometry.asMultiPolygon()
    ]
    whole = rings[0] if len(rings) == 1 else QgsGeometry.unaryUnion(rings)
    ring = whole.asPolygon()[0] if not whole.isMultipart() else whole.asMultiPolygon()[0][0]
    middle = QgsPointXY(*ground.middles[colour])
    touching = []
    for start, end in itertools.pairwise(ring):
        length = start.distance(end)
        if length < 1e-3:
            continue
        along = (end.x() - start.x(), end.y() - start.y())
        to_middle = (middle.x() - start.x(), middle.y() - start.y())
        foot = (along[0] * to_middle[0] + along[1] * to_middle[1]) / length**2
        if 0 <= foot < 1:
            across = abs(along[0] * to_middle[1] - along[1] * to_middle[0]) / length
            touching.append(abs(across - ground.radius_px))
    if len(touching) < 4:
        raise AssertionError(f"the polygon is not around its disc: {whole.asWkt(1)}")
    return max(touching)


def transformed(points, from_crs, to_crs):
    """Points in another CRS, by GDAL."""
    source, target = osr.SpatialReference(), osr.SpatialReference()
    source.SetFromUserInput(from_crs)
    target.SetFromUserInput(to_crs)
    for reference in (source, target):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    change = osr.CoordinateTransformation(source, target)
    return [change.TransformPoint(x, y)[:2] for x, y in points]


def period_of(crs_wkt):
    """Width of the world in a CRS in which east follows west again; none in others."""
    if not crs_wkt:
        return None
    reference = osr.SpatialReference(crs_wkt)
    if reference.IsGeographic():
        return 2 * math.pi / reference.GetAngularUnits()
    if "Mercator" in (reference.GetAttrValue("PROJECTION") or "") and "Transverse" not in (
        reference.GetAttrValue("PROJECTION") or ""
    ):
        return 2 * math.pi * reference.GetSemiMajor() / reference.GetLinearUnits()
    return None
