"""The pixels of a chip in a flat frame of metres about its middle: where plane geometry may be done."""

from __future__ import annotations

import math
from typing import Optional, Tuple

from qgis.core import QgsCsException

from ..core.frame import Frame
from ..core.scene import Axes
from .measure import Measure
from .reference import crs_from

Place = Tuple[float, float]


class FlatFrame:
    """East and north of the chip's middle, in metres; in map units where the map has no ellipsoid."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._middle = frame.centre_map()
        self._measure: Optional[Measure] = None
        if not frame.m_per_px:
            return
        try:
            measure = Measure(crs_from(frame.crs_authid, frame.crs_wkt))
            measure.around_m(self._middle, self._middle)
        except QgsCsException:
            return
        self._measure = measure

    def place(self, x_px: float, y_px: float) -> Place:
        """Where a place in the chip lies.

        Raises:
            QgsCsException: if there is no such place on the ground.
        """
        at = self._frame.px_to_map(x_px, y_px)
        if self._measure is None:
            return at[0] - self._middle[0], at[1] - self._middle[1]
        return self._measure.around_m(self._middle, at)

    @property
    def precision_m(self) -> float:
        """Breadth of a pixel."""
        return math.dist(self._centre(), self._centre(right=1.0))

    @property
    def axes(self) -> Axes:
        """The directions of the view: on a turned one, up is not north."""
        middle = self._centre()
        return Axes(
            right=_direction(middle, self._centre(right=1.0)),
            up=_direction(middle, self._centre(down=-1.0)),
        )

    def _centre(self, right: float = 0.0, down: float = 0.0) -> Place:
        return self.place(self._frame.width_px / 2 + right, self._frame.height_px / 2 + down)


def _direction(start: Place, end: Place) -> Place:
    length = math.dist(start, end)
    if not length > 0:
        raise QgsCsException("no direction")
    return (end[0] - start[0]) / length, (end[1] - start[1]) / length
