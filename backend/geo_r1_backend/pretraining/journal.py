"""What a run says of itself: a line of figures every ten seconds."""

from __future__ import annotations

import json
import time

from torch import Tensor

from geo_r1_backend.pretraining.settings import PretrainSettings


class Journal:
    """A line of figures every few seconds, on the screen and in ``log.jsonl``."""

    def __init__(self, settings: PretrainSettings, rank: int, first: int, spent: float) -> None:
        self.settings, self.rank = settings, rank
        self.start = self.printed = self.saved = time.monotonic()
        self.spent = spent
        self.steps, self.seen, self.asked, self.left_out, self.waited = 0, 0, 0, 0, 0.0
        self.sums: dict[str, Tensor] = {}
        self.last: dict[str, float] = {}

    def add(
        self, step: int, figures: dict[str, Tensor], lr: float, waited: float, world: int
    ) -> None:
        """Take the figures of a step; print and write a line when it is time."""
        self.steps += 1
        self.waited += waited
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0) + value
        if self.rank or time.monotonic() - self.printed < 10:
            return
        totals = {name: float(value) for name, value in self.sums.items()}
        self.seen += int(totals["pictures"]) * world
        self.asked += int(totals["asked"]) * world
        self.left_out += int(totals["left_out"]) * world
        took = time.monotonic() - self.printed
        self.last = {
            "step": step,
            "s": round(self.spent + time.monotonic() - self.start, 1),
            "lr": lr,
            **{
                n: round(totals[n] / self.steps, 4)
                for n in ("words", "numbers", "dense", "kind_right", "within_2", "within_8")
            },
            "pictures": self.seen,
            "questions": self.asked,
            "left_out": self.left_out,
            "pictures_per_s": round(totals["pictures"] * world / took, 1),
            "waiting_share": round(self.waited / took, 3),
        }
        print(json.dumps(self.last), flush=True)  # noqa: T201 - a command's output
        with (self.settings.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(self.last) + "\n")
        self.printed, self.steps, self.waited, self.sums = time.monotonic(), 0, 0.0, {}

    def due(self) -> bool:
        """Whether it is time to save."""
        if time.monotonic() - self.saved < self.settings.save_every_s:
            return False
        self.saved = time.monotonic()
        return True
