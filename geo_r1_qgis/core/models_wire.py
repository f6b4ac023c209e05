"""What plugin and service say to each other about getting models from a hub. Frozen dataclasses, stdlib only.

The service carries a byte-identical copy (`geo_r1_backend/models_wire.py`; a contract test compares them). Rules and
errors are those of `wire.py`. A download is agreed to by repeating what its plan said: the commit and the size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Literal, Optional, Union

from .wire import ErrorBody

REPOSITORY = "^[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$"
"""``owner/name``."""
REVISION = "^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$"
"""Branch, tag or commit."""
COMMIT = "^[0-9a-f]{40}$"

LeftOutReason = Literal["pickle", "code", "other-format", "not-needed"]
FetchState = Literal["running", "stopped", "failed"]


@dataclass(frozen=True)
class PlanRequest:
    """Body of ``POST /v1/models/plan``."""

    repository: str = field(metadata={"pattern": REPOSITORY})
    revision: str = field(default="main", metadata={"pattern": REVISION})
    base: Optional[str] = field(default=None, metadata={"pattern": REPOSITORY})
    """Where the processor comes from if the repository has none; none = what the repository names as its base."""


@dataclass(frozen=True)
class PlannedFile:
    """A file that would be fetched."""

    name: str
    size_bytes: int
    repository: str
    """The repository itself, or its base for files of the processor."""


@dataclass(frozen=True)
class LeftOut:
    """A file of the repository that would not be fetched, and why."""

    name: str
    size_bytes: int
    reason: LeftOutReason


@dataclass(frozen=True)
class FetchPlan:
    """What a download would bring, before anything but names and sizes has crossed the network."""

    repository: str
    revision: str
    commit: str
    """What the revision is at this moment."""
    model: str
    """Name of the folder in ``models`` of the service's data folder; the id of the model, unless another one has it."""
    hub: str
    """Address that the files come from."""
    files: List[PlannedFile]
    size_bytes: int
    """Of all files together: with the commit, what a consent repeats."""
    there_bytes: int
    """Of these, already here from a download that was cut off."""
    free_bytes: int
    """On the disk of the service's data folder."""
    licence: str = ""
    """As the repository says; empty = it says nothing."""
    base: str = ""
    base_commit: str = ""
    base_licence: str = ""
    left_out: List[LeftOut] = field(default_factory=list)
    installed: str = ""
    """Id of a model that is here from this repository; empty = none."""
    installed_commit: str = ""
    """Of that model; another one than ``commit`` means that the branch has moved on since."""

    @property
    def fits(self) -> bool:
        """Whether there is room for what is missing."""
        return self.size_bytes - self.there_bytes <= self.free_bytes


@dataclass(frozen=True)
class FetchRequest:
    """Body of ``POST /v1/models/fetch``: repeats what the plan said, and so agrees to it."""

    repository: str = field(metadata={"pattern": REPOSITORY})
    commit: str = field(metadata={"pattern": COMMIT})
    size_bytes: int = field(metadata={"ge": 1, "le": 2**53})
    revision: str = field(default="main", metadata={"pattern": REVISION})
    base: Optional[str] = field(default=None, metadata={"pattern": REPOSITORY})


@dataclass(frozen=True)
class FetchInfo:
    """A download that is going on, or was cut off and can go on."""

    id: str
    repository: str
    revision: str
    commit: str
    state: FetchState
    done_bytes: int
    size_bytes: int
    base: Optional[str] = None
    error: Optional[ErrorBody] = None

    @property
    def consent(self) -> FetchRequest:
        """What to send again for it to go on."""
        return FetchRequest(self.repository, self.commit, self.size_bytes, self.revision, self.base)


@dataclass(frozen=True)
class FetchList:
    """Body of ``GET /v1/models/fetches``."""

    fetches: List[FetchInfo]


@dataclass(frozen=True)
class FetchProgressEvent:
    """How far it is."""

    done_bytes: int
    size_bytes: int
    phase: Literal["asking", "downloading", "checking"]
    file: str = ""
    bytes_per_s: float = 0.0
    remaining_s: Optional[float] = None
    event: Literal["progress"] = "progress"


@dataclass(frozen=True)
class FetchHeartbeatEvent:
    """No byte has come for a while, but it goes on."""

    elapsed_s: float
    event: Literal["heartbeat"] = "heartbeat"


@dataclass(frozen=True)
class FetchResultEvent:
    """It is here, whole and checked."""

    model: str
    event: Literal["result"] = "result"


@dataclass(frozen=True)
class FetchStoppedEvent:
    """Somebody has stopped it; what has come is kept."""

    done_bytes: int
    event: Literal["stopped"] = "stopped"


@dataclass(frozen=True)
class FetchErrorEvent:
    """It has failed; what has come is kept."""

    error: ErrorBody
    event: Literal["error"] = "error"


FetchEvent = Union[
    FetchProgressEvent, FetchHeartbeatEvent, FetchResultEvent, FetchStoppedEvent, FetchErrorEvent
]
"""One line of the stream of ``POST /v1/models/fetch``; the last one is `result`, `stopped` or `error`."""

FETCH_EVENTS = {
    "progress": FetchProgressEvent,
    "heartbeat": FetchHeartbeatEvent,
    "result": FetchResultEvent,
    "stopped": FetchStoppedEvent,
    "error": FetchErrorEvent,
}
