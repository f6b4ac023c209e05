"""Read a raster through its provider and draw it into a chip exactly where the frame says.

The layer's own pipe makes the colours (bands, stretch, palette, brightness, transparency), on the raster's own pixel
grid; one warp of ours brings them onto the chip. The map canvas's way is not exact enough to measure with: it resamples
twice by nearest neighbour (once to a grid in the layer's CRS, once to the screen), and under reprojection a 7 m square
was found 0.9 pixels from where it lies (QGIS 3.22; 0.05 here).

Memory follows the chip, not the file: `raster_reader.py`.
"""

from __future__ import annotations

import math
from typing import Callable, List, Optional, Tuple

from qgis.core import QgsCsException
from qgis.PyQt.QtCore import QPointF, QRect, Qt
from qgis.PyQt.QtGui import QImage, QPainter, QTransform

from ..core.frame import Frame
from .ground import Ground
from .plan import CapturePlan
from .raster_reader import RasterReader, Reading

TOLERANCE_PX = 0.05
"""How far the straight grid of a cell may be from the true projection, in chip pixels."""
SMALLEST_CELL_PX = 2
"""Only around a pole and along the edge of what a projection can tell."""
BOUND_STEPS = 16
BOUND_HALVINGS = 6

Place = Tuple[float, float]


