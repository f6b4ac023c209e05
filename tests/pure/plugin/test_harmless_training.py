"""What a strange service may say of a run cannot harm: ids stay ids, boxes boxes, texts short."""

import json

import pytest

from geo_r1_qgis.core import training_wire as tw
from geo_r1_qgis.core.codec import decode_run_event
from geo_r1_qgis.core.errors import ProtocolError
from geo_r1_qgis.core.harmless_training import MAX_PREVIEWS, harmless_run_event, harmless_training
from tests.pure.plugin.test_train_state import look, run, step


def preview(**changes):
    """A validation chip that was asked again."""
    values = {
        "chip": "0" * 64, "query": "tank", "true_boxes_px": [[0.0, 0.0, 1.0, 1.0]], "boxes_px": [], "reasoning": "",
        "iou": 0.0, **changes,
    }  # fmt: skip
    return tw.Preview(**values)


def test_good_events_come_through_unchanged():
    """Nothing that our own service says is altered."""
    for event in (
        step(1, 1),
        look(2, 1),
        tw.NoteEvent(3, "a note"),
        tw.RunStateEvent(4, "running"),
    ):
        assert harmless_run_event(event) == event
    assert harmless_training(run(adapter="nano+r1")) == run(adapter="nano+r1")


def test_a_run_id_that_is_a_path_is_refused():
    """Ids go into addresses."""
    for each in ("../x", "a/b", "..", "", "x" * 65):
        with pytest.raises(ProtocolError):
            harmless_training(run(id=each))


def test_texts_are_shown_as_text_and_shortened():
    """Names lose their line ends, notes their length, and a model id that is none is none."""
    made = harmless_training(run(name="a\nb" + "c" * 500, adapter="a b"))
    note = harmless_run_event(tw.NoteEvent(1, "x " * 5000))

    assert "\n" not in made.name
    assert len(made.name) <= 120
    assert made.adapter is None
    assert len(note.text) <= 1000


def test_previews_are_few_and_have_boxes():
    """A strip of chips has an end, and a box has four corners in order."""
    score = look(1, 1).score
    many = tw.EvaluationEvent(1, 1, score, [preview()] * 100)
    assert len(harmless_run_event(many).previews) == MAX_PREVIEWS
    for bad in (
        preview(boxes_px=[[1.0]]),
        preview(boxes_px=[[2.0, 0.0, 1.0, 1.0]]),
        preview(chip="../x"),
    ):
        with pytest.raises(ProtocolError):
            harmless_run_event(tw.EvaluationEvent(1, 1, score, [bad]))


def test_an_event_of_a_newer_service_is_skipped():
    """An unknown kind is nothing; a number below zero is a fault."""
    assert decode_run_event(json.dumps({"event": "party", "number": 3})) is None
    with pytest.raises(ProtocolError):
        harmless_run_event(tw.NoteEvent(-1, "x"))
