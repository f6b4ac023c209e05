"""What is said about an answer that came."""

from geo_r1_qgis.core import wire
from geo_r1_qgis.gui.ask_words import remark_on

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
