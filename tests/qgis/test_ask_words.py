"""What is said about an answer that came."""

from geo_r1_qgis.core import wire
from geo_r1_qgis.core.ask_state import AskState, Stage
from geo_r1_qgis.gui.ask_words import ending_words, remark_on, stage_words

WARNING = "Parts of “scene” could not be drawn: band 1"


def result(outcome, count=0, *dropped):
    return wire.ResultEvent(
        item="1",
        outcome=outcome,
        detections=[wire.Detection(i, "tank", [i, 0, i + 1, 9]) for i in range(count)],
        dropped=list(dropped),
        reasoning="",
        raw_answer="",
        model="m",
        engine="e",
        prompt="",
    )


def test_none_comes_with_what_the_picture_lacked():
    """“No such object” about a picture that lacked something says both: the object may lie in what was missing."""
    title, text = remark_on(result("none"), task="rec", token_limit=100, warning=WARNING)

    assert title == "No such object here"
    assert text.endswith(WARNING)


def test_none_about_a_whole_picture_is_said_alone():
    """Without anything to remark on, only the answer is said."""
    _, text = remark_on(result("none"), task="rec", token_limit=100, warning="")

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


def remark(answer, task="gres", warning=""):
    """What is said about an answer."""
    return remark_on(answer, task=task, token_limit=100, warning=warning)


def test_several_objects_that_fit_are_an_answer():
    """One object was asked for and three fit: that is said, with what would tell them apart; all of them are marked."""
    title, text = remark(result("found", 3), "rec")

    assert title == "3 objects fit: all are marked"
    assert "say more" in text
    assert WARNING in remark(result("found", 3), "rec", WARNING)[1]


def test_several_objects_are_no_surprise_where_all_were_asked_for():
    """All objects, masks, and one object that is one: nothing to remark on."""
    assert remark(result("found", 3), "ovd") is None
    assert remark(result("found", 3), "gres") is None
    assert remark(result("found", 1), "rec") is None


def test_the_list_says_that_several_fit():
    """What stands beside the question in the list outlives the message."""
    state = AskState()
    state.result = result("found", 3)
    state.detections = list(state.result.detections)

    assert ending_words(state, "rec") == "3 fit: all are marked"
    assert ending_words(state, "ovd") == ""


def test_boxes_instead_of_masks_are_explained():
    """Each reason once, in words of ours where its code is known; the objects are named where it is theirs alone."""
    no_mask = [wire.Dropped(f"tank [{i},0,9,9]", "English", "no-mask") for i in range(6)]
    title, text = remark(result("found", 6, *no_mask))

    assert title == "Not every object has a mask"
    assert text.count("\n") == 0
    assert "tank [0,0,9,9]" in text
    assert text.endswith("…")
    missing = wire.Dropped("tank", "Put one into /x", "segmenter-missing")
    assert "(a segmenter)" in remark(result("found", 1, missing))[1]
    failed = wire.Dropped("tank", "The engine failed: out of memory.", "engine-failed")
    assert remark(result("found", 1, failed))[1] == "The engine failed: out of memory."
    limit = wire.Dropped("tank", "200 masks", "mask-limit")
    assert "too many" in remark(result("found", 1, limit))[1]


def test_a_piece_that_was_dropped_is_not_taken_for_a_mask():
    """What could not be used and what has no mask are two things, said together."""
    title, text = remark(
        result("found", 1, wire.Dropped("[1]", "one number"), wire.Dropped("t", "r", "no-mask"))
    )

    assert title == "A part of the answer could not be used"
    assert text.splitlines()[0] == "one number"
    assert "stays a box" in text.splitlines()[1]


def test_an_object_that_was_named_twice_is_nothing_to_remark_on():
    """It is on the map once, as it should be; that the model repeated itself stays in the file."""
    again = wire.Dropped('{"bbox_2d": [1, 2, 3, 4]}', "the same object once more")
    also = wire.Dropped("tank [1,2,3,4]", "the same object a second time")

    assert remark(result("found", 2, again, also), "ovd") is None
    assert "bbox_2d" not in remark(result("found", 3, again), "rec")[1]


def test_what_could_not_be_used_is_counted_without_the_models_own_marks():
    """Beside objects that were found nobody reads JSON: each reason stands once, with how often."""
    pieces = [wire.Dropped('{"bbox_2d": [1, 1, 1, 1]}', "the box has no area")] * 3

    title, text = remark(result("found", 2, *pieces), "ovd")

    assert title == "A part of the answer could not be used"
    assert text == "3 × the box has no area"
