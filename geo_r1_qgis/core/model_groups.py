"""The models of a service as the Models tab shows them: in groups, each with what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from . import wire

GROUPS = ("embedded", "hub", "folder", "run", "remote")
"""In this order; what was imported stands with the folders, and so does what a newer service invents."""
FETCHES_SINCE = (1, 3)
"""Wire version from which a service fetches, unloads and deletes models."""


@dataclass(frozen=True)
class Offer:
    """What a person can do about one model now."""

    use: bool = False
    load: bool = False
    unload: bool = False
    delete: bool = False


def grouped(models: Sequence[wire.ModelInfo]) -> List[Tuple[str, List[wire.ModelInfo]]]:
    """Groups that have models, each in the service's own order."""
    found: Dict[str, List[wire.ModelInfo]] = {}
    for model in models:
        found.setdefault(group_of(model), []).append(model)
    return [(group, found[group]) for group in GROUPS if group in found]


def group_of(model: wire.ModelInfo) -> str:
    """The group of a model; an older service says no origin."""
    if model.run:
        return "run"
    origin = {"import": "folder"}.get(model.origin, model.origin)
    if origin in GROUPS:
        return origin
    return "embedded" if model.is_default and not origin else "folder"


def chosen_id(models: Sequence[wire.ModelInfo], wanted: str) -> Optional[str]:
    """Id of the model that a question would go to: the one that was chosen, else the service's own choice."""
    ids = [model.id for model in models]
    if wanted in ids:
        return wanted
    return next((model.id for model in models if model.is_default), ids[0] if ids else None)


def offer(model: wire.ModelInfo, *, is_chosen: bool, can_manage: bool) -> Offer:
    """What can be done about a model.

    Args:
        model: one of the service's list.
        is_chosen: whether questions go to it already.
        can_manage: whether the service knows how to unload and delete.
    """
    idle = model.state in ("available", "failed")
    return Offer(
        use=not is_chosen and model.state != "failed",
        load=model.state == "available" and model.origin != "remote",
        unload=model.state == "loaded" and can_manage and model.origin != "remote",
        delete=model.can_delete and idle and can_manage,
    )


def can_manage(wire_version: str) -> bool:
    """Whether a service of this wire version fetches, unloads and deletes.

    Example:
        >>> can_manage("1.2"), can_manage("1.3"), can_manage("?")
        (False, True, False)
    """
    parts = wire_version.split(".")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        return False
    return (int(parts[0]), int(parts[1])) >= FETCHES_SINCE
