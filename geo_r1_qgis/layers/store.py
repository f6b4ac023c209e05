"""Where detections go: one GeoPackage per project, written in the background, shown as one layer.

All methods are called on the GUI thread and return at once; `stored`, `failed` and `remarked` say later what happened.
The writing is `writer.py`'s, the rows are `rows.py`'s, the layer is `result_layer.py`'s; this decides which file.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from qgis.core import QgsApplication, QgsCoordinateReferenceSystem, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QObject, QStandardPaths, QTimer, pyqtSignal

from ..core import wire
from ..core.errors import GeoR1Error, LayerError, without_frames
from ..core.frame import Frame
from ..core.records import RunStart
from ..crs.measure import area_m2
from ..crs.reference import crs_from, wkt2
from . import places, rescue
from .export import export_detections
from .geopackage import ResultFile, Row
from .interrupted import look_for_interrupted
from .result_layer import LAYER_NAME, ResultLayer
from .rows import broken_off_row, detection_row, geometry_of, polygons_px_of, result_row, run_row
from .schema import DETECTIONS, RUNS
from .target import Target
from .writer import Job, Writer

__all__ = ["CLOSE_S", "LAYER_NAME", "DetectionStore"]

log = logging.getLogger(__name__)

AGAIN_MS = 5000
"""How often what waits in memory is tried again: the lock is gone, the disk has room."""
CLOSE_S = 8.0


@dataclass
class _Run:
    uid: str
    start: RunStart
    row: Row
    target: Optional[Target] = None
    """The file that it is written to; none while it has no detection and there is no file."""
    is_forgotten: bool = False
    """Its project was closed before there was a file."""
    written_in: str = ""
    """Set by the writer's thread, read only there; so are the next."""
    fid: int = 0
    detection_fids: Dict[str, int] = field(default_factory=dict)

    def write_begin(self, file: ResultFile) -> None:
        """Its row, as it is known now, unless it is in this file."""
        if self.written_in != file.path:
            self._insert(file)

    def write_end(self, file: ResultFile, end: Row) -> None:
        """Complete its row; a file that came in the place of the first one gets the whole of it."""
        self.row = {**self.row, **end}
        if not file.change(RUNS, "run_uid", self.uid, end, fid=self.fid):
            self._insert(file)

    def _insert(self, file: ResultFile) -> None:
        self.fid = file.write(RUNS, self.row)
        self.written_in = file.path


