"""What plugin and service say to each other about fine-tuning: data sets and runs. Frozen dataclasses, stdlib only.

The service carries a byte-identical copy (`geo_r1_backend/training_wire.py`; a contract test compares them). Rules,
boxes and errors are those of `wire.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Literal, Optional, Union

from .wire import MAX_QUERY_CHARACTERS, ErrorBody, Task

MAX_SAMPLES = 2000
MAX_OBJECTS_PER_SAMPLE = 60
"""As many as the model may answer with in one view."""
MAX_POINTS_PER_SAMPLE = 20_000
MAX_STEPS = 2000
MIN_HELD_OUT_FOR_VERDICT = 30
"""Below this many held-out objects a verdict says that there are too few to tell."""

Part = Literal["train", "validation", "held_out"]
"""`validation` chooses the checkpoint; `held_out` is looked at twice, before and after, for the verdict."""
Method = Literal["grpo", "dapo", "dr_grpo", "sft", "sft_dapo"]
"""`sft_dapo`: a supervised warm start, then DAPO."""
Adaptation = Literal["lora", "full", "full_vision"]
"""`full`: the whole language model, its vision tower frozen; `full_vision`: both, the embedded model's and what came from it."""
RunState = Literal["queued", "running", "stopping", "stopped", "finished", "failed"]
"""`stopped` and `failed` can be resumed from their last checkpoint."""


@dataclass(frozen=True)
class Sample:
    """One question about one chip with its true answer."""

    chip: str = field(metadata={"pattern": "^[0-9a-f]{64}$"})
    query: str = field(metadata={"min_length": 1, "max_length": MAX_QUERY_CHARACTERS})
    task: Task
    boxes_px: List[List[float]] = field(metadata={"max_length": MAX_OBJECTS_PER_SAMPLE})
    """Every true object in pixels of the chip; empty = there is none (a hard negative)."""
    label: str = field(metadata={"min_length": 1, "max_length": 200})
    """What the objects are, for the answer's `label`."""
    part: Part = "train"
    place: str = field(default="", metadata={"max_length": 64})
    """Samples of one place never lie in two parts, and count once in an interval."""
    polygons_px: Optional[List[List[List[List[float]]]]] = None
    """Multipolygon (polygon, ring, point, x/y) of all objects, where the task is masks."""


@dataclass(frozen=True)
class DatasetRequest:
    """Body of ``POST /v1/datasets``: chips were sent before, with ``PUT /v1/chips/{sha256}``."""

    name: str = field(metadata={"min_length": 1, "max_length": 200})
    samples: List[Sample] = field(metadata={"min_length": 1, "max_length": MAX_SAMPLES})


@dataclass(frozen=True)
class DatasetInfo:
    """A data set; its id is made from its content, so the same samples are the same data set."""

    id: str
    name: str
    tasks: List[str]
    samples: Dict[str, int]
    """Part -> number of samples."""
    objects: Dict[str, int]
    """Part -> number of true objects."""
    chips: int
    size_bytes: int
    created: str
    """ISO 8601, UTC."""


@dataclass(frozen=True)
class DatasetList:
    """Body of ``GET /v1/datasets``."""

    datasets: List[DatasetInfo]


@dataclass(frozen=True)
class RunRequest:
    """Body of ``POST /v1/runs``. What is left out is chosen by method, model and device, and stands in the run."""

    dataset: str = field(metadata={"min_length": 1, "max_length": 64})
    name: str = field(default="", metadata={"max_length": 200})
    model: Optional[str] = None
    method: Optional[Method] = None
    adaptation: Optional[Adaptation] = None
    steps: Optional[int] = field(default=None, metadata={"ge": 1, "le": MAX_STEPS})
    learning_rate: Optional[float] = field(default=None, metadata={"ge": 1e-8, "le": 1e-1})
    group_size: Optional[int] = field(default=None, metadata={"ge": 2, "le": 64})
    prompts_per_step: Optional[int] = field(default=None, metadata={"ge": 1, "le": 64})
    kl_weight: Optional[float] = field(default=None, metadata={"ge": 0.0, "le": 10.0})
    think: bool = True
    seed: int = field(default=0, metadata={"ge": 0, "le": 2**31 - 1})


