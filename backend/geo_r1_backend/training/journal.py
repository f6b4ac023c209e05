"""What a run writes into `run.sqlite`: curves, previews, every completion with its reward; and whether it was asked to stop.

A thin layer over `storage/run_database.py`, whose file it is. No torch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from geo_r1_backend.storage.run_database import RunDatabase, now
from geo_r1_backend.training.rewards import Rewarded
from geo_r1_backend.training_wire import (
    EvaluationEvent,
    NoteEvent,
    Preview,
    Score,
    StepEvent,
    Verdict,
    VerdictEvent,
)


@dataclass(frozen=True)
class Row:
    """One completion."""

    sample: int
    """Place of its sample in the data set."""
    text: str
    tokens: int
    rewarded: Rewarded
    advantage: float


class Journal:
    """Writer of one run."""

    def __init__(self, database: RunDatabase) -> None:
        self._database = database

    @property
    def is_asked_to_stop(self) -> bool:
        """Whether somebody wants the run to save and leave."""
        return self._database.values().get("stop") == "1"

    def alive(self) -> None:
        """Say that the run goes on, while a step or an evaluation takes long."""
        self._database.set(heartbeat=now())

    def note(self, text: str, code: str = "") -> None:
        """Tell a person something."""
        self._database.append(NoteEvent(0, text, code))

    def step(self, event: StepEvent, rows: Sequence[Row] = ()) -> None:
        """A step is done: its completions first, then its point on the curves."""
        if rows:
            with self._database.writing() as connection:
                connection.executemany(
                    "INSERT INTO completions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (
                            event.step,
                            one.sample,
                            number,
                            one.text,
                            one.tokens,
                            one.rewarded.metric,
                            one.rewarded.total,
                            json.dumps(one.rewarded.parts),
                            one.advantage,
                        )
                        for number, one in enumerate(rows)
                    ],
                )
        self._database.append(event)
        self._database.set(step=event.step, heartbeat=now())

    def evaluation(self, step: int, score: Score, previews: Sequence[Preview] = ()) -> None:
        """Greedy answers on one part."""
        self._database.append(EvaluationEvent(0, step, score, list(previews)))
        self.alive()

    def verdict(self, verdict: Verdict, adapter: str | None) -> None:
        """What the run brought."""
        self._database.append(VerdictEvent(0, verdict, adapter))

    def rewind(self, step: int) -> None:
        """Forget completions of steps after the checkpoint that is taken up; they come again.

        Curves are not rewound: events keep their numbers, a note says where they begin again.
        """
        with self._database.writing() as connection:
            connection.execute("DELETE FROM completions WHERE step > ?", (step,))
        self._database.set(step=step)
        self.note(f"resumed after step {step}", "resumed")
