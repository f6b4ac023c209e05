"""Read a window of a raster in the layer's own colours, averaged to about the chip's resolution, in little memory.

The window is read cell by cell and each cell is averaged at once, so that neither the window at full resolution nor a
decoded file is ever in memory; between cells Stop is heeded and GDAL's cache of decoded blocks is kept small.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import List, Optional, Tuple

from osgeo import gdal
from qgis.core import (
    Qgis,
    QgsMultiBandColorRenderer,
    QgsRasterBlockFeedback,
    QgsRasterLayer,
    QgsRasterPipe,
    QgsRasterProjector,
    QgsRasterResampleFilter,
    QgsRectangle,
    QgsSingleBandGrayRenderer,
)
from qgis.PyQt.QtCore import QRect, Qt
from qgis.PyQt.QtGui import QImage, QPainter

MAX_OVERSAMPLING = 4
"""Raster pixels that are read per chip pixel and side where the raster is finer; their average is sent. Every fourth
pixel alone, as the canvas draws by default, makes thin things vanish."""
AVERAGED_FROM = 1.25
"""Raster pixels per chip pixel from which they are averaged; below, the warp's interpolation is enough."""
MAX_CELL_READ_PX = 500_000
MAX_CELL_SOURCE_PX = 2_000_000
CELL_COLUMNS = 1024
"""Of a tiled raster: a tall cell reads few tiles twice. Others are read in their whole width."""
CACHE_BYTES = 8_000_000
"""What a reading may add to GDAL's cache. Left alone the cache grows to a twentieth of the machine's memory."""
ALL_OR_NOTHING = bytes([0]) + bytes([255]) * 255


@dataclass(frozen=True)
class Reading:
    """An image of a window and how many of its pixels there are per raster pixel."""

    image: QImage
    scale_x: float
    scale_y: float


