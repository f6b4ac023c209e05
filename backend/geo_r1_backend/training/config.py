"""Everything that one run depends on, chosen once and written down: `runs/ID/config.json`. Knows no torch.

A request names what its writer cares about; the rest is filled in here by method, model and device, so that a run can be
read, repeated and resumed years later without asking what the defaults were.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, Literal, get_args

from geo_r1_backend.config import version
from geo_r1_backend.engines.base import GenerationOptions
from geo_r1_backend.engines.cutting import FOLDER, find_segmenter
from geo_r1_backend.errors import ConfigError, ModelFailed, SegmenterMissing, TaskUnsupported
from geo_r1_backend.models.manifest import MANIFEST_FILE
from geo_r1_backend.models.registry import ModelFolder
from geo_r1_backend.storage.atomic import write_private_json
from geo_r1_backend.training.advantage import Objective
from geo_r1_backend.training.dataset import data_hash, read_samples
from geo_r1_backend.training_wire import Adaptation, Method, RunRequest, Sample
from geo_r1_backend.wire import Task

CONFIG_FILE = "config.json"
FORMAT = 1
PACKAGES = ("torch", "transformers", "numpy", "pillow")
"""Their versions stand in the run: curves differ between them."""
MAX_COMPLETIONS_PER_STEP = 1024
MAX_NEW_TOKENS = GenerationOptions().max_new_tokens
"""Nobody is answered at greater length."""
WARM_START = 0.6
"""Share of the steps of `sft_dapo` that are supervised: they are cheap, and a model that answers "none" samples nothing to learn from."""

KNOWN_FROM = 0.3
"""Score of a model that is spared a warm start. Between 0.13 and 0.6 nothing was measured."""


@dataclass(frozen=True)
class TrainingConfig:
    """One run. Every field has a value: nothing is decided later."""

    run_id: str
    name: str
    created: str
    """ISO 8601, UTC."""
    dataset: str
    dataset_folder: str
    data_sha256: str
    """Of the samples, chips by their own hashes."""
    model_id: str
    model_folder: str
    model_kind: Literal["onnx", "transformers"]
    """`onnx`: the embedded model or one merged from it; its weights are trained in torch, float32."""
    model_sha256: str
    """Of the folder's manifest, or of its files' names and sizes where it has none."""
    device: str
    """`cpu` or `cuda`."""

    method: Method
    adaptation: Adaptation
    steps: int
    """Optimizer steps in all, those of a supervised warm start included."""
    learning_rate: float
    group_size: int
    """Completions per prompt; at least 2, or there is nothing to compare."""
    prompts_per_step: int
    kl_weight: float
    """Of the KL term to the base; 0 = none, and no reference pass."""
    think: bool
    seed: int

    sft_steps: int
    """Supervised steps at the beginning: all for `sft`, some for `sft_dapo`, else 0."""
    sft_learning_rate: float
    learning_rate_alone: float
    """Of rewards that begin with the untrained model although a warm start was planned (`warm_start.py`)."""
    warm_start_below: float
    """A model that surely scores as much on the validation part as this is spared the supervised steps of `sft_dapo`; above 1 = none is."""
    sft_batch: int
    """Samples of one supervised step."""
    rank: int
    """Of LoRA adapters."""
    alpha: float
    """LoRA's scale is ``alpha / rank``."""
    clip_low: float
    clip_high: float
    temperature: float
    max_new_tokens: int
    warmup_steps: int
    """The learning rate rises from nearly 0 over the first steps of each phase, then stays."""
    weight_decay: float
    gradient_clip: float
    """Longest gradient, as the norm over all parameters."""
    replay: bool
    """Groups that taught nothing are replaced by prompts that did lately; once a step."""
    format_weight: float
    near_weight: float
    ovd_reward: Literal["f1", "ap"]
    augment: bool
    """Show each chip mirrored or turned in one of 8 ways, unless its query speaks of directions."""
    evaluate_every: int
    """Steps between two looks at the validation part, each with a checkpoint."""
    evaluation_samples: int
    """Most samples that are asked each time; the verdict asks all."""
    previews: int
    threads: int
    """Of torch on a CPU."""
    version: str
    packages: dict[str, str]
    segmenter_folder: str = ""
    """Between boxes and masks, frozen; empty where no sample asks for masks."""
    format: int = FORMAT

    def __post_init__(self) -> None:
        """Refuse what cannot work, naming the way out.

        Raises:
            ConfigError: for the first such setting.
        """
        if self.method not in get_args(Method):
            raise ConfigError(f"method is {self.method!r}; known are {', '.join(get_args(Method))}")
        if self.adaptation == "full_vision" and self.model_kind == "transformers":
            raise ConfigError(
                "adaptation full_vision is for the embedded model and what came from it: set adaptation to lora, or full"
            )
        if self.group_size < 2:
            raise ConfigError(
                f"group_size is {self.group_size}; completions are compared with each other, so use 2 or more"
            )
        together = self.group_size * self.prompts_per_step
        if together > MAX_COMPLETIONS_PER_STEP:
            raise ConfigError(
                f"{self.prompts_per_step} prompts x {self.group_size} completions are {together} a step; "
                f"at most {MAX_COMPLETIONS_PER_STEP} are possible: lower prompts_per_step or group_size"
            )
        if self.method == "sft_dapo" and self.steps < 2:
            raise ConfigError("sft_dapo needs at least 2 steps: one supervised, one with rewards")
        if self.kl_weight and self.adaptation == "full" and self.model_kind == "transformers":
            raise ConfigError(
                f"kl_weight is {self.kl_weight}, which needs the base beside the trained model; a full fine-tune of "
                "this model keeps none. Set kl_weight to 0, or adaptation to lora"
            )

    @property
    def objective(self) -> Objective:
        """The loss of the steps with rewards."""
        return self.method if self.method in ("grpo", "dr_grpo") else "dapo"

    def write(self, folder: Path) -> None:
        """Write ``folder/config.json``, whole or not at all."""
        write_private_json(folder / CONFIG_FILE, asdict(self))


