"""What plugin and service say to each other: frozen dataclasses, standard library only.

The service carries a byte-identical copy (`geo_r1_backend/wire.py`; a contract test compares them). This file knows
no HTTP, no JSON library and no Qt. Bounds live in ``field(metadata=...)``: pydantic reads them in the service,
`core/codec.py` in QGIS. Requests forbid unknown fields, answers ignore them, so that an older plugin survives a
newer service.

Boxes are ``[x_min, y_min, x_max, y_max]`` in pixels **of the chip that was sent**, half-open, origin top-left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Literal, Optional, Union

WIRE_VERSION = "1.3"
"""Major.minor. A different major version is refused with one sentence before anything is sent."""

Task = Literal["rec", "ovd", "gres"]
"""One object (referring expression), all objects of a kind, masks: the paper's three tasks."""

Detail = Literal["auto", "view", "windows"]
"""The whole view in one look; or the whole view and then overlapping windows of it, each as large as the model sees,
merged; `auto`: windows where the model would see the chip much smaller than it is. For "all objects" (``ovd``)."""

OMITTED_AT_DEFAULT = ("detail",)
"""Fields of requests that came after 1.0: left out where they have their default, so that a service of 1.0 answers."""

MAX_QUERY_CHARACTERS = 1000
MAX_ITEMS_PER_REQUEST = 256
MAX_CHIP_BYTES = 32 * 1024 * 1024
MAX_CHIP_PX = 64_000_000
MIN_CHIP_SIDE_PX = 8
MAX_ASPECT_RATIO = 200
"""Qwen2.5-VL's own limit (`smart_resize` refuses more)."""

HEARTBEAT_S = 5.0
"""QGIS aborts a reply that is silent for 60 s, so the service is never silent for longer than this."""

Parameter = Union[str, int, float, bool, None]


@dataclass(frozen=True)
class GroundItem:
    """One question about one chip."""

    item: str = field(metadata={"min_length": 1, "max_length": 64})
    """The caller's name for this question; every event repeats it."""
    chip: str = field(metadata={"pattern": "^[0-9a-f]{64}$"})
    """SHA-256 of the image bytes that were sent with ``PUT /v1/chips/{sha256}``."""
    query: str = field(metadata={"min_length": 1, "max_length": MAX_QUERY_CHARACTERS})
    task: Task = "rec"
    detail: Detail = "auto"


@dataclass(frozen=True)
class GroundRequest:
    """Body of ``POST /v1/ground``."""

    items: List[GroundItem] = field(metadata={"min_length": 1, "max_length": MAX_ITEMS_PER_REQUEST})
    model: Optional[str] = None
    """Id from ``GET /v1/models``; none = the service's default."""
    think: bool = True
    max_new_tokens: int = field(default=1536, metadata={"ge": 1, "le": 4096})
    """Per look at the chip: the whole view and each window have their own."""
    seed: int = field(default=0, metadata={"ge": 0, "le": 2**31 - 1})


@dataclass(frozen=True)
class ErrorBody:
    """An error as it crosses the wire: a code with parameters, and an English sentence as fallback."""

    code: str
    message: str
    hint: str = ""
    parameters: Dict[str, Parameter] = field(default_factory=dict)
    request_id: str = ""


@dataclass(frozen=True)
class Detection:
    """One object that the model answered with."""

    rank: int
    """0 = first in the model's answer."""
    label: str
    box_px: List[float]
    kind: Literal["box", "mask"] = "box"
    polygons_px: Optional[List[List[List[List[float]]]]] = None
    """Multipolygon in sent-chip pixels (polygon, ring, point, x/y) when ``kind`` is mask: valid, rings closed."""
    points_px: Optional[List[List[float]]] = None
    """Where the model pointed at the object, in sent-chip pixels; none unless it did."""
    score: Optional[float] = None
    """Agreement of several sampled answers; none where it was not measured (no invented confidence)."""


@dataclass(frozen=True)
class Dropped:
    """A piece of the answer that could not be used, and why."""

    text: str
    reason: str
    code: str = ""
    """For masks, of what became of them: `no-mask` (of the object in ``text``), `mask-limit` or the code of an
    error (of all that have none). The boxes stay."""


@dataclass(frozen=True)
class Timings:
    """Where the time of one item went, in milliseconds."""

    queued_ms: float = 0.0
    preprocess_ms: float = 0.0
    first_token_ms: float = 0.0
    masks_ms: float = 0.0
    total_ms: float = 0.0
    tokens: int = 0


@dataclass(frozen=True)
class QueuedEvent:
    """The request waits; ``position`` others are in front of it."""

    item: str
    position: int
    event: Literal["queued"] = "queued"


@dataclass(frozen=True)
class StartedEvent:
    """The engine works on this item; the model sees ``model_width_px`` x ``model_height_px``."""

    item: str
    model: str
    engine: str
    device: str
    model_width_px: int
    model_height_px: int
    note: str = ""
    """What to know of this answer, such as that a training run shares the device; empty = nothing."""
    event: Literal["started"] = "started"


