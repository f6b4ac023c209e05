"""Requests against the bounds of `wire.py`, and every violation as one of our errors.

pydantic reads the bounds out of ``field(metadata=...)`` of the plain dataclasses. Unknown fields are forbidden here
and not in `wire.py`, which is standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict

from geo_r1_backend.errors import (
    BodyInvalid,
    GeoR1Error,
    QueryEmpty,
    QueryTooLong,
    UnknownField,
    shortened,
)
from geo_r1_backend.models_wire import FetchRequest, PlanRequest
from geo_r1_backend.training_wire import DatasetRequest, RunRequest, Sample
from geo_r1_backend.wire import MAX_QUERY_CHARACTERS, GroundItem, GroundRequest

UNKNOWN = "unexpected_keyword_argument"
LIMITS = ("ge", "le", "gt", "lt", "min_length", "max_length", "pattern", "expected")


def forbid_unknown_fields() -> None:
    """Make pydantic refuse fields that the request dataclasses do not have; call before routes are made."""
    for request_class in (
        GroundItem, GroundRequest, Sample, DatasetRequest, RunRequest, PlanRequest, FetchRequest
    ):  # fmt: skip
        # what pydantic looks for; a plain dataclass does not declare it
        setattr(request_class, "__pydantic_config__", ConfigDict(extra="forbid"))  # noqa: B010


def to_error(errors: Sequence[Any]) -> GeoR1Error:
    """The violations that pydantic found as the error that helps most: the first one.

    Args:
        errors: of a RequestValidationError; each has type, loc, msg, input and perhaps ctx.
    """
    first = errors[0] if errors else {}
    kind = str(first.get("type", ""))
    location = list(first.get("loc", ()))[1:]  # the first part is "body"
    if kind == "json_invalid":
        reason = str(first.get("ctx", {}).get("error", "it does not parse"))
        return BodyInvalid(field="", reason=f"it is not JSON ({shortened(reason)})")
    field = _field_name(location)
    value = first.get("input")
    if kind == UNKNOWN:
        return UnknownField(field=field)
    if location[-1:] == ["query"] and kind == "string_too_short":
        return QueryEmpty(field=field)
    if location[-1:] == ["query"] and kind == "string_too_long":
        given = len(value) if isinstance(value, str) else 0
        return QueryTooLong(
            field=field, given_characters=given, limit_characters=MAX_QUERY_CHARACTERS
        )
    return _general(field, kind, first, value)


def check_meaning(request: GroundRequest) -> None:
    """What bounds cannot say: queries of spaces, names that are used twice, windows for one object.

    Raises:
        QueryEmpty, BodyInvalid: the first that is wrong.
    """
    seen: set[str] = set()
    for index, item in enumerate(request.items):
        if not item.query.strip():
            raise QueryEmpty(field=f"items[{index}].query")
        if item.item in seen:
            raise BodyInvalid(
                field=f"items[{index}].item",
                reason=f"“{shortened(item.item)}” is used twice",
                hint="Give each question of a request a name of its own; events are told apart by it.",
            )
        seen.add(item.item)
        if item.detail == "windows" and item.task == "rec":
            raise BodyInvalid(
                field=f"items[{index}].detail",
                reason=f"“windows” does not go with the task “{item.task}”",
                hint="Windows are for all objects (“ovd”, “gres”). One object is sought in the whole view.",
            )


def _general(field: str, kind: str, first: Any, value: object) -> BodyInvalid:
    reason = str(first.get("msg", "it is not valid"))
    reason = reason[0].lower() + reason[1:]
    context = first.get("ctx") or {}
    if kind == "missing":
        return BodyInvalid(field=field, reason="it is missing")
    given = shortened(value)
    error = BodyInvalid(field=field, reason=f"{shortened(reason, 200)}; given was {given}")
    error.parameters["given"] = given
    for name in LIMITS:
        if isinstance(context.get(name), (str, int, float)):
            error.parameters[name] = context[name]
    return error


def _field_name(location: Sequence[object]) -> str:
    """``("items", 0, "query")`` as ``items[0].query``, each part shortened: it may be the client's own text."""
    name = ""
    for part in location:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            name += ("." if name else "") + shortened(str(part), 40)
    return name
