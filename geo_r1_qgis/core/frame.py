"""Where the pixels of a chip lie on the map: the one place that converts between the two.

Pure standard library. A frame knows the affine from chip pixels to map units and the CRS of those units by name; it
cannot transform to another CRS (that needs PROJ, see `layers/`) and knows nothing of the raster that was drawn.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import List, Optional, Sequence, Tuple

from .errors import GeoR1Error

Point = Tuple[float, float]
Ring = List[Point]
Polygon = List[Ring]
Affine = Tuple[float, float, float, float, float, float]
"""``(a, b, c, d, e, f)``: ``x_map = a*x_px + b*y_px + c`` and ``y_map = d*x_px + e*y_px + f`` (rasterio's order)."""


class FrameError(GeoR1Error, ValueError):
    """A frame that cannot be: no pixels, or an affine that has no inverse."""

    code = "frame"


@dataclass(frozen=True)
class Frame:
    """Geometry of one chip. Pixel (0, 0) is the outer corner of the first pixel, x to the right, y down."""

    width_px: int
    height_px: int
    affine: Affine
    """Chip pixels to map units; any rotation, shear or flip."""
    crs_wkt: str = ""
    """WKT2 of the map's CRS; empty = the project has none."""
    crs_authid: str = ""
    """Such as ``EPSG:32633``; empty for a custom CRS."""
    m_per_px: float = 0.0
    """Ground size of one sent pixel at the centre, on the ellipsoid; 0 = not known."""
    native_m_per_px: Optional[float] = None
    """The raster's own pixel size at the same place; none for tiled web layers, which have no single one."""

    def __post_init__(self) -> None:
        """Refuse what could only give nonsense later."""
        if self.width_px < 1 or self.height_px < 1:
            raise FrameError(f"A chip of {self.width_px} x {self.height_px} px has no pixels.")
        if len(self.affine) != 6 or not all(math.isfinite(number) for number in self.affine):
            raise FrameError(f"The affine {self.affine} is not six finite numbers.")
        if self._determinant() == 0.0:
            raise FrameError(f"The affine {self.affine} maps the chip onto a line.")

    def px_to_map(self, x_px: float, y_px: float) -> Point:
        """Map coordinates of a place in the chip."""
        a, b, c, d, e, f = self.affine
        return a * x_px + b * y_px + c, d * x_px + e * y_px + f

    def map_to_px(self, x_map: float, y_map: float) -> Point:
        """Place in the chip of map coordinates; may lie outside of it."""
        a, b, c, d, e, f = self.affine
        determinant = self._determinant()
        dx, dy = x_map - c, y_map - f
        return (e * dx - b * dy) / determinant, (a * dy - d * dx) / determinant

    def box_px_to_ring_map(self, box_px: Sequence[float]) -> Ring:
        """Outline of a pixel box in map units, closed.

        All four corners are transformed, not two: under a rotated frame the result is a true quadrilateral, not the
        rectangle around it.

        Args:
            box_px: ``(x_min, y_min, x_max, y_max)``, half-open, in pixels of the chip.

        Returns:
            Five points; first equals last. Counter-clockwise on a north-up frame.
        """
        x_min, y_min, x_max, y_max = box_px
        corners = ((x_min, y_min), (x_min, y_max), (x_max, y_max), (x_max, y_min), (x_min, y_min))
        return [self.px_to_map(x, y) for x, y in corners]

    def polygons_px_to_map(
        self, polygons_px: Sequence[Sequence[Sequence[Sequence[float]]]]
    ) -> List[Polygon]:
        """A multipolygon in chip pixels (polygon, ring, point) in map units, rings closed, holes kept."""
        return [[self._ring_px_to_map(ring) for ring in polygon] for polygon in polygons_px]

    def _ring_px_to_map(self, ring_px: Sequence[Sequence[float]]) -> Ring:
        ring = [self.px_to_map(point[0], point[1]) for point in ring_px]
        if ring and ring[0] != ring[-1]:
            ring.append(ring[0])
        return ring

    def outline_map(self) -> Ring:
        """The chip's own outline in map units, closed."""
        return self.box_px_to_ring_map((0, 0, self.width_px, self.height_px))

    def centre_map(self) -> Point:
        """The middle of the chip in map units."""
        return self.px_to_map(self.width_px / 2, self.height_px / 2)

    def clip_box_px(self, box_px: Sequence[float]) -> Tuple[float, float, float, float]:
        """The part of a box that lies inside the chip; zero area if none does."""
        x_min, y_min, x_max, y_max = box_px
        width, height = float(self.width_px), float(self.height_px)
        return (
            min(max(x_min, 0.0), width),
            min(max(y_min, 0.0), height),
            min(max(x_max, 0.0), width),
            min(max(y_max, 0.0), height),
        )

    def to_json(self) -> str:
        """One line of JSON from which `from_json` makes an equal frame."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Frame:
        """The frame that `to_json` wrote; unknown keys of a newer version are ignored.

        Raises:
            FrameError: if the text is not a frame.
        """
        try:
            fields = json.loads(text)
            native = fields.get("native_m_per_px")
            return Frame(
                width_px=int(fields["width_px"]),
                height_px=int(fields["height_px"]),
                affine=tuple(float(number) for number in fields["affine"]),  # type: ignore[arg-type]
                crs_wkt=str(fields.get("crs_wkt", "")),
                crs_authid=str(fields.get("crs_authid", "")),
                m_per_px=float(fields.get("m_per_px", 0.0)),
                native_m_per_px=None if native is None else float(native),
            )
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise FrameError(f"This is not a stored frame: {error}") from error

    def _determinant(self) -> float:
        a, b, _, d, e, _ = self.affine
        return a * e - b * d


def area_of(polygons: Sequence[Sequence[Sequence[Sequence[float]]]]) -> float:
    """Area of a multipolygon (polygon, ring, point) in the square of its own units, holes taken off."""
    return sum(
        (1 if index == 0 else -1) * _ring_area(ring)
        for rings in polygons
        for index, ring in enumerate(rings)
    )


def _ring_area(ring: Sequence[Sequence[float]]) -> float:
    following = [*ring[1:], ring[0]]
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, following))) / 2


def view_affine(
    *, centre_map: Point, units_per_px: float, width_px: int, height_px: int, rotation_deg: float
) -> Affine:
    """Affine of a view with square pixels, as a map canvas shows it.

    Args:
        centre_map: what the middle of the chip shows.
        units_per_px: map units per chip pixel.
        width_px: width of the chip.
        height_px: height of the chip.
        rotation_deg: rotation of the map on the screen, clockwise (QGIS's canvas rotation).
    """
    angle = math.radians(rotation_deg)
    cosine, sine = math.cos(angle), math.sin(angle)
    if rotation_deg % 90 == 0:  # cos(90°) is 6e-17: quarter turns are exact
        cosine, sine = round(cosine), round(sine)
    # One pixel to the right and one pixel down, in map units. A map turned clockwise shows, to the right of the
    # screen, what lies anticlockwise of east on the ground.
    a, d = units_per_px * cosine, units_per_px * sine
    b, e = units_per_px * sine, -units_per_px * cosine
    c = centre_map[0] - a * width_px / 2 - b * height_px / 2
    f = centre_map[1] - d * width_px / 2 - e * height_px / 2
    return float(a), float(b), float(c), float(d), float(e), float(f)
