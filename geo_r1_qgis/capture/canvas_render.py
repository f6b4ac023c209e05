"""Draw a web map service or tile layer into a chip, as the map canvas draws it.

Such layers have no pixels of their own: the server draws for the size that it is asked for, or sends tiles of the
nearest zoom level. QGIS's own map renderer does that, for this one layer.
"""

from __future__ import annotations

from typing import List, Tuple

from qgis.core import QgsMapRendererCustomPainterJob, QgsMapSettings, QgsRectangle
from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QColor, QImage, QPainter

from ..core.errors import CaptureError
from .plan import CapturePlan

OVERSAMPLING = 2
"""Drawn twice as fine and averaged: the nearest neighbour of QGIS's reprojection is then half a pixel off, not one."""
DOTS_PER_INCH = 96


class CanvasRender:
    """One drawing. Make it on the GUI thread (that copies the layer's pipe), `draw` on another one."""

    def __init__(self, plan: CapturePlan, *, oversampling: int = OVERSAMPLING) -> None:
        """Prepare.

        Args:
            plan: of the picture.
            oversampling: how many times as fine it is drawn; 1 is as good where nothing is reprojected.

        Raises:
            CaptureError: if there is no memory for it.
        """
        settings = chip_settings(plan, oversampling)
        self._size = QSize(plan.frame.width_px, plan.frame.height_px)
        self._image = QImage(settings.outputSize(), QImage.Format.Format_ARGB32_Premultiplied)
        if self._image.isNull():
            raise CaptureError("There is not enough memory for the picture.", code="capture-memory")
        self._image.fill(Qt.GlobalColor.transparent)
        self._painter = QPainter(self._image)
        self._painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
        self._job = QgsMapRendererCustomPainterJob(settings, self._painter)
        opacity = plan.layer.opacity()
        renderer = plan.layer.renderer()
        # The plain setter of the renderer emits nothing and is undone before the event loop runs again.
        if renderer is not None:
            renderer.setOpacity(1.0)
        self._job.prepare()
        if renderer is not None:
            renderer.setOpacity(opacity)

    def cancel(self) -> None:
        """End the drawing soon."""
        self._job.cancelWithoutBlocking()

    def close(self) -> None:
        """Stop painting on the image; Qt aborts the program if the image goes first."""
        if self._painter.isActive():
            self._painter.end()

    def draw(self) -> Tuple[QImage, List[str]]:
        """The chip with transparent pixels where nothing came, and what went wrong."""
        self._job.renderPrepared()
        self.close()
        chip = self._image.scaled(
            self._size,
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        return chip, [error.message for error in self._job.errors()]


def chip_settings(plan: CapturePlan, factor: int = 1) -> QgsMapSettings:
    """Map settings that draw the plan's layer onto its frame, `factor` times as many pixels per side."""
    frame, view, canvas = plan.frame, plan.view, plan.settings
    settings = QgsMapSettings()
    settings.setLayers([plan.layer])
    settings.setDestinationCrs(canvas.destinationCrs())
    settings.setTransformContext(canvas.transformContext())
    settings.setEllipsoid(canvas.ellipsoid())
    settings.setBackgroundColor(QColor(Qt.GlobalColor.transparent))
    settings.setOutputDpi(DOTS_PER_INCH)
    settings.setOutputSize(QSize(frame.width_px * factor, frame.height_px * factor))
    settings.setFlag(QgsMapSettings.Flag.Antialiasing, True)
    settings.setFlag(QgsMapSettings.Flag.DrawLabeling, False)
    if hasattr(QgsMapSettings.Flag, "HighQualityImageTransforms"):  # QGIS 3.24
        settings.setFlag(QgsMapSettings.Flag.HighQualityImageTransforms, True)
    units_per_px = (frame.affine[0] ** 2 + frame.affine[3] ** 2) ** 0.5
    half_width, half_height = units_per_px * frame.width_px / 2, units_per_px * frame.height_px / 2
    x, y = view.centre_map
    settings.setRotation(view.rotation_deg)
    settings.setExtent(
        QgsRectangle(x - half_width, y - half_height, x + half_width, y + half_height)
    )
    return settings
