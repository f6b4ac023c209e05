"""Read the tiles of a scene, one after the other, through one copy of the layer. The drawing is that of a question's chip."""

from __future__ import annotations

import hashlib
from typing import Optional

from qgis.core import QgsMapSettings
from qgis.PyQt.QtCore import QCoreApplication

from ..core.errors import CaptureError
from ..core.frame import Frame
from .chip import Chip
from .plan import CapturePlan
from .provider_window import ProviderWindow
from .render import chip_source, empty_share_of, on_grey, png
from .scene_plan import ScenePlan

translate = QCoreApplication.translate

NOTHING = 0.999
"""A tile with less than this share of emptiness is looked at; a stray pixel at the edge of a warp is nothing."""


class SceneReader:
    """Make it on the GUI thread (that copies the layer's pipe), `read` on one other, `cancel` from anywhere."""

    def __init__(self, plan: ScenePlan) -> None:
        settings = QgsMapSettings()
        settings.setDestinationCrs(plan.crs)
        settings.setTransformContext(plan.context)
        self.source = chip_source(plan.layer)
        self._drawing: Optional[ProviderWindow] = ProviderWindow(
            CapturePlan(layer=plan.layer, frame=plan.frame, settings=settings)
        )
        self.is_cancelled = False

    def read(self, frame: Frame) -> Optional[Chip]:
        """The picture of one tile; none where the raster has no data, or where somebody has cancelled.

        Raises:
            CaptureError: if there should be data and it cannot be read.
        """
        drawn, errors = self._drawing.draw_frame(frame)
        empty_share = empty_share_of(drawn)
        if self.is_cancelled:  # it may be drawn by half
            return None
        if empty_share > NOTHING:
            if errors:
                message = translate("Capture", "“{layer}” could not be drawn: {reason}")
                values = {"layer": self.source.layer_name, "reason": errors[0]}
                raise CaptureError(message.format(**values), code="capture-unreadable", **values)
            return None
        image_bytes = png(on_grey(drawn))
        warning = ""
        if errors:
            message = translate("Capture", "Parts of “{layer}” could not be drawn: {reason}")
            warning = message.format(layer=self.source.layer_name, reason=errors[0])
        return Chip(
            image_bytes=image_bytes,
            sha256=hashlib.sha256(image_bytes).hexdigest(),
            frame=frame,
            source=self.source,
            empty_share=empty_share,
            warning=warning,
        )

    def cancel(self) -> None:
        """Ask a reading to end soon."""
        self.is_cancelled = True
        drawing = self._drawing
        if drawing is not None:
            drawing.cancel()

    def close(self) -> None:
        """Let go of the copy of the layer: on the GUI thread, when nobody reads any more and before QGIS ends."""
        self._drawing = None
