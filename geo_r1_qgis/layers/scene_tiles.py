"""One look of a run over a whole raster, and how its plan was made, as the journal keeps them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

from .geopackage import Row

ANSWERED, EMPTY, FAILED = "answered", "empty", "failed"
PARTIAL = "capture-partial"
"""Beside an answer: parts of the picture were missing."""

Answer = Tuple[str, Tuple[float, float, float, float], Any]
"""Label, box in pixels of the tile, polygons of a mask or nothing."""


@dataclass(frozen=True)
class TileRecord:
    """One look and what became of it."""

    area: int
    tile: int
    level: int
    state: str
    answers: Tuple[Optional[Tuple[Answer, ...]], ...] = ()
    """By question; none = it was not answered."""
    reasoning: str = ""
    error: str = ""

    @property
    def place(self) -> Tuple[int, int]:
        """Where it stands in the order of a plan."""
        return self.area, self.tile


def row_of(record: TileRecord, run_uid: str, session: int) -> Row:
    """A look as the file's table has it."""
    return {
        "run_uid": run_uid,
        "session": session,
        "area": record.area,
        "tile": record.tile,
        "level": record.level,
        "state": record.state,
        "answers": json.dumps(record.answers, ensure_ascii=False),
        "reasoning": record.reasoning or None,
        "error": record.error or None,
    }


def record_of(row: Row) -> TileRecord:
    """A look from the file's table."""
    answers = tuple(
        None if answer is None else tuple((each[0], tuple(each[1]), each[2]) for each in answer)
        for answer in json.loads(str(row["answers"] or "[]"))
    )
    return TileRecord(
        area=int(str(row["area"])),
        tile=int(str(row["tile"])),
        level=int(str(row["level"])),
        state=str(row["state"]),
        answers=answers,
        reasoning=str(row["reasoning"] or ""),
        error=str(row["error"] or ""),
    )


def recipe_from(text: object) -> Dict[str, Any]:
    """How a plan was made, from the file's table; empty if that cannot be read."""
    try:
        value = json.loads(str(text or "{}"))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
