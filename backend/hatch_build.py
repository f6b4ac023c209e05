"""Adds the embedded model and the licence to wheel and sdist; they lie outside this folder in a clone.

An sdist carries both at the place where the wheel wants them, so a wheel that is built from an sdist needs nothing
from here. An editable install uses the clone's own folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODEL = "geo-r1-nano"


class EmbeddedModelHook(BuildHookInterface):
    """Maps what lies outside to its place inside the package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to this build, unless it is an editable install."""
        clone = Path(self.root).parent
        outside = {
            clone / "resources" / "models" / MODEL: f"geo_r1_backend/_models/{MODEL}",
            clone / "LICENSE": "geo_r1_backend/LICENSE",
        }
        if version == "editable":
            return
        for source, target in outside.items():
            if source.exists():
                build_data["force_include"][str(source)] = target
