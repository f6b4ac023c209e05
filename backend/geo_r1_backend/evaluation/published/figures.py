"""Figures of a published set under one protocol, with intervals over pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from geo_r1_backend.evaluation.coco import ALL_ALIKE, BY_RANK, Detected, coco_figures
from geo_r1_backend.evaluation.figure import Figure, ratio_figure
from geo_r1_backend.evaluation.masks import question_iou
from geo_r1_backend.evaluation.published.scored import Judged, Scored

RESCALED, PAPER_STYLE = "rescaled", "paper-style"
Part = list[tuple[str, tuple[Scored, Judged]]]
"""Picture, and a question with one reading of its answer."""


def figures(rows: Sequence[Scored], protocol: str = RESCALED) -> list[Figure]:
    """All figures of a set; none where no answer can be read under this protocol."""
    part: Part = []
    for row in rows:
        judged = row.rescaled if protocol == RESCALED else row.paper
        if judged is not None:
            part.append((row.sample.picture, (row, judged)))
    task = rows[0].sample.task if rows else "rec"
    if not part or len(part) < len(rows):
        return []
    found = {"rec": _one_object, "ovd": _all_objects, "gres": _masks}[task](part, protocol)
    return [figure for figure in found if figure.count]


def _one_object(part: Part, protocol: str) -> list[Figure]:
    # the paper's scripts ask for more than the threshold, not for at least it
    hit: Callable[[float, float], bool] = (
        (lambda value, least: value > least)
        if protocol == PAPER_STYLE
        else (lambda value, least: value >= least)
    )
    found = []
    for name, chosen in (
        ("all", part),
        ("unique", [p for p in part if p[1][0].sample.unique is True]),
        ("non-unique", [p for p in part if p[1][0].sample.unique is False]),
    ):
        for least in (0.5, 0.7):
            found.append(
                ratio_figure(f"Acc@{least}, {name}", chosen, lambda r, t=least: hit(r[1].iou, t))  # type: ignore[misc]
            )
        found.append(ratio_figure(f"mean IoU, {name}", chosen, lambda r: r[1].iou))
    found.append(
        ratio_figure("says none where there is one", part, lambda r: r[0].answer.says_none)
    )
    return found


def _all_objects(part: Part, protocol: str) -> list[Figure]:
    rows = [
        Detected(picture, row.sample.kind, judged.boxes_px, row.truth_px)
        for picture, (row, judged) in part
    ]
    absent = [p for p in part if not p[1][0].truth_px]
    alike = protocol == PAPER_STYLE
    return [
        *coco_figures(rows, scores=ALL_ALIKE if alike else BY_RANK),
        _f1("F1@0.5, all classes asked for", part),
        _f1("F1@0.5, classes that are there", [p for p in part if p[1][0].truth_px]),
        ratio_figure("none recognised", absent, lambda r: not r[1].boxes_px),
    ]


def _f1(name: str, part: Part) -> Figure:
    return ratio_figure(
        name,
        part,
        lambda r: 2.0 * r[1].counts[0],
        lambda r: float(r[1].counts[1] + r[1].counts[2]),
        empty=1.0,
    )


def _masks(part: Part, protocol: str) -> list[Figure]:
    del protocol  # masks are read the same way under both
    empty = [p for p in part if _shares(p[1][1])[2] == 0]
    return [
        *(
            ratio_figure(
                f"gIoU, empty answer about nothing = {value:.0f}",
                part,
                lambda r, v=value: _iou(r[1], v),  # type: ignore[misc]
            )
            for value in (0.0, 1.0)
        ),
        ratio_figure(
            "cIoU, both conventions",
            part,
            lambda r: float(_shares(r[1])[0]),
            lambda r: float(_shares(r[1])[1]),
        ),
        ratio_figure("none recognised", empty, lambda r: _shares(r[1])[1] == 0),
    ]


def _iou(judged: Judged, both_empty: float) -> float:
    return question_iou(judged.overlap, both_empty=both_empty) if judged.overlap else 0.0


def _shares(judged: Judged) -> tuple[int, int, int]:
    """Shared, union and true pixels."""
    one = judged.overlap
    return (one.shared_px, one.union_px, one.true_px) if one else (0, 0, 0)