@dataclass(frozen=True)
class TokenEvent:
    """Some more text of the answer, with every coordinate already in sent-chip pixels."""

    item: str
    text: str
    section: Literal["think", "answer"]
    event: Literal["token"] = "token"


@dataclass(frozen=True)
class DetectionEvent:
    """A detection is complete; more may follow."""

    item: str
    detection: Detection
    event: Literal["detection"] = "detection"


@dataclass(frozen=True)
class ProgressEvent:
    """``done`` of ``total`` looks (the whole view and each window) are finished."""

    item: str
    done: int
    total: int
    event: Literal["progress"] = "progress"


@dataclass(frozen=True)
class HeartbeatEvent:
    """Nothing to say but still working; ``item`` is empty when the whole request is meant."""

    item: str
    elapsed_s: float
    event: Literal["heartbeat"] = "heartbeat"


@dataclass(frozen=True)
class ResultEvent:
    """The final event of an item that was answered."""

    item: str
    outcome: Literal["found", "none", "unparsable", "truncated"]
    """`none` is an answer. `unparsable`: nothing usable, see ``dropped``. `truncated`: cut at the token limit, with
    whatever was complete by then in ``detections``."""
    detections: List[Detection]
    reasoning: str
    """Text between the think tags, coordinates in sent-chip pixels."""
    raw_answer: str
    """The model's own words, coordinates in model pixels, untouched."""
    model: str
    engine: str
    prompt: str
    dropped: List[Dropped] = field(default_factory=list)
    timings: Timings = field(default_factory=Timings)
    windows: int = 0
    """Through how many windows the chip was looked at besides the whole view; 0 = the whole view alone."""
    event: Literal["result"] = "result"


@dataclass(frozen=True)
class ErrorEvent:
    """The final event of an item that failed."""

    item: str
    error: ErrorBody
    event: Literal["error"] = "error"


Event = Union[
    QueuedEvent,
    StartedEvent,
    TokenEvent,
    DetectionEvent,
    ProgressEvent,
    HeartbeatEvent,
    ResultEvent,
    ErrorEvent,
]
"""One line of the NDJSON stream. Every item gets exactly one final event: `result` or `error`."""

EVENTS = {
    "queued": QueuedEvent,
    "started": StartedEvent,
    "token": TokenEvent,
    "detection": DetectionEvent,
    "progress": ProgressEvent,
    "heartbeat": HeartbeatEvent,
    "result": ResultEvent,
    "error": ErrorEvent,
}


@dataclass(frozen=True)
class ModelInfo:
    """One model that the service knows."""

    id: str
    title: str
    engine: str
    tasks: List[str]
    state: Literal["available", "loading", "loaded", "failed"]
    is_default: bool = False
    device: str = "cpu"
    licence: str = ""
    max_view_px: int = 0
    """Longest side that the model sees without shrinking; 0 = not known."""
    grid_px: int = 28
    """Sides of the model's image are multiples of this."""
    note: str = ""
    """Why it failed, or what to know; empty = nothing."""
    run: str = ""
    """Id of the training run that made it, whose verdict is in ``GET /v1/runs/{id}``; empty = it was not trained here."""
    origin: str = ""
    """`embedded`, `folder` (put in place by hand), `hub`, `import`, `run` or `remote`; empty = an older service."""
    size_bytes: int = 0
    """On the service's disk; files that are only linked do not count."""
    repository: str = ""
    """``owner/name`` at the hub that it came from; empty = it came from none."""
    revision: str = ""
    """Commit of that repository."""
    can_delete: bool = False


@dataclass(frozen=True)
class ModelList:
    """Body of ``GET /v1/models``."""

    models: List[ModelInfo]


@dataclass(frozen=True)
class Health:
    """Body of ``GET /v1/health``."""

    service: str
    """Always ``geo-r1``: tells the service from whatever else may listen on that port."""
    version: str
    wire_version: str
    status: Literal["starting", "ready", "busy", "failed"]
    pid: int
    model: Optional[str] = None
    model_title: str = ""
    engine: str = ""
    device: str = ""
    ready_after_s: float = 0.0
    queue_length: int = 0
    refused: Dict[str, str] = field(default_factory=dict)
    """Engine -> why it cannot run here; ``speed`` -> why the one that answers is slower than it could be."""
    error: Optional[ErrorBody] = None


@dataclass(frozen=True)
class ChipReceipt:
    """Answer to ``PUT /v1/chips/{sha256}``."""

    sha256: str
    width_px: int
    height_px: int
    size_bytes: int
    expires_s: float


@dataclass(frozen=True)
class ServerFile:
    """``server.json`` in the data folder: how a plugin finds a running service. Readable by the user alone."""

    url: str
    token: str
    pid: int
    version: str
    wire_version: str
    started: str
