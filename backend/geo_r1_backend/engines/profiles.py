"""How a model sees and writes coordinates, read from its folder: `profile.json`, or what transformers left there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from geo_r1_backend.engines.base import ModelProfile
from geo_r1_backend.models.registry import ALL_TASKS

DEFAULT_MIN_PIXELS = 56 * 56
DEFAULT_MAX_PIXELS = 1280 * 28 * 28
"""Qwen2.5-VL's recommendation for grounding (QwenLM issue 1397) where a folder names no limit of its own."""


def read_profile(folder: Path, *, model_id: str = "") -> ModelProfile:
    """The profile of the model in a folder.

    Raises:
        ValueError: if a file is not what it should be; the message names it.
        FileNotFoundError: if there is no config.json.
    """
    config = _read(folder / "config.json")
    given = _read(folder / "profile.json") if (folder / "profile.json").is_file() else {}
    vision = config.get("vision_config", {})
    grid_px = int(vision.get("patch_size", 14)) * int(vision.get("spatial_merge_size", 2))
    processor = _processor_limits(folder)
    views = given.get("view_sizes_px", ())
    per_mille = str(config.get("model_type", "")).startswith("qwen3")
    return ModelProfile(
        id=model_id or str(given.get("id") or folder.name),
        title=str(given.get("title") or folder.name),
        tasks=tuple(given.get("tasks", ALL_TASKS)),
        convention=given.get("convention", "per_mille" if per_mille else "absolute"),
        grid_px=int(given.get("grid_px", grid_px)),
        min_pixels=int(given.get("min_pixels", processor[0])),
        max_pixels=int(given.get("max_pixels", processor[1])),
        view_sizes_px=tuple((int(width), int(height)) for width, height in views),
        licence=str(given.get("licence") or ""),
        default_think=bool(given.get("default_think", True)),
    )


def _processor_limits(folder: Path) -> tuple[int, int]:
    """Smallest and largest area that the folder's own processor would make."""
    for name in ("preprocessor_config.json", "processor_config.json"):
        path = folder / name
        if not path.is_file():
            continue
        stored = _read(path)
        stored = stored.get("image_processor", stored)
        size = stored.get("size") or {}
        smallest = stored.get("min_pixels") or size.get("shortest_edge") or DEFAULT_MIN_PIXELS
        largest = stored.get("max_pixels") or size.get("longest_edge") or DEFAULT_MAX_PIXELS
        return int(smallest), int(largest)
    return DEFAULT_MIN_PIXELS, DEFAULT_MAX_PIXELS


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise TypeError(f"{path.name} is not a JSON object")
    return found
