"""Runs over whole rasters in a result file that did not come to their end."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from ..core.errors import LayerError
from .geopackage import ResultFile, Row
from .interrupted import is_over
from .scene_tiles import ANSWERED, FAILED, recipe_from, record_of
from .schema import RUNS, SCENE_TILES, SCENES

LEFT = ("stopped", "interrupted", "failed")


@dataclass(frozen=True)
class Unfinished:
    """One run that can be gone on with."""

    path: str
    run_uid: str
    query: str
    created: str
    done: int
    tiles: int
    options: str
    """JSON, of `SceneOptions`."""
    recipe: Dict[str, Any]
    """How its plan is made again."""
    layer_id: str
    areas_layer_id: str
    is_over: bool = False
    """It came to its end; what is left are tiles that have no answer."""


def find_unfinished(path: Path) -> Optional[Unfinished]:
    """The newest run of a file, if it was stopped, broke off, or has tiles without an answer; none if the file cannot be read now."""
    if not path.exists():
        return None
    try:
        file = ResultFile(str(path))
    except LayerError:
        return None
    try:
        scenes = {str(row["run_uid"]): row for row in file.rows(SCENES, "1 = 1")}
        runs = [row for row in file.rows(RUNS, "1 = 1") if row["run_uid"] in scenes]
        if not runs:
            return None
        run = runs[-1]  # of others, something was asked since
        scene = scenes[str(run["run_uid"])]
        unanswered = 0 if _is_left(run) else _unanswered(file, str(run["run_uid"]), run)
    except LayerError:
        return None
    finally:
        file.close()
    is_over = not _is_left(run)
    if is_over and not unanswered:
        return None
    tiles = int(str(scene["tiles"] or 0))
    return Unfinished(
        path=str(path),
        run_uid=str(run["run_uid"]),
        query=str(run["query"] or ""),
        created=str(run["created"] or ""),
        done=tiles - unanswered if is_over else int(str(scene["done"] or 0)),
        tiles=tiles,
        options=str(scene["options"] or "{}"),
        recipe=recipe_from(scene["plan"]),
        layer_id=str(scene["layer_id"] or ""),
        areas_layer_id=str(scene["areas_layer_id"] or ""),
        is_over=is_over,
    )


def _unanswered(file: ResultFile, run_uid: str, run: Row) -> int:
    """How many tiles of a run that came to its end have no answer, by the last word on each."""
    if not run["outcome"]:  # it is under way
        return 0
    mine = f"run_uid = '{uuid.UUID(run_uid)}'"
    failed: Dict[Tuple[int, int], int] = {}
    for row in file.rows(SCENE_TILES, f"{mine} AND state = '{FAILED}'"):
        record, session = record_of(row), int(str(row["session"]))
        failed[record.place] = max(session, failed.get(record.place, 0))
    if failed:
        for row in file.rows(SCENE_TILES, f"{mine} AND session > 1 AND state = '{ANSWERED}'"):
            failed.pop(record_of(row).place, None)
    return len(failed)


def _is_left(run: Row) -> bool:
    outcome = run["outcome"]
    if outcome:
        return outcome in LEFT
    versions = recipe_from(run["versions"])
    return is_over(str(versions.get("process", "")), str(run["created"] or ""))


def find_run(path: Path, options: str, recipe: Dict[str, Any]) -> str:
    """The newest run of a file that asked the same of the same looks and is not under way, whether it came to its end or not.

    Args:
        path: of a result file.
        options: JSON of `SceneOptions`.
        recipe: of the plan; that of the run must be equal.

    Returns:
        The run's uid; empty if there is none.

    Raises:
        LayerError: if there is a file and it cannot be read.
    """
    if not path.exists():
        return ""
    file = ResultFile(str(path))
    try:
        alike = {
            str(row["run_uid"])
            for row in file.rows(SCENES, "1 = 1")
            if row["options"] == options and recipe_from(row["plan"]) == recipe
        }
        runs = [row for row in file.rows(RUNS, "1 = 1") if row["run_uid"] in alike]
    finally:
        file.close()
    over = [str(run["run_uid"]) for run in runs if run["outcome"] or _is_left(run)]
    return over[-1] if over else ""
