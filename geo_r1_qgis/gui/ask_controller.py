"""Leads one question through its life: service, picture, stream, layer. The states are `core/ask_state.py`'s.

The only module that knows panels, tasks, network and layers together. Everything runs on the GUI thread except the
picture (a task); nothing here waits.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Callable, Deque, Optional

from qgis.core import Qgis, QgsApplication, QgsProject
from qgis.PyQt.QtCore import QCoreApplication, QObject, QTimer, pyqtSignal

from ..capture.chip import Chip
from ..capture.plan import CapturePlan
from ..core import wire
from ..core.answer_check import check_words
from ..core.ask_state import AskState, Stage
from ..core.errors import CaptureError, GeoR1Error, Unexpected
from ..core.frame import Frame
from ..core.records import RunStart
from ..core.sentences import Mend
from ..core.standing import Standing
from ..layers.store import DetectionStore
from ..network.client import Client
from ..network.connection import Connection
from ..network.ground_call import GroundCall
from ..tasks.capture_task import CaptureTask
from ..tasks.geometry_check import geometry_check
from ..tasks.outcome import Cancelled, Failed
from .answers_panel import Answer, Question
from .ask_panel import SCENES
from .ask_words import ending_words, remark_on, stage_words
from .dock import GeoR1Dock
from .preview import SendingPreview

log = logging.getLogger(__name__)

TICK_MS = 100
SLICE_MS = 8.0
"""Longest time spent on the detections of a result before the event loop gets its turn: it may bring a thousand at once."""


class AskController(QObject):
    """Ask, stop, and what happens in between. `ended` comes once per question, with its `AskState`."""

    ended = pyqtSignal(object)

    def __init__(
        self,
        *,
        dock: GeoR1Dock,
        preview: SendingPreview,
        connection: Connection,
        store: DetectionStore,
        plugin_version: str,
        parent: Optional[QObject] = None,
    ) -> None:
        super().__init__(parent)
        self.state = AskState()
        self.frame: Optional[Frame] = None
        """Of the question whose reasoning is shown."""
        self._dock = dock
        self._preview = preview
        self._connection = connection
        self._store = store
        self._plugin_version = plugin_version
        self._plan: Optional[CapturePlan] = None
        self._task: Optional[CaptureTask] = None
        self._chip: Optional[Chip] = None
        self._call: Optional[GroundCall] = None
        self._question: Optional[Question] = None
        self._run_uid = ""
        self._check_words = ""
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self._show_stage)
        self._unwritten: Deque[wire.Detection] = deque()
        """Of the result; more of them are written with every turn of the event loop."""
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.setInterval(0)
        self._turn.timeout.connect(lambda: self._safely(self._go_on_writing))
        connection.settled.connect(self._on_settled)
        store.failed.connect(self._on_not_written)
        store.recovered.connect(self._on_written_after_all)
        dock.ask_panel.ask_requested.connect(self.ask)
        dock.ask_panel.stop_requested.connect(self.stop)
        dock.stop_pressed.connect(self.stop)
        refusals = ("layer-missing", "capture-failed")
        dock.ask_panel.changed.connect(lambda: dock.notice.hide_if(*refusals))
        dock.ask_panel.query.textEdited.connect(lambda _: dock.notice.hide_if("query-empty"))
        QgsProject.instance().cleared.connect(
            self.stop
        )  # an answer belongs to the project it was asked in

    def ask(self) -> None:
        """Ask what stands in the panel about what the map shows now."""
        if self.state.is_running:
            return
        panel = self._dock.ask_panel
        if panel.area in SCENES:
            return  # `scene_controller.py` does
        query = panel.query.text().strip()
        self._dock.notice.hide()
        plan = self._preview.plan()
        refusal = _refusal(query, plan)
        if refusal is not None:
            self._dock.notice.show_error(refusal)
            return
        panel.query.remember(query)
        self.state.begin(query)
        self._plan, self._chip, self._question, self._run_uid = plan, None, None, ""
        self._check_words = ""
        self._began = time.monotonic()
        self._dock.reasoning.clear()
        panel.set_running(True)
        self._tick.start()
        self._show_stage()
        may_start = self._connection.settings.start_service
        self._connection.connect_service(may_start=may_start, by_user=True)

    def stop(self) -> None:
        """End the question now; what was found stays."""
        if not self.state.is_running:
            return
        if self.state.stage is Stage.WRITING:  # the answer is whole
            self._safely(lambda: self._go_on_writing(at_once=True))
            return
        if self.state.stage is Stage.CONNECTING:
            self._connection.stop_looking()
        self.state.move(Stage.STOPPED)
        self._end()

    def close(self) -> None:
        """Stop, and let go of the connection."""
        self.stop()
        self._connection.settled.disconnect(self._on_settled)
        QgsProject.instance().cleared.disconnect(self.stop)

    def _on_settled(self, standing: Standing) -> None:
        if self.state.stage is not Stage.CONNECTING:
            return
        if not standing.can_ask:
            self._fail(standing.refusal)
            return
        self._connection.hold(True)
        self.state.move(Stage.CAPTURING)
        self._task = CaptureTask(self._plan)
        self._task.taskCompleted.connect(self._on_captured)
        self._task.taskTerminated.connect(self._on_captured)
        QgsApplication.taskManager().addTask(self._task)

    def _on_captured(self) -> None:
        task, self._task = self._task, None
        if task is None or self.state.stage is not Stage.CAPTURING:
            return
        if isinstance(task.outcome, Failed):
            self._fail(task.outcome.error)
        elif task.outcome is None or isinstance(task.outcome, Cancelled):
            self.stop()  # cancelled in QGIS's own list of tasks
        else:
            self._send(task.outcome.value)

    def _send(self, chip: Chip) -> None:
        self.state.move(Stage.UPLOADING)
        self._chip, self.frame = chip, chip.frame
        task = self._dock.ask_panel.task
        self._question = Question(self.state.query, chip.frame, task)
        self._dock.answers.begin_question(self._question)
        settings = self._connection.settings
        self._request = wire.GroundRequest(
            items=[wire.GroundItem("1", chip.sha256, self.state.query, task)],
            model=settings.model or None,
            max_new_tokens=settings.max_new_tokens,
        )
        images = {chip.sha256: chip.image_bytes}
        # a client of its own: the connection may find another service while this one is still answering
        self._client = Client(self._connection.standing.endpoint, self)
        self._call = GroundCall(self._client, self._request, images)
        self._call.event_read.connect(self._on_event)
        self._call.failed.connect(self._fail)
        self._call.start()

    def _on_event(self, event: wire.Event) -> None:
        self._safely(lambda: self._take(event))

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            work()
        except GeoR1Error as error:  # the layer could not be written
            self._fail(error)
        except (
            Exception
        ) as error:  # border: whatever a stranger's answer leads to, the question ends and says so
            log.exception("an event of the answer")
            self._fail(Unexpected(error))

    def _take(self, event: wire.Event) -> None:
        detection = self.state.take(event)
        if isinstance(event, wire.StartedEvent):
            self._begin_run(event.model, event.engine)
        elif isinstance(event, wire.TokenEvent):
            self._dock.reasoning.feed(event.section, event.text)
        elif detection is not None:
            self._write(detection)
        elif isinstance(event, wire.ResultEvent):
            self._finish(event)
        elif isinstance(event, wire.ErrorEvent):
            self._end()

    def _begin_run(self, model: str, engine: str) -> None:
        if self._run_uid:
            return
        health = self._connection.standing.health
        item = self._request.items[0]
        self._run_uid = self._store.begin_run(
            RunStart(
                query=item.query,
                frame=self._chip.frame,
                task=item.task,
                model=model,
                engine=engine,
                seed=self._request.seed,
                think=self._request.think,
                chip_sha256=self._chip.sha256,
                source=self._chip.source,
                versions={
                    "plugin": self._plugin_version,
                    "service": health.version if health else "",
                    "wire": wire.WIRE_VERSION,
                    "qgis": Qgis.version(),
                },
            )
        )

    def _write(self, detection: wire.Detection) -> None:
        self._begin_run("", "")
        reasoning = self._dock.reasoning.reasoning
        uid = self._store.add(self._run_uid, detection, self._chip.frame, reasoning)
        self._dock.answers.add_answer(self._question, Answer(uid, detection, self._chip.frame))

    def _on_not_written(self, error: GeoR1Error) -> None:
        waits = bool(error.parameters.get("waiting"))
        self._dock.notice.show_error(error, mend=Mend.WRITE_AGAIN if waits else None)

    def _on_written_after_all(self) -> None:
        text = self.tr("What had waited is in {path} now.").format(path=self._store.path)
        self._dock.notice.show_remark(self.tr("Everything is written"), text)

    def _finish(self, result: wire.ResultEvent) -> None:
        self.state.move(Stage.WRITING)
        self._begin_run(result.model, result.engine)
        self._unwritten.extend(self.state.missing_detections())
        self._go_on_writing()

    def _go_on_writing(self, *, at_once: bool = False) -> None:
        """Write what the result brought, a slice of it in each turn, and end the question with the last one."""
        began = time.monotonic()
        while self._unwritten:
            self._write(self._unwritten.popleft())
            is_slice = not at_once and (time.monotonic() - began) * 1000 > SLICE_MS
            if self._unwritten and is_slice:
                self._turn.start()
                return
        result = self.state.result
        check = geometry_check(self.state.query, result, self._chip.frame)
        self._check_words = check_words(check, QCoreApplication.translate)
        self._store.finish_run(self._run_uid, result, check.word)
        if result.reasoning and not self._dock.reasoning.reasoning:
            self._dock.reasoning.feed("think", result.reasoning)
        self._question.reasoning = result.reasoning
        self.state.move(Stage.DONE)
        self._end()

    def _fail(self, error: GeoR1Error) -> None:
        if self.state.is_running:
            self.state.fail(error)
            self._end()

    def _end(self) -> None:
        """Let go of what was under way, and say how it ended."""
        self._tick.stop()
        self._turn.stop()
        self._unwritten.clear()
        self._connection.hold(False)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        if self._call is not None:
            self._call.abort()
            self._client.deleteLater()
            self._call = None
        self._dock.reasoning.finish()
        self._dock.ask_panel.set_running(False)
        if self._run_uid and self.state.stage is not Stage.DONE:
            outcome, reasoning = self.state.stage.value, self._dock.reasoning.reasoning
            self._store.break_off_run(self._run_uid, outcome, reasoning)
        if self._question is not None:
            self._question.reasoning = self._question.reasoning or self._dock.reasoning.reasoning
            words = ending_words(self.state, self._question.task)
            self._dock.answers.end_question(self._question, words, self._check_words)
        self._show_stage()
        if self.state.error is not None:
            error = self.state.error
            log.warning("question failed: %s (request %s)", error.code, error.request_id or "-")
            self._dock.notice.show_error(self.state.error)
            if isinstance(
                error, OSError
            ):  # of the connection: the header says it now, not with its next look
                self._connection.look_quietly()
        elif self.state.result is not None:
            self._remark(self.state.result)
        self.ended.emit(self.state)

    def _remark(self, result: wire.ResultEvent) -> None:
        is_new = self._chip.warning != self._plan.note  # the note was read before asking
        limit, warning = self._request.max_new_tokens, self._chip.warning if is_new else ""
        task = self._request.items[0].task
        remark = remark_on(result, task=task, token_limit=limit, warning=warning)
        if remark is not None:
            self._dock.notice.show_remark(*remark)

    def _show_stage(self) -> None:
        self._dock.reasoning.set_stage(stage_words(self.state, time.monotonic() - self._began))


def _refusal(query: str, plan: CapturePlan) -> Optional[GeoR1Error]:
    if not query:
        return GeoR1Error(code="query-empty")
    if plan.layer is None and plan.problem:
        return GeoR1Error(plan.problem, code="layer-missing")
    return CaptureError(plan.problem) if plan.problem else None
