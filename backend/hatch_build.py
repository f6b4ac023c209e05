"""Adds the embedded models and the licence to wheel and sdist; they lie outside this folder in a clone.

An sdist carries both at the place where the wheel wants them, so a wheel that is built from an sdist needs nothing
from here. An editable install uses the clone's own folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODELS = ("geo-r1-nano", "geo-r1-nano-masks")


class EmbeddedModelHook(BuildHookInterface):
    """Maps what lies outside to its place inside the package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to this build, unless it is an editable install."""
        clone = Path(self.root).parent
        outside = {
            clone / "LICENSE": "geo_r1_backend/LICENSE",
            **{
                clone / "resources" / "models" / model: f"geo_r1_backend/_models/{model}"
                for model in MODELS
            },
        }
        if version == "editable":
            return
        for source, target in outside.items():
            if source.exists():
                build_data["force_include"][str(source)] = target
