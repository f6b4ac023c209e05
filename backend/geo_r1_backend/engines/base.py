"""The seam between the service and whatever runs a model: one batched Protocol and its value types.

An engine knows images and text. It does not know HTTP, files of the user, or what the text means: parsing the answer
and bringing boxes back to the sent chip is `grounding/`, and prompts are `engines/prompts.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from PIL.Image import Image

CoordinateConvention = Literal["absolute", "per_mille"]
"""`absolute`: pixels of the model's image (Qwen2.5-VL). `per_mille`: 0-1000 of its sides (Qwen3-VL)."""


@dataclass(frozen=True)
class ModelProfile:
    """What the rest of the code must know of a model: how it sees and how it writes coordinates."""

    id: str
    title: str
    tasks: tuple[str, ...]
    convention: CoordinateConvention
    grid_px: int
    """Sides of the model's image are multiples of this (patch size x merge size)."""
    min_pixels: int
    max_pixels: int
    view_sizes_px: tuple[tuple[int, int], ...] = ()
    """(width, height) of the only sizes the model was trained on; empty = any multiple of ``grid_px``."""
    licence: str = ""
    default_think: bool = True


@dataclass(frozen=True)
class EngineItem:
    """One prompt about one image, already resized to what the model sees."""

    image: Image
    """RGB, both sides multiples of ``profile.grid_px``."""
    prompt: str
    """User turn after the image, as made by `engines/prompts.py`."""


@dataclass(frozen=True)
class GenerationOptions:
    """How to decode. Temperature 0 is greedy."""

    max_new_tokens: int = 1536
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Piece:
    """Some more text of one item of the batch."""

    index: int
    """Which item of the batch."""
    text: str
    tokens: int = 1
    """How many tokens this text came from (bytes of one character may need several)."""
    finish: Literal["", "stop", "length"] = ""
    """Non-empty on the last piece of an item."""
    restart: bool = False
    """The item's text begins anew with this piece: what was said before does not count (its server went away)."""


@dataclass(frozen=True)
class EngineStatus:
    """Where an engine runs, for the header of the dock."""

    name: str
    device: str
    resident_bytes: int | None = None
    facts: dict[str, str] = field(default_factory=dict)
    """For `geo-r1 doctor` and the logs; ``slow`` (why answers take longer than they should) is told with every answer and in health;
    ``soon`` (what will answer instead, quicker, when it has started)."""


@runtime_checkable
class Engine(Protocol):
    """Batched text generation about images."""

    profile: ModelProfile
    best_batch: int
    """How many items a call of `generate` should have when many wait; 1 = it answers them one by one anyway. Others have to
    wait until the call is over, unless it `nests`."""
    nests: bool
    """Whether `generate` may be called again from within ``should_stop``, or while an earlier generator rests at a piece."""

    def status(self) -> EngineStatus:
        """Name and device of this engine."""
        ...

    def generate(
        self,
        items: Sequence[EngineItem],
        options: GenerationOptions,
        should_stop: Callable[[], bool],
    ) -> Iterator[Piece]:
        """Yield text as it is decoded; every item ends with exactly one piece whose ``finish`` is set.

        Pieces of different items may come in any order, those of one item come in the order of its text.

        ``should_stop`` is asked at least once per token and between the parts of the prefill; when it returns true the
        generator ends early, without finishing pieces. Closing the generator frees the engine as well.

        Raises:
            EngineFailed: when the model cannot answer (out of memory, broken weights, dead worker).
        """
        ...

    def close(self) -> None:
        """Free memory and processes; the engine is not used afterwards."""
        ...
