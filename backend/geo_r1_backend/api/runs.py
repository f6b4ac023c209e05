"""``/v1/runs``: fine-tuning as it goes, for whoever looks, from any moment on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool

from geo_r1_backend.api.ndjson import NdjsonReply, StreamReply
from geo_r1_backend.api.replies import WireReply
from geo_r1_backend.api.service import Service
from geo_r1_backend.errors import QueueFull, RunUnknown
from geo_r1_backend.models.learned import model_id_of
from geo_r1_backend.storage.run_database import FINAL_STATES, RunDatabase
from geo_r1_backend.storage.run_info import run_info
from geo_r1_backend.training.begin import create_run
from geo_r1_backend.training.installed import check_can_train
from geo_r1_backend.training_wire import RunEvent, RunHeartbeatEvent, RunInfo, RunList, RunRequest

POLL_S = 0.2
EVENTS_AT_ONCE = 500
MAX_STREAMS = 100
"""Each holds a socket and three files; a process may have a thousand."""


def run_routes(service: Service) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["runs"])
    listening: set[_Events] = set()

    @router.post("/v1/runs", response_model=RunInfo)
    async def create(body: RunRequest) -> Response:
        """Begin a run, or put it in line behind the one that goes on."""
        return WireReply(await run_in_threadpool(_create, service, body))

    @router.get("/v1/runs", response_model=RunList)
    async def runs() -> Response:
        """All runs, newest first."""
        return WireReply(RunList(runs=await run_in_threadpool(_list, service)))

    @router.get("/v1/runs/{run_id}", response_model=RunInfo)
    async def run(run_id: str) -> Response:
        """One run."""
        return WireReply(await run_in_threadpool(run_info, service.runs, run_id))

    @router.get(
        "/v1/runs/{run_id}/events",
        response_class=StreamReply,
        responses={200: {"model": RunEvent, "description": "NDJSON: one event per line"}},
    )
    async def events(run_id: str, after: Annotated[int, Query(ge=0, le=2**62)] = 0) -> Response:
        """Every event with a number above ``after``, then each as it comes, until the run is over."""
        if len(listening) >= MAX_STREAMS:
            raise QueueFull(limit=MAX_STREAMS)
        database = await run_in_threadpool(service.runs.open, run_id)
        pipe = _Events(database, after)
        listening.add(pipe)

        def leave() -> None:
            listening.discard(pipe)
            database.close()

        return StreamReply(
            NdjsonReply(
                pipe,
                heartbeat_s=service.config.heartbeat_s,
                on_leave=leave,
                heartbeat=lambda elapsed_s: RunHeartbeatEvent(pipe.last, elapsed_s),
            )
        )

    @router.post("/v1/runs/{run_id}/stop", response_model=RunInfo)
    async def stop(run_id: str) -> Response:
        """Save and end within a step; harmless for a run that is over."""
        await run_in_threadpool(service.supervisor.stop_run, run_id)
        return WireReply(await run_in_threadpool(run_info, service.runs, run_id))

    @router.post("/v1/runs/{run_id}/resume", response_model=RunInfo)
    async def resume(run_id: str) -> Response:
        """Go on from the last checkpoint."""
        return WireReply(await run_in_threadpool(_resume, service, run_id))

    @router.delete("/v1/runs/{run_id}", response_model=RunInfo)
    async def delete(run_id: str) -> Response:
        """Forget a run that is over, its checkpoints and its model; the answer is what it was."""
        return WireReply(await run_in_threadpool(_delete, service, run_id))

    return router


def _create(service: Service, body: RunRequest) -> RunInfo:
    """Everything that can be refused is refused here, before anybody waits."""
    dataset_folder = service.datasets.folder(body.dataset)
    model = service.host.folder(body.model)
    check_can_train(service.supervisor.command)
    service.supervisor.check_room()
    run_id = create_run(service.runs, body, model=model, dataset_folder=dataset_folder)
    service.supervisor.submit(run_id)
    return run_info(service.runs, run_id)


def _list(service: Service) -> list[RunInfo]:
    found = []
    for run_id in service.runs.ids():
        # deleted meanwhile, or damaged
        with contextlib.suppress(RunUnknown):
            found.append(run_info(service.runs, run_id))
    return found


def _resume(service: Service, run_id: str) -> RunInfo:
    told = service.runs.read(run_id)
    service.datasets.find(str(told["request"]["dataset"]))
    check_can_train(service.supervisor.command)
    service.supervisor.resume(run_id)
    service.host.forget(model_id_of(run_id))  # it will be another
    return run_info(service.runs, run_id)


def _delete(service: Service, run_id: str) -> RunInfo:
    info = run_info(service.runs, run_id)
    service.supervisor.delete(run_id)
    service.host.forget(model_id_of(run_id))
    return info


class _Events:
    """The events of one run as they are written, from a number on."""

    def __init__(self, database: RunDatabase, after: int) -> None:
        self._database = database
        self._after = after

    @property
    def last(self) -> int:
        """Number of the newest event that was given."""
        return self._after

    async def get_ready(self, timeout_s: float) -> Sequence[object]:
        """See `ndjson.Pipe`."""
        until_s = time.monotonic() + timeout_s
        while True:
            rows, state = await run_in_threadpool(self._database.look, self._after, EVENTS_AT_ONCE)
            if rows:
                self._after = rows[-1]["number"]
            over = state in FINAL_STATES and len(rows) < EVENTS_AT_ONCE
            if rows or over:
                return [*rows, None] if over else rows
            if time.monotonic() >= until_s:
                return []
            await asyncio.sleep(min(POLL_S, timeout_s))
