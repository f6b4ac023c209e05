"""What a service says, made harmless before anything is done with it. Every answer passes here once.

The wire contract says which fields there are and of which type. This says how much and how far: texts have a length,
boxes are four finite numbers in order, counts are of this world. What can be shortened is shortened, because a long
label is still a label; what cannot be right is a `ProtocolError`, because half a box is none. No limit is one that a
service of ours reaches: an answer of the longest kind (4,096 tokens) stays far below each.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import chain
from typing import Any, Dict, List, Sequence, Union

from . import wire
from .errors import ProtocolError
from .plain_text import clipped, one_line, several_lines, visible

MAX_NAME = 120
"""Characters of the name of a model, engine, device or version."""
MAX_LABEL = 200
MAX_SENTENCE = 1000
"""Characters of the message or the hint of an error, or of a reason."""
MAX_ANSWER = 50_000
"""Characters of the reasoning or of the raw answer of one item."""
MAX_DETECTIONS = 1_000
MAX_DROPPED = 100
MAX_POINTS = 100_000
"""Of the outlines of one detection."""
MAX_MODELS = 100
MAX_PARAMETERS = 50
FAR_PX = 1_000_000.0
"""No image that can be sent has a place beyond this."""
MANY = 2**31 - 1

_CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MODEL_ID = re.compile(r"[A-Za-z0-9._:/@+-]{1,200}")
"""It is sent back as it is; an id with anything else in it is none that a service of ours gives."""
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")


def harmless_event(event: wire.Event) -> wire.Event:
    """One event of a stream.

    Raises:
        ProtocolError: if it cannot be right: a box that is none, more detections than anything has.
    """
    if isinstance(event, wire.TokenEvent):
        return replace(event, text=storable(event.text))
    if isinstance(event, wire.DetectionEvent):
        return replace(event, detection=_detection(event.detection, "$.detection"))
    if isinstance(event, wire.ResultEvent):
        return _result(event)
    if isinstance(event, wire.ErrorEvent):
        return replace(event, error=harmless_error(event.error))
    return _beginning(event)


def harmless_error(error: wire.ErrorBody) -> wire.ErrorBody:
    """An error body, wherever it came."""
    return wire.ErrorBody(
        code=error.code if _CODE.fullmatch(error.code) else "service-error",
        message=several_lines(error.message, MAX_SENTENCE),
        hint=several_lines(error.hint, MAX_SENTENCE),
        parameters=_parameters(error.parameters),
        request_id=error.request_id if _REQUEST_ID.fullmatch(error.request_id) else "",
    )


def harmless_health(health: wire.Health) -> wire.Health:
    """Who is there and how it is."""
    refused = list(health.refused.items())[:MAX_PARAMETERS]
    return replace(
        health,
        **_names(health, ("service", "version", "wire_version", "model_title", "engine", "device")),
        model=None if health.model is None else one_line(health.model, MAX_NAME),
        queue_length=_count(health.queue_length),
        ready_after_s=min(max(0.0, health.ready_after_s), float(MANY)),
        refused={one_line(k, MAX_NAME): several_lines(v, MAX_SENTENCE) for k, v in refused},
        error=None if health.error is None else harmless_error(health.error),
    )


def harmless_models(models: wire.ModelList) -> wire.ModelList:
    """The list of models, for a menu."""
    usable = [model for model in models.models if _MODEL_ID.fullmatch(model.id)]
    return wire.ModelList([_model(model) for model in usable[:MAX_MODELS]])


def _beginning(event: wire.Event) -> wire.Event:
    if isinstance(event, wire.StartedEvent):
        return replace(event, **_names(event, ("model", "engine", "device")))
    if isinstance(event, wire.QueuedEvent):
        return replace(event, position=_count(event.position))
    if isinstance(event, wire.ProgressEvent):
        return replace(event, done=_count(event.done), total=_count(event.total))
    return event


def _model(model: wire.ModelInfo) -> wire.ModelInfo:
    return replace(
        model,
        **_names(
            model, ("title", "engine", "device", "licence", "origin", "repository", "revision")
        ),
        note=several_lines(model.note, MAX_SENTENCE),
        tasks=[task for task in model.tasks if len(task) <= MAX_NAME][:MAX_PARAMETERS],
        max_view_px=_count(model.max_view_px),
        grid_px=_count(model.grid_px),
        size_bytes=min(max(0, model.size_bytes), 2**53),
    )


def _result(event: wire.ResultEvent) -> wire.ResultEvent:
    if len(event.detections) > MAX_DETECTIONS:
        reason = f"{len(event.detections):,} detections; the limit is {MAX_DETECTIONS:,}"
        raise ProtocolError("$.detections", reason)
    found = [_detection(d, f"$.detections[{i}]") for i, d in enumerate(event.detections)]
    dropped = [
        wire.Dropped(
            several_lines(d.text, MAX_LABEL),
            several_lines(d.reason, MAX_SENTENCE),
            d.code if _CODE.fullmatch(d.code) else "",
        )
        for d in event.dropped[:MAX_DROPPED]
    ]
    timings = event.timings
    numbers = {
        name: min(max(0.0, getattr(timings, name)), float(MANY))
        for name in ("queued_ms", "preprocess_ms", "first_token_ms", "masks_ms", "total_ms")
    }
    return replace(
        event,
        **_names(event, ("model", "engine")),
        detections=found,
        dropped=dropped,
        reasoning=storable(event.reasoning),
        raw_answer=storable(event.raw_answer),
        prompt=storable(event.prompt),
        windows=_count(event.windows),
        timings=wire.Timings(tokens=_count(timings.tokens), **numbers),
    )


def storable(text: str) -> str:
    """Long text for a file: no character that a GeoPackage cannot hold, not longer than an answer can be."""
    return visible(clipped(text, MAX_ANSWER))


def _detection(detection: wire.Detection, path: str) -> wire.Detection:
    _check_box(detection.box_px, f"{path}.box_px")
    _check_outlines(detection.polygons_px or [], f"{path}.polygons_px")
    _check_points(detection.points_px or [], f"{path}.points_px")
    label, rank = one_line(detection.label, MAX_LABEL), _count(detection.rank)
    if (label, rank) == (detection.label, detection.rank):
        return detection  # a thousand copies would be noticed in the window
    return replace(detection, label=label, rank=rank)


def _check_box(box_px: Sequence[float], path: str) -> None:
    if len(box_px) != 4:
        raise ProtocolError(path, f"expected four numbers, got {len(box_px):,}")
    x_min, y_min, x_max, y_max = box_px
    _check_near(box_px, path)
    if x_min >= x_max or y_min >= y_max:
        raise ProtocolError(path, f"[{x_min:g},{y_min:g},{x_max:g},{y_max:g}] has no area")


def _check_outlines(polygons_px: List[List[List[List[float]]]], path: str) -> None:
    rings = [ring for polygon in polygons_px for ring in polygon]
    points = sum(len(ring) for ring in rings)
    if not all(polygons_px):
        raise ProtocolError(path, "a polygon needs a ring")
    if points > MAX_POINTS:
        raise ProtocolError(path, f"{points:,} points; the limit is {MAX_POINTS:,}")
    for ring in rings:
        if len(ring) < 3 or set(map(len, ring)) != {2}:
            raise ProtocolError(path, "a ring needs three points of two numbers")
        _check_near(list(chain.from_iterable(ring)), path)


def _check_points(points_px: List[List[float]], path: str) -> None:
    if len(points_px) > MAX_POINTS:
        raise ProtocolError(path, f"{len(points_px):,} points; the limit is {MAX_POINTS:,}")
    for point in points_px:
        if len(point) != 2:
            raise ProtocolError(path, "a point needs two numbers")
        _check_near(point, path)


def _check_near(numbers: Sequence[float], path: str) -> None:
    is_finite = all(map(math.isfinite, numbers))
    if not is_finite or max(map(abs, numbers), default=0.0) > FAR_PX:
        raise ProtocolError(path, f"a place further than {FAR_PX:,.0f} px from the image")


def _parameters(given: Dict[str, wire.Parameter]) -> Dict[str, wire.Parameter]:
    kept = [(name, value) for name, value in given.items() if _PARAMETER.fullmatch(name)]
    return {name: _parameter(value) for name, value in kept[:MAX_PARAMETERS]}


def _parameter(value: wire.Parameter) -> wire.Parameter:
    return several_lines(value, MAX_SENTENCE) if isinstance(value, str) else value


def _names(value: Any, fields: Sequence[str]) -> Dict[str, Any]:
    return {name: one_line(getattr(value, name), MAX_NAME) for name in fields}


def _count(number: Union[int, float]) -> int:
    return int(min(max(0, number), MANY))
