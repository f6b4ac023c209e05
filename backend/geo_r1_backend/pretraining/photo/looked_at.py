"""What a person saw on the real photographs, so that *none* can be taught of kinds that nobody labelled there.

All 604 places of the training tiles and all 207 training airports were looked at on contact sheets (2026-11-25), the street
scenes frame by frame. Whoever doubts a case finds it listed here as possible: then nothing is taught of its absence.
"""

from __future__ import annotations

COURTS = frozenset({"tennis court", "basketball court"})
SPORT = COURTS | {"baseball field", "running track"}
_EVERYWHERE = frozenset({"solar array", "shipping container"})
"""On so many roofs and yards that looking at a whole tile does not settle it."""

_SPORT_TILES = {
    "bishop": (8,),
    "chico": (21, 63, 66, 83, 85),
    "claremont": (3, 4, 5, 6, 7, 11, 56, 57, 58, 59, 73, 83, 91),
    "eureka": (3, 13),
    "long_beach": (25, 33, 38, 47, 49, 57, 69, 70, 90, 99),
    "palm_springs": (26, 29, 38, 48, 51, 73, 91),
    "riverside": (2, 3, 7, 22, 30, 37, 46, 51, 52, 65, 66, 76, 77, 89),
    "santa_monica": (6, 17, 31, 52, 76, 86, 87),
}
"""Places with courts, fields, tracks, school yards or meadows with lines; a number is the same place in every year."""
_ROUND_TILES = {
    "chico": (1, 14, 16, 42, 73, 84),
    "claremont": (1, 14, 18, 63),
    "eureka": (8,),
    "long_beach": (90, 98),
    "palm_springs": (20, 36, 46, 66),
    "riverside": (25, 62, 68, 78, 82, 87),
}
"""Places with turning circles, islands or round things."""
_PLANE_TILES = {"palm_springs": (20, 95)}
"""Places beside a runway; a plane stands on the first."""

WATER_AIRPORTS = frozenset(
    f"airport_{n}" for n in (122, 145, 178, 182, 188, 190, 240, 258, 287, 338, 345)
)
"""Open water that could carry a boat."""
APRON_PX = 300
"""A view of an airport that shows less than this, with a plane in it, shows no courts: nearly all of it is apron."""


def possible_on_tile(name: str) -> frozenset[str]:
    """Rare kinds that may stand unlabelled on a background tile.

    Args:
        name: of its file without the ending: place, year and number (`long_beach_2018_33`).
    """
    place, number = _place_of(name)
    if place not in _SPORT_TILES:  # nobody looked at it
        return _EVERYWHERE | SPORT | {"roundabout"}
    possible = set(_EVERYWHERE)
    if number in _SPORT_TILES[place]:
        possible |= SPORT
    if number in _ROUND_TILES.get(place, ()):
        possible |= {"roundabout", "storage tank"}
    if number in _PLANE_TILES.get(place, ()):
        possible |= {"airplane", "helicopter"}
    return frozenset(possible)


def possible_on_airport(original: str, shown_px: float, planes: int) -> frozenset[str]:
    """Rare kinds that may stand unlabelled in a view of an airport.

    Args:
        original: name of the photograph (`airport_102`).
        shown_px: side of what the view shows, in pixels of the file.
        planes: labelled planes in the view.
    """
    possible = {"helicopter", "storage tank", "roundabout"}
    if original in WATER_AIRPORTS:
        possible.add("ship")
    if shown_px > APRON_PX or not planes:
        possible |= COURTS
    return frozenset(possible)


def _place_of(name: str) -> tuple[str, int]:
    place, _, number = name.rpartition("_")
    place, _, _ = place.rpartition("_")
    return place, int(number) if number.isdigit() else -1
