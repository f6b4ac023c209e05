"""A second question about a chip does not decode and shrink it again; what is kept for that has a bound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

import geo_r1_backend.api.ground as route
from geo_r1_backend.engines.resize import plan_view
from geo_r1_backend.grounding.ground import GroundOptions, Question, ground
from geo_r1_backend.grounding.kept_views import KeptViews
from geo_r1_backend.wire import ResultEvent
from tests.backend.colour_segmenter import ColourSegmenter
from tests.backend.fixed_engine import PROFILE, FixedEngine


def asked(reads, *, chip="c", task="rec", size=(900, 600), **more):
    def read():
        reads.append(chip)
        return Image.linear_gradient("L").resize(size).convert("RGB")

    return Question("a", task, "tank", read, chip=chip, size_px=size, **more)


def seen(question, kept, engine=None):
    """The image that the engine was shown, and the answer."""
    engine = engine or FixedEngine()
    events = list(
        ground([question], engine, GroundOptions(), lambda: False, ColourSegmenter, kept=kept)
    )
    (result,) = [e for e in events if isinstance(e, ResultEvent)]
    return engine.seen[0].image.tobytes(), replace(result, timings=None)


def test_second_question_sees_the_same_without_decoding():
    """The same pixels and the same boxes come from memory, whatever is asked; another chip is read."""
    reads, kept = [], KeptViews()

    first, second = seen(asked(reads), kept), seen(asked(reads, task="ovd", detail="view"), kept)
    other = seen(asked(reads, chip="d", size=(600, 900)), kept)

    assert reads == ["c", "d"]
    assert first[0] == second[0] != other[0]
    assert first[1].detections == second[1].detections


def test_another_model_has_its_own_view():
    """A model that sees the chip at another size is not shown the first one's view."""
    reads, kept = [], KeptViews()
    small = FixedEngine(profile=replace(PROFILE, view_sizes_px=((448, 448),)))

    first, second = seen(asked(reads), kept), seen(asked(reads), kept, small)

    assert reads == ["c", "c"]
    assert len(first[0]) != len(second[0])


@pytest.mark.parametrize("task", ["gres", "ovd"])
def test_whole_pixels_are_read_where_they_are_needed(task):
    """Masks are cut out of the chip itself, and windows are parts of it: both read it each time."""
    reads, kept = [], KeptViews()
    small = replace(PROFILE, view_sizes_px=((448, 448),))
    for _ in range(2):
        seen(asked(reads, task=task), kept, FixedEngine(profile=small))

    assert reads == ["c", "c"]


def test_bytes_that_are_kept_have_a_bound():
    """However many chips are asked about, the newest views within the bound are kept, and one too large is not."""
    view = plan_view(448, 448, PROFILE)
    kept = KeptViews(limit_bytes=4 * 448 * 448 * 3)
    for number in range(50):
        kept.keep(str(number), view, Image.new("RGB", (448, 448)))
        kept.get("46", view)
        assert kept.size_bytes <= 4 * 448 * 448 * 3

    assert [name for name in map(str, range(50)) if kept.get(name, view)] == [
        "46",
        "47",
        "48",
        "49",
    ]
    kept.keep("49", view, Image.new("RGB", (448, 448)))
    kept.keep("large", view, Image.new("RGB", (4480, 4480)))
    assert kept.get("large", view) is None
    assert kept.get("46", view)
    assert kept.size_bytes == 4 * 448 * 448 * 3


def test_the_service_reads_a_chip_once(start_service, monkeypatch):
    """Over HTTP: two questions about one chip, one reading of its file."""
    reads, real = [], route.open_image
    monkeypatch.setattr(
        route, "open_image", lambda path, **more: reads.append(1) or real(path, **more)
    )
    running = start_service(FixedEngine())
    chip = running.put_chip(900, 600)

    answers = [running.ask(chip, query)[-1] for query in ("the tank", "the largest tank")]

    assert [answer["event"] for answer in answers] == ["result"] * 2
    assert answers[0]["detections"] == answers[1]["detections"]
    assert len(reads) == 1
