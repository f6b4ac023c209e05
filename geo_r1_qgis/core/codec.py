"""JSON to the frozen dataclasses of `core/wire.py` and back, with errors that name the path of the field.

Requests are read strictly, answers ignore unknown fields, bounds come from `field(metadata=...)`: `fields_reading.py`.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any, Dict, List, Optional, Tuple, Type, TypeVar, Union

from . import models_wire, training_wire, wire
from .errors import ProtocolError
from .fields_reading import Misfit, reader_of

T = TypeVar("T")

MAX_DIGITS = 18
"""Of a whole number: every one then fits into 64 bits, as a GeoPackage needs it."""


def is_whole(line: bytes) -> bool:
    """Whether a line is not the beginning of an object whose rest never came."""
    if not line.lstrip().startswith(b"{"):
        return True  # something else altogether
    try:
        parse_json(line)
    except ProtocolError:
        return False
    return True


def parse_json(text: Union[str, bytes]) -> Any:
    """Parse JSON strictly: UTF-8 only, no NaN, no name twice in one object, no nesting or number bomb.

    Raises:
        ProtocolError: whatever is wrong with it; never another exception.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=_whole_number,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError) as error:
        if isinstance(error, ProtocolError):
            raise
        raise ProtocolError("$", f"not JSON ({error})") from error


def decode(cls: Type[T], value: Any, *, path: str = "$", strict: bool = False) -> T:
    """Build `cls` from parsed JSON.

    Args:
        cls: a dataclass of the wire contract.
        value: what `parse_json` returned.
        path: name of `value` in messages.
        strict: refuse unknown fields, as requests do.

    Raises:
        ProtocolError: with the path of the first field that does not fit.
    """
    try:
        return reader_of(cls)(value, strict)  # type: ignore[no-any-return, arg-type]  # a class can be hashed, whatever T is
    except Misfit as misfit:
        raise ProtocolError(path + misfit.where, misfit.reason) from None


def decode_event(line: Union[str, bytes]) -> Optional[wire.Event]:
    """One line of the stream as an event; none for a kind that a newer service invented."""
    value = parse_json(line)
    kind = value.get("event") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        raise ProtocolError("$.event", "is missing")
    cls = wire.EVENTS.get(kind)
    return None if cls is None else decode(cls, value)


def decode_run_event(line: Union[str, bytes]) -> Optional[training_wire.RunEvent]:
    """One line of a run's events; none for a kind that a newer service invented."""
    value = parse_json(line)
    kind = value.get("event") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        raise ProtocolError("$.event", "is missing")
    cls = training_wire.RUN_EVENTS.get(kind)
    return None if cls is None else decode(cls, value)


def decode_fetch_event(line: Union[str, bytes]) -> Optional[models_wire.FetchEvent]:
    """One line of a download's stream; none for a kind that a newer service invented."""
    value = parse_json(line)
    kind = value.get("event") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        raise ProtocolError("$.event", "is missing")
    cls = models_wire.FETCH_EVENTS.get(kind)
    return None if cls is None else decode(cls, value)


def encode(value: Any) -> bytes:
    """A dataclass of the contract as compact UTF-8 JSON."""
    text = json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def _plain(value: Any) -> Any:
    """Dictionaries and lists, without what an older service does not know and does not need to."""
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if not is_dataclass(value):
        return value
    return {
        each.name: _plain(getattr(value, each.name))
        for each in fields(value)
        if each.name not in wire.OMITTED_AT_DEFAULT or getattr(value, each.name) != each.default
    }


def _refuse_constant(name: str) -> None:
    raise ProtocolError("$", f"{name} is not JSON")


def _whole_number(digits: str) -> int:
    """Digits as a number; thousands of them would take minutes in the older Pythons of QGIS."""
    if len(digits) > MAX_DIGITS:
        raise ProtocolError("$", f"a number of {len(digits):,} digits")
    return int(digits)


def _object(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    """An object; a name that comes twice has no meaning on which two readers would agree."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ProtocolError("$", "a name comes twice in one object")
    return value
