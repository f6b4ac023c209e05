"""``/v1/models/plan``, ``/v1/models/fetch`` and ``/v1/models/fetches``: models from a hub, agreed to before they come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from geo_r1_backend.api.ndjson import NdjsonReply, StreamReply
from geo_r1_backend.api.replies import WireReply
from geo_r1_backend.api.service import Service
from geo_r1_backend.config import is_loopback
from geo_r1_backend.errors import DownloadsOff, QueueFull
from geo_r1_backend.manager.desk import Fetch
from geo_r1_backend.manager.hub_access import find_access
from geo_r1_backend.models_wire import (
    FetchEvent,
    FetchHeartbeatEvent,
    FetchInfo,
    FetchList,
    FetchPlan,
    FetchRequest,
    PlanRequest,
)

POLL_S = 0.05
MAX_STREAMS = 50


def fetch_routes(service: Service) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["models"])
    listening: set[_Progress] = set()

    @router.post("/v1/models/plan", response_model=FetchPlan)
    async def make_plan(body: PlanRequest) -> Response:
        """What a download would bring: files, size, licence, room; nothing is fetched."""
        _check_allowed(service)
        return WireReply(await run_in_threadpool(_plan, service, body))

    @router.post(
        "/v1/models/fetch",
        response_class=StreamReply,
        responses={200: {"model": FetchEvent, "description": "NDJSON: one event per line"}},
    )
    async def fetch(body: FetchRequest) -> Response:
        """Fetch what a plan described, or listen to the download that goes on; it goes on when the client leaves."""
        _check_allowed(service)
        if len(listening) >= MAX_STREAMS:
            raise QueueFull(limit=MAX_STREAMS)
        progress = _Progress(await run_in_threadpool(service.fetches.begin, body))
        listening.add(progress)
        return StreamReply(
            NdjsonReply(
                progress,
                heartbeat_s=service.config.heartbeat_s,
                on_leave=lambda: listening.discard(progress),
                heartbeat=FetchHeartbeatEvent,
            )
        )

    @router.get("/v1/models/fetches", response_model=FetchList)
    async def fetches() -> Response:
        """Downloads that go on, or were cut off and can go on."""
        return WireReply(await run_in_threadpool(service.fetches.list))

    @router.post("/v1/models/fetches/{fetch_id}/stop", response_model=FetchInfo)
    async def stop(fetch_id: str) -> Response:
        """End a download; what has come stays. Harmless where it has ended."""
        return WireReply(await run_in_threadpool(service.fetches.stop, fetch_id))

    @router.delete("/v1/models/fetches/{fetch_id}", response_model=FetchInfo)
    async def forget(fetch_id: str) -> Response:
        """Remove what has come of a download that does not go on; the answer is what it was."""
        return WireReply(await run_in_threadpool(service.fetches.forget, fetch_id))

    return router


def _check_allowed(service: Service) -> None:
    """Whoever can reach this machine over the network must not fill its disk unasked."""
    config = service.config
    if not is_loopback(config.host) and not config.allow_downloads:
        raise DownloadsOff


def _plan(service: Service, request: PlanRequest) -> FetchPlan:
    from geo_r1_backend.manager.fetch import plan

    folder = service.config.data_folder
    return plan(find_access(folder), folder, request)


class _Progress:
    """What is new about one download, for one listener."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._seen = -1

    async def get_ready(self, timeout_s: float) -> Sequence[object]:
        """See `ndjson.Pipe`."""
        until_s = time.monotonic() + timeout_s
        while True:
            # the end is looked at first: what comes after that is told by it
            final, version = self._fetch.final, self._fetch.version
            if version != self._seen:
                self._seen = version
                return (
                    [self._fetch.progress] if final is None else [self._fetch.progress, final, None]
                )
            if time.monotonic() >= until_s:
                return []
            await asyncio.sleep(min(POLL_S, timeout_s))
