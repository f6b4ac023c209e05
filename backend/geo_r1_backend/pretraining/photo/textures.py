"""Grain, and patches of real ground without anything on them that could be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from geo_r1_backend.pretraining.backgrounds import read_tile
from geo_r1_backend.pretraining.dice import Dice

_FIELD_PX = 1024
_FIELD: list[np.ndarray] = []
PATCH_PX = 64
MATERIALS = ("grass", "trees", "soil", "asphalt", "concrete", "dark")
KEPT = 400
"""Patches kept of each material."""


def _field() -> np.ndarray:
    """Grain of several octaves, ``(1024, 1024)`` float32, mean 0, spread 32."""
    dice = Dice(20261125)
    total = np.zeros((_FIELD_PX, _FIELD_PX), np.float32)
    for cells, weight in ((1024, 1.0), (512, 0.8), (128, 0.7), (32, 0.6)):
        grid = dice.grid(cells, cells).astype(np.float32) - 127.5
        total += cv2.resize(grid, (_FIELD_PX, _FIELD_PX), interpolation=cv2.INTER_CUBIC) * weight
    return (total * (32 / total.std())).astype(np.float32)


def noise_window(dice: Dice, height: int, width: int) -> np.ndarray:
    """A piece of the grain, ``(height, width)`` float32."""
    if not _FIELD:
        _FIELD.append(_field())
    field = _FIELD[0]
    y, x = dice.integer(0, _FIELD_PX - 1), dice.integer(0, _FIELD_PX - 1)
    if y + height <= _FIELD_PX and x + width <= _FIELD_PX:
        return field[y : y + height, x : x + width]
    rows = np.arange(y, y + height) % _FIELD_PX
    return field[rows[:, None], (np.arange(x, x + width) % _FIELD_PX)[None]]


_STEPS = (2, 4, 7, 11, 16)
_GRAIN: list[tuple[np.ndarray, np.ndarray]] = []


def grain_windows(
    dice: Dice, height: int, width: int, spread: float
) -> tuple[np.ndarray, np.ndarray]:
    """What to add and what to take away, each ``(height, width, 3)`` uint8; ``spread`` in gray values, to the next step."""
    if not _GRAIN:
        field = noise_window(Dice(1), _FIELD_PX, _FIELD_PX) if _FIELD else _field()
        for step in _STEPS:
            scaled = np.repeat((field * (step / 32))[..., None], 3, 2)
            _GRAIN.append(
                (
                    np.clip(scaled, 0, 255).astype(np.uint8),
                    np.clip(-scaled, 0, 255).astype(np.uint8),
                )
            )
    lighter, darker = _GRAIN[min(range(len(_STEPS)), key=lambda k: abs(_STEPS[k] - spread))]
    y = dice.integer(0, max(0, _FIELD_PX - height))
    x = dice.integer(0, max(0, _FIELD_PX - width))
    if height > _FIELD_PX or width > _FIELD_PX:
        tiles = (-(-height // _FIELD_PX), -(-width // _FIELD_PX), 1)
        lighter, darker = np.tile(lighter, tiles), np.tile(darker, tiles)
    return lighter[y : y + height, x : x + width], darker[y : y + height, x : x + width]


def warm_up() -> None:
    """Make the fields now: before a fork, so that all processes share them."""
    noise_window(Dice(0), 1, 1)
    grain_windows(Dice(0), 1, 1, 1.0)


class Materials:
    """Calm patches of real tiles, sorted by look: ground on which everything is known to be absent."""

    def __init__(self, paths: Sequence[Path]) -> None:
        found: dict[str, list[tuple[float, np.ndarray]]] = {name: [] for name in MATERIALS}
        for path in paths:
            tile = read_tile(path)
            gray = cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY).astype(np.float32)
            edges = np.abs(cv2.Laplacian(cv2.GaussianBlur(gray, (0, 0), 1.5), cv2.CV_32F))
            for y in range(0, 256, PATCH_PX):
                for x in range(0, 256, PATCH_PX):
                    patch = tile[y : y + PATCH_PX, x : x + PATCH_PX]
                    name = _material(patch)
                    about = edges[y : y + PATCH_PX, x : x + PATCH_PX]
                    # A single car is a strong edge in a calm place.
                    unrest = float(
                        about.mean() if name == "trees" else np.partition(about.ravel(), -12)[-12]
                    )
                    # Crowns are restless by nature; anything else that is has something standing on it.
                    found[name].append((unrest if name != "trees" else -unrest, patch))
        self.patches = {
            name: [
                patch
                for _, patch in sorted(rows, key=lambda row: row[0])[
                    : min(KEPT, len(rows) // 10 + 1)
                ]
            ]
            for name, rows in found.items()
        }

    def cover(self, dice: Dice, name: str, height: int, width: int) -> np.ndarray:
        """An area of one material, ``(height, width, 3)`` uint8: a patch, enlarged and mirrored on."""
        patch = dice.choice(self.patches[name] or self.patches["grass"])
        size = int(PATCH_PX * dice.log_uniform(1.5, 5))
        patch = cv2.resize(
            np.rot90(patch, dice.integer(0, 3)), (size, size), interpolation=cv2.INTER_CUBIC
        )
        across = np.concatenate([patch, patch[:, ::-1]], 1)
        both = np.concatenate([across, across[::-1]], 0)
        rows, columns = -(-height // (2 * size)) + 1, -(-width // (2 * size)) + 1
        y, x = dice.integer(0, 2 * size - 1), dice.integer(0, 2 * size - 1)
        return np.tile(both, (rows, columns, 1))[y : y + height, x : x + width]


def _material(patch: np.ndarray) -> str:
    red, green, blue = (float(v) for v in patch.reshape(-1, 3).mean(0))
    light = (red + green + blue) / 3
    if light < 55:
        return "dark"
    if green > red * 1.04 and green > blue * 1.06:
        return "trees" if light < 92 else "grass"
    if red > blue * 1.18:
        return "soil"
    return "concrete" if light > 150 else "asphalt"
