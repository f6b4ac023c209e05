"""The doctor's picture: a raster on the ground whose answer is known, and the checks against it. Touches no widget."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import List, Tuple

from osgeo import gdal, osr
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsMapSettings,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QImage

from ..capture.chip import Chip
from ..core import wire
from ..core.errors import GeoR1Error
from ..core.frame import Frame
from ..core.records import RunStart
from ..layers import geopackage
from ..layers.rows import detection_row, geometry_of
from ..layers.schema import DETECTIONS

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
EPSG = 32633
LEFT, TOP, M_PER_PX = 500_000.0, 5_400_000.0, 0.3
GRID_PX = 7
"""Every seventh pixel of the picture is compared."""
MAX_DIFFERENCE = 6.0
"""Mean difference of a colour, 0 .. 255; a wrong band, stretch or shift is far above."""


@dataclass(frozen=True)
class KnownAnswer:
    """The picture and the box of what is asked for."""

    picture: Path
    query: str
    task: wire.Task
    box_px: Tuple[float, float, float, float]


def known_answer() -> KnownAnswer:
    """What the plugin carries."""
    text = (RESOURCES / "doctor.json").read_text(encoding="utf-8")
    fields = json.loads(text)
    return KnownAnswer(
        RESOURCES / "doctor.png", fields["query"], fields["task"], tuple(fields["box_px"])
    )


def write_raster(known: KnownAnswer, path: Path) -> Path:
    """The picture as a GeoTIFF on the ground; for any thread.

    Raises:
        GeoR1Error: if it cannot be written.
    """
    image = QImage(str(known.picture)).convertToFormat(QImage.Format.Format_RGB888)
    if image.isNull():
        raise GeoR1Error(f"{known.picture.name} cannot be read.", code="doctor")
    width, height = image.width(), image.height()
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    rows = bytes(bits)
    file = gdal.GetDriverByName("GTiff").Create(str(path), width, height, 3, gdal.GDT_Byte)
    if file is None:
        raise GeoR1Error(gdal.GetLastErrorMsg() or f"{path} cannot be made.", code="doctor")
    file.SetGeoTransform((LEFT, M_PER_PX, 0.0, TOP, 0.0, -M_PER_PX))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(EPSG)
    file.SetProjection(reference.ExportToWkt())
    file.WriteRaster(
        0, 0, width, height, rows,
        buf_pixel_space=3, buf_line_space=image.bytesPerLine(), buf_band_space=1,
    )  # fmt: skip
    file.FlushCache()
    return path


def whole_view(layer: QgsRasterLayer) -> QgsMapSettings:
    """Map settings that show all of the raster, pixel by pixel."""
    settings = QgsMapSettings()
    settings.setDestinationCrs(QgsCoordinateReferenceSystem(f"EPSG:{EPSG}"))
    settings.setLayers([layer])
    settings.setOutputSize(QSize(layer.width(), layer.height()))
    settings.setExtent(layer.extent())
    return settings


def compare_chip(known: KnownAnswer, chip: Chip) -> str:
    """What was read, if it is what lies in the picture; for any thread.

    Raises:
        GeoR1Error: if size or colours are others.
    """
    wanted = QImage(str(known.picture))
    found = QImage.fromData(chip.image_bytes)
    if found.size() != wanted.size():
        message = f"{found.width()} × {found.height()} px were read, {wanted.width()} × {wanted.height()} are there"
        raise GeoR1Error(message, code="doctor")
    total, count = 0, 0
    for y in range(0, wanted.height(), GRID_PX):
        for x in range(0, wanted.width(), GRID_PX):
            first, second = wanted.pixel(x, y), found.pixel(x, y)
            total += sum(abs((first >> s & 255) - (second >> s & 255)) for s in (0, 8, 16))
            count += 3
    if total / count > MAX_DIFFERENCE:
        raise GeoR1Error(f"colours differ by {total / count:.1f} of 255", code="doctor")
    return f"{found.width()} × {found.height()} px, {len(chip.image_bytes) // 1024} KiB, as in the file"


def ground_error_px(known: KnownAnswer, frame: Frame) -> float:
    """How far the known box lands from its true place, in pixels, at its worst corner."""
    x_min, y_min, x_max, y_max = known.box_px
    truth = [(x_min, y_min), (x_min, y_max), (x_max, y_max), (x_max, y_min)]
    ring = frame.box_px_to_ring_map(known.box_px)
    return max(
        math.hypot(x - (LEFT + u * M_PER_PX), y - (TOP - v * M_PER_PX)) / M_PER_PX
        for (x, y), (u, v) in zip(ring, truth)
    )


def write_and_read(known: KnownAnswer, frame: Frame, path: Path) -> str:
    """Write the known box into a result file and read it back; for any thread.

    Raises:
        GeoR1Error: if what is read is not what was written.
    """
    crs = QgsCoordinateReferenceSystem(f"EPSG:{EPSG}")
    detection = wire.Detection(0, "storage tank", list(known.box_px))
    geometry = geometry_of(detection, frame, crs, QgsCoordinateTransformContext())
    row = detection_row(
        uid="doctor", run_uid="doctor", run=RunStart(known.query, frame), detection=detection, reasoning=""
    )  # fmt: skip
    geopackage.create(str(path), crs_wkt=crs.toWkt(), program="Geo-R1 doctor")
    file = geopackage.ResultFile(str(path))
    file.write(DETECTIONS, row, bytes(geometry.asWkb()))
    file.close()
    reader = gdal.OpenEx(str(path), gdal.OF_VECTOR | gdal.OF_READONLY)
    found: List[str] = []
    for feature in reader.GetLayerByName(DETECTIONS) if reader is not None else ():
        if feature.GetField("label") == "storage tank":
            x_min, x_max, y_min, y_max = feature.GetGeometryRef().GetEnvelope()
            box = geometry.boundingBox()
            true = (box.xMinimum(), box.xMaximum(), box.yMinimum(), box.yMaximum())
            if max(abs(a - b) for a, b in zip((x_min, x_max, y_min, y_max), true)) < 1e-6:
                found.append(feature.GetField("uid"))
    del reader
    if found != ["doctor"]:
        raise GeoR1Error(f"{len(found)} of 1 polygon came back", code="doctor")
    return f"1 polygon, {path.stat().st_size // 1024} KiB, read back the same"
