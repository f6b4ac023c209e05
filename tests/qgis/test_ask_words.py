"""What is said about an answer that came."""

from geo_r1_qgis.core import wire
from geo_r1_qgis.core.ask_state import AskState, Stage
from geo_r1_qgis.gui.ask_words import remark_on, stage_words

WARNING = "Parts of “scene” could not be drawn: band 1"


def result(outcome):
    return wire.ResultEvent(
        item="1",
        outcome=outcome,
        detections=[],
        reasoning="",
        raw_answer="",
        model="m",
        engine="e",
        prompt="",
    )


def test_none_comes_with_what_the_picture_lacked():
    """“No such object” about a picture that lacked something says both: the object may lie in what was missing."""
    title, text = remark_on(result("none"), token_limit=100, warning=WARNING)

    assert title == "No such object here"
    assert text.endswith(WARNING)


def test_none_about_a_whole_picture_is_said_alone():
    """Without anything to remark on, only the answer is said."""
    _, text = remark_on(result("none"), token_limit=100, warning="")

    assert text == "The model answered: none."


def test_progress_is_said_while_windows_are_looked_through():
    """Which look is under way, of how many, never more than all; before the first one the model just thinks."""
    state = AskState()
    state.begin("airplanes")
    state.move(Stage.CAPTURING)
    state.move(Stage.UPLOADING)
    state.take(wire.StartedEvent("1", "m", "onnx", "cpu", 448, 448))
    assert stage_words(state, 1.0) == "Thinking… 1.0 s"

    said = []
    for done in (0, 1, 9, 10):
        state.take(wire.ProgressEvent("1", done, 10))
        said.append(stage_words(state, 2.5))

    assert said[0] == "Looking closely, 1 of 10… 2.5 s"
    assert said[1] == "Looking closely, 2 of 10… 2.5 s"
    assert said[2] == said[3] == "Looking closely, 10 of 10… 2.5 s"
