"""``/v1/models``: which models there are, loading one before it is asked, unloading and deleting it."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from geo_r1_backend.api.replies import WireReply
from geo_r1_backend.api.service import Service
from geo_r1_backend.errors import GeoR1Error, RunActive
from geo_r1_backend.manager.removal import check_removable, remove
from geo_r1_backend.wire import ModelInfo, ModelList

UNLOAD_WAIT_S = 20.0
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

    @router.post("/v1/models/{model_id}/unload", response_model=ModelInfo)
    async def unload(model_id: str) -> Response:
        """Free the memory of a model, once what it answers is finished; it is loaded again when it is asked."""
        return WireReply(await run_in_threadpool(_unload, service, model_id))

    @router.delete("/v1/models/{model_id}", response_model=ModelInfo)
    async def delete(model_id: str) -> Response:
        """Delete what a run has learned (its curves stay), or a model that was fetched or imported. The answer is what it was."""
        return WireReply(await run_in_threadpool(_delete, service, model_id))

    return router


def _unload(service: Service, model_id: str) -> ModelInfo:
    service.host.folder(model_id)
    service.queue.run_between(lambda: service.host.unload(model_id), UNLOAD_WAIT_S)
    return service.host.info(model_id)


def _delete(service: Service, model_id: str) -> ModelInfo:
    info = service.host.info(model_id)
    if not info.run:
        return _delete_folder(service, info)
    if info.run in service.supervisor.unfinished():
        raise RunActive(run=info.run, state="running")
    service.host.forget(model_id)
    service.runs.delete_model(info.run)
    return info


def _delete_folder(service: Service, info: ModelInfo) -> ModelInfo:
    model = service.host.folder(info.id)
    is_loaded = info.state in ("loading", "loaded")
    check_removable(model, service.runs, is_loaded=is_loaded)
    remove(model, service.config.data_folder, lambda: service.host.forget(info.id))
    return info
