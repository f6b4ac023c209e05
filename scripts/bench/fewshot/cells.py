"""The cells of the few-shot proof: which base, which way of learning, how many shots, which seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from geo_r1_backend.training_wire import Adaptation, Method

SEEDS = (1, 2, 3, 4, 5)
BASES = ("shipped", "drawings")
"""The shipped model, and one pretrained on generated scenes alone."""


@dataclass(frozen=True)
class Arm:
    """One way of learning."""

    name: str
    method: Method
    adaptation: Adaptation
    learning_rate: float
    settings: tuple[tuple[str, object], ...] = ()
    """Further fields of the run's settings."""


SFT_ARMS = tuple(
    Arm(f"sft-{adaptation}-{rate:g}", "sft", adaptation, rate)
    for adaptation, rates in (("full", (1e-5, 4e-5, 1.6e-4)), ("lora", (1e-4, 4e-4, 1.6e-3)))
    for rate in rates
)  # type: ignore[var-annotated]
RL_ARMS = (
    Arm("grpo", "grpo", "full", 5e-6),
    Arm("dapo", "dapo", "full", 5e-6),
    Arm("sft_dapo", "sft_dapo", "full", 5e-6),
)
ARMS = SFT_ARMS + RL_ARMS
WIDE = (("prompts_per_step", 8),)
TUNING_ARMS = (
    Arm("dapo-5e-05-wide", "dapo", "full", 5e-5, WIDE),
    Arm("dapo-2e-05-wide", "dapo", "full", 2e-5, WIDE),
    Arm("dapo-1e-04-wide", "dapo", "full", 1e-4, WIDE),
    Arm("dapo-5e-05", "dapo", "full", 5e-5),
    Arm(
        "sft_dapo-gentle",
        "sft_dapo",
        "full",
        5e-5,
        (("sft_learning_rate", 1e-5), ("sft_steps", 20), *WIDE),
    ),
    Arm("dapo-5e-05-sixteen", "dapo", "full", 5e-5, (("group_size", 16), ("prompts_per_step", 4))),
    Arm("dapo-lora-0.0004-wide", "dapo", "lora", 4e-4, WIDE),
    Arm("grpo-5e-05-wide", "grpo", "full", 5e-5, WIDE),
    Arm("dapo-2e-05", "dapo", "full", 2e-5),
)
"""What rewards were tried with after the first stage had moved too little."""
TUNED_ARM = TUNING_ARMS[0]
"""The best of them on the validation part of seed 1, over both bases."""
HONEST_ARMS = (TUNED_ARM, *SFT_ARMS)
"""The longest first: a call that ends leaves short ones undone."""
LONG_STEPS = 360
LONG: tuple[tuple[str, object], ...] = (("steps", LONG_STEPS),)
LONG_ARMS = (
    Arm("dapo-5e-05-wide-long", "dapo", "full", 5e-5, (*WIDE, *LONG)),
    Arm("sft-full-1e-05-long", "sft", "full", 1e-5, (*LONG, ("sft_steps", LONG_STEPS))),
    Arm("sft-lora-0.0001-long", "sft", "lora", 1e-4, (*LONG, ("sft_steps", LONG_STEPS))),
)
"""Three times as long, for the base whose curve had not ended; of imitation the two that last longest (their first 120 steps are the short run's)."""
VISION_ARMS = (
    Arm("dapo-5e-05-wide-vision", "dapo", "full_vision", 5e-5, WIDE),
    Arm("dapo-2e-05-wide-vision", "dapo", "full_vision", 2e-5, WIDE),
    *(
        Arm(f"sft-full-{rate:g}-vision", "sft", "full_vision", rate)
        for rate in (1e-5, 4e-5, 1.6e-4)
    ),
)
"""The vision tower learns too: is it what the base cannot see that holds it back?"""


@dataclass(frozen=True)
class Cell:
    """One training and its answers to the test questions."""

    base: str
    arm: Arm
    shots: int
    think: bool
    seed: int

    @property
    def name(self) -> str:
        """Of its row on disk."""
        think = "think" if self.think else "no-think"
        return f"{self.base}.{self.arm.name}.{self.shots}-shot.{think}.{self.seed}"

    def facts(self) -> dict[str, object]:
        """As it stands in its row."""
        return {**asdict(self), "name": self.name}


def grid(stage: str) -> Iterator[Cell]:
    """Cells of a stage, the most telling first.

    Args:
        stage: `first` (10 shots, think); `tuning` and `tuned`: rates of the rewards, which `first` had not tuned; with the tuned
            rate beside every rate of imitation: `shots` (1 and 5) and `no-think`; `longer`: three times the steps from drawings; `vision`:
            its tower learns too; `all` of these.

    Raises:
        ValueError: for another name.
    """
    stages = {
        "first": lambda: _cells(BASES, (10,), True),
        "tuning": lambda: _cells(BASES[::-1], (10,), True, TUNING_ARMS, SEEDS[:2]),
        "tuned": lambda: _cells(BASES[::-1], (10,), True, (TUNED_ARM,)),
        "longer": lambda: _cells(BASES[1:], (10,), True, LONG_ARMS),
        "vision": lambda: _cells(BASES[::-1], (10,), True, VISION_ARMS),
        "shots": lambda: _cells(BASES, (5, 1), True, HONEST_ARMS),
        "no-think": lambda: _cells(BASES, (10,), False, HONEST_ARMS),
    }
    if stage == "all":
        seen: set[str] = set()
        for name in stages:
            for cell in grid(name):
                if cell.name not in seen:
                    seen.add(cell.name)
                    yield cell
        return
    if stage not in stages:
        raise ValueError(f"stage is {stage!r}; known are {', '.join((*stages, 'all'))}")
    yield from stages[stage]()


def _cells(
    bases: Sequence[str],
    shots: Sequence[int],
    think: bool,
    arms: Sequence[Arm] = ARMS,
    seeds: Sequence[int] = SEEDS,
) -> Iterator[Cell]:
    for base in bases:
        for seed in seeds:
            for count in shots:
                for arm in arms:
                    yield Cell(base, arm, count, think, seed)
