"""The embedded segmenter as it ships: loads, is small, and cuts out what generated scenes show."""

from __future__ import annotations

import pytest

pytest.importorskip("cv2", reason="the evaluate extra is not installed")

from geo_r1_backend.engines.segmenter import load_segmenter
from geo_r1_backend.evaluation.segmenting.cases import generated_cases
from geo_r1_backend.evaluation.segmenting.command import measure
from geo_r1_backend.evaluation.segmenting.figures import figures_of
from geo_r1_backend.evaluation.segmenting.grabcut import FilledBox, GrabCut
from geo_r1_backend.models.registry import embedded_segmenter_folder

FOLDER = embedded_segmenter_folder()
pytestmark = pytest.mark.skipif(FOLDER is None, reason="this tree has no embedded segmenter")


@pytest.mark.parametrize(
    ("jittered", "least"),
    [
        (False, 0.85),  # true boxes
        (True, 0.82),  # boxes some pixels off, as a model draws them
    ],
)
def test_generated_scenes_are_cut_out(jittered, least):
    """gIoU on the first scenes of the frozen recipe that need no photograph; ahead of GrabCut and of the filled box."""
    ours = load_segmenter(FOLDER, 2)
    others = [GrabCut(), FilledBox()]

    rows, _ = measure(generated_cases(None, jittered=jittered, count=30), ours, others)
    figures = {f.name: f.value for f in figures_of(rows, ours.name, [o.name for o in others])}

    assert len(rows) > 60
    assert figures[f"gIoU, {ours.name}"] >= least
    assert figures["gIoU ahead of GrabCut"] >= 0.1
    assert figures["gIoU ahead of filled box"] >= 0.1


def test_the_files_are_small():
    """At most 10 MB together."""
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 10_000_000