class DetectionStore(QObject):
    """The result layer of a project."""

    stored = pyqtSignal(str)
    """uid of a detection that is on disk now."""
    failed = pyqtSignal(object)
    """A GeoR1Error: something waits in memory that could not be written; it is tried again now and then, and by `retry`."""
    recovered = pyqtSignal()
    """What had waited is on disk now."""
    remarked = pyqtSignal(str)
    """A sentence to show: which file, why another one."""
    told = pyqtSignal(str, str)
    """Title and text of something that happened before this QGIS was started."""
    layer_ready = pyqtSignal(object)
    """The QgsVectorLayer, when it was added to the project."""
    _interrupted = pyqtSignal(str, object)
    _failed_to_write = pyqtSignal(object)

    def __init__(
        self, project: Optional[QgsProject] = None, parent: Optional[QObject] = None
    ) -> None:
        super().__init__(parent)
        self._project = project or QgsProject.instance()
        self._runs: Dict[str, _Run] = {}
        self._held: List[Tuple[_Run, Job]] = []
        """Of runs without a detection yet: no file is made for a question that found nothing."""
        self._target: Optional[Target] = None
        self._earlier: List[Target] = []
        """Of projects that were closed while something was still being written."""
        self._shown = ResultLayer(self._project, self)
        self._shown.ready.connect(self.layer_ready)
        self._shown.failed.connect(self.failed)
        self._looking: Optional[Writer] = None
        self._trouble = self._said = ""
        """Code of the error that is not over, and of the one said last."""
        self._again = QTimer(self)
        self._again.setInterval(AGAIN_MS)
        self._again.timeout.connect(self._try_again)
        self.stored.connect(self._on_stored)
        self._failed_to_write.connect(self._on_failed)
        self._interrupted.connect(self._on_interrupted)
        self._project.cleared.connect(self._forget)

    def begin_run(self, start: RunStart) -> str:
        """Note that a question was sent; returns its uid."""
        run_uid = str(uuid.uuid4())
        start = replace(start, versions={**start.versions, "process": str(os.getpid())})
        run = self._runs[run_uid] = _Run(run_uid, start, run_row(run_uid, start))
        self._hold_or_submit(run, run.write_begin)
        return run_uid

    def add(self, run_uid: str, detection: wire.Detection, frame: Frame, reasoning: str) -> str:
        """Write a detection; it is on disk when `stored` says its uid, which is returned."""
        run = self._runs[run_uid]
        uid = str(uuid.uuid4())
        row = detection_row(
            uid=uid, run_uid=run_uid, run=run.start, detection=detection, reasoning=reasoning
        )
        target = run.target or self.target_for(frame)

        def write_detection(file: ResultFile) -> None:
            row["area_m2"] = area_m2(polygons_px_of(detection), frame)
            wkb = None
            try:
                crs = crs_from(file.crs_authid, file.crs_wkt)
                wkb = bytes(geometry_of(detection, frame, crs, target.context).asWkb())
            except LayerError as error:  # it has no place in this file: kept without one, and said
                self.failed.emit(without_frames(error))
            run.write_begin(file)
            run.detection_fids[uid] = file.write(DETECTIONS, row, wkb)
            self.stored.emit(uid)

        held, self._held = self._held, []
        for held_run, job in held:
            held_run.target = target
            target.submit(job)
        run.target = target
        target.submit(write_detection)
        return uid

    def finish_run(self, run_uid: str, result: wire.ResultEvent, geometry_check: str = "") -> None:
        """Note how a question ended, and give its detections the whole reasoning and what the geometry says of them."""
        row = result_row(result, self._runs[run_uid].start.task if run_uid in self._runs else "")
        told = {"reasoning": result.reasoning, "model": result.model}
        self._end_run(run_uid, row, {**told, "geometry_check": geometry_check or None})

    def break_off_run(self, run_uid: str, outcome: str, reasoning: str) -> None:
        """Note that a question was stopped, or failed, before its answer was complete; what it found stays."""
        self._end_run(run_uid, broken_off_row(outcome, reasoning), {"reasoning": reasoning})

    def submit(self, job: Job) -> None:
        """Write something more into the file of this project, if there is one."""
        if self._find_target() is not None:
            self._target.submit(job)

    def target_for(self, frame: Frame) -> Target:
        """The file of this project for a run over a whole raster; it is made with the first thing written."""
        return self._find_target() or self._new_target(frame)

    def show_now(self) -> None:
        """A long run has ended: its layer need not wait for more."""
        self._shown.hurry()

    def retry(self) -> None:
        """Try again to write what waits, and say it again if it fails again."""
        self._said = ""
        self._try_again()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is on disk; whether it is. Not for the GUI thread, except at the very end."""
        until_s = time.monotonic() + timeout_s
        writers = [target.writer for target in self._targets()]
        waits = [writer.wait(max(0.0, until_s - time.monotonic())) for writer in writers]
        return all(waits)

    def close(self) -> None:
        """Write what waits, elsewhere if it must be, and let go of the project."""
        self._project.cleared.disconnect(self._forget)
        self._shown.stop()
        self._again.stop()
        if self._looking is not None:
            self._looking.wait(CLOSE_S)
        rescue.write_somewhere(self._targets(), CLOSE_S)

    @property
    def path(self) -> str:
        """The file; empty where there is none yet."""
        return str(self._target.path) if self._find_target() else ""

    @property
    def layer(self) -> Optional[QgsVectorLayer]:
        """The layer in the project; none before the first detection."""
        return self._shown.layer

    def look_back(self) -> None:
        """Look, in the background, what did not end well before this QGIS was started; `told` says it."""
        text = self.tr("{was} could not be written when QGIS was closed. The rest is in {now}")
        for was, now in rescue.take_notes():
            self.told.emit(self.tr("Detections were kept elsewhere"), text.format(was=was, now=now))
        project_file = self._project.absoluteFilePath()
        path = places.beside_project(project_file) if project_file else None
        if path is not None and path.exists():
            self._looking = look_for_interrupted(
                path,
                self._runs,
                lambda queries: self._interrupted.emit(str(path), queries),
            )

    def export(
        self,
        uids: Sequence[str],
        path: str,
        crs: QgsCoordinateReferenceSystem,
        driver: str = "GPKG",
    ) -> int:
        """Copy chosen detections to a new file; returns how many. Blocks: see `tasks/export_task.py`.

        Raises:
            LayerError: if the copy cannot be made; an existing file is then still whole.
        """
        self.flush(CLOSE_S)
        context = self._project.transformContext()
        return export_detections(self.path, uids, path, crs=crs, driver=driver, context=context)

    def _targets(self) -> List[Target]:
        current = [self._target] if self._target else []
        self._earlier = [target for target in self._earlier if not target.writer.is_idle]
        return current + self._earlier

    def _end_run(self, run_uid: str, end: Row, of_detections: Row) -> None:
        run = self._runs.pop(run_uid, None)
        if run is None:
            return  # it has ended

        def write_end(file: ResultFile) -> None:
            run.write_end(file, end)
            for uid, fid in run.detection_fids.items():
                file.change(DETECTIONS, "uid", uid, of_detections, fid=fid)

        self._hold_or_submit(run, write_end)

    def _hold_or_submit(self, run: _Run, job: Job) -> None:
        if run.is_forgotten:
            return
        run.target = run.target or self._find_target()
        if run.target is None:
            self._held.append((run, job))
            return
        run.target.submit(job)
        if run.target is not self._target and run.target not in self._earlier:
            self._earlier.append(run.target)

    def _find_target(self) -> Optional[Target]:
        """The file in use, or the one that already lies beside the project."""
        project_file = self._project.absoluteFilePath()
        if self._target is None and project_file:
            path = places.beside_project(project_file)
            if path.exists():
                self._target = self._make_target(path)
        return self._target

    def _new_target(self, frame: Frame) -> Target:
        project_file = self._project.absoluteFilePath()
        crs = self._project.crs()
        crs_wkt = wkt2(crs) or frame.crs_wkt
        if project_file:
            path = places.beside_project(project_file)
        else:
            path = places.for_unsaved(self._own_folder(), datetime.now())  # noqa: DTZ005 - the user's own clock
            sentence = self.tr("The project is not saved yet; its detections are in {path}")
            self.remarked.emit(sentence.format(path=path))
        self._target = self._make_target(path, crs_wkt)
        return self._target

    def _make_target(self, path: Path, crs_wkt: str = "") -> Target:
        return Target(
            path,
            other_folder=self._own_folder(),
            crs_wkt=crs_wkt or self._project.crs().toWkt(),
            context=self._project.transformContext(),
            on_failed=lambda error, _waiting: self._failed_to_write.emit(error),
            remark=self.remarked.emit,
        )

    def _own_folder(self) -> Path:
        documents = QStandardPaths.writableLocation(
            QStandardPaths.StandardLocation.DocumentsLocation
        )
        return places.own_folder(documents, QgsApplication.qgisSettingsDirPath())

    def _forget(self) -> None:
        """Another project: another file. What is still being written goes on to where it belongs."""
        if self._target is not None:
            self._earlier.append(self._target)
        self._target = None
        self._shown.forget()
        self._held.clear()
        for run in self._runs.values():
            run.is_forgotten = run.target is None

    @property
    def _waiting(self) -> int:
        return sum(target.writer.waiting for target in self._targets())

    def _try_again(self) -> None:
        for target in self._targets():
            target.writer.retry()
        self._see_whether_it_is_over()

    def _on_failed(self, error: GeoR1Error) -> None:
        """Say a trouble once, and try again until it is over."""
        error.parameters["waiting"] = self._waiting
        self._trouble = error.code
        self._again.start()
        if error.code != self._said:
            self._said = error.code
            self.failed.emit(error)

    def _on_stored(self, _uid: str) -> None:
        if self.path:
            self._shown.refresh(self.path, self._target.writer)
        self._see_whether_it_is_over()

    def _see_whether_it_is_over(self) -> None:
        if self._trouble and not self._waiting:
            self._again.stop()
            self._trouble = self._said = ""
            self.recovered.emit()

    def _on_interrupted(self, path: str, queries: List[str]) -> None:
        title = self.tr("QGIS was closed in the middle of an answer")
        text = self.tr("What it had found is kept in {path}. Asked was: {queries}")
        asked = ", ".join(f"“{query}”" for query in queries)
        self.told.emit(title, text.format(path=path, queries=asked))
