"""The journal of a run over a whole raster, and its detections, in a result file.

Every look is written down with what it was answered before the next ones are asked, so that Stop, a closed QGIS and a
killed one lose at most one request, and going on asks nothing twice. All writing goes through the file's one writing
thread (`writer.py`), which waits for locks and full disks; the methods here wait for it. Not for the GUI thread.
"""

from __future__ import annotations

import heapq
import json
import os
import threading
import time
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

from qgis.core import QgsCoordinateTransformContext

from ..core import wire
from ..core.errors import GeoR1Error, LayerError
from ..core.frame import Frame
from ..core.records import RunStart
from ..crs.measure import area_m2
from ..crs.reference import crs_from
from .geopackage import ResultFile, Row
from .rows import detection_row, geometry_of, polygons_px_of, run_row
from .scene_tiles import TileRecord, recipe_from, record_of, row_of
from .schema import DETECTIONS, RUNS, SCENE_TILES, SCENES
from .target import Target

PATIENCE_S = 60.0
"""How long a write may take before the run ends and says so; the writer itself goes on trying."""


@dataclass(frozen=True)
class Written:
    """A detection of a scene, ready to be written."""

    uid: str
    detection: wire.Detection
    """In pixels of the scene."""
    area_id: str
    reasoning: str
    geometry_check: str = ""


