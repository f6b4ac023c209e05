"""``GET /v1/health``: who is here and how it is."""

from __future__ import annotations

from fastapi import APIRouter, Response

from geo_r1_backend.api.replies import WireReply
from geo_r1_backend.api.service import Service
from geo_r1_backend.wire import Health


def health_routes(service: Service) -> APIRouter:
    """The route of this resource."""
    router = APIRouter(tags=["health"])

    @router.get("/v1/health", response_model=Health)
    async def health() -> Response:
        """State of the service; answers while a model loads and while it works."""
        return WireReply(service.health())

    return router
