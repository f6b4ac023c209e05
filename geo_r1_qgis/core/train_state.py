"""The life of one fine-tuning as a state machine, and what its events add up to. Knows no widget, socket or task.

A run belongs to the service: QGIS may be closed meanwhile. `follow` begins with a run that is there already, and events
that came before are asked for again from `last_event` on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Dict, FrozenSet, List, Optional, Tuple

from . import training_wire as tw
from .errors import GeoR1Error
from .standing import service_error


class Stage(Enum):
    """Where the work is."""

    IDLE = "idle"
    CHECKING = "checking"
    CONNECTING = "connecting"
    CUTTING = "cutting"
    """Chips are being taken."""
    SENDING = "sending"
    STARTING = "starting"
    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"


_PREPARING = frozenset(
    {Stage.CHECKING, Stage.CONNECTING, Stage.CUTTING, Stage.SENDING, Stage.STARTING}
)
_AT_SERVICE = frozenset({Stage.QUEUED, Stage.RUNNING, Stage.STOPPING})
FINAL = frozenset({Stage.STOPPED, Stage.FINISHED, Stage.FAILED})
_ENDS = frozenset({Stage.IDLE, Stage.FAILED})
_BEGINNINGS = frozenset({Stage.CHECKING, Stage.CONNECTING, Stage.STARTING, Stage.IDLE})

FOLLOWERS: Dict[Stage, FrozenSet[Stage]] = {
    Stage.IDLE: _BEGINNINGS,
    Stage.CHECKING: frozenset({Stage.CONNECTING}) | _ENDS,
    Stage.CONNECTING: frozenset({Stage.CUTTING, Stage.STARTING}) | _ENDS,
    Stage.CUTTING: frozenset({Stage.SENDING}) | _ENDS,
    Stage.SENDING: frozenset({Stage.STARTING}) | _ENDS,
    Stage.STARTING: _AT_SERVICE | FINAL | _ENDS,
    **{stage: _AT_SERVICE | FINAL | {Stage.IDLE} for stage in _AT_SERVICE},
    **dict.fromkeys(FINAL, _BEGINNINGS),
}
_OF_RUN: Dict[str, Stage] = {
    "queued": Stage.QUEUED,
    "running": Stage.RUNNING,
    "stopping": Stage.STOPPING,
    "stopped": Stage.STOPPED,
    "finished": Stage.FINISHED,
    "failed": Stage.FAILED,
}


@dataclass
class TrainState:
    """The run that is shown, from the check of its labels to its verdict."""

    stage: Stage = Stage.IDLE
    run: Optional[tw.RunInfo] = None
    last_event: int = 0
    """Number of the newest event that was taken."""
    steps: List[tw.StepEvent] = field(default_factory=list)
    evaluations: List[tw.EvaluationEvent] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    verdict: Optional[tw.Verdict] = None
    adapter: Optional[str] = None
    error: Optional[GeoR1Error] = None
    progress: Tuple[int, int] = (0, 0)
    """Chips taken or sent, of how many."""

    @property
    def is_preparing(self) -> bool:
        """Whether the work is still QGIS's own."""
        return self.stage in _PREPARING

    @property
    def is_running(self) -> bool:
        """Whether something goes on that Stop can end."""
        return self.is_preparing or self.stage in _AT_SERVICE

    @property
    def can_resume(self) -> bool:
        """Whether the run can go on from its last checkpoint."""
        return self.run is not None and self.stage in (Stage.STOPPED, Stage.FAILED)

    @property
    def last_step(self) -> Optional[tw.StepEvent]:
        """The newest point of the curves."""
        return self.steps[-1] if self.steps else None

    @property
    def previews(self) -> List[tw.Preview]:
        """Validation chips as they were answered last."""
        return next((e.previews for e in reversed(self.evaluations) if e.previews), [])

    def begin(self, stage: Stage = Stage.CONNECTING) -> None:
        """Forget the last run and begin a new one."""
        self._forget()
        self.move(stage)

    def follow(self, run: tw.RunInfo) -> None:
        """Take up a run that the service has: a new one, or one of an earlier session."""
        if self.stage is not Stage.STARTING:
            self.stage = Stage.IDLE
            self._forget()
            self.move(Stage.STARTING)
        self.run = run
        self.verdict, self.adapter = run.verdict, run.adapter
        self.move(_OF_RUN[run.state])
        if run.error is not None:
            self.error = service_error(run.error)

    def resume(self, run: tw.RunInfo) -> None:
        """Go on with the same run; its curves stay."""
        if self.run is None or run.id != self.run.id:
            self.follow(run)
            return
        self.error, self.run = None, run
        self.move(Stage.STARTING)
        self.move(_OF_RUN[run.state])

    def move(self, stage: Stage) -> None:
        """Go to `stage`.

        Raises:
            ValueError: if it cannot follow the present one; this is always a fault of the caller.
        """
        if stage is not self.stage and stage not in FOLLOWERS[self.stage]:
            message = f"a training cannot go from {self.stage.value} to {stage.value}"
            raise ValueError(message)
        self.stage = stage

    def fail(self, error: GeoR1Error) -> None:
        """End with `error`; curves and checkpoints stay."""
        self.error = error
        self.move(Stage.FAILED)

    def take(self, event: tw.RunEvent) -> bool:
        """Follow one event; whether it was new. What was taken before is not taken twice."""
        if isinstance(event, tw.RunHeartbeatEvent):
            return False
        if event.number <= self.last_event:
            return False
        self.last_event = event.number
        if isinstance(event, tw.RunStateEvent):
            self.stage = _OF_RUN[event.state]
            self.error = service_error(event.error) if event.error is not None else None
            if event.note:
                self.notes.append(event.note)
        elif isinstance(event, tw.StepEvent):
            # after a resume steps since the checkpoint come again
            self.steps = (
                [each for each in self.steps if each.step < event.step]
                if self._is_again(event)
                else self.steps
            )
            self.steps.append(event)
        elif isinstance(event, tw.EvaluationEvent):
            self.evaluations.append(event)
        elif isinstance(event, tw.VerdictEvent):
            self.verdict, self.adapter = event.verdict, event.adapter
        elif isinstance(event, tw.NoteEvent):
            self.notes.append(event.text)
        return True

    def _is_again(self, event: tw.StepEvent) -> bool:
        return bool(self.steps) and self.steps[-1].step >= event.step

    def _forget(self) -> None:
        self.run, self.last_event, self.verdict, self.adapter = None, 0, None, None
        self.steps, self.evaluations, self.notes = [], [], []
        self.error, self.progress = None, (0, 0)
