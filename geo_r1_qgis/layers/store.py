"""Where detections go: one GeoPackage per project, written in the background, shown as one layer.

All methods are called on the GUI thread and return at once; `stored`, `failed` and `remarked` say later what happened.
The writing is `writer.py`'s, the rows are `rows.py`'s; this decides which file, and keeps the layer in step.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QObject, QStandardPaths, QTimer, pyqtSignal

from ..core import wire
from ..core.errors import GeoR1Error, LayerError
from ..core.frame import Frame
from ..core.records import RunStart
from . import places
from .export import export_detections
from .geopackage import ResultFile
from .opening import open_or_create
from .rows import area_m2, crs_from, detection_row, geometry_of, result_row, run_row
from .schema import DETECTIONS, RUNS
from .writer import Job, Writer

LAYER_NAME = "Geo-R1 detections"
REFRESH_MS = 50
CLOSE_S = 8.0


@dataclass
class _Run:
    start: RunStart
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
        self._held: List[Job] = []
        """Of runs without a detection yet: no file is made for a question that found nothing."""
        self._path: Optional[Path] = None
        self._layer_id = ""
        self._program = "Geo-R1 for QGIS"
        self._file_crs_wkt, self._context = "", QgsCoordinateTransformContext()
        self._writer = Writer(self._open_file, self._on_failed)
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

        self._hold_or_submit(write_run)
        return run_uid

    def add(self, run_uid: str, detection: wire.Detection, frame: Frame, reasoning: str) -> str:
        """Write a detection; it is on disk when `stored` says its uid, which is returned."""
        run = self._runs[run_uid]
        uid = str(uuid.uuid4())
        row = detection_row(
            uid=uid, run_uid=run_uid, run=run.start, detection=detection, reasoning=reasoning
        )
        self._choose_path(frame)
        context = QgsCoordinateTransformContext(self._context)

        def write_detection(file: ResultFile) -> None:
            crs = crs_from(file.crs_authid, file.crs_wkt)
            geometry = geometry_of(detection, frame, crs, context)
            row["area_m2"] = area_m2(geometry, crs, context)
            run.detection_fids.append(file.write(DETECTIONS, row, bytes(geometry.asWkb())))
            self.stored.emit(uid)

        held, self._held = self._held, []
        for job in held:
            self._writer.submit(job)
        self._writer.submit(write_detection)
        return uid

    def finish_run(self, run_uid: str, result: wire.ResultEvent) -> None:
        """Note how a question ended, and give its detections the whole reasoning."""
        run = self._runs.pop(run_uid)
        row = result_row(result)

        def write_end(file: ResultFile) -> None:
            file.change(RUNS, run.fid, row)
            for fid in run.detection_fids:
                file.change(DETECTIONS, fid, {"reasoning": result.reasoning, "model": result.model})

        self._hold_or_submit(write_end)

    def retry(self) -> None:
        """Try again to write what waits."""
        self._writer.retry()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is on disk; whether it is. Not for the GUI thread, except at the very end."""
        return self._writer.wait(timeout_s)

    def close(self) -> None:
        """Write what waits, and let go of the project."""
        self._project.cleared.disconnect(self._forget)
        self._refresh.stop()
        self.flush(CLOSE_S)

    # ---- reading ---------------------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The file; empty before the first detection."""
        return str(self._path) if self._path else ""

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

    def _hold_or_submit(self, job: Job) -> None:
        if self._path is None and not self._find_path():
            self._held.append(job)
        else:
            self._writer.submit(job)

    def _find_path(self) -> bool:
        """Use the file that already lies beside the project; whether there is one."""
        project_file = self._project.absoluteFilePath()
        if not project_file or not places.beside_project(project_file).exists():
            return False
        self._use(places.beside_project(project_file))
        return True

    def _choose_path(self, frame: Frame) -> None:
        if self._path is not None or self._find_path():
            return
        project_file = self._project.absoluteFilePath()
        crs = self._project.crs()
        wkt2 = QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED
        self._file_crs_wkt = crs.toWkt(wkt2) if crs.isValid() else frame.crs_wkt
        if project_file:
            self._use(places.beside_project(project_file))
            return
        path = places.for_unsaved(self._own_folder(), datetime.now())  # noqa: DTZ005 - the user's own clock
        self._use(path)
        sentence = self.tr("The project is not saved yet; its detections are in {path}")
        self.remarked.emit(sentence.format(path=path))

    def _use(self, path: Path) -> None:
        self._path = path
        self._context = self._project.transformContext()

    def _own_folder(self) -> Path:
        documents = QStandardPaths.writableLocation(
            QStandardPaths.StandardLocation.DocumentsLocation
        )
        return places.own_folder(documents, QgsApplication.qgisSettingsDirPath())

    def _forget(self) -> None:
        """Another project: another file. What is still being written goes where it belongs first."""
        self.flush(CLOSE_S)
        self._path, self._layer_id = None, ""
        self._held.clear()

    def _open_file(self) -> ResultFile:
        """Open the file or make it; on the writer's thread."""
        file = open_or_create(
            Path(self.path),
            other_folder=self._own_folder(),
            crs_wkt=self._file_crs_wkt,
            program=self._program,
            remark=self.remarked.emit,
        )
        self._path = Path(file.path)
        return file

    def _on_failed(self, error: GeoR1Error, waiting: int) -> None:
        error.parameters["waiting"] = waiting
        self.failed.emit(error)

    # ---- the layer -------------------------------------------------------------------------------------------------

    def _on_stored(self, _uid: str) -> None:
        if not self._refresh.isActive():
            self._refresh.start()

    def _show_layer(self) -> None:
        """Add the layer if the project has none on this file, and let it read the file anew."""
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
            self.failed.emit(LayerError(f"{self.path} cannot be shown.", code="layer-unreadable"))
            return

        def add() -> None:
            if self.layer is not None or not self.path or not source.startswith(self.path):
                return  # another project was opened meanwhile
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
