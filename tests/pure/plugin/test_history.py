"""Up and Down walk through what was asked before."""

from geo_r1_qgis.core.history import LIMIT, QueryHistory


def test_up_and_down_come_back_to_what_was_being_typed():
    """The unfinished line is not lost by looking back."""
    history = QueryHistory(["first", "second"])

    shown = [
        history.older("dra"),
        history.older("second"),
        history.older("first"),
        history.newer("first"),
    ]

    assert shown == ["second", "first", "first", "second"]
    assert history.newer("second") == "dra"
    assert history.newer("dra") == "dra"


def test_an_empty_history_leaves_the_line_alone():
    """Up does nothing when nothing was asked."""
    assert QueryHistory().older("typed") == "typed"


def test_a_repeated_question_moves_to_the_end():
    """Each query is there once, the newest last."""
    history = QueryHistory(["a", "b"])
    history.add(" a ")
    history.add("")

    assert history.entries == ["b", "a"]


def test_the_history_does_not_grow_for_ever():
    """The project file keeps the newest queries only."""
    history = QueryHistory()
    for number in range(LIMIT + 50):
        history.add(str(number))

    assert len(history.entries) == LIMIT
    assert history.entries[-1] == str(LIMIT + 49)
