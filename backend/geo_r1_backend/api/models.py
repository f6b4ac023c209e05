"""``/v1/models``: which models there are, and loading one before it is asked."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from geo_r1_backend.api.replies import WireReply
from geo_r1_backend.api.service import Service
from geo_r1_backend.errors import GeoR1Error, ModelKept, RunActive
from geo_r1_backend.wire import ModelInfo, ModelList

LOAD_WAIT_S = 20.0
"""QGIS gives up on a silent answer after 60 s; a model that takes longer answers `loading` (202) before that."""


def model_routes(service: Service) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["models"])
    loading: set[asyncio.Future[object]] = set()

    @router.get("/v1/models", response_model=ModelList)
    async def models() -> Response:
        """All models, the embedded one first."""
        infos = await run_in_threadpool(service.host.infos)
        return WireReply(ModelList(models=infos))

    @router.post(
        "/v1/models/{model_id}/load",
        response_model=ModelInfo,
        responses={202: {"model": ModelInfo, "description": "It still loads; ask again."}},
    )
    async def load(model_id: str) -> Response:
        """Load a model; 200 when it is loaded, 202 while it still loads (ask again)."""
        service.host.folder(model_id)
        task: asyncio.Future[object] = asyncio.ensure_future(
            run_in_threadpool(service.host.engine, model_id)
        )
        loading.add(task)
        task.add_done_callback(loading.discard)
        done, _ = await asyncio.wait({task}, timeout=LOAD_WAIT_S)
        if done and isinstance(error := task.exception(), GeoR1Error):
            raise error
        info = service.host.info(model_id)
        return WireReply(info, status_code=200 if info.state == "loaded" else 202)

    @router.delete("/v1/models/{model_id}", response_model=ModelInfo)
    async def delete(model_id: str) -> Response:
        """Forget a model that a training run made; its curves stay. The answer is what it was."""
        return WireReply(await run_in_threadpool(_delete, service, model_id))

    return router


def _delete(service: Service, model_id: str) -> ModelInfo:
    info = service.host.info(model_id)
    if not info.run:
        raise ModelKept(model=model_id)
    if info.run in service.supervisor.unfinished():
        raise RunActive(run=info.run, state="running")
    service.host.forget(model_id)
    service.runs.delete_model(info.run)
    return info
