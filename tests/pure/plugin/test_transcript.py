"""Coordinates in the reasoning become places; the rest stays harmless text."""

import random

import pytest

from geo_r1_qgis.core.plain_text import visible
from geo_r1_qgis.core.transcript import Transcript, link_to, place_of_link, segments

CHAIN = (
    "Find tanks: white [12,30,60,78], gray (100, 40.5) and [1, 2, 3].\nLargest: [100,40,150,90]."
)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("a [12,30,60,78] b", [(12, 30, 60, 78)]),  # the form of the chain
        ("[ 12 , 30 , 60 , 78 ]", [(12, 30, 60, 78)]),  # spaces
        ("[1.5,2,3,4.25]", [(1.5, 2, 3, 4.25)]),  # fractions
        ("[-3,0,10,10]", [(-3, 0, 10, 10)]),  # outside of the chip is still a place
        ("ships: (34,56) white, (120,300) gray", [(34, 56), (120, 300)]),  # points
        ('{"bbox_2d":[100,40,150,90],"label":"x"}', [(100, 40, 150, 90)]),  # in the answer's JSON
        ("[1,2,3]", []),  # three numbers
        ("[1,2,3,4,5]", []),  # five
        ("(about 5, 6)", []),  # words
        ("[9999999,1,2,3]", []),  # no picture is that large
        ("f(x, y) [a,b,c,d] ()", []),  # no numbers
    ],
)
def test_coordinates_are_found(text, places):
    """Four numbers in brackets are a box, two in parentheses a point, all else is text."""
    parts = segments(text)

    assert places == [part.place_px for part in parts if part.place_px is not None]
    assert text == "".join(part.text for part in parts)


@pytest.mark.parametrize("seed", range(20))
def test_pieces_give_the_same_links_as_the_whole(seed):
    """However the stream cuts the text, the same coordinates become links and no character is lost."""
    cutter = random.Random(seed)  # noqa: S311 - cuts a text
    transcript, parts, start = Transcript(), [], 0
    while start < len(CHAIN):
        size = cutter.randint(1, 9)
        for _section, ready in transcript.feed("think", CHAIN[start : start + size]):
            parts += ready
        start += size
    for _section, ready in transcript.finish():
        parts += ready

    assert CHAIN == "".join(part.text for part in parts) == transcript.reasoning
    whole = [part.place_px for part in segments(CHAIN) if part.place_px]
    assert whole == [part.place_px for part in parts if part.place_px]


def test_text_is_held_back_only_where_it_may_become_a_coordinate():
    """Words appear at once; a begun bracket waits for its end, and not for ever."""
    transcript = Transcript()

    assert [("think", segments("Find "))] == transcript.feed("think", "Find [12,3")
    assert [("think", segments("[12,3x "))] == transcript.feed("think", "x ")
    assert transcript.feed("think", "[1" + "0" * 60) == []
    assert len(transcript.feed("think", "0" * 60)) == 1


def test_sections_do_not_run_into_each_other():
    """What the reasoning held back is handed out before the answer begins."""
    transcript = Transcript()
    transcript.feed("think", "see [12")

    sections = [section for section, _ in transcript.feed("answer", "{}")]

    assert sections == ["think", "answer"]
    assert transcript.reasoning == "see [12"


@pytest.mark.parametrize(
    "text",
    [
        '<a href="http://evil">[1,2,3,4]</a>',
        "<img src=x onerror=alert(1)>",
        "<script>(1,2)</script>",
        "&lt;b&gt; &#60;",
        "]]>--><!--",
    ],
)
def test_markup_stays_text(text):
    """Nothing is interpreted: the segments are the text, and only numbers make links."""
    parts = segments(text)

    assert text == "".join(part.text for part in parts)
    assert all(
        place_of_link(link_to(part.place_px)) == part.place_px for part in parts if part.place_px
    )


@pytest.mark.parametrize(
    "mark", ["\u202e", "\u2066", "\u200b", "\x00", "\x1b", "\u2028", "\ufeff", "\ud800"]
)
def test_text_cannot_disguise_itself(mark):
    """Marks that hide or reorder text are shown as what they are: something that cannot be shown."""
    assert visible(f"left{mark}right") == "left\N{REPLACEMENT CHARACTER}right"


def test_ordinary_text_is_left_alone():
    """Letters of all scripts, line ends and tabs pass unchanged."""
    text = "größte Halle\n\tda 東 עב 👷"

    assert visible(text) == text


@pytest.mark.parametrize(
    "link", ["px:1,2,3", "px:", "px:a,b", "http://x", "px:1,2;3,4", "px:nan,1", "javascript:1", ""]
)
def test_foreign_links_are_no_places(link):
    """Only links that this module makes lead anywhere."""
    assert place_of_link(link) is None
