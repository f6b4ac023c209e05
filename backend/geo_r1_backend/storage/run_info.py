"""A run as the wire shows it, put together from its files."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from typing import Any

from geo_r1_backend.storage.run_database import FINAL_STATES, RunDatabase, now
from geo_r1_backend.storage.runs import (
    ADAPTER_FOLDER,
    CONFIG_FILE,
    MODEL_FOLDER,
    RunStore,
    read_json,
)
from geo_r1_backend.training_wire import RunInfo, Score, Verdict
from geo_r1_backend.wire import ErrorBody


def run_info(store: RunStore, run_id: str) -> RunInfo:
    """One run.

    Raises:
        RunUnknown: if it is not here.
    """
    folder = store.folder(run_id)
    told = store.read(run_id)
    request: dict[str, Any] = told.get("request", {})
    chosen = {**request, **_without_none(read_json(folder / CONFIG_FILE) or {})}
    with closing(store.open(run_id)) as database:
        values = database.values()
        state = values.get("state", "queued")
        step = database.last_of("step")
        verdict = database.last_of("verdict")
        last_state = database.last_of("state")
        elapsed_s = _elapsed_s(database)
        last_event = database.last_number()
    made = any(
        (folder / name / file).is_file()
        for name, file in ((MODEL_FOLDER, "manifest.json"), (ADAPTER_FOLDER, "adapter.json"))
    )
    error = last_state.get("error") if last_state and state == "failed" else None
    return RunInfo(
        id=run_id,
        name=str(request.get("name") or ""),
        dataset=str(request.get("dataset") or ""),
        model=str((told.get("model") or {}).get("id") or ""),
        method=chosen.get("method") or "dapo",
        adaptation=chosen.get("adaptation") or "lora",
        state=state,  # type: ignore[arg-type]  # written by us
        step=int(values.get("step", 0)),
        steps=int(chosen.get("steps") or 0),
        seed=int(chosen.get("seed") or 0),
        device=str(chosen.get("device") or ""),
        created=str(told.get("created") or ""),
        elapsed_s=elapsed_s,
        remaining_s=step["remaining_s"] if step and state in ("running", "stopping") else None,
        last_event=last_event,
        adapter=f"run-{run_id}" if made and state in FINAL_STATES else None,
        verdict=read_verdict(verdict["verdict"]) if verdict else None,
        error=ErrorBody(**error) if error else None,
    )


def read_verdict(found: dict[str, Any]) -> Verdict:
    """A verdict from its JSON."""
    scores = {name: Score(**found[name]) for name in ("before", "after")}
    return Verdict(**{**found, **scores})


def _elapsed_s(database: RunDatabase) -> float:
    """How long the run ran in all, the time it stood still not counted."""
    total_s, since = 0.0, None
    for at, state in _with_end(database.times()):
        moment = datetime.fromisoformat(at)
        if since is not None:
            total_s += (moment - since).total_seconds()
        since = moment if state in ("running", "stopping") else None
    return round(max(0.0, total_s), 1)


def _with_end(times: list[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    yield from times
    yield now(), "now"


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
