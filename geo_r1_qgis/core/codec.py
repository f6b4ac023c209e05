"""JSON to the frozen dataclasses of `core/wire.py` and back, with errors that name the path of the field.

Requests are read strictly, answers ignore unknown fields, bounds come from `field(metadata=...)`. It knows no
single class of the contract: types and bounds are read from the dataclasses.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from itertools import chain
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Literal,
    Mapping,
    Optional,
    Tuple,
    Type,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from . import models_wire, training_wire, wire
from .errors import ProtocolError

T = TypeVar("T")

MAX_DIGITS = 18
"""Of a whole number: every one then fits into 64 bits, as a GeoPackage needs it."""

_BOUNDS: Dict[str, Callable[[Any, Any], bool]] = {
    "ge": lambda value, bound: value >= bound,
    "le": lambda value, bound: value <= bound,
    "min_length": lambda value, bound: len(value) >= bound,
    "max_length": lambda value, bound: len(value) <= bound,
    "pattern": lambda value, bound: re.search(bound, value) is not None,
}


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
    if not isinstance(value, dict):
        raise ProtocolError(path, f"expected an object, got {_name(value)}")
    hints = _hints(cls)  # type: ignore[arg-type]  # a class can be hashed, whatever T is
    arguments = {}
    for each in fields(cls):  # type: ignore[arg-type]
        here = f"{path}.{each.name}"
        if each.name in value:
            arguments[each.name] = _decode(hints[each.name], value[each.name], here, strict)
            _check_bounds(arguments[each.name], each.metadata, here)
        elif each.default is MISSING and each.default_factory is MISSING:
            raise ProtocolError(here, "is missing")
    if strict:
        for name in value:
            if name not in hints:
                raise ProtocolError(f"{path}.{name}", "unknown field")
    return cls(**arguments)


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


@cache
def _hints(cls: Any) -> Mapping[str, Any]:
    """Types of the fields; worked out once, for a long answer has thousands of objects."""
    return get_type_hints(cls)


def _decode(hint: Any, value: Any, path: str, strict: bool) -> Any:
    origin = get_origin(hint)
    if origin is Union:
        return _decode_union(get_args(hint), value, path, strict)
    if origin is Literal:
        if value not in get_args(hint) or isinstance(value, bool):
            allowed = ", ".join(map(str, get_args(hint)))
            given = f"{value!r:.80}" if isinstance(value, str) else _name(value)
            raise ProtocolError(path, f"expected one of {allowed}, got {given}")
        return value
    if origin is list:
        if not isinstance(value, list):
            raise ProtocolError(path, f"expected a list, got {_name(value)}")
        return _decode_list(get_args(hint)[0], value, path, strict)
    if origin is dict:
        if not isinstance(value, dict):
            raise ProtocolError(path, f"expected an object, got {_name(value)}")
        inner = get_args(hint)[1]
        return {key: _decode(inner, each, f"{path}.{key}", strict) for key, each in value.items()}
    if is_dataclass(hint):
        return decode(hint, value, path=path, strict=strict)  # type: ignore[arg-type]
    return _decode_scalar(hint, value, path)


def _decode_list(inner: Any, values: List[Any], path: str, strict: bool) -> List[Any]:
    if inner is float and _are_plain_floats(values):
        return list(values)
    # the many corners of a mask: looked at together, or QGIS's window would stand still meanwhile
    are_lists = inner == List[float] and set(map(type, values)) <= {list}
    if are_lists and _are_plain_floats(list(chain.from_iterable(values))):
        return values  # no copy: twenty thousand new lists would set off the garbage collector
    return [_decode(inner, each, f"{path}[{i}]", strict) for i, each in enumerate(values)]


def _are_plain_floats(values: List[Any]) -> bool:
    return set(map(type, values)) <= {float} and all(map(math.isfinite, values))


def _decode_union(options: Any, value: Any, path: str, strict: bool) -> Any:
    reasons: List[str] = []
    for option in options:
        try:
            return _decode(option, value, path, strict)
        except ProtocolError as error:
            reasons.append(str(error))
    # the longest reason comes from the option that got furthest, so it is the one worth reading
    raise ProtocolError(path, max(reasons, key=len).split(": ", 1)[-1])


def _decode_scalar(hint: Any, value: Any, path: str) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and not math.isfinite(value):  # 1e999
        raise ProtocolError(path, "the number is too large")
    if hint is float and is_number:
        return float(value)
    if hint is int and is_number and float(value).is_integer():
        return int(value)
    if hint in (str, bool, type(None)) and isinstance(value, hint):
        return value
    raise ProtocolError(path, f"expected {_WORDS.get(hint, hint)}, got {_name(value)}")


def _check_bounds(value: Any, metadata: Mapping[str, Any], path: str) -> None:
    for name, bound in metadata.items():
        if value is not None and name in _BOUNDS and not _BOUNDS[name](value, bound):
            raise ProtocolError(path, f"must have {name} {bound}")


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


def _name(value: Any) -> str:
    return _WORDS.get(type(value), type(value).__name__)


_WORDS: Dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
    list: "a list",
    dict: "an object",
}
