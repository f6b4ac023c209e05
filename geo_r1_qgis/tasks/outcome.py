"""How a task ended, as one of three objects instead of a boolean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Union

from ..core.errors import GeoR1Error


@dataclass(frozen=True)
class Done:
    """It worked; `value` is what was asked for."""

    value: Any


@dataclass(frozen=True)
class Failed:
    """It did not work; `error` says what, why and what to do."""

    error: GeoR1Error


@dataclass(frozen=True)
class Cancelled:
    """Somebody pressed Stop."""


Outcome = Union[Done, Failed, Cancelled]
