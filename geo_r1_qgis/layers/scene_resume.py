"""Runs over whole rasters in a result file that did not come to their end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

from ..core.errors import LayerError
from .geopackage import ResultFile, Row
from .interrupted import is_over
from .scene_tiles import recipe_from
from .schema import RUNS, SCENES

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


def find_unfinished(path: Path) -> Optional[Unfinished]:
    """The newest run of a file that was stopped or broke off; none if there is none or the file cannot be read now."""
    if not path.exists():
        return None
    try:
        file = ResultFile(str(path))
    except LayerError:
        return None
    try:
        scenes = {str(row["run_uid"]): row for row in file.rows(SCENES, "1 = 1")}
        runs = [row for row in file.rows(RUNS, "1 = 1") if row["run_uid"] in scenes]
    except LayerError:
        return None
    finally:
        file.close()
    left: List[Row] = [row for row in runs if _is_left(row)]
    if not left or left[-1]["run_uid"] != runs[-1]["run_uid"]:
        return None  # something was asked since
    run, scene = left[-1], scenes[str(left[-1]["run_uid"])]
    return Unfinished(
        path=str(path),
        run_uid=str(run["run_uid"]),
        query=str(run["query"] or ""),
        created=str(run["created"] or ""),
        done=int(str(scene["done"] or 0)),
        tiles=int(str(scene["tiles"] or 0)),
        options=str(scene["options"] or "{}"),
        recipe=recipe_from(scene["plan"]),
        layer_id=str(scene["layer_id"] or ""),
        areas_layer_id=str(scene["areas_layer_id"] or ""),
    )


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
