"""One engine, many questions: what is said of each, whatever the engine does."""

from __future__ import annotations

import weakref
from dataclasses import replace

import pytest
from PIL import Image

from geo_r1_backend.engines.base import Piece
from geo_r1_backend.errors import ChipTruncated, EngineFailed
from geo_r1_backend.grounding.ground import GroundOptions, Question, ground
from geo_r1_backend.wire import DetectionEvent, ErrorEvent, ResultEvent, StartedEvent, TokenEvent
from tests.backend.fixed_engine import ONE, PROFILE, FixedEngine


def question(item="a", task="rec", size=(448, 448)):
    return Question(item, task, "tank", lambda: Image.new("RGB", size))


def run(engine, *questions, should_stop=lambda: False, **options):
    return list(ground(questions or [question()], engine, GroundOptions(**options), should_stop))


def final(events):
    return {e.item: e for e in events if isinstance(e, (ResultEvent, ErrorEvent))}


def test_batches_are_answered_as_one_by_one():
    """The same questions in batches of any size have the same answers."""
    questions = [question(name) for name in "abcde"]
    answers = {}
    for size in (1, 2, 5, 9):
        events = run(FixedEngine(), *questions, batch_size=size)
        answers[size] = [(e.item, e.detections) for e in events if isinstance(e, ResultEvent)]

    assert answers[1] == answers[2] == answers[5] == answers[9]
    assert [item for item, _ in answers[1]] == list("abcde")


class MixingEngine(FixedEngine):
    """Says one piece of each item in turn, those of the last item twice as fast."""

    def generate(self, items, options, should_stop):
        told = [
            [
                replace(piece, index=index)
                for piece in super(MixingEngine, self).generate([item], options, should_stop)
            ]
            for index, item in enumerate(items)
        ]
        while any(told):
            for index, pieces in enumerate(told):
                for _ in range(2 if index == len(told) - 1 else 1):
                    if pieces:
                        yield pieces.pop(0)


def test_mixed_pieces_are_told_apart():
    """Where an engine answers several at once, each item has the events of its own answer in order, and ends once."""
    sizes = [(448, 448), (504, 448), (560, 448)]
    texts = {width: ONE.replace("50,60", f"{width // 10},60") for width, _ in sizes}

    def answer_of(item):
        return texts[item.image.width]

    questions = [question(name, size=size) for name, size in zip("abc", sizes, strict=True)]
    alone = {q.item: run(FixedEngine(answer_of), q) for q in questions}
    together = run(MixingEngine(answer_of, best_batch=3), *questions)

    assert [e.item for e in together if isinstance(e, ResultEvent)] == ["c", "a", "b"]
    for item, events in alone.items():
        own = [e for e in together if e.item == item]
        assert [untimed(e) for e in own] == [untimed(e) for e in events]


def untimed(event):
    return replace(event, timings=None) if isinstance(event, ResultEvent) else event


class FussyEngine(FixedEngine):
    """Cannot answer about some images, and says so before anything else, whoever is asked about beside them."""

    def __init__(self, *too_wide_px, **more):
        super().__init__(**more)
        self.too_wide_px = too_wide_px
        self.calls = []

    def generate(self, items, options, should_stop):
        self.calls.append(len(items))
        if any(item.image.width in self.too_wide_px for item in items):
            raise EngineFailed("too wide", engine="fussy")
        yield from super().generate(items, options, should_stop)


def test_one_that_fails_does_not_spoil_its_batch():
    """Where a batch fails before an item was heard, that item is asked alone; only the one at fault fails."""
    questions = [question(name, size=(448 + 56 * n, 448)) for n, name in enumerate("abcd")]
    engine = FussyEngine(504, best_batch=4)

    events = run(engine, *questions)

    assert {item: e.event for item, e in final(events).items()} == {
        "a": "result",
        "b": "error",
        "c": "result",
        "d": "result",
    }
    assert final(events)["b"].error.code == "engine-failed"
    assert sum(isinstance(e, StartedEvent) for e in events) == 4
    assert engine.calls == [4, 1, 1, 1, 1]


def test_a_broken_engine_is_not_tried_for_each_item():
    """An engine that fails for one after another is asked no further; each item of the batch has the reason."""
    engine = FussyEngine(448, best_batch=16)

    events = run(engine, *[question(f"i{n}") for n in range(16)])

    ends = [e for e in events if isinstance(e, ErrorEvent)]
    assert sorted(e.item for e in ends) == sorted(f"i{n}" for n in range(16))
    assert {e.error.code for e in ends} == {"engine-failed"}
    assert engine.calls == [16, 1, 1]


