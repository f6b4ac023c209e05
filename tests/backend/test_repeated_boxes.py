"""A model that loses count says an object twice; the user sees it once, and is told."""

from __future__ import annotations

import pytest
from PIL import Image

from geo_r1_backend.grounding.ground import GroundOptions, Question, ground
from geo_r1_backend.wire import DetectionEvent
from tests.backend.fixed_engine import FixedEngine


@pytest.mark.parametrize(
    ("boxes", "kept"),
    [
        ([(20, 20, 80, 80), (20, 21, 80, 80), (100, 20, 150, 70)], 2),  # a pixel beside: the same
        ([(20, 20, 80, 80), (20, 20, 80, 80)], 1),  # word for word
        ([(20, 20, 80, 80), (40, 20, 100, 80)], 2),  # half over another: two objects
        ([(20, 20, 80, 80), (30, 30, 70, 70)], 2),  # one inside another: two objects
    ],
)
def test_an_object_is_reported_once(boxes, kept):
    """Boxes that overlap by 0.85 or more with the same label are one detection, streamed once, the rest named as dropped."""
    items = ",".join(f'{{"bbox_2d":[{a},{b},{c},{d}],"label":"tank"}}' for a, b, c, d in boxes)
    engine = FixedEngine(f"<think>x</think><answer>[{items}]</answer>")
    question = Question("q", "ovd", "tanks", lambda: Image.new("RGB", (448, 448)))

    events = list(ground([question], engine, GroundOptions(), lambda: False))

    assert len(events[-1].detections) == kept
    assert sum(isinstance(e, DetectionEvent) for e in events) == kept
    assert [d.rank for d in events[-1].detections] == list(range(kept))
    assert len(events[-1].dropped) == len(boxes) - kept
    assert all(d.reason for d in events[-1].dropped)


LOOP = (
    '<think>Find cars: (1,2).</think><answer>[{"bbox_2d":[10,20,60,70],"label":"car"},'
    + '{"bbox_2d":["},' * 400
)


def test_a_model_that_loops_is_stopped():
    """A text that only repeats itself ends soon, keeps what was found before, and says why."""
    engine = FixedEngine(LOOP)
    question = Question("q", "ovd", "cars", lambda: Image.new("RGB", (448, 448)))

    events = list(ground([question], engine, GroundOptions(), lambda: False))

    result = events[-1]
    assert result.outcome == "found"
    assert len(result.detections) == 1
    assert any("repeat itself" in d.reason for d in result.dropped)
    assert len(result.raw_answer) < 500


def test_a_long_list_is_not_a_loop():
    """Sixty objects in rows are listed to the end."""
    items = ",".join(
        f'{{"bbox_2d":[{10 + 40 * (k % 10)},{10 + 40 * (k // 10)},{30 + 40 * (k % 10)},{30 + 40 * (k // 10)}],"label":"car"}}'
        for k in range(60)
    )
    engine = FixedEngine(f"<think>Find cars.</think><answer>[{items}]</answer>")
    question = Question("q", "ovd", "cars", lambda: Image.new("RGB", (448, 448)))

    result = list(ground([question], engine, GroundOptions(), lambda: False))[-1]

    assert len(result.detections) == 60
    assert not result.dropped
