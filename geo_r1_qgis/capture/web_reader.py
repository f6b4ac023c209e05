"""Takes the pictures of a web map layer, one after the other: never two at once, slower where the server is slow."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from typing import Callable, List, Optional, Union

from qgis.core import QgsMapSettings
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QImage

from ..core.errors import CaptureError, GeoR1Error
from ..core.frame import Frame
from .canvas_render import CanvasRender
from .chip import Chip
from .plan import CapturePlan
from .render import TILES_MISSING, chip_source, empty_share_of, on_grey, png
from .scene_plan import ScenePlan
from .scene_reader import SceneReader
from .view import View

translate = QCoreApplication.translate

TRIES_AFTER_S = (0.0, 1.0, 3.0)
"""Before a picture with holes in it is taken again: the server may have had too much to do."""
SLOW_S = 2.0
"""From here on a picture is slow, and the server is left alone for as long as it took."""
LONGEST_PAUSE_S = 20.0
POLL_S = 0.05

DoThere = Callable[[Callable[[], object]], bool]
"""Has something done on the GUI thread; false if nobody does it."""


class WebReader(SceneReader):
    """Make and `close` it on the GUI thread, which copies the layer; `read` on one other, `cancel` from anywhere."""

    def __init__(self, plan: ScenePlan, do_there: DoThere) -> None:
        self.source = chip_source(plan.layer)
        self.is_cancelled = False
        self._layer = plan.layer.clone()
        self._crs, self._context = plan.crs, plan.context
        self._do_there = do_there
        self._canvas_drawing: Optional[CanvasRender] = None
        self._stop = threading.Event()

    def read(self, frame: Frame) -> Optional[Chip]:
        """The picture of one tile; none where somebody has cancelled.

        Raises:
            CaptureError: if the server did not send all of it, more than once.
        """
        share = 1.0
        for wait_s in TRIES_AFTER_S:
            self._pause(wait_s)
            began_s = time.monotonic()
            drawn = self._drawn(frame)
            if drawn is None or self.is_cancelled:
                return None
            took_s = time.monotonic() - began_s
            if took_s > SLOW_S:
                self._pause(min(took_s, LONGEST_PAUSE_S))
            share = empty_share_of(drawn)
            if share <= TILES_MISSING:
                image_bytes = png(on_grey(drawn))
                digest = hashlib.sha256(image_bytes).hexdigest()
                return Chip(image_bytes, digest, frame, self.source, share)
        if self.is_cancelled:
            return None
        words = translate("Capture", "{percent} % of a picture of “{layer}” did not come.")
        name, percent = self.source.layer_name, max(1, round(share * 100))
        raise CaptureError(
            words.format(percent=percent, layer=name), code="capture-empty", layer=name
        )

    def cancel(self) -> None:
        """Ask a reading to end soon."""
        self.is_cancelled = True
        self._stop.set()
        drawing = self._canvas_drawing
        if drawing is not None:
            drawing.cancel()

    def close(self) -> None:
        """Let go of the copy of the layer: on the GUI thread, when nobody reads any more and before QGIS ends."""
        self._layer = None

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def _drawn(self, frame: Frame) -> Optional[QImage]:
        """The picture; none if somebody has cancelled."""
        made: queue.Queue[Union[CanvasRender, GeoR1Error]] = queue.Queue()

        def make() -> None:
            if self.is_cancelled or self._layer is None:
                return
            try:
                made.put(CanvasRender(self._plan(frame), oversampling=1))
            except GeoR1Error as error:
                made.put(error)

        if not self._do_there(make):
            raise CaptureError(
                translate("Capture", "The plugin is being unloaded."), code="capture-refused"
            )
        drawing: Optional[Union[CanvasRender, GeoR1Error]] = None
        while drawing is None and not self.is_cancelled:
            try:
                drawing = made.get(timeout=POLL_S)
            except queue.Empty:
                continue
        if isinstance(drawing, GeoR1Error):
            raise drawing
        if drawing is None:
            self._do_there(lambda: _let_go(made))
            return None
        self._canvas_drawing = drawing
        if self.is_cancelled:  # it came between the two lines before
            drawing.cancel()
        image, _ = drawing.draw()
        self._canvas_drawing = None
        held: List[CanvasRender] = [drawing]
        del drawing
        self._do_there(held.clear)  # what was made there goes there
        return image

    def _plan(self, frame: Frame) -> CapturePlan:
        units = frame.affine[0]
        settings = QgsMapSettings()
        settings.setDestinationCrs(self._crs)
        settings.setTransformContext(self._context)
        view = View(
            centre_map=frame.px_to_map(frame.width_px / 2, frame.height_px / 2),
            width_map=units * frame.width_px,
            height_map=units * frame.height_px,
            rotation_deg=0.0,
            screen_width_px=float(frame.width_px),
        )
        return CapturePlan(layer=self._layer, frame=frame, view=view, settings=settings)


def _let_go(made: queue.Queue[Union[CanvasRender, GeoR1Error]]) -> None:
    """Of a drawing that was made too late: Qt aborts the program if a painter outlives its image."""
    while not made.empty():
        late = made.get()
        if isinstance(late, CanvasRender):
            late.close()