@dataclass(frozen=True)
class _Axis:
    """How one side of the window is cut: `read` pixels out of `read * decimate` become `kept` pixels, per cell."""

    size: int
    """Raster pixels of the window."""
    decimate: int
    read: int
    kept: int

    @property
    def read_size(self) -> int:
        return max(1, self.size // self.decimate)

    @property
    def kept_size(self) -> int:
        return math.ceil(self.read_size * self.kept / self.read)

    @property
    def scale(self) -> float:
        return self.kept / (self.read * self.decimate)

    def cells(self) -> List[Tuple[int, int, int]]:
        """First raster pixel, number of pixels to read and first kept pixel of each cell."""
        return [
            (first * self.decimate, min(self.read, self.read_size - first), number * self.kept)
            for number, first in enumerate(range(0, self.read_size, self.read))
        ]


class RasterReader:
    """Make it on the GUI thread (it copies the layer's pipe), `read` on another one, as often as you like.

    It keeps what it has asked QGIS for. PyQt counts the QObjects of C++ that Python holds without a lock and with the GUI
    thread's help, so a thread of work that takes hold of one after the other ends in a crash (docs/adr/0017).
    """

    def __init__(self, layer: QgsRasterLayer) -> None:
        self.feedback = QgsRasterBlockFeedback()
        self._extent = QgsRectangle(layer.extent())
        self._columns, self._rows = layer.width(), layer.height()
        self._provider = provider = layer.dataProvider()
        self._is_tiled = provider.xBlockSize() < self._columns
        self._block_bytes = provider.xBlockSize() * provider.yBlockSize() * 8
        self._pipe = _colour_pipe(layer.pipe())
        self._wide_alpha_band = _take_wide_alpha(self._pipe)
        self._cache: Optional[_SmallCache] = None
        self._last, self._source = self._pipe.last(), self._pipe.provider()

    def read(self, window: QRect, columns_per_px: float, rows_per_px: float) -> Reading:
        """The window in colours.

        Args:
            window: columns and rows of the raster.
            columns_per_px: raster columns that one chip pixel spans.
            rows_per_px: raster rows that one chip pixel spans.
        """
        across = _axis(window.width(), columns_per_px, self._cell_columns(window))
        most = min(
            MAX_CELL_READ_PX // across.read, MAX_CELL_SOURCE_PX // (across.read * across.decimate)
        )
        down = _axis(window.height(), rows_per_px, most)
        image = QImage(across.kept_size, down.kept_size, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        if self._cache is None:  # once: what each of a thousand readings may add would add up
            self._cache = _SmallCache(max(CACHE_BYTES, 4 * self._block_bytes))
        with self._cache as cache:
            for top, read_rows, y in down.cells():
                for left, read_columns, x in across.cells():
                    if self.feedback.isCanceled():
                        break
                    source = QRect(
                        window.left() + left,
                        window.top() + top,
                        min(read_columns * across.decimate, window.width() - left),
                        min(read_rows * down.decimate, window.height() - top),
                    )
                    cell = self._cell(source, read_columns, read_rows)
                    painter.drawImage(x, y, _averaged(cell, across, down))
                    cache.trim()
        painter.end()
        return Reading(image, across.scale, down.scale)

    def _cell_columns(self, window: QRect) -> int:
        return CELL_COLUMNS if self._is_tiled else window.width()

    def _cell(self, source: QRect, width: int, height: int) -> QImage:
        """One cell in colours; transparent where it could not be read."""
        extent = self._extent_of(source)
        block = self._last.block(1, extent, width, height, self.feedback)
        if block is None or not block.isValid():
            cell = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
            cell.fill(Qt.GlobalColor.transparent)
            return cell
        cell = block.image()
        if self._wide_alpha_band:
            alpha = self._source.block(self._wide_alpha_band, extent, width, height, self.feedback)
            if alpha is not None and alpha.isValid():
                cell.setAlphaChannel(_where_not_zero(bytes(alpha.data()), width, height))
        return cell

    def _extent_of(self, window: QRect) -> QgsRectangle:
        """A window in layer units, on the edges of raster pixels: so the provider need not resample."""
        size_x = self._extent.width() / self._columns
        size_y = self._extent.height() / self._rows
        left, top = window.left(), window.top()
        return QgsRectangle(
            self._extent.xMinimum() + left * size_x,
            self._extent.yMaximum() - (top + window.height()) * size_y,
            self._extent.xMinimum() + (left + window.width()) * size_x,
            self._extent.yMaximum() - top * size_y,
        )


class _SmallCache:
    """While it is open, `trim` lets GDAL forget decoded blocks beyond what there was when it was made and an allowance.

    GDAL has one cache for the whole program. Its limit is lowered for a moment only and then put back.
    """

    _lock = threading.Lock()

    def __init__(self, allowance_bytes: int) -> None:
        self._most_bytes = gdal.GetCacheUsed() + allowance_bytes

    def __enter__(self) -> _SmallCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.trim()

    def trim(self) -> None:
        if gdal.GetCacheUsed() <= self._most_bytes:
            return
        with self._lock:
            limit_bytes = gdal.GetCacheMax()
            if limit_bytes > self._most_bytes:
                gdal.SetCacheMax(self._most_bytes)
                gdal.SetCacheMax(limit_bytes)


def _axis(size: int, raster_px_per_chip_px: float, most: int) -> _Axis:
    """Cut one side of a window into cells of at most `most` raster pixels."""
    decimate = max(1, math.floor(raster_px_per_chip_px / MAX_OVERSAMPLING))
    shrink = raster_px_per_chip_px / decimate
    most_read = min(max(1, most // decimate), max(1, size // decimate))
    if shrink <= AVERAGED_FROM:
        return _Axis(size, decimate, most_read, most_read)
    kept = max(1, math.floor(most_read / shrink))
    return _Axis(size, decimate, max(1, round(kept * shrink)), kept)


def _averaged(cell: QImage, across: _Axis, down: _Axis) -> QImage:
    """The cell at its final size; the last ones of a row or column are filled up with nothing first."""
    if (across.read, down.read) == (across.kept, down.kept):
        return cell
    if (cell.width(), cell.height()) != (across.read, down.read):
        whole = QImage(across.read, down.read, QImage.Format.Format_ARGB32_Premultiplied)
        whole.fill(Qt.GlobalColor.transparent)
        painter = QPainter(whole)
        painter.drawImage(0, 0, cell)
        painter.end()
        cell = whole
    return cell.scaled(
        across.kept,
        down.kept,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )


def _colour_pipe(pipe: QgsRasterPipe) -> QgsRasterPipe:
    """A copy of everything in a layer's pipe that makes colours: neither its resampling nor its projection."""
    copy = QgsRasterPipe()
    for index in range(pipe.size()):
        stage = pipe.at(index)
        if not isinstance(stage, (QgsRasterProjector, QgsRasterResampleFilter)):
            copy.set(stage.clone())
    if copy.renderer() is not None:
        copy.renderer().setOpacity(1.0)  # a half transparent layer is not half an object
    return copy


def _take_wide_alpha(pipe: QgsRasterPipe) -> int:
    """Take an alpha band of more than eight bits from the renderer; its number, or 0.

    QGIS divides every alpha by 255: 0 and 65535 come out right by chance, what lies between as false colours.
    """
    renderer = pipe.renderer()
    if not isinstance(renderer, (QgsMultiBandColorRenderer, QgsSingleBandGrayRenderer)):
        return 0
    band = renderer.alphaBand()
    if band < 1 or pipe.provider().dataType(band) == Qgis.DataType.Byte:
        return 0
    renderer.setAlphaBand(-1)
    return band


def _where_not_zero(values: bytes, width: int, height: int) -> QImage:
    """An alpha channel that is whole where the number of a pixel is not zero, whatever its type."""
    value_bytes = len(values) // (width * height)
    parts = [int.from_bytes(values[part::value_bytes], "little") for part in range(value_bytes)]
    any_bit = 0
    for part in parts:
        any_bit |= part
    mask = any_bit.to_bytes(width * height, "little").translate(ALL_OR_NOTHING)
    return QImage(mask, width, height, width, QImage.Format.Format_Alpha8).copy()
