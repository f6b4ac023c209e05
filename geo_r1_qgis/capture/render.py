"""From a plan to a chip: choose how the layer is drawn, fill what has no data, encode, hash."""

from __future__ import annotations

import hashlib
from typing import List, Optional, Set, Union

from qgis.core import Qgis, QgsRasterLayer
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QBuffer, QCoreApplication, QIODevice, Qt
from qgis.PyQt.QtGui import QColor, QImage, QPainter
from qgis.PyQt.QtXml import QDomDocument

from ..core.errors import CaptureError
from ..core.records import ChipSource, without_secrets
from ..crs.reference import wkt2
from .canvas_render import CanvasRender
from .chip import Chip
from .ground import has_own_pixels
from .plan import CapturePlan
from .provider_window import ProviderWindow
from .raster_reader import RasterReader

translate = QCoreApplication.translate

GREY = QColor(128, 128, 128)
"""Where the raster has no data: neither an object nor the white of a page."""
MOSTLY_EMPTY = 0.5
TILES_MISSING = 0.01
SAMPLED_PX = 48
UNDRAWN_TYPES = {
    Qgis.DataType.CInt16: "CInt16",
    Qgis.DataType.CInt32: "CInt32",
    Qgis.DataType.CFloat32: "CFloat32",
    Qgis.DataType.CFloat64: "CFloat64",
}
PNG_QUALITY = 80
"""Of Qt's 0 .. 100: little compression, 20 ms instead of 120; the way is short."""


class ChipRender:
    """One picture. Make it on the GUI thread, `render` on another one, `cancel` from anywhere."""

    def __init__(self, plan: CapturePlan, reader: Optional[RasterReader] = None) -> None:
        """Copy what is needed of the layer; after this the layer may change or go.

        Args:
            plan: of the picture.
            reader: of the plan's layer, if one is there already: then this may be made on any thread.

        Raises:
            CaptureError: if the plan has a problem or its layer is gone.
        """
        if plan.problem or plan.frame is None:
            raise CaptureError(plan.problem, code="capture-refused")
        if plan.layer is None or sip.isdeleted(plan.layer):
            raise CaptureError(
                translate("Capture", "The raster layer was removed before its picture was taken."),
                code="capture-layer-gone",
            )
        self._frame = plan.frame
        self._source = chip_source(plan.layer)
        self._note = plan.note
        self._undrawn_type = undrawn_type(plan.layer)
        self._is_web = not has_own_pixels(plan.layer)
        self._is_cancelled = False
        self._drawing: Union[ProviderWindow, CanvasRender] = (
            ProviderWindow(plan, reader) if has_own_pixels(plan.layer) else CanvasRender(plan)
        )

    def render(self) -> Chip:
        """Draw, encode and hash.

        Raises:
            CaptureError: if nothing of the raster could be drawn.
        """
        drawn, errors = self._drawing.draw()
        empty_share = empty_share_of(drawn)
        if empty_share == 1.0 and not self._is_cancelled:
            raise self._nothing_drawn(errors)
        image_bytes = png(on_grey(drawn))
        return Chip(
            image_bytes=image_bytes,
            sha256=hashlib.sha256(image_bytes).hexdigest(),
            frame=self._frame,
            source=self._source,
            empty_share=empty_share,
            warning=self._warning(empty_share, _is_one_colour(drawn), errors),
        )

    def cancel(self) -> None:
        """Ask the drawing to end soon; `render` then returns what there is."""
        self._is_cancelled = True
        self._drawing.cancel()

    def close(self) -> None:
        """Let go of the picture's memory, drawn or not."""
        if isinstance(self._drawing, CanvasRender):
            self._drawing.close()

    def _nothing_drawn(self, errors: List[str]) -> CaptureError:
        layer = self._source.layer_name
        if errors:
            message = translate("Capture", "“{layer}” could not be drawn: {reason}").format(
                layer=layer, reason=errors[0]
            )
            hint = translate(
                "Capture", "The file may be damaged or cut short, or the server out of reach."
            )
            details = "\n".join(errors)
            return CaptureError(
                message, hint=hint, code="capture-unreadable", details=details, layer=layer
            )
        if self._undrawn_type:
            sentence = translate(
                "Capture",
                "The numbers of “{layer}” are of the type {type}, which QGIS does not draw.",
            )
            hint = translate(
                "Capture",
                "Make a raster of real numbers of it, such as the magnitude, with gdal_translate or "
                "the raster calculator.",
            )
            message = sentence.format(layer=layer, type=self._undrawn_type)
            return CaptureError(message, hint=hint, code="capture-type", layer=layer)
        if self._is_web:  # QGIS does not tell a tile that failed from one that is empty
            message = translate("Capture", "No picture of this area came for “{layer}”.")
            hint = translate(
                "Capture",
                "Its server may be out of reach or have nothing here: look at the map, and try again.",
            )
            return CaptureError(
                message.format(layer=layer), hint=hint, code="capture-empty", layer=layer
            )
        message = translate("Capture", "“{layer}” has no data in this area.").format(layer=layer)
        hint = translate("Capture", "Move the map to where the raster has a picture.")
        return CaptureError(message, hint=hint, code="capture-empty", layer=layer)

    def _warning(self, empty_share: float, is_one_colour: bool, errors: List[str]) -> str:
        if errors:
            sentence = translate("Capture", "Parts of “{layer}” could not be drawn: {reason}")
            return sentence.format(layer=self._source.layer_name, reason=errors[0])
        remarks = []
        if is_one_colour:
            sentence = translate(
                "Capture", "All of “{layer}” is one colour here: check its contrast stretch."
            )
            remarks.append(sentence.format(layer=self._source.layer_name))
        if self._is_web and empty_share > TILES_MISSING:
            sentence = translate("Capture", "{percent} % of the picture did not come.")
            remarks.append(sentence.format(percent=max(1, round(empty_share * 100))))
        elif empty_share > MOSTLY_EMPTY:
            sentence = translate("Capture", "{percent} % of the picture has no data.")
            remarks.append(sentence.format(percent=int(empty_share * 100)))
        return " ".join(remarks) or self._note


