"""A comparison over all of an area: its objects in metres, then plane geometry (`core/scene.py`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Optional, Sequence, Tuple

from qgis.core import QgsCsException
from qgis.PyQt.QtCore import QCoreApplication

from ..capture.scene_plan import PlannedArea, ScenePlan
from ..core.comparison import Comparison
from ..core.scene import Evaluation, Note, SceneObject, evaluate
from ..core.scene_words import ranking_words
from ..core.seams import Box
from ..crs.measure import Measure, area_m2
from ..crs.reference import crs_from

translate = QCoreApplication.translate

Polygons = Optional[List[List[List[List[float]]]]]


@dataclass(frozen=True)
class Candidate:
    """An object that may be what is sought, in pixels of the scene."""

    label: str
    box: Box
    polygons: Polygons
    is_cut: bool
    """Its outline may go on beyond what was looked at."""

    @property
    def place(self) -> str:
        """Its box as a model would write it in its reasoning."""
        return f"[{', '.join(f'{side:.0f}' for side in self.box)}]"

    @property
    def outlines(self) -> List[List[List[List[float]]]]:
        """The mask, or the four corners of the box (polygon, ring, point)."""
        if self.polygons:
            return self.polygons
        x_min, y_min, x_max, y_max = self.box
        return [[[[x_min, y_min], [x_min, y_max], [x_max, y_max], [x_max, y_min], [x_min, y_min]]]]


@dataclass(frozen=True)
class Compared:
    """The winners, each with what its check says, and the ranking in words."""

    winners: Tuple[Tuple[Candidate, str], ...] = ()
    words: str = ""


def compare(
    comparison: Comparison,
    targets: Sequence[Candidate],
    anchors: Sequence[Candidate],
    plan: ScenePlan,
    area: PlannedArea,
    *,
    is_whole: bool,
) -> Compared:
    """Answer a comparison over the objects of an area.

    Args:
        comparison: what is asked.
        targets: objects of the sought kind.
        anchors: objects of the other kind.
        plan: of the scene.
        area: that all of them lie in.
        is_whole: all of the area was looked at.
    """
    metres = _Metres(plan, area)
    evaluation = evaluate(
        comparison,
        [metres.placed(f"target {number}", each) for number, each in enumerate(targets)],
        [metres.placed(f"anchor {number}", each) for number, each in enumerate(anchors)],
        middle=(0.0, 0.0),
        precision_m=metres.pixel,
    )
    if metres.is_unknown:
        evaluation = _in_own_units(evaluation)
    words = ranking_words(
        comparison,
        evaluation,
        translate,
        is_whole=is_whole,
        place_of=lambda index: targets[index].place,
    )
    check = _check(comparison, evaluation, is_whole=is_whole)
    return Compared(tuple((targets[index], check) for index in evaluation.winners), words)


class _Metres:
    """Objects of the scene in metres about the middle of an area; in map units where the raster has no CRS."""

    def __init__(self, plan: ScenePlan, area: PlannedArea) -> None:
        self._frame = plan.frame
        left, top, right, bottom = area.window
        self._middle = self._frame.px_to_map((left + right) / 2, (top + bottom) / 2)
        self._measure: Optional[Measure] = None
        self.pixel = self._frame.m_per_px or abs(self._frame.affine[0])
        if not self._frame.m_per_px:
            return
        try:
            self._measure = Measure(crs_from(self._frame.crs_authid, self._frame.crs_wkt))
            self._measure.around_m(self._middle, self._middle)
        except QgsCsException:
            self._measure = None

    @property
    def is_unknown(self) -> bool:
        """Whether the raster's units are not known in metres."""
        return self._measure is None

    def placed(self, name: str, item: Candidate) -> SceneObject:
        """The object with its largest outline, and its area on the ellipsoid."""
        rings = [polygon[0] for polygon in item.outlines if polygon and polygon[0]]
        largest = max(rings, key=_doubled_area)
        area = area_m2(item.outlines, self._frame) if self._measure is not None else None
        outline = [self._place(point[0], point[1]) for point in largest]
        return SceneObject(name, outline, area or 0.0, item.is_cut)

    def _place(self, x_px: float, y_px: float) -> Tuple[float, float]:
        """East and north."""
        x, y = self._frame.px_to_map(x_px, y_px)
        if self._measure is None:
            return x - self._middle[0], y - self._middle[1]
        return self._measure.around_m(self._middle, (x, y))


def _in_own_units(evaluation: Evaluation) -> Evaluation:
    """The same without a word of metres, for a raster that has no CRS to know them by."""
    names = {"m": translate("SceneWords", "units"), "m²": translate("SceneWords", "units²")}
    ranking = tuple(
        replace(each, unit=names.get(each.unit, each.unit)) for each in evaluation.ranking
    )
    return replace(evaluation, ranking=ranking, notes=(*evaluation.notes, Note("no-metres")))


def _doubled_area(ring: Sequence[Sequence[float]]) -> float:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]])))


def _check(comparison: Comparison, evaluation: Evaluation, *, is_whole: bool) -> str:
    """What `core/answer_check.py` would say: geometry has given this answer, where all was seen and one stands out."""
    is_sure = is_whole and evaluation.outcome == "found" and not comparison.is_plain
    return "agrees" if is_sure else ""
