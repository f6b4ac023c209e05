"""The life of one question as a state machine: what may follow what, and what each state lets the user do.

Knows nothing of widgets, sockets or tasks. Every question ends in exactly one of STOPPED, FAILED and DONE.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Dict, FrozenSet, List, Optional, Tuple

from . import wire
from .errors import GeoR1Error
from .standing import service_error


class Stage(Enum):
    """Where a question is."""

    IDLE = "idle"
    CONNECTING = "connecting"
    CAPTURING = "capturing"
    UPLOADING = "uploading"
    QUEUED = "queued"
    STREAMING = "streaming"
    WRITING = "writing"
    STOPPED = "stopped"
    FAILED = "failed"
    DONE = "done"


FINAL = frozenset({Stage.STOPPED, Stage.FAILED, Stage.DONE})
_ENDS = frozenset({Stage.STOPPED, Stage.FAILED})

FOLLOWERS: Dict[Stage, FrozenSet[Stage]] = {
    Stage.IDLE: frozenset({Stage.CONNECTING}),
    Stage.CONNECTING: frozenset({Stage.CAPTURING}) | _ENDS,
    Stage.CAPTURING: frozenset({Stage.UPLOADING}) | _ENDS,
    Stage.UPLOADING: frozenset({Stage.QUEUED, Stage.STREAMING}) | _ENDS,
    Stage.QUEUED: frozenset({Stage.STREAMING, Stage.UPLOADING}) | _ENDS,
    Stage.STREAMING: frozenset({Stage.WRITING}) | _ENDS,
    Stage.WRITING: frozenset({Stage.DONE}) | _ENDS,
    **{final: frozenset({Stage.CONNECTING}) for final in FINAL},
}


@dataclass
class AskState:
    """State of the question that is being answered, or of the last one."""

    stage: Stage = Stage.IDLE
    query: str = ""
    position: int = 0
    """Questions in front of this one while it is QUEUED."""
    started: Optional[wire.StartedEvent] = None
    progress: Optional[wire.ProgressEvent] = None
    """How many looks at the picture are done, while there are several."""
    detections: List[wire.Detection] = field(default_factory=list)
    result: Optional[wire.ResultEvent] = None
    error: Optional[GeoR1Error] = None
    _by_key: Dict[Tuple[object, ...], List[wire.Detection]] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether Stop has something to stop."""
        return self.stage is not Stage.IDLE and self.stage not in FINAL

    def begin(self, query: str) -> None:
        """Forget the last question and begin with `query`."""
        self.move(Stage.CONNECTING)
        self.query, self.position = query, 0
        self.started, self.progress, self.result, self.error = None, None, None, None
        self.detections, self._by_key = [], {}

    def move(self, stage: Stage) -> None:
        """Go to `stage`.

        Raises:
            ValueError: if it cannot follow the present one; this is always a fault of the caller.
        """
        if stage not in FOLLOWERS[self.stage]:
            message = f"a question cannot go from {self.stage.value} to {stage.value}"
            raise ValueError(message)
        self.stage = stage

    def fail(self, error: GeoR1Error) -> None:
        """End with `error`; what was found so far stays in `detections`."""
        self.error = error
        self.move(Stage.FAILED)

    def take(self, event: wire.Event) -> Optional[wire.Detection]:
        """Follow one event of the stream; return the detection that it brings, if it is a new one."""
        if isinstance(event, wire.QueuedEvent):
            self.position = event.position
            self._follow(Stage.QUEUED)
        elif isinstance(event, wire.StartedEvent):
            self.started = event
            self._follow(Stage.STREAMING)
        elif isinstance(event, (wire.TokenEvent, wire.DetectionEvent, wire.ProgressEvent)):
            self._follow(Stage.STREAMING)
        if isinstance(event, wire.ProgressEvent):
            self.progress = event
        if isinstance(event, wire.ResultEvent):
            self._follow(Stage.STREAMING)
            self.result = event
        elif isinstance(event, wire.ErrorEvent):
            self.fail(service_error(event.error))
        elif isinstance(event, wire.DetectionEvent) and self._is_new(event.detection):
            return event.detection
        return None

    def missing_detections(self) -> List[wire.Detection]:
        """Detections that are in the result and were not announced one by one before it."""
        found = self.result.detections if self.result else []
        return [each for each in found if self._is_new(each)]

    def _is_new(self, detection: wire.Detection) -> bool:
        """Keep a detection; false if it was there already. A look-up: an answer may have thousands."""
        key = (detection.rank, detection.label, *detection.box_px)
        alike = self._by_key.setdefault(key, [])
        if detection in alike:
            return False
        alike.append(detection)
        self.detections.append(detection)
        return True

    def _follow(self, stage: Stage) -> None:
        """Go along with a service, as far as what it says can follow what it said before."""
        if stage in FOLLOWERS[self.stage]:
            self.move(stage)