class ProviderWindow:
    """One drawing of a layer that has pixels of its own. Make it on the GUI thread, `draw` on another one."""

    def __init__(self, plan: CapturePlan, reader: Optional[RasterReader] = None) -> None:
        layer, self._frame = plan.layer, plan.frame
        self._ground = Ground(
            layer, plan.settings.destinationCrs(), plan.settings.transformContext()
        )
        self._extent = self._ground.extent
        self._columns, self._rows = layer.width(), layer.height()
        self._reader = reader or RasterReader(layer)
        self._errors_before = len(self._reader.feedback.errors())

    def cancel(self) -> None:
        """End the reading soon."""
        self._reader.feedback.cancel()

    def draw_frame(self, frame: Frame) -> Tuple[QImage, List[str]]:
        """Another chip of the same layer and CRS; what went wrong is that of this chip alone."""
        self._frame = frame
        before = len(self._reader.feedback.errors())
        image, errors = self.draw()
        return image, errors[before - self._errors_before :]

    def draw(self) -> Tuple[QImage, List[str]]:
        """The chip with transparent pixels where there is no data, and what went wrong while reading."""
        chip = QImage(
            self._frame.width_px, self._frame.height_px, QImage.Format.Format_ARGB32_Premultiplied
        )
        chip.fill(Qt.GlobalColor.transparent)
        window = self._window()
        if window is None:
            return chip, []
        reading = self._reader.read(window, *self._raster_px_per_chip_px())
        self._warp(reading, window, chip)
        return chip, list(self._reader.feedback.errors())[self._errors_before :]

    # ---- where the chip lies on the raster ---------------------------------------------------------------------------

    def _raster_place(self, x_px: float, y_px: float) -> Optional[Place]:
        """Column and row of the raster under a place of the chip; none where the projection has no answer."""
        try:
            point = self._ground.on_layer(*self._frame.px_to_map(x_px, y_px))
        except QgsCsException:
            return None
        column = (point.x() - self._extent.xMinimum()) * self._columns / self._extent.width()
        row = (self._extent.yMaximum() - point.y()) * self._rows / self._extent.height()
        return column, row

    def _window(self) -> Optional[QRect]:
        """Columns and rows that the chip needs; none if it does not touch the raster."""
        steps = [step / BOUND_STEPS for step in range(BOUND_STEPS + 1)]
        width, height = self._frame.width_px, self._frame.height_px
        known = self._known([(x * width, y * height) for x in steps for y in steps])
        if not known:
            return None
        known += [self._outermost(known, axis, sign) for axis in (0, 1) for sign in (-1, 1)]
        # Between the samples a curved edge may bulge: an eighth of a step's span covers it.
        spans = [max(p[1][axis] for p in known) - min(p[1][axis] for p in known) for axis in (0, 1)]
        margin = [2 + span / BOUND_STEPS / 8 for span in spans]
        left = max(0, math.floor(min(p[1][0] for p in known) - margin[0]))
        top = max(0, math.floor(min(p[1][1] for p in known) - margin[1]))
        right = min(self._columns, math.ceil(max(p[1][0] for p in known) + margin[0]))
        bottom = min(self._rows, math.ceil(max(p[1][1] for p in known) + margin[1]))
        if right <= left or bottom <= top:
            return None
        return QRect(left, top, right - left, bottom - top)

    def _known(self, places_px: List[Place]) -> List[Tuple[Place, Place]]:
        """Places of the chip with what lies there on the raster, where the projection has an answer."""
        there = ((place_px, self._raster_place(*place_px)) for place_px in places_px)
        return [(place_px, place) for place_px, place in there if place is not None]

    def _outermost(
        self, known: List[Tuple[Place, Place]], axis: int, sign: int
    ) -> Tuple[Place, Place]:
        """The outermost place of the raster in one direction, sought between the samples: a pole lies between them."""
        best = max(known, key=lambda each: sign * each[1][axis])
        step_x, step_y = (
            side / BOUND_STEPS for side in (self._frame.width_px, self._frame.height_px)
        )
        for _ in range(BOUND_HALVINGS):
            step_x, step_y = step_x / 2, step_y / 2
            x, y = best[0]
            around = self._known(
                [(x + i * step_x, y + j * step_y) for i in (-1, 0, 1) for j in (-1, 0, 1)]
            )
            best = max([best, *around], key=lambda each: sign * each[1][axis])
        return best

    def _raster_px_per_chip_px(self) -> Tuple[float, float]:
        """How many columns and rows one chip pixel spans, as seen in the middle (or where there is a middle)."""
        span = 4.0
        for share in (0.5, 0.25, 0.75, 0.1, 0.9):
            x, y = share * self._frame.width_px, share * self._frame.height_px
            here, right, down = (
                self._raster_place(*place) for place in ((x, y), (x + span, y), (x, y + span))
            )
            if here and right and down:
                dx, dy = (self._short_way(there[0] - here[0]) for there in (right, down))
                columns = math.hypot(dx, dy) / span
                rows = math.hypot(right[1] - here[1], down[1] - here[1]) / span
                return max(columns, 1e-6), max(rows, 1e-6)
        return 1.0, 1.0

    def _short_way(self, columns: float) -> float:
        """From a place to its neighbour not once around the world, where the raster goes around it."""
        around = self._ground.once_around * self._columns / self._extent.width()
        return math.remainder(columns, around) if around else columns

    # ---- the warp --------------------------------------------------------------------------------------------------------

    def _warp(self, reading: Reading, window: QRect, chip: QImage) -> None:
        """Draw what was read into `chip`, cell by cell, each small enough that straight lines are true enough."""
        scale_x, scale_y = reading.scale_x, reading.scale_y

        def image_place(x_px: float, y_px: float) -> Optional[Place]:
            place = self._raster_place(x_px, y_px)
            if place is None:
                return None
            return (place[0] - window.left()) * scale_x, (place[1] - window.top()) * scale_y

        # A raster that goes all around the world is met again beyond its own edge.
        around = self._ground.once_around * self._columns / self._extent.width() * scale_x
        painter = QPainter(chip)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        cells = [QRect(0, 0, chip.width(), chip.height())]
        while cells and not self._reader.feedback.isCanceled():
            cell = cells.pop()
            straight = _straight(cell, image_place, around)
            if straight is None:
                cells.extend(_quarters(cell))
                continue
            painter.setTransform(QTransform())
            painter.setClipRect(cell)
            painter.setTransform(straight)
            for x in (0.0, -around, around) if around else (0.0,):
                painter.drawImage(QPointF(x, 0.0), reading.image)
        painter.end()


