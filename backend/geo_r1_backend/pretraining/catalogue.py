"""The classes that the generator draws: names, other people's words for them, colours and sizes.

A class is known to the model by its first name (the ``label`` of an answer); synonyms appear in expressions only.
"""

from __future__ import annotations

from dataclasses import dataclass

COLOURS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "white": ((236, 236, 232), (222, 224, 226), (245, 243, 236)),
    "gray": ((138, 138, 138), (158, 158, 154), (118, 121, 126)),
    "black": ((38, 38, 42), (52, 50, 50), (30, 34, 40)),
    "red": ((186, 48, 42), (160, 44, 52), (206, 66, 48)),
    "blue": ((50, 84, 186), (62, 110, 196), (36, 62, 146)),
    "green": ((58, 140, 82), (44, 118, 74), (92, 158, 84)),
    "yellow": ((226, 196, 62), (214, 180, 44), (238, 214, 96)),
    "brown": ((146, 98, 64), (124, 82, 56), (166, 116, 80)),
}
"""Word -> typical RGB values, jittered when drawn."""

COLOUR_SYNONYMS = {"gray": ("gray", "grey"), "brown": ("brown", "rusty brown")}


@dataclass(frozen=True)
class ObjectClass:
    """One kind of object."""

    name: str
    plural: str
    synonyms: tuple[tuple[str, str], ...]
    """(singular, plural) pairs that people type instead of the name."""
    colours: tuple[str, ...]
    """Empty: the kind has no colour of its own worth asking for."""
    length_px: tuple[float, float]
    """Smallest and largest length drawn, in pixels of the view."""
    width_ratio: tuple[float, float]
    """Width over length."""
    layouts: tuple[str, ...] = ("scatter", "row", "cluster")


def _kind(
    name: str,
    plural: str,
    synonyms: str,
    colours: str,
    length_px: tuple[float, float],
    width_ratio: tuple[float, float],
    layouts: tuple[str, ...] = ("scatter", "row", "cluster"),
) -> ObjectClass:
    pairs = [tuple(pair.split("/")) for pair in synonyms.split()]
    words = tuple((one.replace("_", " "), many.replace("_", " ")) for one, many in pairs)
    return ObjectClass(name, plural, words, tuple(colours.split()), length_px, width_ratio, layouts)


CLASSES: tuple[ObjectClass, ...] = (
    _kind(
        "storage tank",
        "storage tanks",
        "tank/tanks oil_tank/oil_tanks fuel_tank/fuel_tanks round_tank/round_tanks",
        "white gray brown green black",
        (10, 95),
        (1, 1),
    ),
    _kind(
        "airplane",
        "airplanes",
        "plane/planes aircraft/aircraft aeroplane/aeroplanes jet/jets",
        "white gray blue yellow",
        (16, 135),
        (0.85, 1.05),
    ),
    _kind(
        "helicopter",
        "helicopters",
        "chopper/choppers copter/copters",
        "white gray red yellow green black",
        (16, 64),
        (0.8, 1.0),
    ),
    _kind(
        "ship",
        "ships",
        "boat/boats vessel/vessels",
        "white gray red black blue brown",
        (12, 135),
        (0.2, 0.34),
    ),
    _kind(
        "car",
        "cars",
        "vehicle/vehicles automobile/automobiles",
        "white gray black red blue yellow green",
        (11, 50),
        (0.42, 0.52),
    ),
    _kind(
        "bus",
        "buses",
        "coach/coaches long_vehicle/long_vehicles",
        "white yellow red blue green",
        (22, 88),
        (0.2, 0.27),
    ),
    _kind(
        "tennis court",
        "tennis courts",
        "court_for_tennis/courts_for_tennis tennis_field/tennis_fields",
        "green blue brown red",
        (26, 130),
        (0.5, 0.56),
    ),
    _kind(
        "basketball court",
        "basketball courts",
        "basketball_field/basketball_fields",
        "blue red green brown gray",
        (22, 100),
        (0.52, 0.62),
    ),
    _kind(
        "baseball field",
        "baseball fields",
        "baseball_diamond/baseball_diamonds softball_field/softball_fields ball_field/ball_fields",
        "",
        (36, 150),
        (1, 1),
        ("scatter",),
    ),
    _kind(
        "running track",
        "running tracks",
        "athletics_track/athletics_tracks track_field/track_fields stadium_track/stadium_tracks",
        "red blue brown",
        (70, 210),
        (0.5, 0.62),
        ("scatter",),
    ),
    _kind(
        "swimming pool",
        "swimming pools",
        "pool/pools",
        "",
        (11, 75),
        (0.4, 0.75),
    ),
    _kind(
        "building",
        "buildings",
        "house/houses roof/roofs rooftop/rooftops",
        "gray red brown white blue green black",
        (16, 135),
        (0.45, 0.95),
    ),
    _kind(
        "roundabout",
        "roundabouts",
        "traffic_circle/traffic_circles rotary/rotaries",
        "",
        (28, 120),
        (1, 1),
        ("scatter",),
    ),
    _kind(
        "solar array",
        "solar arrays",
        "solar_panel/solar_panels photovoltaic_array/photovoltaic_arrays solar_field/solar_fields",
        "",
        (20, 125),
        (0.4, 0.75),
    ),
    _kind(
        "shipping container",
        "shipping containers",
        "container/containers cargo_container/cargo_containers freight_container/freight_containers",
        "red blue green yellow white brown",
        (13, 60),
        (0.2, 0.4),
    ),
)
"""Order is part of the trained model's auxiliary head, not of the shipped weights."""

BY_NAME = {kind.name: kind for kind in CLASSES}

REAL_BACKGROUND_UNLABELLED = frozenset(
    {
        "car",
        "bus",
        "swimming pool",
        "tennis court",
        "basketball court",
        "building",
        "solar array",
        "shipping container",
    }
)
"""Stand unlabelled in real photographs of towns, so nothing may be asked or taught about their absence there."""
