"""What a download would bring: which files of a repository, which of its base, which are left out, and what is refused.

Pure: it is told what the hub has said, and knows no network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from geo_r1_backend.errors import HubUnfit, HubUnsafe
from geo_r1_backend.models.shapes import base_of_shape
from geo_r1_backend.models.stock_files import (
    CONFIG_FILE,
    PROCESSOR_FILES,
    missing_processor_files,
    missing_shards,
    use_of,
)
from geo_r1_backend.models_wire import REPOSITORY, LeftOut

SHOWN_LEFT_OUT = 200
ORDER = ("pickle", "code", "other-format", "not-needed")
FAMILY = ("qwen2_5_vl", "qwen2_vl", "qwen3_vl")


@dataclass(frozen=True)
class RemoteFile:
    """A file at the hub, at one commit."""

    name: str
    size_bytes: int
    sha256: str = ""
    git: str = ""


@dataclass(frozen=True)
class Listing:
    """What a repository holds at one commit, as `hub_worker.py` says it."""

    repository: str
    commit: str
    files: list[RemoteFile]
    licence: str = ""
    bases: list[str] = field(default_factory=list)
    config: dict[str, Any] | None = None


def read_listing(said: dict[str, Any]) -> Listing:
    """The message as an object."""
    return Listing(**{**said, "files": [RemoteFile(**file) for file in said["files"]]})


@dataclass(frozen=True)
class Contents:
    """What would be fetched."""

    own: list[RemoteFile]
    left_out: list[LeftOut]
    wants_base: bool
    """Whether the processor has to come from another repository."""

    @property
    def size_bytes(self) -> int:
        """Of the repository's own files."""
        return sum(file.size_bytes for file in self.own)


def choose_files(listing: Listing) -> Contents:
    """Which files of a repository are fetched.

    Raises:
        HubUnsafe: if its weights are pickles alone.
        HubUnfit: if it is no model of a known family, or lacks a shard.
    """
    uses = {file.name: use_of(file.name) for file in listing.files}
    weights = [name for name, use in uses.items() if use == "weights"]
    if not weights:
        raise _without_weights(listing, uses)
    kind = (listing.config or {}).get("model_type")
    # without a readable config.json the base's may fit; that is seen when the weights are here
    if listing.config is not None and kind not in FAMILY:
        reason = f"its model_type is {kind!r}; known are {', '.join(FAMILY)}"
        raise HubUnfit(repository=listing.repository, reason=reason)
    lacking = missing_shards(weights)
    if lacking:
        reason = f"{len(lacking)} of its shards are missing, the first is {lacking[0]}"
        raise HubUnfit(repository=listing.repository, reason=reason)
    own = [file for file in listing.files if uses[file.name] in ("weights", "settings")]
    left_out = [
        LeftOut(file.name, file.size_bytes, use)
        for file in listing.files
        if (use := uses[file.name]) != "weights" and use != "settings"
    ]
    # a repository with thousands of checkpoints says of its pickles first
    left_out = sorted(left_out, key=lambda left: ORDER.index(left.reason))[:SHOWN_LEFT_OUT]
    wants_base = bool(missing_processor_files(uses)) or listing.config is None
    return Contents(own, left_out, wants_base)


def base_of(listing: Listing, given: str | None) -> str:
    """The repository that a missing processor comes from.

    Raises:
        HubUnfit: if nobody says it.
    """
    named = [base for base in listing.bases if re.match(REPOSITORY, base)]
    found = given or (named[0] if named else base_of_shape(listing.config or {}))
    if not found or found == listing.repository:
        missing = ", ".join(missing_processor_files(file.name for file in listing.files))
        reason = f"it has no {missing or CONFIG_FILE} and names no base model that has"
        raise HubUnfit(repository=listing.repository, reason=reason)
    return found


def choose_base_files(listing: Listing, base: Listing) -> list[RemoteFile]:
    """What the base lends: the processor's files that are missing, and its `config.json` to compare with.

    Raises:
        HubUnfit: if the base has no processor either.
    """
    own = {file.name for file in listing.files}
    lent = [
        file
        for file in base.files
        if file.name == CONFIG_FILE or (file.name in PROCESSOR_FILES and file.name not in own)
    ]
    missing = missing_processor_files({*own, *(file.name for file in lent)})
    if missing:
        reason = f"its base {base.repository} has no {missing[0]} either"
        raise HubUnfit(repository=listing.repository, reason=reason)
    return lent


def _without_weights(listing: Listing, uses: Mapping[str, str]) -> HubUnsafe | HubUnfit:
    pickles = [name for name, use in uses.items() if use == "pickle"]
    if "adapter_config.json" in uses:
        reason = "it holds a LoRA adapter without its base"
        return HubUnfit(repository=listing.repository, reason=reason)
    if pickles:
        return HubUnsafe(repository=listing.repository, file=sorted(pickles)[0])
    others = sorted(name for name, use in uses.items() if use == "other-format")
    reason = "it has no weights as model*.safetensors" + (f", only {others[0]}" if others else "")
    return HubUnfit(repository=listing.repository, reason=reason)
