"""Validation chips side by side, with the true box and the answered one."""

from __future__ import annotations

from typing import Dict, List, Optional

from qgis.PyQt.QtCore import QRectF, QSize, Qt
from qgis.PyQt.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from qgis.PyQt.QtWidgets import QSizePolicy, QWidget

from ..core import training_wire as tw
from . import colours
from .small_print import smaller

SIDE_PX, GAP_PX, SHOWN = 84, 5, 8
TRUE = QColor(255, 255, 255)


class ChipStrip(QWidget):
    """White: the true box. Pink: the answer."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setObjectName("geoR1ChipStrip")
        self.previews: List[tw.Preview] = []
        self._images: Dict[str, QImage] = {}
        self._sizes: Dict[str, QSize] = {}
        self.setFont(smaller(self.font()))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(SIDE_PX + 18)
        self.setToolTip(self.tr("Pictures it does not learn from. White: true, pink: answered."))
        self.hide()

    def show_previews(self, previews: List[tw.Preview]) -> List[str]:
        """Show these; returns the chips whose pixels are missing."""
        self.previews = previews[:SHOWN]
        self.setVisible(bool(self.previews))
        mean = sum(p.iou for p in self.previews) / max(1, len(self.previews))
        self.setAccessibleName(
            self.tr("{count} validation pictures, mean IoU {mean:.2f}").format(
                count=len(self.previews), mean=mean
            )
        )
        self.update()
        return [p.chip for p in self.previews if p.chip not in self._images]

    def set_pixels(self, chip: str, encoded: bytes) -> None:
        """The pixels of a chip, when they have come."""
        image = QImage.fromData(encoded)
        if image.isNull():
            return
        self._sizes[chip] = image.size()
        self._images[chip] = image.scaled(
            SIDE_PX * 2,
            SIDE_PX * 2,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
        for number, preview in enumerate(self.previews):
            left = number * (SIDE_PX + GAP_PX)
            image = self._images.get(preview.chip)
            if image is None:
                painter.fillRect(QRectF(left, 0, SIDE_PX, SIDE_PX), colours.IDLE)
                continue
            size = self._sizes[preview.chip]
            scale = SIDE_PX / max(size.width(), size.height())
            frame = QRectF(left, 0, size.width() * scale, size.height() * scale)
            painter.drawImage(frame, image)
            painter.setClipRect(frame)
            for boxes, colour, width in (
                (preview.true_boxes_px, TRUE, 1.6),
                (preview.boxes_px, colours.ACCENT, 2.0),
            ):
                painter.setPen(QPen(colour, width))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                for x0, y0, x1, y1 in boxes:
                    painter.drawRect(
                        QRectF(left + x0 * scale, y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale)
                    )
            painter.setClipping(False)
            painter.setPen(self.palette().windowText().color())
            painter.drawText(left, SIDE_PX + 14, f"IoU {preview.iou:.2f}")
        painter.end()
