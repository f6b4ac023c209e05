"""``/v1/datasets``: what a model learns from; chips were sent before and stay as long as their data set."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from geo_r1_backend.api.replies import WireReply
from geo_r1_backend.api.service import Service
from geo_r1_backend.errors import DatasetInUse, RunUnknown
from geo_r1_backend.training.sample_checks import check_samples
from geo_r1_backend.training_wire import DatasetInfo, DatasetList, DatasetRequest

IMAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes as they were sent.",
        "content": {
            f"image/{kind}": {"schema": {"type": "string", "format": "binary"}}
            for kind in ("png", "jpeg", "webp")
        },
    }
}
KINDS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


def dataset_routes(service: Service) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["datasets"])

    @router.post("/v1/datasets", response_model=DatasetInfo)
    async def create(body: DatasetRequest) -> Response:
        """Keep a data set; the same samples again are the same data set."""
        return WireReply(await run_in_threadpool(_create, service, body))

    @router.get("/v1/datasets", response_model=DatasetList)
    async def datasets() -> Response:
        """All data sets, newest first."""
        return WireReply(DatasetList(datasets=await run_in_threadpool(service.datasets.list)))

    @router.get("/v1/datasets/{dataset_id}", response_model=DatasetInfo)
    async def dataset(dataset_id: str) -> Response:
        """One data set."""
        return WireReply(await run_in_threadpool(service.datasets.find, dataset_id))

    @router.delete("/v1/datasets/{dataset_id}", response_model=DatasetInfo)
    async def delete(dataset_id: str) -> Response:
        """Forget a data set that no unfinished run needs; the answer is what it was."""
        return WireReply(await run_in_threadpool(_delete, service, dataset_id))

    @router.get(
        "/v1/datasets/{dataset_id}/chips/{sha256}", response_class=Response, responses=IMAGE
    )
    async def chip(dataset_id: str, sha256: str) -> Response:
        """The pixels of one chip of a data set, for a preview."""
        content = await run_in_threadpool(service.datasets.read_chip, dataset_id, sha256)
        kind = next((name for sign, name in KINDS.items() if content.startswith(sign)), "image/png")
        return Response(content, media_type=kind)

    return router


def _create(service: Service, body: DatasetRequest) -> DatasetInfo:
    chips = service.chips.hold(sample.chip for sample in body.samples)
    try:
        check_samples(
            body.samples, {chip.sha256: (chip.width_px, chip.height_px) for chip in chips}
        )
        return service.datasets.create(body, {chip.sha256: chip.path for chip in chips})
    finally:
        service.chips.release(chip.sha256 for chip in chips)


def _delete(service: Service, dataset_id: str) -> DatasetInfo:
    info = service.datasets.find(dataset_id)
    for run_id in service.supervisor.unfinished():
        try:
            needed = service.runs.read(run_id)["request"]["dataset"]
        except RunUnknown:
            continue  # deleted meanwhile
        if needed == dataset_id:
            raise DatasetInUse(dataset=dataset_id, run=run_id)
    service.datasets.delete(dataset_id)
    return info
