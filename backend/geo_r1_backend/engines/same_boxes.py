"""Whether another way of running the embedded model finds what the processor finds: a quick answer that is wrong is not worth having.

Another device rounds otherwise (float16 on a GPU most of all), so a box moves by a pixel and, where two objects are nearly alike, another one
is chosen now and then: that is no fault. A driver or a kernel that computes something else is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from geo_r1_backend.engines.base import Engine, EngineItem, GenerationOptions
from geo_r1_backend.geo.boxes import Box, iou

NUMBERS = re.compile(r"\[\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\]")
QUESTIONS = (
    ("rec", "the largest building"),
    ("ovd", "building"),
    ("rec", "the northernmost building"),
    ("ovd", "storage tank"),
)
TOKENS = 96
NEAR = 0.75
"""Mean overlap of the boxes of one answer from which on it is the same answer."""
SAME = 0.75
"""Part of the answers that must be the same."""


def boxes_of(text: str) -> list[Box]:
    """All boxes that a text names, reasoning included."""
    return [tuple(map(float, found)) for found in NUMBERS.findall(text)]


def overlap(mine: Sequence[Box], theirs: Sequence[Box]) -> float:
    """Mean intersection over union of the boxes of two answers, one by one; what only one of them has counts 0, none at all counts 1."""
    count = max(len(mine), len(theirs))
    if not count:
        return 1.0
    return sum(iou(a, b) for a, b in zip(mine, theirs, strict=False)) / count


def fault_of(mine: Sequence[Sequence[Box]], theirs: Sequence[Sequence[Box]]) -> str:
    """Why answers are not those of the processor, in words; empty = they are."""
    found = [overlap(a, b) for a, b in zip(mine, theirs, strict=True)]
    same = sum(one >= NEAR for one in found)
    if same >= SAME * len(found):
        return ""
    mean = sum(found) / len(found)
    return f"{len(found) - same} of {len(found)} answers had other boxes than the processor's (mean overlap {mean:.2f})"


class SameBoxes:
    """Asks an engine the same few questions as the processor.

    Args:
        folder: of the model, with `doctor.png`; without it there is nothing to ask about, and nothing is a fault.
        start: starts the processor's engine, where `remember` has not seen it.
    """

    def __init__(self, folder: Path, start: Callable[[], Engine]) -> None:
        self._picture, self._start = folder / "doctor.png", start
        self._known: list[list[Box]] | None = None

    def remember(self, engine: Engine) -> None:
        """Take the answers of an engine on the processor."""
        if self._picture.is_file() and self._known is None:
            self._known = self._answers(engine)

    def fault(self, engine: Engine) -> str:
        """Why an engine's answers are not right; empty = they are."""
        if not self._picture.is_file():
            return ""
        if self._known is None:
            reference = self._start()
            try:
                self.remember(reference)
            finally:
                reference.close()
        return fault_of(self._answers(engine), self._known or [])

    def _answers(self, engine: Engine) -> list[list[Box]]:
        # deferred: only where something is compared
        from PIL import Image, ImageChops

        from geo_r1_backend.engines.prompts import prompt_for

        with Image.open(self._picture) as opened:
            picture = opened.convert("RGB").resize((448, 448))
        found = []
        for number, (task, query) in enumerate(QUESTIONS):
            shown = ImageChops.offset(picture, 56 * number, 0)
            prompt = prompt_for("ovd" if task == "ovd" else "rec", query, think=True)
            pieces = engine.generate(
                [EngineItem(shown, prompt)], GenerationOptions(max_new_tokens=TOKENS), lambda: False
            )
            found.append(boxes_of("".join(piece.text for piece in pieces)))
        return found
