"""From labels to a data set: chips around them in the layer's own stretch, and the true boxes in pixels of each chip.

The same plan and the same drawing as for a question (`plan.py`, `render.py`), so that training sees what inference sees.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from qgis.core import (
    QgsCoordinateTransformContext,
    QgsGeometry,
    QgsMapSettings,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QSize

from ..core.chip_windows import chips_per_label, visible_box_px, visible_rings_px, windows_around
from ..core.errors import CaptureError
from ..core.frame import Frame
from ..core.label_check import Box, Check, Label
from ..core.split import split_windows
from ..core.training_wire import MAX_OBJECTS_PER_SAMPLE, MAX_SAMPLES, Sample
from ..core.wire import Task
from .ground import has_own_pixels
from .plan import plan_view
from .raster_reader import RasterReader
from .render import ChipRender

SIZE_PX = 448
TRIES = 8
"""How often other windows are drawn where a second object is in the way."""


class ChipSet:
    """Make it on the GUI thread (that copies the layer), `cut` and `close` on any."""

    def __init__(
        self, raster: QgsRasterLayer, context: QgsCoordinateTransformContext, folder: Path
    ) -> None:
        self._layer = raster.clone()
        self._reader = RasterReader(self._layer) if has_own_pixels(self._layer) else None
        self._context = QgsCoordinateTransformContext(context)
        self._folder = folder

    def cut(
        self,
        check: Check,
        *,
        task: Task,
        seed: int,
        progress: Callable[[int, int], None],
        is_cancelled: Callable[[], bool],
        held_out: Optional[float] = None,
    ) -> List[Sample]:
        """Take the chips, each into a file named by its SHA-256, and return the samples.

        Args:
            check: labels that can be used.
            task: what is asked for.
            seed: of places and parts; the same seed and labels give the same samples.
            progress: is told the chips that are taken, and of how many.
            is_cancelled: asked before each chip; then the samples so far are returned.
            held_out: share of the labels that is held out; none = by their number.

        Raises:
            CaptureError: if a chip cannot be drawn, or no sample is left.
        """
        return self._cut(check, task, seed, progress, is_cancelled, held_out)

    def path_of(self, sha256: str) -> Path:
        """Where a chip lies."""
        return self._folder / f"{sha256}.png"

    def close(self) -> None:
        """Let go of the copy of the layer; it belongs to the GUI thread and is deleted there."""
        layer, self._layer, self._reader = self._layer, None, None
        if layer is not None and threading.current_thread() is not threading.main_thread():
            sip.transferto(layer, None)
            layer.deleteLater()

    def _cut(
        self,
        check: Check,
        task: Task,
        seed: int,
        progress: Callable[[int, int], None],
        is_cancelled: Callable[[], bool],
        held_out: Optional[float],
    ) -> List[Sample]:
        count = chips_per_label(len(check.labels))
        possible = [_possible(label, check, task, seed, count) for label in check.labels]
        split, windows = split_windows(possible, seed=seed, held_out=held_out)
        wanted = [(index, window) for index, some in enumerate(windows) for window in some]
        wanted = wanted[:MAX_SAMPLES]
        samples: List[Sample] = []
        by_expression: Dict[str, List[Label]] = {}
        for label in check.positives:
            by_expression.setdefault(label.expression, []).append(label)
        for number, (index, window) in enumerate(wanted):
            if is_cancelled():
                return samples
            progress(number, len(wanted))
            label = check.labels[index]
            frame, sha256 = self._chip(window)
            boxes, polygons = _truth(frame, by_expression.get(label.expression, []))
            limit = 1 if task == "rec" else MAX_OBJECTS_PER_SAMPLE
            if len(boxes) > limit or (label.is_positive and not boxes):
                continue
            samples.append(
                Sample(
                    chip=sha256,
                    query=label.expression,
                    task=task,
                    boxes_px=boxes,
                    label=label.name or label.expression[:200],
                    part=split.parts[index],
                    place=split.places[index],
                    polygons_px=polygons if task == "gres" else None,
                )
            )
        progress(len(wanted), len(wanted))
        if not samples:
            raise CaptureError(code="dataset-empty")
        return samples

    def _chip(self, window: Box) -> Tuple[Frame, str]:
        settings = QgsMapSettings()
        settings.setDestinationCrs(self._layer.crs())
        settings.setTransformContext(self._context)
        settings.setOutputSize(QSize(SIZE_PX, SIZE_PX))
        area = QgsRectangle(*window)
        settings.setExtent(area)
        plan = plan_view(settings, self._layer, QgsGeometry.fromRect(area))
        render = ChipRender(plan, self._reader)
        try:
            chip = render.render()
        finally:
            render.close()
        path = self.path_of(chip.sha256)
        if not path.exists():
            path.write_bytes(chip.image_bytes)
        return chip.frame, chip.sha256


def _possible(label: Label, check: Check, task: Task, seed: int, count: int) -> List[Box]:
    """Windows that may be shown of a label; where one object is asked for, those with no second one that the question fits."""
    units = check.units_per_px
    if task != "rec":
        return windows_around(label, units_per_px=units, count=count, seed=seed)
    alike = [other for other in check.positives if other.expression == label.expression]
    found: List[Box] = []
    for number in range(TRIES):
        more = windows_around(label, units_per_px=units, count=count + 1, seed=seed + number)
        for window in more[:count] if number == 0 else more:
            if window not in found and _seen(alike, window) <= 1:
                found.append(window)
        if len(found) >= count:
            break
    return found[:count]


def _seen(labels: Sequence[Label], window: Box) -> int:
    """How many objects a window shows at least half of."""
    left, bottom, right, top = window
    return sum(
        bool(
            visible_box_px(
                [
                    (one.box[0] - left, one.box[1] - bottom),
                    (one.box[2] - left, one.box[3] - bottom),
                ],
                right - left,
                top - bottom,
            )
        )
        for one in labels
    )


def _truth(
    frame: Frame, labels: Sequence[Label]
) -> Tuple[List[List[float]], List[List[List[List[float]]]]]:
    """Boxes and outlines of what the chip shows."""
    boxes: List[List[float]] = []
    polygons: List[List[List[List[float]]]] = []
    for label in labels:
        left, bottom, right, top = label.box
        near = [frame.map_to_px(x, y) for x in (left, right) for y in (bottom, top)]
        box = visible_box_px(near, frame.width_px, frame.height_px)
        if box:
            boxes.append(box)
            for rings in label.polygons:
                rings_px = [[frame.map_to_px(x, y) for x, y in ring] for ring in rings]
                seen = visible_rings_px(rings_px, frame.width_px, frame.height_px)
                polygons += [seen] if seen else []
    return boxes, polygons