def test_large_pictures_are_not_collected():
    """A batch of questions about pictures larger than the model sees has one of them in memory, not all."""
    alive, most = set(), 0

    def read():
        nonlocal most
        picture = Image.new("RGB", (1400, 1000))
        alive.add(id(picture))
        weakref.finalize(picture, alive.discard, id(picture))
        most = max(most, len(alive))
        return picture

    questions = [replace(question(name, "ovd"), read_image=read) for name in "abcdef"]
    events = run(
        FixedEngine(profile=replace(PROFILE, view_sizes_px=((448, 448),)), best_batch=6, step=99),
        *questions,
    )

    assert sorted(final(events)) == list("abcdef")
    assert most <= 2  # the next one is read before the last one is let go


def test_bad_question_does_not_spoil_its_neighbours():
    """An item whose pixels or task are wrong fails alone."""

    def damaged():
        raise ChipTruncated(format_name="PNG", size_bytes=3)

    bad = replace(question("b"), read_image=damaged)
    events = final(
        run(
            FixedEngine(profile=replace(PROFILE, tasks=("rec",))),
            question("a"),
            bad,
            question("c", "ovd"),
            question("d"),
            batch_size=4,
        )
    )

    assert events["a"].event == events["d"].event == "result"
    assert events["b"].error.code == "chip-truncated"
    assert events["c"].error.code == "task-unsupported"


class BadEngine(FixedEngine):
    """Does what no engine should."""

    def __init__(self, how):
        super().__init__()
        self.how = how

    def generate(self, items, options, should_stop):
        yield Piece(0, "<think>so")
        if self.how == "raises":
            raise ZeroDivisionError("inside of a library")
        if self.how == "ends twice":
            yield Piece(0, "</think><answer>None</answer>", finish="stop")
            yield Piece(0, "more", finish="stop")


@pytest.mark.parametrize(
    ("how", "code"),
    [("raises", "engine-failed"), ("ends without a word", "internal"), ("ends twice", None)],
)
def test_engines_that_misbehave_still_end_once(how, code):
    """Whatever an engine does, each item has exactly one final event."""
    ends = [e for e in run(BadEngine(how)) if isinstance(e, (ResultEvent, ErrorEvent))]

    assert len(ends) == 1
    assert (ends[0].error.code if isinstance(ends[0], ErrorEvent) else None) == code


def test_stop_ends_without_a_word():
    """When it should stop, nothing more is said, and no further item is begun."""
    engine = FixedEngine()
    said = []

    for event in ground(
        [question("a"), question("b")], engine, GroundOptions(), lambda: len(said) > 3
    ):
        said.append(event)

    assert final(said) == {}
    assert len(engine.seen) == 1


def test_box_outside_of_the_chip_is_dropped_with_the_reason():
    """A box in the padding, or beyond the image, is not clipped to a line but reported."""
    text = '<answer>[{"bbox_2d":[500,500,600,600],"label":"x"},{"bbox_2d":[400,400,600,600],"label":"y"}]</answer>'

    events = run(FixedEngine(text))

    result = events[-1]
    assert [(d.rank, d.label, d.box_px) for d in result.detections] == [
        (0, "y", [400, 400, 448, 448])
    ]
    assert [(d.reason, d.text) for d in result.dropped] == [
        ("outside of the image", "x [500,500,600,600]")
    ]
    assert [e.detection for e in events if isinstance(e, DetectionEvent)] == result.detections


def test_answer_that_only_the_whole_text_gives_is_told_before_the_result():
    """Every detection of a result has been an event, also where the stream could not know it."""
    events = run(FixedEngine("The tank is at (10,20),(30,40)"))

    assert [e.detection for e in events if isinstance(e, DetectionEvent)] == events[-1].detections
    assert events[-1].detections[0].box_px == [10, 20, 30, 40]


def test_order_of_events_and_their_sums():
    """Started comes first, the result last; texts add up to what the model said, times to what it took."""
    events = run(FixedEngine(step=2), question(size=(448, 448)))

    result = events[-1]
    assert isinstance(events[0], StartedEvent)
    assert events[0].engine == "fixed"
    texts = {"think": "", "answer": ""}
    for event in events:
        if isinstance(event, TokenEvent):
            texts[event.section] += event.text
    assert (
        f"<think>{texts['think']}</think><answer>{texts['answer']}</answer>"
        == ONE
        == result.raw_answer
    )
    assert result.timings.tokens == len(range(0, len(ONE), 2))
    assert 0 <= result.timings.first_token_ms <= result.timings.total_ms
    assert result.prompt.startswith("Please provide the bounding box")


def test_direct_answers_ask_with_the_other_prompt():
    """Without reasoning the prompt lacks its thinking half."""
    engine = FixedEngine('{"bbox_2d":[1,2,30,40],"label":"t"}', profile=PROFILE)

    result = run(engine, think=False)[-1]

    assert "<think>" not in engine.seen[0].prompt
    assert result.reasoning == ""
    assert result.outcome == "found"