@dataclass(frozen=True)
class Score:
    """How good answers are on one part, with a bootstrap interval over places (95 %)."""

    part: Part
    metric: str
    """`acc@0.5`, `f1@0.5` or `giou`: by task."""
    value: float
    low: float
    high: float
    objects: int
    samples: int
    mean_iou: float


@dataclass(frozen=True)
class Verdict:
    """Before against after on the held-out part."""

    before: Score
    after: Score
    gain: float
    gain_low: float
    gain_high: float
    """Paired bootstrap over places."""
    outcome: Literal["better", "worse", "no_difference", "too_few"]
    """`too_few`: fewer than `MIN_HELD_OUT_FOR_VERDICT` held-out objects; the figures stand beside it all the same."""


@dataclass(frozen=True)
class RunInfo:
    """A run as a list shows it."""

    id: str
    name: str
    dataset: str
    model: str
    """The base."""
    method: Method
    adaptation: Adaptation
    state: RunState
    step: int
    steps: int
    seed: int
    device: str
    created: str
    elapsed_s: float
    remaining_s: Optional[float] = None
    last_event: int = 0
    """Number of the newest event; ask for events after the last one that was seen."""
    adapter: Optional[str] = None
    """Model id under which the result answers, once there is one."""
    verdict: Optional[Verdict] = None
    error: Optional[ErrorBody] = None


@dataclass(frozen=True)
class RunList:
    """Body of ``GET /v1/runs``, newest first."""

    runs: List[RunInfo]


@dataclass(frozen=True)
class RunStateEvent:
    """The run's state has changed; the last event of every run is one with a final state."""

    number: int
    state: RunState
    note: str = ""
    error: Optional[ErrorBody] = None
    event: Literal["state"] = "state"


@dataclass(frozen=True)
class StepEvent:
    """One step is done: points of the live curves."""

    number: int
    step: int
    steps: int
    reward: float
    """Mean over the completions of this step; 0 for a supervised step."""
    reward_parts: Dict[str, float]
    """Mean of each part by name (`format`, `iou`, `near`, ...)."""
    metric: float
    """Mean true metric (IoU, F1 or gIoU) of the sampled answers, unshaped."""
    loss: float
    completion_tokens: float
    """Mean length."""
    informative: float
    """Share of groups whose true metric varied: only they teach."""
    kl: float
    clipped: float
    """Share of tokens at the clip."""
    gradient_norm: float
    learning_rate: float
    seconds: float
    remaining_s: float
    method: str = ""
    event: Literal["step"] = "step"


@dataclass(frozen=True)
class Preview:
    """A chip of the validation part, asked again as training goes."""

    chip: str
    query: str
    true_boxes_px: List[List[float]]
    boxes_px: List[List[float]]
    reasoning: str
    iou: float


@dataclass(frozen=True)
class EvaluationEvent:
    """Greedy answers on one part."""

    number: int
    step: int
    score: Score
    previews: List[Preview] = field(default_factory=list)
    event: Literal["evaluation"] = "evaluation"


@dataclass(frozen=True)
class VerdictEvent:
    """The end of a run that was not stopped: what it brought."""

    number: int
    verdict: Verdict
    adapter: Optional[str] = None
    event: Literal["verdict"] = "verdict"


@dataclass(frozen=True)
class NoteEvent:
    """Something a person should know: a choice that was made, a sample that was left out."""

    number: int
    text: str
    code: str = ""
    event: Literal["note"] = "note"


@dataclass(frozen=True)
class RunHeartbeatEvent:
    """Nothing new, but the run goes on; it is not kept and has no number of its own."""

    number: int
    elapsed_s: float
    event: Literal["heartbeat"] = "heartbeat"


RunEvent = Union[
    RunStateEvent, StepEvent, EvaluationEvent, VerdictEvent, NoteEvent, RunHeartbeatEvent
]
"""One line of ``GET /v1/runs/{id}/events?after=N``: numbers rise by one, from 1. The stream ends at a final state."""

RUN_EVENTS = {
    "state": RunStateEvent,
    "step": StepEvent,
    "evaluation": EvaluationEvent,
    "verdict": VerdictEvent,
    "note": NoteEvent,
    "heartbeat": RunHeartbeatEvent,
}