def _straight(
    cell: QRect, image_place: Callable[[float, float], Optional[Place]], around: float
) -> Optional[QTransform]:
    """Image to chip inside a cell, or none if it is too curved for one affine.

    Args:
        cell: of the chip.
        image_place: chip pixels to image pixels.
        around: after so many image pixels the world begins again; 0 = never.
    """
    x, y, width, height = cell.x(), cell.y(), cell.width(), cell.height()
    thirds = (0.0, 0.5, 1.0)
    corners = {(u, v): image_place(x + u * width, y + v * height) for u in thirds for v in thirds}
    if any(place is None for place in corners.values()):
        return None
    if around:
        middle_x = corners[0.5, 0.5][0]
        for key, (place_x, place_y) in corners.items():
            corners[key] = (place_x - around * round((place_x - middle_x) / around), place_y)
    (x0, y0), (x1, y1), (x2, y2) = corners[0.0, 0.5], corners[1.0, 0.5], corners[0.5, 0.0]
    x3, y3 = corners[0.5, 1.0]
    along = ((x1 - x0) / width, (y1 - y0) / width)  # image pixels per chip pixel to the right
    down = ((x3 - x2) / height, (y3 - y2) / height)
    middle_x, middle_y = corners[0.5, 0.5]
    allowed = TOLERANCE_PX * max(1e-9, math.sqrt(abs(along[0] * down[1] - along[1] * down[0])))
    for (u, v), (true_x, true_y) in corners.items():
        off_x, off_y = (u - 0.5) * width, (v - 0.5) * height
        straight_x = middle_x + along[0] * off_x + down[0] * off_y
        straight_y = middle_y + along[1] * off_x + down[1] * off_y
        if math.hypot(straight_x - true_x, straight_y - true_y) > allowed:
            if min(width, height) > SMALLEST_CELL_PX:
                return None
            allowed = math.inf  # cannot be split further: take it as it is
    chip_to_image = QTransform(
        along[0],
        along[1],
        down[0],
        down[1],
        middle_x - along[0] * (x + width / 2) - down[0] * (y + height / 2),
        middle_y - along[1] * (x + width / 2) - down[1] * (y + height / 2),
    )
    inverse, is_invertible = _whole_or_sheared(chip_to_image).inverted()
    return inverse if is_invertible else QTransform(0, 0, 0, 0, 0, 0)


def _whole_or_sheared(transform: QTransform) -> QTransform:
    """Exactly a shift by whole pixels where it nearly is one, else never a mere shift.

    Qt rounds mere shifts to whole pixels even when it is asked to draw smoothly; the smallest shear makes it
    interpolate.
    """
    shift_x, shift_y = round(transform.dx()), round(transform.dy())
    is_whole = (
        max(
            abs(transform.m11() - 1),
            abs(transform.m22() - 1),
            abs(transform.m12()),
            abs(transform.m21()),
        )
        < 1e-6
        and max(abs(transform.dx() - shift_x), abs(transform.dy() - shift_y)) < 1e-3
    )
    if is_whole:
        return QTransform.fromTranslate(shift_x, shift_y)
    if abs(transform.m12()) < 1e-7 and abs(transform.m21()) < 1e-7:
        return QTransform(
            transform.m11(), 1e-7, 1e-7, transform.m22(), transform.dx(), transform.dy()
        )
    return transform


def _quarters(cell: QRect) -> List[QRect]:
    if min(cell.width(), cell.height()) <= SMALLEST_CELL_PX:
        return []  # outside of what the projection can tell: stays empty
    half_width, half_height = cell.width() // 2, cell.height() // 2
    x, y, right, bottom = cell.x(), cell.y(), cell.width() - half_width, cell.height() - half_height
    return [
        QRect(x, y, half_width, half_height),
        QRect(x + half_width, y, right, half_height),
        QRect(x, y + half_height, half_width, bottom),
        QRect(x + half_width, y + half_height, right, bottom),
    ]
