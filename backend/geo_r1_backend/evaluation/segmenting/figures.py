"""Masks against truth: one row per box and segmenter, and figures with intervals over places. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from geo_r1_backend.evaluation.figure import Figure, ratio_figure


@dataclass(frozen=True)
class CutRow:
    """One box: how each segmenter's mask fits the truth."""

    group: str
    kind: str
    longest_px: float
    shared_px: dict[str, int]
    """By the segmenter's name."""
    union_px: dict[str, int]

    def iou(self, name: str) -> float:
        """Of one segmenter; nothing found where nothing is counts as right."""
        return self.shared_px[name] / self.union_px[name] if self.union_px[name] else 1.0


def figures_of(rows: Sequence[CutRow], ours: str, others: Sequence[str]) -> list[Figure]:
    """GIoU (mean IoU over boxes) and cIoU per segmenter, what ours is ahead, and gIoU per kind and size."""
    found = []
    for name in (ours, *others):
        found.append(_mean(f"gIoU, {name}", rows, _iou_of(name)))
        found.append(
            _ratio(
                f"cIoU, {name}",
                rows,
                lambda row, name=name: row.shared_px[name],  # type: ignore[misc]
                lambda row, name=name: row.union_px[name],  # type: ignore[misc]
            )
        )
    for other in others:
        found.append(
            _mean(
                f"gIoU ahead of {other}",
                rows,
                lambda row, other=other: row.iou(ours) - row.iou(other),  # type: ignore[misc]
            )
        )
    for kind in sorted({row.kind for row in rows}):
        part = [row for row in rows if row.kind == kind]
        for name in (ours, *others):
            found.append(_mean(f"gIoU of {kind}, {name}", part, _iou_of(name)))
    for label, low, high in (
        ("under 24 px", 0, 24),
        ("24 to 96 px", 24, 96),
        ("96 px and more", 96, 1e9),
    ):
        part = [row for row in rows if low <= row.longest_px < high]
        if part:
            found.append(_mean(f"gIoU, {label}, {ours}", part, _iou_of(ours)))
    return found


def _iou_of(name: str) -> Callable[[CutRow], float]:
    return lambda row: row.iou(name)


def _mean(name: str, rows: Sequence[CutRow], value: Callable[[CutRow], float]) -> Figure:
    return _ratio(name, rows, value, lambda _: 1.0)


def _ratio(
    name: str,
    rows: Sequence[CutRow],
    above: Callable[[CutRow], float],
    below: Callable[[CutRow], float],
) -> Figure:
    return ratio_figure(name, [(row.group, row) for row in rows], above, below)
