"""What a service says of plans and downloads, made harmless; see `harmless.py`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Optional, TypeVar

from . import models_wire as mw
from .errors import ProtocolError
from .harmless import MAX_NAME, harmless_error
from .plain_text import one_line

MAX_FILES = 2_000
MAX_FETCHES = 100
MANY_BYTES = 2**53
MANY_S = 1e9

_ID = re.compile(r"[A-Za-z0-9._-]{1,300}")
_MODEL_ID = re.compile(r"[A-Za-z0-9._:/@+-]{1,200}")
_COMMIT = re.compile(mw.COMMIT)

T = TypeVar("T")


def harmless_fetching(value: T) -> T:
    """An answer about plans or downloads, of whatever class; other classes come back as they are.

    Raises:
        ProtocolError: if an id or a commit is none, for both are sent back.
    """
    if isinstance(value, mw.FetchPlan):
        return _plan(value)  # type: ignore[return-value]
    if isinstance(value, mw.FetchInfo):
        return _info(value)  # type: ignore[return-value]
    if isinstance(value, mw.FetchList):
        return mw.FetchList([_info(each) for each in value.fetches[:MAX_FETCHES]])  # type: ignore[return-value]
    return value


def harmless_fetch_event(event: mw.FetchEvent) -> mw.FetchEvent:
    """One event of a download.

    Raises:
        ProtocolError: if the id of the model is none.
    """
    if isinstance(event, mw.FetchProgressEvent):
        return replace(
            event,
            done_bytes=_bytes(event.done_bytes),
            size_bytes=_bytes(event.size_bytes),
            file=one_line(event.file, MAX_NAME),
            bytes_per_s=min(max(0.0, event.bytes_per_s), float(MANY_BYTES)),
            remaining_s=_seconds(event.remaining_s),
        )
    if isinstance(event, mw.FetchErrorEvent):
        return replace(event, error=harmless_error(event.error))
    if isinstance(event, mw.FetchStoppedEvent):
        return replace(event, done_bytes=_bytes(event.done_bytes))
    if isinstance(event, mw.FetchResultEvent) and not _MODEL_ID.fullmatch(event.model):
        raise ProtocolError("$.model", "is not an id")
    return event


def _plan(plan: mw.FetchPlan) -> mw.FetchPlan:
    names = (
        "repository",
        "revision",
        "model",
        "hub",
        "licence",
        "base",
        "base_licence",
        "installed",
    )
    return replace(
        plan,
        **{name: one_line(getattr(plan, name), 2 * MAX_NAME) for name in names},
        commit=_commit(plan.commit),
        base_commit=_commit(plan.base_commit) if plan.base_commit else "",
        installed_commit=_commit(plan.installed_commit) if plan.installed_commit else "",
        files=[
            replace(f, name=one_line(f.name, MAX_NAME), size_bytes=_bytes(f.size_bytes))
            for f in plan.files[:MAX_FILES]
        ],
        left_out=[
            replace(f, name=one_line(f.name, MAX_NAME), size_bytes=_bytes(f.size_bytes))
            for f in plan.left_out[:MAX_FILES]
        ],
        size_bytes=_bytes(plan.size_bytes),
        there_bytes=_bytes(plan.there_bytes),
        free_bytes=_bytes(plan.free_bytes),
    )


def _info(info: mw.FetchInfo) -> mw.FetchInfo:
    if not _ID.fullmatch(info.id) or set(info.id) == {"."}:
        raise ProtocolError("$.id", "is not an id")
    return replace(
        info,
        repository=one_line(info.repository, 2 * MAX_NAME),
        revision=one_line(info.revision, 2 * MAX_NAME),
        commit=_commit(info.commit),
        done_bytes=_bytes(info.done_bytes),
        size_bytes=_bytes(info.size_bytes),
        error=None if info.error is None else harmless_error(info.error),
    )


def _commit(text: str) -> str:
    if not _COMMIT.fullmatch(text):
        raise ProtocolError("$.commit", "is not a commit")
    return text


def _bytes(number: int) -> int:
    return min(max(0, number), MANY_BYTES)


def _seconds(number: Optional[float]) -> Optional[float]:
    return None if number is None else min(max(0.0, number), MANY_S)
