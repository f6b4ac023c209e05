"""Where detections go: one GeoPackage per project, written in the background, shown as one layer.

All methods are called on the GUI thread and return at once; `stored`, `failed` and `remarked` say later what happened.
The writing is `writer.py`'s, the rows are `rows.py`'s; this decides which file, and keeps the layer in step.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QStandardPaths, QTimer, pyqtSignal

from ..core import wire
from ..core.errors import GeoR1Error, LayerError
from ..core.frame import Frame
from ..core.records import RunStart
from . import places
from .export import export_detections
from .geopackage import ResultFile
from .rows import area_m2, crs_from, detection_row, geometry_of, result_row, run_row
from .schema import DETECTIONS, RUNS
from .target import Target
from .writer import Job

LAYER_NAME = "Geo-R1 detections"
REFRESH_MS = 50
CLOSE_S = 8.0


@dataclass
class _Run:
    start: RunStart
    target: Optional[Target] = None
    """The file that it is written to; none while it has no detection and there is no file."""
    fid: int = 0
    """Set by the writer's thread, read only there; so is the next."""
    detection_fids: List[int] = field(default_factory=list)


class DetectionStore(QObject):
    """The result layer of a project."""

    stored = pyqtSignal(str)
    """uid of a detection that is on disk now."""
    failed = pyqtSignal(object)
    """A GeoR1Error: something waits in memory that could not be written; `retry` tries again."""
    remarked = pyqtSignal(str)
    """A sentence to show: which file, why another one."""
    layer_ready = pyqtSignal(object)
    """The QgsVectorLayer, when it was added to the project."""

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
        self._layer_id = ""
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(REFRESH_MS)
        self._refresh.timeout.connect(self._show_layer)
        self.stored.connect(self._on_stored)
        self._project.cleared.connect(self._forget)

    # ---- writing ---------------------------------------------------------------------------------------------------

    def begin_run(self, start: RunStart) -> str:
        """Note that a question was sent; returns its uid."""
        run_uid = str(uuid.uuid4())
        run = self._runs[run_uid] = _Run(start)
        row = run_row(run_uid, start)

        def write_run(file: ResultFile) -> None:
            run.fid = file.write(RUNS, row)

        self._hold_or_submit(run, write_run)
        return run_uid

    def add(self, run_uid: str, detection: wire.Detection, frame: Frame, reasoning: str) -> str:
        """Write a detection; it is on disk when `stored` says its uid, which is returned."""
        run = self._runs[run_uid]
        uid = str(uuid.uuid4())
        row = detection_row(
            uid=uid, run_uid=run_uid, run=run.start, detection=detection, reasoning=reasoning
        )
        target = run.target or self._find_target() or self._new_target(frame)

        def write_detection(file: ResultFile) -> None:
            crs = crs_from(file.crs_authid, file.crs_wkt)
            geometry = geometry_of(detection, frame, crs, target.context)
            row["area_m2"] = area_m2(geometry, crs, target.context)
            run.detection_fids.append(file.write(DETECTIONS, row, bytes(geometry.asWkb())))
            self.stored.emit(uid)

        held, self._held = self._held, []
        for held_run, job in held:
            held_run.target = target
            target.submit(job)
        target.submit(write_detection)
        return uid

    def finish_run(self, run_uid: str, result: wire.ResultEvent) -> None:
        """Note how a question ended, and give its detections the whole reasoning."""
        run = self._runs.pop(run_uid)
        row = result_row(result)

        def write_end(file: ResultFile) -> None:
            file.change(RUNS, run.fid, row)
            for fid in run.detection_fids:
                file.change(DETECTIONS, fid, {"reasoning": result.reasoning, "model": result.model})

        self._hold_or_submit(run, write_end)

    def retry(self) -> None:
        """Try again to write what waits."""
        for target in self._targets():
            target.writer.retry()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is on disk; whether it is. Not for the GUI thread, except at the very end."""
        until_s = time.monotonic() + timeout_s
        waits = [
            target.writer.wait(max(0.0, until_s - time.monotonic())) for target in self._targets()
        ]
        return all(waits)

    def close(self) -> None:
        """Write what waits, and let go of the project."""
        self._project.cleared.disconnect(self._forget)
        self._refresh.stop()
        self.flush(CLOSE_S)

    # ---- reading ---------------------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The file; empty before the first detection."""
        return str(self._target.path) if self._target else ""

    @property
    def layer(self) -> Optional[QgsVectorLayer]:
        """The layer in the project; none before the first detection."""
        layer = self._project.mapLayer(self._layer_id) if self._layer_id else None
        return layer if isinstance(layer, QgsVectorLayer) else None

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

    # ---- which file ------------------------------------------------------------------------------------------------

    def _targets(self) -> List[Target]:
        current = [self._target] if self._target else []
        self._earlier = [target for target in self._earlier if target.writer.waiting]
        return current + self._earlier

    def _hold_or_submit(self, run: _Run, job: Job) -> None:
        run.target = run.target or self._find_target()
        if run.target is None:
            self._held.append((run, job))
        else:
            run.target.submit(job)

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
        wkt2 = QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED
        crs_wkt = crs.toWkt(wkt2) if crs.isValid() else frame.crs_wkt
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
            on_failed=self._on_failed,
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
        self._target, self._layer_id = None, ""
        self._held.clear()

    def _on_failed(self, error: GeoR1Error, waiting: int) -> None:
        error.parameters["waiting"] = waiting
        self.failed.emit(error)

    # ---- the layer -------------------------------------------------------------------------------------------------

    def _on_stored(self, _uid: str) -> None:
        if not self._refresh.isActive():
            self._refresh.start()

    def _show_layer(self) -> None:
        """Add the layer if the project has none on this file, and let it read the file anew."""
        if not self.path or not Path(self.path).exists():
            return  # what was stored belongs to a project that was closed
        layer = self.layer or self._layer_on(self.path)
        if layer is None:
            self._add_layer()
            return
        self._layer_id = layer.id()
        layer.dataProvider().reloadData()
        layer.updateExtents()
        layer.triggerRepaint()

    def _add_layer(self) -> None:
        """Open the file now, read the style and add the layer in the next turn: each is 10 to 30 ms."""
        options = QgsVectorLayer.LayerOptions(self._project.transformContext())
        options.loadDefaultStyle = False
        source = f"{self.path}|layername={DETECTIONS}"
        layer = QgsVectorLayer(source, LAYER_NAME, "ogr", options)
        if not layer.isValid():
            message = self.tr("{path} cannot be shown.").format(path=self.path)
            self.failed.emit(LayerError(message, code="layer-unreadable", path=self.path))
            return

        def add() -> None:
            if sip.isdeleted(self) or self.layer is not None:
                return  # the plugin was unloaded, or somebody was faster
            if not self.path or not source.startswith(self.path):
                return  # another project was opened
            layer.loadDefaultStyle()
            self._project.addMapLayer(layer, False)
            self._project.layerTreeRoot().insertLayer(0, layer)
            self._layer_id = layer.id()
            self.layer_ready.emit(layer)

        QTimer.singleShot(0, add)

    def _layer_on(self, path: str) -> Optional[QgsVectorLayer]:
        for layer in self._project.mapLayers().values():
            if not isinstance(layer, QgsVectorLayer) or layer.providerType() != "ogr":
                continue
            source, _, rest = layer.source().partition("|")
            if f"layername={DETECTIONS}" in rest and Path(source) == Path(path):
                return layer
        return None
