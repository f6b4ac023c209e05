"""The form that shows how a question was understood: one line, mended part by part, honest about the rest."""

import pytest
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis.core.comparison import RANKS, Comparison, Relation, read_comparison
from geo_r1_qgis.gui.comparison_form import ComparisonForm


@pytest.fixture
def form(qtbot):
    """An open window with the form in it."""
    made = ComparisonForm()
    qtbot.addWidget(made)
    made.resize(320, 200)
    made.show()
    return made


def choose(combo, data):
    """As a user who picks an entry."""
    combo.setCurrentIndex(combo.findData(data))


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("the largest white storage tank left of the road", "storage tanks · white · largest · left of: road"),
        ("the second car from the left", "cars · leftmost (number 2)"),
        ("all houses within 100 m of the river", "houses · within 100 m of: river · all"),
        ("the plane nearest to the white terminal", "planes · nearest: white terminal"),
        ("the three largest ships", "ships · largest (the first 3)"),
    ],
)  # fmt: skip
def test_one_line_says_how_it_was_understood(form, query, line):
    """Closed, the form is one line; the fields behind the arrow hold the same comparison."""
    form.set_query(query)

    assert (line, True) == (form.line.text(), form.body.isHidden())
    assert read_comparison(query).comparison == form.comparison
    form.arrow.click()
    assert form.body.isVisible()
    form.target.setText(form.target.text() + "x")
    form.target.setText(form.target.text()[:-1])
    assert read_comparison(query).comparison == form.comparison  # the fields alone make it again


def test_what_cannot_be_expressed_is_said(form):
    """Words that found no place stand below the line, and so does what left means on a whole layer."""
    form.set_query("the leftmost tank between the two roads")

    assert form.line.text() == "tanks · leftmost"
    assert "Not taken into account: “between the two roads”" in form.rest.text()
    assert "left means west" in form.rest.text()
    form.set_query("the largest tank")
    assert form.rest.isHidden()


def test_every_part_can_be_mended(qtbot, form):
    """Typed and chosen, each part comes out with `changed`, and the line follows."""
    form.set_query("the largest tank")
    heard = []
    form.changed.connect(heard.append)
    form.arrow.click()
    form.target.clear()
    QTest.keyClicks(form.target, "Oil  Tank")
    QTest.keyClicks(form.attributes, "white, round")
    choose(form.rank, "smallest")
    form.place.setValue(3)
    choose(form.relation, Relation.NEAR.value)
    assert form.comparison is None  # near what?
    assert "name it" in form.rest.text()
    QTest.keyClicks(form.anchor, "road")
    QTest.keyClicks(form.anchor_attributes, "gray")
    form.within.setValue(120.5)
    form.many.click()

    expected = Comparison(
        "oil tank", ("white", "round"), Relation.NEAR, "road", ("gray",),
        rank=type(RANKS["smallest"])(RANKS["smallest"].key, False, 3), many=True, within_m=120.5,
    )  # fmt: skip
    assert expected == form.comparison == heard[-1]
    assert (
        form.line.text()
        == "oil tanks · white · round · smallest (the first 3) · within 120.5 m of: gray road"
    )
    assert None in heard


def test_several_of_a_rank_are_at_least_two(form):
    """“Several” of the largest makes it the first two: one would be no several."""
    form.set_query("the largest tank")
    form.many.click()

    assert (form.comparison.rank.place, form.comparison.many) == (2, True)
    form.many.click()
    form.place.setValue(1)
    assert RANKS["largest"] == form.comparison.rank


def test_a_new_question_is_read_anew(form):
    """What was mended belongs to its question; the same question again keeps it."""
    form.set_query("the largest tank")
    choose(form.rank, "longest")
    form.set_query("the largest  tank?")  # the same question
    assert RANKS["longest"] == form.comparison.rank

    form.set_query("the smallest ship")
    assert ("ship", RANKS["smallest"]) == (form.comparison.target, form.comparison.rank)


def test_without_a_question_it_takes_no_room(form):
    """An empty question has nothing to show."""
    form.set_query("the largest tank")
    form.set_query("")

    assert form.comparison is None
    assert form.isHidden()


@pytest.mark.parametrize("several", [False, True])
def test_a_narrow_dock_cuts_no_words(qtbot, form, several):
    """At the width of a small dock, numbers and ticks are as wide as what stands in them."""
    form.set_query(
        "the three largest ships near the pier"
        if several
        else "the third largest ship near the pier"
    )
    form.arrow.click()
    form.resize(300, form.sizeHint().height())
    qtbot.waitExposed(form)

    for field in (form.place, form.many, form.within):
        assert field.isVisible()
        assert field.width() >= field.sizeHint().width(), field.objectName()
        assert form.rect().contains(
            form.mapFromGlobal(field.mapToGlobal(field.rect().bottomRight()))
        )
