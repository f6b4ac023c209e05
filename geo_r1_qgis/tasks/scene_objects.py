"""From the answers of tiles to the objects of a scene: merged, compared, written and told."""

from __future__ import annotations

import uuid
from typing import Callable, Dict, List, Optional, Set, Tuple

from qgis.core import QgsGeometry, QgsPointXY

from ..capture.scene_plan import PlannedArea, ScenePlan
from ..core.plain_text import one_line
from ..core.scene_records import SceneFind, SceneOptions
from ..core.seams import Box, Merged
from ..core.sweep import Sweep
from ..core.tiling import Tile
from ..layers.scene_journal import SceneJournal, Written
from ..layers.scene_tiles import ANSWERED, TileRecord
from .scene_comparing import Candidate, compare

WRITTEN_AT_ONCE = 200
MAX_LABEL_CHARACTERS = 200
ROUNDED = 2
"""Decimals of a pixel by which an object is known again."""


class SceneObjects:
    """Takes records in the order of the plan; `end` says what is left.

    Args:
        plan: of the scene.
        options: what was asked.
        journal: where objects are written; none = they are only told.
        found: told of each.
        is_resumed: the journal may have some of them already.
    """

    def __init__(
        self,
        plan: ScenePlan,
        options: SceneOptions,
        journal: Optional[SceneJournal],
        found: Callable[[SceneFind], object],
        is_resumed: bool,
    ) -> None:
        self._plan = plan
        self._options = options
        self._journal = journal
        self._found = found
        self._is_resumed = is_resumed and journal is not None
        self._known: Dict[str, str] = journal.written_uids() if self._is_resumed else {}
        self._told: Set[str] = set()
        self._waiting: List[SceneFind] = []
        self._provisional: List[str] = []
        self._area: Optional[PlannedArea] = None
        self._sweeps: List[Sweep] = []
        self._candidates: List[List[Candidate]] = []
        self._top = 0
        self._is_final = True
        self.count = 0
        self._reasons: List[str] = []

    @property
    def reasoning(self) -> str:
        """The rankings of the areas so far."""
        return "\n\n".join(self._reasons)

    def take(
        self, area: PlannedArea, tile: Tile, record: TileRecord, *, is_last: bool, is_final: bool
    ) -> None:
        """Take what a tile was answered with.

        Args:
            area: that is looked at; the next one begins when the last one has ended.
            tile: of that area.
            record: what became of it.
            is_last: no tile of the area comes any more.
            is_final: no tile before it is missing.
        """
        if self._area is None or area.number != self._area.number:
            self._begin(area)
        self._is_final = self._is_final and is_final
        if tile.window[1] > self._top and self._is_final:
            self._top = tile.window[1]
            self._settle(self._top)
        if record.state == ANSWERED:
            for sweep, answers in zip(self._sweeps, record.answers):
                sweep.add(
                    tile, [(self._label(label), box, mask) for label, box, mask in answers or ()]
                )
        if is_last and self._is_final:
            self._close()

    def end(self, *, is_whole: bool) -> List[str]:
        """Tell and write the rest; the uids of what more tiles may change.

        Args:
            is_whole: nothing is left to be looked at.
        """
        if self._area is not None:
            before = set(self._told)
            self._close(is_whole=is_whole)
            self._provisional = [uid for uid in self._told if uid not in before]
        self.flush()
        if self._is_resumed and is_whole:
            self._remove_outdated()
        return [] if is_whole else self._provisional

    # ---- areas

    def _begin(self, area: PlannedArea) -> None:
        if self._area is not None:
            self._close()
        self._area, self._top, self._is_final = area, 0, True
        questions = 1
        if self._options.comparison is not None and self._options.comparison.needs_anchor:
            questions = 2
        self._sweeps = [Sweep(area.tiles) for _ in range(questions)]
        self._candidates = [[] for _ in range(questions)]

    def _settle(self, next_top: float) -> None:
        for number, sweep in enumerate(self._sweeps):
            self._keep(number, sweep.settle(next_top))

    def _close(self, *, is_whole: bool = True) -> None:
        """Nothing more comes of this area: the rest of its objects, and its comparison."""
        area = self._area
        for number, sweep in enumerate(self._sweeps):
            self._keep(number, sweep.finish())
        if self._options.comparison is not None:
            targets, anchors = [*self._candidates, []][:2]
            compared = compare(
                self._options.comparison, targets, anchors, self._plan, area, is_whole=is_whole
            )
            if compared.words:
                name = f"{area.id}: " if area.id else ""
                self._reasons.append(name + compared.words)
            for rank, (candidate, check) in enumerate(compared.winners):
                self._tell(candidate, rank, compared.words, check)
        self._area, self._sweeps, self._candidates = None, [], []

    def _keep(self, number: int, merged: List[Merged]) -> None:
        """Objects of one question that are final: candidates of a comparison, or answers."""
        left, top = self._area.window[:2]
        for item in merged:
            x_min, y_min, x_max, y_max = item.box
            box = (x_min + left, y_min + top, x_max + left, y_max + top)
            if not self._area.holds((box[0] + box[2]) / 2, (box[1] + box[3]) / 2):
                continue
            masks = _united(item, left, top)
            is_cut = item.is_piece or _touches_edge(item.box, self._area)
            candidate = Candidate(item.label, box, masks, is_cut)
            if self._options.comparison is not None:
                self._candidates[number].append(candidate)
            else:
                self._tell(candidate, self.count, "", "")

    # ---- telling and writing

    def _label(self, label: str) -> str:
        """What is compared is of one kind, whatever each tile calls it."""
        if self._options.comparison is not None:
            return self._options.comparison.target
        return one_line(label, MAX_LABEL_CHARACTERS).strip()

    def _tell(self, candidate: Candidate, rank: int, reasoning: str, check: str) -> None:
        find = SceneFind(
            uid=self._uid(candidate.label, candidate.box),
            area_id=self._area.id,
            label=candidate.label,
            rank=rank,
            box_px=candidate.box,
            frame=self._plan.frame,
            polygons_px=candidate.polygons,
            geometry_check=check,
            reasoning=reasoning,
        )
        self.count += 1
        if self._journal is not None:
            self._told.add(find.uid)
        self._waiting.append(find)
        if len(self._waiting) >= WRITTEN_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write and tell what is final by now."""
        waiting, self._waiting = self._waiting, []
        if self._journal is not None:
            fresh = [find for find in waiting if find.uid not in self._known]
            self._journal.write(
                [
                    Written(f.uid, f.detection, f.area_id, f.reasoning, f.geometry_check)
                    for f in fresh
                ],
                self._plan.frame,
            )
        for find in waiting:
            self._found(find)

    def _uid(self, label: str, box: Box) -> str:
        run = self._journal.run_uid if self._journal is not None else str(uuid.NAMESPACE_OID)
        sides = ",".join(f"{side:.{ROUNDED}f}" for side in box)
        return str(uuid.uuid5(uuid.UUID(run), f"{self._area.number}:{label}:{sides}"))

    def _remove_outdated(self) -> None:
        """What an earlier session had written and all tiles together do not bear out, unless somebody has reviewed it."""
        outdated = [
            uid for uid, review in self._known.items() if uid not in self._told and not review
        ]
        if outdated:
            self._journal.remove(outdated)


def _touches_edge(box: Box, area: PlannedArea) -> bool:
    """Whether an object ends at the edge of what is looked at, and may go on beyond it."""
    near_px = 1.0
    width, height = area.tiles.width_px, area.tiles.height_px
    return (
        box[0] <= near_px
        or box[1] <= near_px
        or box[2] >= width - near_px
        or box[3] >= height - near_px
    )


def _united(item: Merged, left: float, top: float) -> Optional[List[List[List[List[float]]]]]:
    """Masks of all tiles that saw an object as one, in pixels of the scene; none if none of them had one."""
    masks = [member.polygons for member in item.best if member.polygons]
    if not masks:
        return None
    parts = [_geometry(mask, left, top) for mask in masks]
    whole = parts[0] if len(parts) == 1 else QgsGeometry.unaryUnion(parts)
    if whole.isEmpty():
        return None
    if not whole.isMultipart():
        whole.convertToMultiType()
    return [
        [[[point.x(), point.y()] for point in ring] for ring in polygon]
        for polygon in whole.asMultiPolygon()
    ]


def _geometry(mask: object, left: float, top: float) -> QgsGeometry:
    polygons: List[List[List[Tuple[float, float]]]] = mask  # type: ignore[assignment]
    return QgsGeometry.fromMultiPolygonXY(
        [
            [[QgsPointXY(p[0] + left, p[1] + top) for p in ring] for ring in rings]
            for rings in polygons
        ]
    )