def make_config(
    request: RunRequest,
    *,
    run_id: str,
    model: ModelFolder,
    dataset_folder: Path,
    created: str,
) -> TrainingConfig:
    """The run that a request asks for, with every default filled in.

    Args:
        request: bounds of its fields were checked.
        run_id: name of the run's folder.
        model: the base.
        dataset_folder: ``datasets/ID``.
        created: ISO 8601, UTC.

    Raises:
        ConfigError: for settings that cannot work together.
        ModelFailed: for a base that is damaged.
        TaskUnsupported: for samples of a task that the base was not made for.
        SegmenterMissing: for samples of masks where nothing can cut them out.
    """
    if model.kind == "broken":
        raise ModelFailed(model=model.id, reason=model.note or "its folder is damaged")
    if model.kind == "remote":
        raise ModelFailed(
            model=model.id,
            reason="its weights are on another machine, so nothing can be trained here",
            hint="Train there (docs/remote.md), or put a folder with the weights on this machine.",
        )
    samples = read_samples(dataset_folder)
    tasks = {sample.task for sample in samples}
    for task in sorted(tasks):
        if task not in model.tasks and not (task == "gres" and model.tasks):
            raise TaskUnsupported(task=task, model=model.id, supported=model.tasks)
    embedded = model.kind == "onnx"
    # a model that was not taught masks is asked for boxes, and learns them from examples as well
    names_points = "gres" in tasks and "gres" in model.tasks
    method = request.method or _best_method(request.steps, embedded and not names_points)
    adaptation = request.adaptation or ("full" if embedded else "lora")
    kl_weight = request.kl_weight if request.kl_weight is not None else 0.0
    steps = request.steps or (120 if embedded else 200)
    supervised = {"sft": steps, "sft_dapo": max(1, min(steps - 1, round(steps * WARM_START)))}
    # a request's rate is that of the method it names; the warm start has its own
    rates = _rates(embedded=embedded, adaptation=adaptation)
    rate = request.learning_rate
    return TrainingConfig(
        run_id=run_id,
        name=request.name,
        created=created,
        dataset=dataset_folder.name,
        dataset_folder=str(dataset_folder.resolve()),
        data_sha256=data_hash(samples),
        model_id=model.id,
        model_folder=str(model.folder.resolve()),
        model_kind="onnx" if embedded else "transformers",
        model_sha256=_folder_hash(model.folder),
        device="cpu" if embedded or shutil.which("nvidia-smi") is None else "cuda",
        method=method,
        adaptation=adaptation,
        steps=steps,
        learning_rate=rate
        if rate and method != "sft"
        else rates[0 if supervised.get(method) else 2],
        group_size=request.group_size or 8,
        prompts_per_step=request.prompts_per_step or (2 if embedded else 4),
        kl_weight=kl_weight,
        think=request.think,
        seed=request.seed,
        sft_steps=supervised.get(method, 0),
        sft_learning_rate=rate if rate and method == "sft" else rates[1],
        learning_rate_alone=rate if rate and method != "sft" else rates[2],
        warm_start_below=KNOWN_FROM,
        sft_batch=4 if embedded else 8,
        rank=16,
        alpha=32.0,
        clip_low=0.2,
        clip_high=0.28 if method in ("dapo", "sft_dapo") else 0.2,
        temperature=1.0,
        max_new_tokens=_longest_answer(samples, embedded=embedded),
        warmup_steps=3,
        weight_decay=0.0,
        gradient_clip=1.0,
        replay=method in ("dapo", "sft_dapo"),
        format_weight=1.0,
        near_weight=0.2,
        ovd_reward="f1",
        augment=True,
        evaluate_every=20,
        evaluation_samples=48,
        previews=6,
        threads=2,
        version=version(),
        packages=_packages(),
        segmenter_folder=_segmenter_for(tasks, method, dataset_folder, names_points=names_points),
    )


