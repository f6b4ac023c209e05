"""``/v1/chips/{sha256}``: pixels travel once, by content; checked on arrival, decoded when their turn comes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from geo_r1_backend.api.replies import WireReply
from geo_r1_backend.api.service import Service
from geo_r1_backend.errors import BodyInvalid, Cancelled, shortened
from geo_r1_backend.grounding.images import check_image
from geo_r1_backend.storage.chips import StoredChip
from geo_r1_backend.wire import ChipReceipt

SHA256 = re.compile(r"[0-9a-f]{64}")
IMAGE_BODY = {
    "required": True,
    "content": {
        f"image/{kind}": {"schema": {"type": "string", "format": "binary"}}
        for kind in ("png", "jpeg", "webp")
    },
}
"""For the document; the body itself is taken as it comes."""
CHECKS_AT_ONCE = 2
"""A 64-megapixel image takes 200 MB while it is checked; more at once would be too much for a laptop."""


def chip_routes(service: Service) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["chips"])
    checking = asyncio.Semaphore(CHECKS_AT_ONCE)

    @router.put(
        "/v1/chips/{sha256}", response_model=ChipReceipt, openapi_extra={"requestBody": IMAGE_BODY}
    )
    async def put_chip(sha256: str, request: Request) -> Response:
        """Send the bytes of a PNG, JPEG or WebP image under the SHA-256 of these bytes."""
        _check_name(sha256)
        upload = service.chips.begin(limit_bytes=service.config.max_chip_bytes)
        try:
            async for piece in _pieces(request):
                upload.write(piece)
            upload.finish(sha256)
            async with checking:
                size = await run_in_threadpool(
                    check_image, upload.path, limit_px=service.config.max_chip_px
                )
            chip = service.chips.keep(
                upload, sha256=sha256, width_px=size.width_px, height_px=size.height_px
            )
        finally:
            upload.discard()
        return WireReply(_receipt(service, chip))

    @router.get("/v1/chips/{sha256}", response_model=ChipReceipt)
    async def get_chip(sha256: str) -> Response:
        """Whether a chip is here, so that its pixels need not travel again."""
        _check_name(sha256)
        return WireReply(_receipt(service, service.chips.find(sha256)))

    return router


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes; a client that leaves in the middle is no fault of ours."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Cancelled
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


def _check_name(sha256: str) -> None:
    if not SHA256.fullmatch(sha256):
        raise BodyInvalid(
            field="sha256",
            reason=f"“{shortened(sha256)}” is not 64 lower-case hexadecimal digits",
            hint="Use the SHA-256 of the image bytes in lower case.",
            given=shortened(sha256),
        )


def _receipt(service: Service, chip: StoredChip) -> ChipReceipt:
    return ChipReceipt(
        sha256=chip.sha256,
        width_px=chip.width_px,
        height_px=chip.height_px,
        size_bytes=chip.size_bytes,
        expires_s=round(service.chips.seconds_left(chip), 1),
    )
