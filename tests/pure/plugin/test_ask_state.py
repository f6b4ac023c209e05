"""A question goes through its states in order and ends once."""

import itertools

import pytest

from geo_r1_qgis.core import wire
from geo_r1_qgis.core.ask_state import FINAL, FOLLOWERS, AskState, Stage
from geo_r1_qgis.core.errors import GeoR1Error

TANK = wire.Detection(0, "tank", [1.0, 2.0, 3.0, 4.0])
SHIP = wire.Detection(1, "ship", [5.0, 6.0, 7.0, 8.0])
RESULT = wire.ResultEvent("1", "found", [TANK, SHIP], "because", "{}", "m", "onnx", "p")


ENDS = list(itertools.permutations(sorted(FINAL, key=lambda stage: stage.value), 2))


def sent():
    """A question whose picture is on its way."""
    state = AskState()
    state.begin("the tank")
    state.move(Stage.CAPTURING)
    state.move(Stage.UPLOADING)
    return state


def test_the_whole_way():
    """Queued, started, text, a detection, the result, written, done."""
    state = sent()
    state.take(wire.QueuedEvent("1", 2))
    assert (state.stage, state.position) == (Stage.QUEUED, 2)
    state.take(wire.StartedEvent("1", "m", "onnx", "cpu", 448, 448))
    state.take(wire.TokenEvent("1", "Find", "think"))
    assert state.stage is Stage.STREAMING
    assert state.take(wire.DetectionEvent("1", TANK)) == TANK
    assert state.take(wire.DetectionEvent("1", TANK)) is None
    state.take(RESULT)
    state.move(Stage.WRITING)
    assert state.missing_detections() == [SHIP]
    state.move(Stage.DONE)

    assert not state.is_running
    assert state.detections == [TANK, SHIP]


def test_progress_is_kept_until_the_next_question():
    """How many looks are done is known while there are several, and forgotten with the question."""
    state = sent()
    state.take(wire.StartedEvent("1", "m", "onnx", "cpu", 448, 448))
    assert state.progress is None
    state.take(wire.ProgressEvent("1", 2, 10))
    assert (state.progress.done, state.progress.total) == (2, 10)
    assert state.stage is Stage.STREAMING
    state.move(Stage.STOPPED)
    state.begin("the next")

    assert state.progress is None


def test_every_running_state_can_be_stopped_and_can_fail():
    """Stop works at any time, and so does a fault."""
    running = [stage for stage in Stage if stage not in FINAL and stage is not Stage.IDLE]

    assert all({Stage.STOPPED, Stage.FAILED} <= FOLLOWERS[stage] for stage in running)


@pytest.mark.parametrize(("first", "second"), ENDS)
def test_a_question_ends_once(first, second):
    """After an end nothing follows but the next question."""
    state = sent()
    state.stage = first

    with pytest.raises(ValueError, match=f"from {first.value} to {second.value}"):
        state.move(second)


def test_an_error_event_ends_the_question_and_keeps_what_was_found():
    """The service may fail in the middle; the detections before that are answers."""
    state = sent()
    state.take(wire.DetectionEvent("1", TANK))
    state.take(wire.ErrorEvent("1", wire.ErrorBody("engine-failed", "m")))

    assert (state.stage, state.error.code, state.detections) == (
        Stage.FAILED,
        "engine-failed",
        [TANK],
    )


def test_the_next_question_begins_clean():
    """Nothing of the last question is left."""
    state = sent()
    state.take(wire.DetectionEvent("1", TANK))
    state.fail(GeoR1Error("x"))
    state.begin("another")

    assert (state.query, state.detections, state.error) == ("another", [], None)


def test_a_heartbeat_changes_nothing():
    """A sign of life is not a state."""
    state = sent()
    state.take(wire.HeartbeatEvent("", 5.0))

    assert state.stage is Stage.UPLOADING
