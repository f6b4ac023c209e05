"""``POST /v1/ground``: questions about chips, answered as a stream of events."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import Response

from geo_r1_backend.api.ndjson import EventPipe, NdjsonReply, StreamReply
from geo_r1_backend.api.service import Service
from geo_r1_backend.api.validation import check_meaning
from geo_r1_backend.errors import ModelFailed, TaskUnsupported
from geo_r1_backend.grounding.ground import GroundOptions, Question
from geo_r1_backend.grounding.images import open_image
from geo_r1_backend.grounding.queue import Job
from geo_r1_backend.storage.chips import StoredChip
from geo_r1_backend.wire import Event, GroundRequest


def ground_routes(service: Service) -> APIRouter:
    """The route of this resource."""
    router = APIRouter(tags=["ground"])

    @router.post(
        "/v1/ground",
        response_class=StreamReply,
        responses={200: {"model": Event, "description": "NDJSON: one event per line"}},
    )
    async def ground(body: GroundRequest, request: Request) -> Response:
        """Answer each item; one line of JSON per event, exactly one final event per item."""
        check_meaning(body)
        model_id = _check_model(service, body)
        chips = {chip.sha256: chip for chip in service.chips.hold(i.chip for i in body.items)}
        try:
            job = _submit(service, body, model_id, chips, request.state.request_id)
        except BaseException:
            service.chips.release(chips)
            raise
        return StreamReply(job)

    return router


def _check_model(service: Service, body: GroundRequest) -> str:
    """Id of the model that will answer.

    Raises:
        ModelUnknown, ModelFailed, TaskUnsupported: what can be known before anybody waits.
    """
    folder = service.host.folder(body.model)
    if folder.kind == "broken":
        raise ModelFailed(model=folder.id, reason=folder.note)
    for item in body.items:
        # masks need boxes first, and any task gives some
        if item.task not in folder.tasks and not (item.task == "gres" and folder.tasks):
            raise TaskUnsupported(task=item.task, model=folder.id, supported=folder.tasks)
    return folder.id


def _submit(
    service: Service,
    body: GroundRequest,
    model_id: str,
    chips: dict[str, StoredChip],
    request_id: str,
) -> NdjsonReply:
    """Put the request in line; its stream begins with its place."""
    pipe = EventPipe()
    limit_px = service.config.max_chip_px

    def done() -> None:
        service.chips.release(chips)
        pipe.end()

    job = Job(
        request_id=request_id,
        model_id=model_id,
        questions=[
            Question(
                item=item.item,
                task=item.task,
                query=item.query,
                read_image=partial(open_image, chips[item.chip].path, limit_px=limit_px),
                detail=item.detail,
                chip=item.chip,
                size_px=(chips[item.chip].width_px, chips[item.chip].height_px),
            )
            for item in body.items
        ],
        options=GroundOptions(think=body.think, max_new_tokens=body.max_new_tokens, seed=body.seed),
        emit=pipe.put,
        done=done,
    )
    leave = partial(service.queue.cancel, job)
    pipe.on_overflow = leave
    service.queue.submit(job)
    return NdjsonReply(pipe, heartbeat_s=service.config.heartbeat_s, on_leave=leave)
