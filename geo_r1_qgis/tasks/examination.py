"""The doctor: the whole chain on a picture with a known answer, step by step, without ever waiting.

read → connect → send → answer → ground → write, then the service's own steps where it is this machine's. What does not
depend on a broken step is tried all the same.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

from qgis.core import QgsApplication, QgsRasterLayer, QgsTask
from qgis.PyQt.QtCore import QCoreApplication, QObject, QTemporaryDir, QTimer, pyqtSignal

from ..capture.chip import Chip
from ..capture.plan import plan_view
from ..core import wire
from ..core.checkup import NEEDED_IOU, State, Step, iou
from ..core.errors import CommandNotFound, GeoR1Error
from ..core.sentences import explain
from ..core.standing import Standing
from ..network.client import Client
from ..network.connection import Connection
from ..network.doctor import Doctor
from ..network.ground_call import GroundCall
from .capture_task import CaptureTask
from .function_task import FunctionTask
from .known_answer import (
    compare_chip,
    ground_error_px,
    known_answer,
    whole_view,
    write_and_read,
    write_raster,
)
from .outcome import Done, Failed

STEPS = ("read", "connect", "send", "answer", "ground", "write", "service")
MAX_GROUND_ERROR_PX = 0.5


class Examination(QObject):
    """One run: `stepped` with a `Step` whenever something begins or ends, then `ended` with whether all is well."""

    stepped = pyqtSignal(object)
    ended = pyqtSignal(bool)

    def __init__(self, connection: Connection, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self.steps: Dict[str, Step] = {}
        """By name, in the order in which they began."""
        self.standing: Optional[Standing] = None
        self._connection = connection
        self._known = known_answer()
        self._folder = QTemporaryDir()
        self._left: List[str] = list(STEPS)
        self._began_s: Dict[str, float] = {}
        self._task: Optional[QgsTask] = None
        self._call: Optional[GroundCall] = None
        self._client: Optional[Client] = None
        self._doctor: Optional[Doctor] = None
        self._layer: Optional[QgsRasterLayer] = None
        self._chip: Optional[Chip] = None
        self._is_waiting = False
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self._is_over

    def start(self) -> None:
        """Begin; everything else is told by the signals."""
        self._turn()

    def stop(self) -> None:
        """End now; what was not finished is said to be skipped."""
        if self._is_over:
            return
        for step in list(self.steps.values()):
            if step.state is State.RUNNING:
                self._tell(Step(step.name, State.SKIPPED, self.tr("stopped")))
        for name in self._left:
            self._tell(Step(name, State.SKIPPED, self.tr("stopped")))
        self._end()

    def _turn(self) -> None:
        """The next step, from the event loop."""
        QTimer.singleShot(0, self._next)

    def _next(self) -> None:
        if self._is_over:
            return
        if not self._left:
            self._end()
            return
        name = self._left.pop(0)
        needs = {
            "send": ("read", "connect"),
            "answer": ("send",),
            "ground": ("read",),
            "write": ("read",),
        }
        missing = [each for each in needs.get(name, ()) if not self._is_ok(each)]
        if missing:
            because = self.tr("not tried, because of “{step}”").format(step=missing[0])
            self._finish(Step(name, State.SKIPPED, because))
            return
        self._begin(name)
        getattr(self, f"_do_{name}")()

    # ---- the steps

    def _do_read(self) -> None:
        path = Path(self._folder.path(), "known.tif")
        self._run(partial(write_raster, self._known, path), self._on_raster)

    def _on_raster(self, path: Path) -> None:
        self._layer = QgsRasterLayer(str(path), "known")
        self._add(CaptureTask(plan_view(whole_view(self._layer), self._layer)), self._on_chip)

    def _on_chip(self, chip: Chip) -> None:
        self._chip = chip
        self._run(partial(compare_chip, self._known, chip), partial(self._ok, "read"))

    def _do_connect(self) -> None:
        self._is_waiting = True
        self._connection.settled.connect(self._on_settled)
        self._connection.connect_service(
            may_start=self._connection.settings.start_service, by_user=True
        )

    def _on_settled(self, standing: Standing) -> None:
        self._stop_waiting()
        self.standing = standing
        if not standing.can_ask:
            self._break(
                "connect", standing.error or GeoR1Error(standing.kind.value, code="unreachable")
            )
            return
        health, endpoint = standing.health, standing.endpoint
        found = f"{health.model_title or health.model} · {health.engine} · {health.device} · {health.version} · {endpoint.url}"
        self._ok("connect", found)

    def _do_send(self) -> None:
        known = self._known
        item = wire.GroundItem("1", self._chip.sha256, known.query, known.task)
        request = wire.GroundRequest([item], model=self._connection.settings.model or None)
        self._client = Client(self.standing.endpoint, self)
        images = {self._chip.sha256: self._chip.image_bytes}
        self._call = GroundCall(self._client, request, images)
        self._call.event_read.connect(self._on_event)
        self._call.failed.connect(self._on_call_failed)
        self._call.start()

    def _on_event(self, event: Any) -> None:
        if self.steps["send"].state is State.RUNNING:
            self._left.remove("answer")
            self._tell(self._timed("send", State.OK, self.tr("the picture is there")))
            self._begin("answer")
        if isinstance(event, wire.ErrorEvent):
            error = event.error
            self._break("answer", GeoR1Error(error.message, hint=error.hint, code=error.code))
        elif isinstance(event, wire.ResultEvent):
            self._judge(event)

    def _judge(self, result: wire.ResultEvent) -> None:
        best = max(
            (iou(each.box_px, self._known.box_px) for each in result.detections), default=0.0
        )
        if best >= NEEDED_IOU:
            tokens = result.timings.tokens
            self._ok(
                "answer",
                f"IoU {best:.2f}, {tokens} tokens, {result.timings.first_token_ms:.0f} ms to the first",
            )
        else:
            message = f"{result.outcome}, best IoU {best:.2f} of {NEEDED_IOU} with the known box"
            self._break("answer", GeoR1Error(message, code="doctor"))

    def _on_call_failed(self, error: GeoR1Error) -> None:
        name = "answer" if "answer" in self.steps else "send"
        self._break(name, error)

    def _do_ground(self) -> None:
        error_px = ground_error_px(self._known, self._chip.frame)
        found = f"{error_px:.3f} px from the true place"
        if error_px < MAX_GROUND_ERROR_PX:
            self._ok("ground", found)
        else:
            self._break("ground", GeoR1Error(found, code="doctor"))

    def _do_write(self) -> None:
        path = Path(self._folder.path(), "doctor.gpkg")
        self._run(
            partial(write_and_read, self._known, self._chip.frame, path), partial(self._ok, "write")
        )

    def _do_service(self) -> None:
        if self._connection.settings.service_url:
            found = self.tr("on the server itself: geo-r1 doctor")
            self._finish(Step("service", State.SKIPPED, found))
            return
        self._doctor = Doctor(self._connection.settings.service_command, self)
        self._doctor.stepped.connect(self._tell)
        self._doctor.ended.connect(self._on_doctor_ended)
        try:
            self._doctor.start()
        except CommandNotFound as error:
            self._doctor.deleteLater()
            self._doctor = None
            self._break("service", error)

    def _on_doctor_ended(self) -> None:
        self._doctor = None
        own = [step for name, step in self.steps.items() if name.startswith("service/")]
        broken = [step.name for step in own if step.state is State.BROKEN]
        if broken:
            self._finish(self._timed("service", State.BROKEN, ", ".join(broken)))
        else:
            self._ok("service", self.tr("{count} steps of its own").format(count=len(own)))

    # ---- keeping the books

    def _run(self, function: Callable[[], Any], then: Callable[[Any], None]) -> None:
        title = QCoreApplication.translate("Examination", "Geo-R1: checking")
        self._add(FunctionTask(title, function), then)

    def _add(self, task: Any, then: Callable[[Any], None]) -> None:
        self._task = task
        ended = partial(self._on_task_ended, task, then)
        task.taskCompleted.connect(ended)
        task.taskTerminated.connect(ended)
        QgsApplication.taskManager().addTask(task)

    def _on_task_ended(self, task: Any, then: Callable[[Any], None]) -> None:
        if self._is_over or task is not self._task:
            return
        self._task = None
        if isinstance(task.outcome, Done):
            then(task.outcome.value)
        elif isinstance(task.outcome, Failed):
            self._break(self._running(), task.outcome.error)
        else:  # cancelled in QGIS's own list of tasks
            self.stop()

    def _running(self) -> str:
        return next(name for name, step in self.steps.items() if step.state is State.RUNNING)

    def _is_ok(self, name: str) -> bool:
        return name in self.steps and self.steps[name].state is State.OK

    def _begin(self, name: str) -> None:
        self._began_s[name] = time.monotonic()
        self._tell(Step(name, State.RUNNING))

    def _timed(self, name: str, state: State, found: str, hint: str = "") -> Step:
        took_ms = (time.monotonic() - self._began_s[name]) * 1000.0
        return Step(name, state, found, hint, took_ms)

    def _ok(self, name: str, found: str) -> None:
        self._finish(self._timed(name, State.OK, found))

    def _break(self, name: str, error: GeoR1Error) -> None:
        words = explain(error, QCoreApplication.translate)
        found = words.text if error.code == "doctor" else f"{words.title}. {words.text}".strip()
        self._finish(self._timed(name, State.BROKEN, found or words.title, words.hint))

    def _finish(self, step: Step) -> None:
        self._tell(step)
        if step.name in ("answer", "send"):
            self._drop_call()
        self._turn()

    def _tell(self, step: Step) -> None:
        self.steps[step.name] = step
        self.stepped.emit(step)

    def _stop_waiting(self) -> None:
        if self._is_waiting:
            self._is_waiting = False
            self._connection.settled.disconnect(self._on_settled)

    def _drop_call(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.abort()
        if self._client is not None:
            self._client.deleteLater()
            self._client = None

    def _end(self) -> None:
        self._is_over = True
        self._stop_waiting()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._drop_call()
        if self._doctor is not None:
            self._doctor.stop()
            self._doctor = None
        self._layer = None
        self._folder.remove()
        broken: Sequence[Step] = [s for s in self.steps.values() if s.state is not State.OK]
        self.ended.emit(all(s.name == "service" and s.state is State.SKIPPED for s in broken))
