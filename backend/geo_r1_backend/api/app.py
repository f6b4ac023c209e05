"""The application: routes, layers around them and the error table; receives its collaborators, owns nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from geo_r1_backend.api.chips import chip_routes
from geo_r1_backend.api.datasets import dataset_routes
from geo_r1_backend.api.fetches import fetch_routes
from geo_r1_backend.api.gate import BodyLimit, Gate
from geo_r1_backend.api.ground import ground_routes
from geo_r1_backend.api.health import health_routes
from geo_r1_backend.api.models import model_routes
from geo_r1_backend.api.replies import error_reply
from geo_r1_backend.api.request_scope import RequestScope
from geo_r1_backend.api.runs import run_routes
from geo_r1_backend.api.service import Service
from geo_r1_backend.api.validation import forbid_unknown_fields, to_error
from geo_r1_backend.config import version
from geo_r1_backend.errors import BodyInvalid, GeoR1Error, Internal, MethodNotAllowed, NotFound
from geo_r1_backend.wire import ErrorBody

ERRORS: dict[str, Any] = {"model": ErrorBody, "description": "An error, see docs/errors.md"}


def create_app(service: Service) -> ASGIApp:
    """The whole HTTP side of one service.

    From outside in: request id, headers and log · host, origin, token, version · size of the body · routes.
    """
    app = create_routes(service)
    limited = BodyLimit(app, config=service.config)
    guarded = Gate(limited, config=service.config, token=service.token)
    return RequestScope(guarded, activity=service.activity)


def create_routes(service: Service) -> FastAPI:
    """The routes alone; `openapi.json` is made from these."""
    forbid_unknown_fields()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await run_in_threadpool(service.stop)

    app = FastAPI(
        title="Geo-R1",
        version=version(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
    )
    resources = (
        health_routes,
        fetch_routes,  # before `models`: its addresses would be ids there
        model_routes,
        chip_routes,
        ground_routes,
        dataset_routes,
        run_routes,
    )
    for routes in resources:
        app.include_router(routes(service), responses={"default": ERRORS})
    _tell_of_streams(app)
    app.add_exception_handler(GeoR1Error, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _known)  # logged by RequestScope, which sees it again
    return app


def _tell_of_streams(app: FastAPI) -> None:
    """Take back what FastAPI adds to the document for answers that are no JSON as a whole: that they are text."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        document = make()
        for operations in document["paths"].values():
            for operation in operations.values():
                content = operation["responses"]["200"].get("content", {})
                content.get("application/x-ndjson", {}).get("schema", {}).pop("type", None)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


async def _known(request: Request, error: Exception) -> Response:
    known = error if isinstance(error, GeoR1Error) else Internal()
    return error_reply(known, request.state.request_id)


async def _invalid(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    return error_reply(to_error(found), request.state.request_id)


async def _http(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself, with our codes."""
    known: GeoR1Error = Internal()
    status = error.status_code if isinstance(error, HTTPException) else 500
    if isinstance(error.__cause__, GeoR1Error):
        # FastAPI hides whatever happens while it reads a body behind "400"
        known = error.__cause__
    elif status == 404:
        known = NotFound(path=request.url.path)
    elif status == 405:
        allowed = (getattr(error, "headers", None) or {}).get("Allow", "")
        known = MethodNotAllowed(method=request.method, allowed=allowed)
    elif status < 500:
        known = BodyInvalid(field="", reason="it cannot be read")
    return error_reply(known, request.state.request_id)