class SceneJournal:
    """One run in one file. `begin` or `go_on` first."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._failures: List[GeoR1Error] = []
        """Where nobody else is told of trouble with the file, it ends the run."""
        self.run_uid = ""
        self.session = 0
        self._run: Optional[RunStart] = None

    @staticmethod
    def at(
        path: str, *, crs_wkt: str, context: QgsCoordinateTransformContext, other_folder: str = ""
    ) -> SceneJournal:
        """A journal in a file of one's own, which is made where there is none.

        Args:
            path: of a Geo-R1 result file.
            crs_wkt: of the detections of a new file.
            context: the project's choice of datum shifts.
            other_folder: where to go if nothing can be written there; empty = that is an error.
        """
        failures: List[GeoR1Error] = []
        target = Target(
            Path(path),
            other_folder=Path(other_folder) if other_folder else Path(path).parent,
            crs_wkt=crs_wkt,
            context=context,
            on_failed=lambda error, _waiting: failures.append(error),
            remark=lambda _text: None,
        )
        journal = SceneJournal(target)
        journal._failures = failures
        return journal

    @property
    def path(self) -> str:
        """Of the file."""
        return str(self._target.path)

    # ---- the run

    def begin(
        self,
        run: RunStart,
        *,
        options: str,
        plan: str,
        tiles: int,
        layer_id: str,
        areas_layer_id: str,
    ) -> str:
        """Write down that a run begins; its uid.

        Raises:
            LayerError: if the file cannot be written.
        """
        self.run_uid, self.session = str(uuid.uuid4()), 1
        self._run = _of_this_process(run)
        row: Row = {
            "run_uid": self.run_uid, "session": 1, "tiles": tiles, "done": 0, "options": options, "plan": plan,
            "layer_id": layer_id, "areas_layer_id": areas_layer_id, "provisional": "[]",
        }  # fmt: skip
        begun = run_row(self.run_uid, self._run)
        self._do(lambda file: file.write_all([(RUNS, begun, None), (SCENES, row, None)]))
        return self.run_uid

    def recipe_of(self, run_uid: str) -> Dict[str, Any]:
        """How the plan of a run was made; empty if the run is not in the file.

        Raises:
            LayerError: if the file cannot be read.
        """
        mine = f"run_uid = '{uuid.UUID(run_uid)}'"
        scene = self._do(lambda file: next(file.rows(SCENES, mine), None))
        return recipe_from(scene["plan"]) if scene is not None else {}

    def go_on(self, run_uid: str, run: RunStart) -> None:
        """Go on with a run that was stopped or interrupted: what more tiles may change is taken back.

        Raises:
            LayerError: if it is not in the file, or the file cannot be written.
        """
        self.run_uid = str(uuid.UUID(run_uid))
        self._run = _of_this_process(run)
        scene = self._do(lambda file: next(file.rows(SCENES, self._mine()), None))
        if scene is None:
            raise LayerError(code="scene-unknown", path=self.path)
        self.session = int(str(scene["session"] or 0)) + 1
        self.remove(json.loads(scene["provisional"] or "[]"))

        def begin_again(file: ResultFile) -> None:
            versions = json.dumps(self._run.versions, sort_keys=True, ensure_ascii=False)
            reopened: Row = {"outcome": None, "finished": None, "versions": versions}
            file.change(RUNS, "run_uid", self.run_uid, reopened)
            changes: Row = {"session": self.session, "provisional": "[]"}
            file.change(SCENES, "run_uid", self.run_uid, changes)

        self._do(begin_again)

    def end(self, outcome: str, *, reasoning: str, provisional: Sequence[str], more: Row) -> None:
        """Write down how it ended, and what of its detections more tiles might change.

        Raises:
            LayerError: if the file cannot be written.
        """

        def write_end(file: ResultFile) -> None:
            row: Row = {
                "finished": datetime.now(timezone.utc),
                "outcome": outcome,
                "reasoning": reasoning,
            }
            file.change(RUNS, "run_uid", self.run_uid, {**row, **more})
            doubtful: Row = {"provisional": json.dumps(list(provisional))}
            file.change(SCENES, "run_uid", self.run_uid, doubtful)

        self._do(write_end)
        self._target.writer.wait(PATIENCE_S)  # the file is closed then: others may read it

    # ---- the looks

    def record(self, records: Sequence[TileRecord], done: int) -> None:
        """Write looks down, in one transaction.

        Raises:
            LayerError: if the file cannot be written.
        """
        rows = [(SCENE_TILES, row_of(each, self.run_uid, self.session), None) for each in records]

        def write(file: ResultFile) -> None:
            file.write_all(rows)
            file.change(SCENES, "run_uid", self.run_uid, {"done": done})

        self._do(write)

    def earlier(self) -> Iterator[TileRecord]:
        """The looks of earlier sessions in the order of the plan, the last word on each; few in memory.

        Raises:
            LayerError: if the file cannot be read.
        """
        if self.session < 2:
            return
        sessions = [self._session(number) for number in range(1, self.session)]
        waiting: Optional[TileRecord] = None
        for record in heapq.merge(*sessions, key=lambda each: each.place):
            if waiting is not None and record.place != waiting.place:
                yield waiting
            waiting = record
        if waiting is not None:
            yield waiting

    def _session(self, number: int) -> Iterator[TileRecord]:
        """Looks of one session; within one they were written in the order of the plan."""
        file = ResultFile(self.path)
        try:
            for row in file.rows(SCENE_TILES, f"{self._mine()} AND session = {number:d}"):
                yield record_of(row)
        finally:
            file.close()

    # ---- the detections

    def written_uids(self) -> Dict[str, str]:
        """Reviews of the detections of this run that are in the file, by uid.

        Raises:
            LayerError: if the file cannot be read.
        """
        file = ResultFile(self.path)
        try:
            rows = file.rows(DETECTIONS, self._mine())
            return {str(row["uid"]): str(row["review"] or "") for row in rows}
        finally:
            file.close()

    def write(self, found: Sequence[Written], frame: Frame) -> List[Optional[float]]:
        """Write detections in one transaction; the area of each in square metres.

        Raises:
            LayerError: if the file cannot be written.
        """
        if not found:
            return []
        areas = [area_m2(polygons_px_of(each.detection), frame) for each in found]

        def write_all(file: ResultFile) -> None:
            crs = crs_from(file.crs_authid, file.crs_wkt)
            rows = []
            for each, area in zip(found, areas):
                row = detection_row(
                    uid=each.uid, run_uid=self.run_uid, run=self._run, detection=each.detection,
                    reasoning=each.reasoning,
                )  # fmt: skip
                row["area_m2"], row["area_id"] = area, each.area_id or None
                row["geometry_check"] = each.geometry_check or None
                try:
                    place = geometry_of(each.detection, frame, crs, self._target.context)
                    wkb: Optional[bytes] = bytes(place.asWkb())
                except LayerError:  # it has no place in this file's CRS: kept without one
                    wkb = None
                rows.append((DETECTIONS, row, wkb))
            file.write_all(rows)

        self._do(write_all)
        return areas

    def remove(self, uids: Sequence[str]) -> None:
        """Delete detections of this run that nobody has reviewed.

        Raises:
            LayerError: if the file cannot be written.
        """
        safe = [str(uuid.UUID(uid)) for uid in uids]

        def remove_all(file: ResultFile) -> None:
            for uid in safe:
                file.remove(DETECTIONS, f"uid = '{uid}' AND review IS NULL")

        self._do(remove_all)

    # ---- the writing thread

    def _do(self, job: Callable[[ResultFile], Any]) -> Any:
        done = threading.Event()
        outcome: Dict[str, Any] = {}

        def run(file: ResultFile) -> None:
            try:
                outcome["value"] = job(file)
            except LayerError:
                raise  # the writer tries again
            except (
                Exception
            ) as error:  # border: of the thread that writes; raised on the one that waits
                outcome["error"] = error
            done.set()

        self._target.submit(run)
        until_s = time.monotonic() + PATIENCE_S
        while not done.wait(0.1):
            if self._failures:
                raise self._failures.pop()
            if time.monotonic() > until_s:
                raise LayerError(code="scene-not-written", path=self.path, seconds=PATIENCE_S)
        if "error" in outcome:
            raise outcome["error"]
        return outcome["value"]

    def _mine(self) -> str:
        return f"run_uid = '{self.run_uid}'"


def _of_this_process(run: RunStart) -> RunStart:
    return replace(run, versions={**run.versions, "process": str(os.getpid())})