def read_config(folder: Path) -> TrainingConfig:
    """The configuration of the run in ``folder``.

    Raises:
        ConfigError: if the file is absent, damaged or of another format.
    """
    path = folder / CONFIG_FILE
    try:
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as missing:
        raise ConfigError(f"{folder} has no {CONFIG_FILE}; it is no run") from missing
    except ValueError as broken:
        raise ConfigError(f"{path} is not JSON: {broken}") from broken
    if stored.get("format") != FORMAT:
        raise ConfigError(
            f"{path} has format {stored.get('format')!r}, this version reads {FORMAT}: "
            "finish the run with the version that began it, or start a new one"
        )
    names = {field.name for field in fields(TrainingConfig)}
    if names != set(stored):
        differing = sorted(names ^ set(stored))
        raise ConfigError(f"{path} lacks fields or has unknown ones: {', '.join(differing)}")
    return TrainingConfig(**stored)


def changed(config: TrainingConfig, **values: Any) -> TrainingConfig:
    """The same run with some fields set otherwise, checked again (benchmarks, tests)."""
    return replace(config, **values)


def _longest_answer(samples: Sequence[Sample], *, embedded: bool) -> int:
    """Tokens of the longest answer: the usual number, or what the fullest chip's truth takes and some more.

    An object takes the embedded model 15 tokens, in its chain and its answer together; larger models spell numbers digit by digit.
    """
    least, beside, each = (256, 64, 18) if embedded else (512, 256, 45)
    most = max((len(sample.boxes_px) for sample in samples), default=0)
    return min(MAX_NEW_TOKENS, max(least, beside + each * most))


def _best_method(steps: int | None, needs_examples: bool) -> Method:
    """Where a request names none: a large model answers well enough to begin with rewards."""
    return "sft_dapo" if needs_examples and steps != 1 else "dapo"


def _rates(*, embedded: bool, adaptation: Adaptation) -> tuple[float, float, float]:
    """Learning rates with rewards behind a warm start, supervised, and with rewards alone."""
    if embedded:
        # supervised: 3e-4 taught, 1e-3 ruined; rewards alone: 5e-6 hardly moved, 5e-5 taught (docs/experiments.md)
        return (1e-5, 3e-4, 5e-5) if adaptation != "lora" else (2e-4, 1e-3, 4e-4)
    return (1e-6, 1e-5, 1e-6) if adaptation != "lora" else (1e-5, 1e-4, 1e-5)


def _segmenter_for(
    tasks: set[Task], method: Method, dataset_folder: Path, *, names_points: bool
) -> str:
    """Folder of the segmenter that masks need; empty without masks."""
    if "gres" not in tasks:
        return ""
    if names_points and method in ("sft", "sft_dapo"):
        raise ConfigError(
            f"method is {method!r}, and this model names points for its masks, which are learned by reward alone: nobody labelled the points that an answer needs. "
            "Use grpo, dapo or dr_grpo"
        )
    data_folder = dataset_folder.resolve().parent.parent
    found = find_segmenter(data_folder)
    if found is None:
        raise SegmenterMissing(folder=str(data_folder / FOLDER))
    return str(found.resolve())


def _folder_hash(folder: Path) -> str:
    manifest = folder / MANIFEST_FILE
    if manifest.is_file():
        return hashlib.sha256(manifest.read_bytes()).hexdigest()
    listed = sorted((p.name, p.stat().st_size) for p in folder.iterdir() if p.is_file())
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def _packages() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version_of(package)
        except PackageNotFoundError:
            found[package] = ""
    return found
