"""Parsed JSON to dataclasses: what fits a field, by the types and bounds that the dataclass names.

How a type is read is worked out once, and where something does not fit is worked out only when it does not: an answer may
have a thousand objects, and they are read in QGIS's window.
"""

from __future__ import annotations

import math
import re
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial
from itertools import chain
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Literal,
    NamedTuple,
    Sequence,
    Tuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

Read = Callable[[Any, bool], Any]
"""Takes a value and whether unknown fields are refused; gives what belongs into the field or raises `Misfit`."""

_BOUNDS: Dict[str, Callable[[Any, Any], bool]] = {
    "ge": lambda value, bound: value >= bound,
    "le": lambda value, bound: value <= bound,
    "min_length": lambda value, bound: len(value) >= bound,
    "max_length": lambda value, bound: len(value) <= bound,
    "pattern": lambda value, bound: re.search(bound, value) is not None,
}


class Misfit(ValueError):
    """A value that is none of its field; `where` grows on the way out, from the innermost field to the outermost."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(reason)
        self.reason, self.where = reason, where


class _Field(NamedTuple):
    """One field of a dataclass, ready to be read."""

    name: str
    read: Read
    bounds: Sequence[Tuple[str, Any]]
    is_needed: bool


@cache
def reader_of(hint: Any) -> Read:
    """How values of a type are read."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Union:
        return partial(_read_union, tuple(map(reader_of, inner)), type(None) in inner)
    if origin is Literal:
        return partial(_read_literal, inner)
    if origin is list:
        return partial(_read_list, inner[0], reader_of(inner[0]))
    if origin is dict:
        return partial(_read_dict, reader_of(inner[1]))
    if is_dataclass(hint):
        return partial(_read_object, hint)
    return partial(_read_scalar, hint)


@cache
def _fields_of(cls: Any) -> Tuple[_Field, ...]:
    hints = get_type_hints(cls)
    return tuple(
        _Field(
            name=each.name,
            read=reader_of(hints[each.name]),
            bounds=[(name, bound) for name, bound in each.metadata.items() if name in _BOUNDS],
            is_needed=each.default is MISSING and each.default_factory is MISSING,
        )
        for each in fields(cls)
    )


def _read_object(cls: Any, value: Any, strict: bool) -> Any:
    if not isinstance(value, dict):
        raise Misfit(f"expected an object, got {_name(value)}")
    arguments: Dict[str, Any] = {}
    name = ""
    try:
        for name, read, bounds, is_needed in _fields_of(cls):
            if name in value:
                arguments[name] = found = read(value[name], strict)
                if bounds:
                    _check_bounds(found, bounds)
            elif is_needed:
                raise Misfit("is missing")  # noqa: TRY301 - its place is named below, as of the others
        if strict:
            known = {each.name for each in _fields_of(cls)}
            for name in value:
                if name not in known:
                    raise Misfit("unknown field")  # noqa: TRY301 - the same
    except Misfit as misfit:
        misfit.where = f".{name}{misfit.where}"
        raise
    return cls(**arguments)


def _read_union(options: Sequence[Read], may_be_none: bool, value: Any, strict: bool) -> Any:
    if value is None and may_be_none:
        return None
    misfits: List[Misfit] = []
    for read in options:
        try:
            return read(value, strict)
        except Misfit as misfit:
            misfits.append(misfit)
    # the longest comes from the option that got furthest, so it is the one worth reading
    raise max(misfits, key=lambda misfit: len(misfit.where + misfit.reason))


def _read_literal(allowed: Sequence[Any], value: Any, _strict: bool) -> Any:
    if isinstance(value, bool) or value not in allowed:  # True is no 1
        given = f"{value!r:.80}" if isinstance(value, str) else _name(value)
        raise Misfit(f"expected one of {', '.join(map(str, allowed))}, got {given}")
    return value


def _read_list(inner: Any, read: Read, values: Any, strict: bool) -> Any:
    if not isinstance(values, list):
        raise Misfit(f"expected a list, got {_name(values)}")
    if inner is float and _are_plain_floats(values):
        return list(values)
    # the many corners of a mask: looked at together, or QGIS's window would stand still meanwhile
    are_lists = inner == List[float] and set(map(type, values)) <= {list}
    if are_lists and _are_plain_floats(list(chain.from_iterable(values))):
        return values  # no copy: twenty thousand new lists would set off the garbage collector
    found: List[Any] = []
    try:
        for each in values:
            found.append(read(each, strict))  # its length says where something did not fit
    except Misfit as misfit:
        misfit.where = f"[{len(found)}]{misfit.where}"
        raise
    return found


def _read_dict(read: Read, value: Any, strict: bool) -> Any:
    if not isinstance(value, dict):
        raise Misfit(f"expected an object, got {_name(value)}")
    key = ""
    found: Dict[str, Any] = {}
    try:
        for key, each in value.items():
            found[key] = read(each, strict)
    except Misfit as misfit:
        misfit.where = f".{key}{misfit.where}"
        raise
    return found


def _read_scalar(hint: Any, value: Any, _strict: bool) -> Any:
    if hint is str and isinstance(value, str):
        return value
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and not math.isfinite(value):  # 1e999
        raise Misfit("the number is too large")
    if hint is float and is_number:
        return float(value)
    if hint is int and is_number and float(value).is_integer():
        return int(value)
    if hint in (bool, type(None)) and isinstance(value, hint):
        return value
    raise Misfit(f"expected {_WORDS.get(hint, hint)}, got {_name(value)}")


def _are_plain_floats(values: List[Any]) -> bool:
    return set(map(type, values)) <= {float} and all(map(math.isfinite, values))


def _check_bounds(value: Any, bounds: Sequence[Tuple[str, Any]]) -> None:
    for name, bound in bounds:
        if value is not None and not _BOUNDS[name](value, bound):
            raise Misfit(f"must have {name} {bound}")


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
