"""Whether the published model says what the trained one said: its int8 answers through the ONNX engine beside the float ones.

Rounding to int8 changes numbers, so some answers change; a model that has lost what it learned changes most of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from geo_r1_backend.engines.base import Engine, EngineItem, GenerationOptions
from geo_r1_backend.training.rewards.ovd import f1_reward
from geo_r1_backend.training.rewards.said import Said, read

if TYPE_CHECKING:
    from geo_r1_backend.training.dataset import TrainingSample
    from geo_r1_backend.training.policy import Policy

ENOUGH = 0.6
"""Mean likeness from here on is agreement. A trained model and its int8 answers were 100 % alike, two models that say different things
are near 0 (docs/experiments.md); between them lies a model whose single tokens were near a tie."""
MAX_SAMPLES = 8


@dataclass(frozen=True)
class Agreement:
    """Float answers beside int8 ones."""

    samples: int
    same: int
    """Answers with the very same text."""
    likeness: float
    """Mean over the samples of the boxes' F1 weighted by IoU, in [0, 1]; two answers without a box are alike."""

    @property
    def is_enough(self) -> bool:
        """Whether the published model can be taken for the trained one."""
        return not self.samples or self.likeness >= ENOUGH

    @property
    def sentence(self) -> str:
        """For the card and the run's notes."""
        return (
            f"int8 through the ONNX engine against float: {self.same} of {self.samples} answers the same word for word, "
            f"boxes {100 * self.likeness:.0f} % alike (wanted: {100 * ENOUGH:.0f} %)"
        )


def agreement_of(
    folder: Path,
    policy: Policy,
    samples: Sequence[TrainingSample],
    encode: Callable[[TrainingSample], Any],
    *,
    think: bool,
    max_new_tokens: int,
    threads: int,
    should_stop: Callable[[], bool] = lambda: False,
) -> Agreement | None:
    """Ask both for the first samples; None if it was to stop.

    Args:
        folder: the published model.
        policy: what was trained, in float.
        samples: any; at most `MAX_SAMPLES` are asked.
        encode: visual tokens for the policy.
        think: whether prompts ask for reasoning.
        max_new_tokens: longest answer.
        threads: of the ONNX engine.
        should_stop: asked before each sample.

    Raises:
        ModelFailed: if the published folder does not load.
        EngineFailed: if it does not answer.
    """
    # deferred: onnxruntime is not needed for a base in transformers' format
    from geo_r1_backend.engines.onnx import OnnxEngine

    engine = OnnxEngine(folder, threads)
    same, likeness, asked = 0, 0.0, 0
    try:
        for one in samples[:MAX_SAMPLES]:
            if should_stop():
                return None
            (theirs,) = policy.answers([encode(one)], [one.prompt], max_new_tokens=max_new_tokens)
            ours = answer_of(engine, one, max_new_tokens=max_new_tokens)
            read_both = [read(t, one.view, one.asked.task, think=think) for t in (theirs, ours)]
            same += theirs == ours
            likeness += alike(*read_both)
            asked += 1
    finally:
        engine.close()
    return Agreement(asked, same, likeness / asked if asked else 1.0)


def answer_of(engine: Engine, sample: TrainingSample, *, max_new_tokens: int) -> str:
    """The engine's greedy answer to a sample."""
    item = EngineItem(Image.fromarray(sample.image), sample.prompt)
    options = GenerationOptions(max_new_tokens=max_new_tokens)
    return "".join(piece.text for piece in engine.generate([item], options, lambda: False))


def alike(first: Said, second: Said) -> float:
    """How like two answers' boxes are, in [0, 1]; the order of the two does not matter."""
    if not first.boxes_px and not second.boxes_px:
        return 1.0
    if not first.boxes_px or not second.boxes_px:
        return 0.0
    return f1_reward(first.boxes_px, second.boxes_px, said=len(first.boxes_px))
