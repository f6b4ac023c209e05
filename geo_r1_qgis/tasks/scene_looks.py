"""Reads the pixels of the next looks while the service answers the ones before: a thread of its own, one batch ahead."""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass
from typing import Iterator, List, Optional, Union

from ..capture.chip import Chip
from ..capture.scene_plan import PlannedArea, ScenePlan
from ..capture.scene_reader import SceneReader
from ..core.errors import GeoR1Error, Unexpected, without_frames
from ..core.tiling import Tile
from ..layers.scene_tiles import ANSWERED, EMPTY, TileRecord

log = logging.getLogger(__name__)

PUT_S = 0.1
MAX_LOOKS = 512
"""Of one batch, those without a question included: progress is told now and then over deserts, too."""


@dataclass(frozen=True)
class Look:
    """One look at the scene, in the order of the plan."""

    area: PlannedArea
    tile: Tile
    chip: Optional[Chip] = None
    """What is to be asked about; none where there is nothing to ask."""
    record: Optional[TileRecord] = None
    """What an earlier session knows of it."""
    error: Optional[GeoR1Error] = None
    """Why its pixels could not be read."""
    is_last_of_area: bool = False


Batch = List[Look]


class LookReader:
    """Hands out batches of looks; `close` it in any case."""

    def __init__(
        self,
        plan: ScenePlan,
        reader: SceneReader,
        *,
        chips_per_batch: int,
        earlier: Iterator[TileRecord],
    ) -> None:
        self._plan = plan
        self._reader = reader
        self._chips_per_batch = chips_per_batch
        self._earlier = earlier
        self._queue: queue.Queue[Union[Batch, GeoR1Error, None]] = queue.Queue(maxsize=1)
        self._is_closed = threading.Event()
        self._is_through = threading.Event()
        self._thread = threading.Thread(target=self._work, name="geo-r1-looks", daemon=True)
        self._thread.start()

    def next_batch(self, timeout_s: float) -> Optional[Batch]:
        """The next looks; empty after the last one.

        Returns:
            None if none was ready in time.

        Raises:
            GeoR1Error: if the reading broke off.
        """
        try:
            item = self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(item, GeoR1Error):
            raise item
        return item or []

    def close(self) -> None:
        """End the reading now and wait for it. A reader that came to its end can be used by the next run."""
        self._is_closed.set()
        if not self._is_through.is_set():
            self._reader.cancel()
        self._thread.join()

    def _work(self) -> None:
        last: Union[GeoR1Error, None] = None
        try:
            for batch in self._batches():
                self._put(batch)
                if self._is_closed.is_set():
                    return
        except GeoR1Error as error:
            last = without_frames(error)
        except Exception as error:  # border: an exception here would end the thread without a word
            log.exception("reading tiles")
            last = without_frames(Unexpected(error))
        finally:
            close = getattr(self._earlier, "close", None)
            if close is not None:
                close()
        if last is not None or not self._reader.is_cancelled:
            self._is_through.set()
            self._put(last)

    def _put(self, item: Union[Batch, GeoR1Error, None]) -> None:
        while not self._is_closed.is_set():
            try:
                self._queue.put(item, timeout=PUT_S)
            except queue.Full:
                continue
            return

    def _batches(self) -> Iterator[Batch]:
        batch: Batch = []
        chips = 0
        for look in self._looks():
            batch.append(look)
            chips += look.chip is not None
            if chips >= self._chips_per_batch or len(batch) >= MAX_LOOKS:
                yield batch
                batch, chips = [], 0
        if batch:
            yield batch

    def _looks(self) -> Iterator[Look]:
        known = next(self._earlier, None)
        for area in self._plan.areas:
            count = area.tiles.count
            for tile in area.tiles.tiles():
                if self._is_closed.is_set():
                    return
                place = (area.number, tile.number)
                while known is not None and known.place < place:
                    known = next(self._earlier, None)
                record = known if known is not None and known.place == place else None
                look = self._look(area, tile, record, is_last=tile.number == count - 1)
                if self._reader.is_cancelled:
                    return  # the last one may have been read by half
                yield look

    def _look(
        self, area: PlannedArea, tile: Tile, record: Optional[TileRecord], *, is_last: bool
    ) -> Look:
        chip: Optional[Chip] = None
        error: Optional[GeoR1Error] = None
        is_known = record is not None and record.state in (ANSWERED, EMPTY)
        if not is_known and area.meets(tile):
            try:
                chip = self._reader.read(self._plan.tile_frame(area, tile))
            except GeoR1Error as failure:
                error = without_frames(failure)
        return Look(area, tile, chip, record, error, is_last)
