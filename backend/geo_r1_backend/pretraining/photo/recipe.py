"""What kinds of photograph-like scenes to draw, and how large, in what surroundings."""

from __future__ import annotations

from dataclasses import dataclass

LENGTH_PX: dict[str, tuple[float, float]] = {
    "storage tank": (8, 150),
    "airplane": (12, 240),
    "helicopter": (14, 90),
    "ship": (11, 260),
    "car": (9, 84),
    "bus": (20, 130),
    "tennis court": (22, 170),
    "basketball court": (22, 170),
    "baseball field": (24, 220),
    "running track": (100, 340),
    "swimming pool": (9, 110),
    "building": (14, 200),
    "roundabout": (26, 170),
    "solar array": (16, 170),
    "shipping container": (10, 80),
}
"""Smallest and largest length: 0.1 to 2 m per pixel."""

WIDTH_RATIO: dict[str, tuple[float, float]] = {
    "airplane": (0.8, 1.1),
    "ship": (0.13, 0.32),
    "car": (0.4, 0.5),
    "tennis court": (0.43, 0.49),
    "basketball court": (0.5, 0.6),
    "running track": (0.42, 0.64),
}
"""Where it differs from the catalogue's."""

HEIGHT: dict[str, float] = {
    "storage tank": 1.0,
    "building": 0.8,
    "car": 0.6,
    "bus": 0.5,
    "shipping container": 0.6,
    "airplane": 0.4,
    "helicopter": 0.4,
    "ship": 0.4,
}
"""How long a shadow is, beside that of a tank of the same length."""

MOST: dict[str, int] = {
    "running track": 2,
    "baseball field": 6,
    "roundabout": 4,
    "tennis court": 16,
    "basketball court": 12,
}
"""Where a view never shows more."""

THEMES: dict[str, tuple[str, ...]] = {
    "sports": (
        "tennis court",
        "basketball court",
        "baseball field",
        "running track",
        "tennis court",
        "basketball court",
    ),
    "harbour": ("ship", "storage tank", "shipping container", "ship"),
    "airport": ("airplane", "helicopter", "bus", "storage tank", "airplane"),
    "town": ("car", "bus", "building", "swimming pool", "roundabout", "solar array", "car"),
}
"""What is found together; see `PhotoRecipe.theme_share`."""

PADS: dict[str, tuple[str, ...]] = {
    "storage tank": ("soil", "grass", "concrete", "asphalt", "soil"),
    "airplane": ("concrete", "asphalt", "concrete", "asphalt", "grass"),
    "helicopter": ("concrete", "asphalt", "grass"),
    "ship": ("water",),
    "car": ("asphalt", "asphalt", "concrete"),
    "bus": ("asphalt", "concrete"),
    "tennis court": ("grass", "asphalt", "trees"),
    "basketball court": ("asphalt", "grass", "concrete"),
    "baseball field": ("grass",),
    "running track": ("grass", "asphalt"),
    "swimming pool": ("grass", "concrete"),
    "building": ("grass", "soil", "asphalt", "concrete"),
    "roundabout": ("grass", "asphalt"),
    "solar array": ("grass", "soil"),
    "shipping container": ("asphalt", "concrete"),
}
"""What a group may stand on."""

STANDING_IN_PHOTOGRAPHS = frozenset({"car", "bus", "building", "swimming pool"})
"""In nearly every photograph of a town, unlabelled: never asked for there."""


@dataclass(frozen=True)
class PhotoRecipe:
    """Shares of what is drawn."""

    ground: tuple[tuple[str, float], ...] = (
        ("photograph", 0.4),
        ("materials", 0.42),
        ("generated", 0.18),
    )
    counts: tuple[tuple[int, float], ...] = (
        (1, 1.8), (2, 1.7), (3, 1.6), (4, 1.5), (5, 1.2), (6, 1.1), (7, 0.8), (8, 0.7), (10, 0.6), (13, 0.4), (16, 0.3), (20, 0.2),
    )  # fmt: skip
    """Objects of the first group."""
    other_counts: tuple[tuple[int, float], ...] = ((1, 3.0), (2, 1.5), (3, 1.2), (4, 1.0), (6, 0.6))
    groups: tuple[tuple[int, float], ...] = ((0, 1.6), (1, 2.2), (2, 2.0), (3, 1.2))
    """Groups beside the first."""
    theme_share: float = 0.55
    """Share of scenes whose kinds belong together; in the others they are mixed at random."""
    bare_share: float = 0.1
    """Share of photographs on which nothing is drawn: all that can be asked about them is what is not there."""
    infrared_share: float = 0.06
    gray_share: float = 0.03


DENSE = PhotoRecipe(
    counts=((18, 1.0), (24, 1.0), (30, 1.0), (36, 0.8), (44, 0.6), (52, 0.5), (60, 0.5)),
    groups=((0, 2.0), (1, 1.0)),
)
"""Crowded views: up to 60 objects."""
