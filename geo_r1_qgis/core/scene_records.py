"""What a run over a whole raster is asked and what it tells: plain data for the dock and the toolbox alike."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional, Tuple

from . import wire
from .comparison import Comparison, Rank, RankKey, Relation
from .errors import GeoR1Error
from .frame import Frame, Polygon, Ring

FINISHED, STOPPED = "finished", "stopped"
BATCH = 16
"""Questions of one request."""


@dataclass(frozen=True)
class SceneOptions:
    """What is asked about each tile, and how."""

    query: str
    """In the user's words; kept with every answer."""
    task: wire.Task = "ovd"
    """Of each tile, where nothing is compared."""
    comparison: Optional[Comparison] = None
    """Where given, tiles are asked for its targets and anchors, and it is answered over all of an area at the end."""
    model: Optional[str] = None
    think: bool = True
    max_new_tokens: int = 512
    seed: int = 0
    batch: int = BATCH

    def to_json(self) -> str:
        """One line from which `from_json` makes equal options."""
        values = asdict(self)
        if self.comparison is not None:
            values["comparison"] = _plain(self.comparison)
        return json.dumps(values, sort_keys=True, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> SceneOptions:
        """The options that `to_json` wrote; unknown keys of a newer version are ignored.

        Raises:
            GeoR1Error: if they cannot be read.
        """
        try:
            values = json.loads(text)
            known = {name: values[name] for name in _OPTION_NAMES if name in values}
            if known.get("comparison") is not None:
                known["comparison"] = _comparison(known["comparison"])
            return SceneOptions(**known)
        except (KeyError, TypeError, ValueError) as error:
            raise GeoR1Error(
                f"The options of this run cannot be read: {error}", code="scene-unreadable"
            ) from error


@dataclass(frozen=True)
class SceneFind:
    """One object of the whole scene, however many tiles saw it."""

    uid: str
    """The same whenever the same run finds the same object again."""
    area_id: str
    """Of the area that it lies in; empty where the scene is one area."""
    label: str
    rank: int
    """Where something is compared: 0 = the first winner; else in the order of finding."""
    box_px: Tuple[float, float, float, float]
    """In pixels of the scene."""
    frame: Frame = field(repr=False)
    """Of the scene: puts the box on the map, in the raster's own CRS."""
    polygons_px: Optional[List[List[List[List[float]]]]] = None
    """Outline of a mask; none for a box."""
    area_m2: Optional[float] = None
    geometry_check: str = ""
    reasoning: str = ""

    @property
    def detection(self) -> wire.Detection:
        """The same as an answer about one chip, whose pixels are those of the scene."""
        kind: Any = "mask" if self.polygons_px else "box"
        return wire.Detection(self.rank, self.label, list(self.box_px), kind, self.polygons_px)

    @property
    def outline_map(self) -> List[Polygon]:
        """Polygons (rings of points) in the raster's CRS."""
        if self.polygons_px:
            return self.frame.polygons_px_to_map(self.polygons_px)
        ring: Ring = self.frame.box_px_to_ring_map(self.box_px)
        return [[ring]]


@dataclass
class TileCounts:
    """Of the looks that were planned."""

    total: int = 0
    answered: int = 0
    """With an answer, now or in an earlier session."""
    earlier: int = 0
    """Of those, in an earlier session."""
    empty: int = 0
    """Not sent: no data, or beside the area's polygon."""
    partial: int = 0
    """Of those that were answered, with parts of their picture missing."""
    failed: int = 0
    """Could not be read or were not answered; going on asks them again."""

    @property
    def done(self) -> int:
        """Looks that need no more time."""
        return self.answered + self.empty + self.failed


@dataclass(frozen=True)
class SceneResult:
    """How a run ended."""

    outcome: str
    """`FINISHED` or `STOPPED`; what was found until then is kept in both."""
    run_uid: str
    """Empty without a journal."""
    count: int
    """Objects that were found."""
    tiles: TileCounts
    reasoning: str = ""
    """Where something was compared: the ranking of each area with its values, in words."""
    first_failure: str = ""
    """What was wrong with the first tile that failed, in one sentence."""
    seconds: float = 0.0


_OPTION_NAMES = tuple(SceneOptions.__dataclass_fields__)


def _plain(comparison: Comparison) -> Dict[str, Any]:
    """A comparison as JSON has it."""
    values = asdict(comparison)
    values["relation"] = comparison.relation.value if comparison.relation else None
    if comparison.rank is not None:
        values["rank"]["key"] = comparison.rank.key.value
    return values


def _comparison(values: Dict[str, Any]) -> Comparison:
    fields = {**values}
    for name in ("attributes", "anchor_attributes"):
        fields[name] = tuple(fields[name])
    if fields.get("relation") is not None:
        fields["relation"] = Relation(fields["relation"])
    if fields.get("rank") is not None:
        rank = {**fields["rank"]}
        fields["rank"] = Rank(**{**rank, "key": RankKey(rank["key"])})
    return Comparison(**fields)