def chip_source(layer: QgsRasterLayer) -> ChipSource:
    """Where the pixels come from, without the passwords that a source may carry."""
    document = QDomDocument("geo-r1")
    style = document.createElement("pipe")
    if layer.renderer() is not None:
        layer.renderer().writeXml(document, style)
    document.appendChild(style)
    return ChipSource(
        layer_name=layer.name(),
        layer_source=without_secrets(layer.publicSource()),
        provider=layer.providerType(),
        crs_wkt=wkt2(layer.crs()),
        stretch=document.toString(-1),
    )


def empty_share_of(image: QImage) -> float:
    """Part of the pixels that are wholly transparent."""
    alpha = image.convertToFormat(QImage.Format.Format_Alpha8)
    width, height, step = alpha.width(), alpha.height(), alpha.bytesPerLine()
    bits = alpha.constBits()
    bits.setsize(step * height)
    rows = bytes(bits)  # scan lines are padded to four bytes, with anything in them
    empty = sum(rows.count(0, y * step, y * step + width) for y in range(height))
    return empty / (width * height)


def _is_one_colour(image: QImage) -> bool:
    """Whether everything that is not wholly transparent has the same colour."""
    few = image.scaled(
        SAMPLED_PX,
        SAMPLED_PX,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.FastTransformation,
    )
    return len(_colours(few)) <= 1 and len(_colours(image)) <= 1


def _colours(image: QImage) -> Set[int]:
    """Colours of an image, without full transparency; ends early where there are two."""
    pixels = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    bits = pixels.constBits()
    bits.setsize(pixels.sizeInBytes())
    numbers = memoryview(bytes(bits)).cast("I")
    found: Set[int] = set()
    for start in range(0, len(numbers), pixels.width()):
        found |= set(numbers[start : start + pixels.width()])
        found.discard(0)
        if len(found) > 1:
            break
    return found


def undrawn_type(layer: QgsRasterLayer) -> str:
    """Name of a band's type that QGIS may not draw (complex, or newer than this QGIS); empty for all others."""
    provider = layer.dataProvider()
    if not has_own_pixels(layer):
        return ""
    for band in range(1, min(layer.bandCount(), 4) + 1):
        kind = provider.sourceDataType(band)
        if kind == Qgis.DataType.UnknownDataType:  # GDAL knows it, this QGIS does not
            return translate("Capture", "64-bit integer")
        if kind in UNDRAWN_TYPES:
            return UNDRAWN_TYPES[kind]
    return ""


def on_grey(image: QImage) -> QImage:
    """The picture as it is sent: grey where there is no data."""
    flat = QImage(image.size(), QImage.Format.Format_RGB32)
    flat.fill(GREY)
    painter = QPainter(flat)
    painter.drawImage(0, 0, image)
    painter.end()
    return flat.convertToFormat(QImage.Format.Format_RGB888)


def png(image: QImage) -> bytes:
    """The picture encoded.

    Raises:
        CaptureError: if it cannot be.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(buffer, "PNG", PNG_QUALITY):
        raise CaptureError(
            translate("Capture", "The picture could not be encoded as PNG."),
            code="capture-encoding",
        )
    return bytes(buffer.data())
