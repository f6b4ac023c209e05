"""What training may not see is decided by names alone, once, for training and evaluation alike."""

from pathlib import Path

import pytest

pytest.importorskip("cv2", reason="groups are read with the real suites")

from geo_r1_backend.evaluation.real.groups import split_of
from geo_r1_backend.evaluation.real.held_out import (
    SAME_PLACE,
    airport_place,
    held_out_airport,
    one_per_original,
    street_fold,
)
from geo_r1_backend.evaluation.real.labels import STREET_SCENES, LabelledImage

AIRPORTS = [f"airport_{number}" for number in range(1000)]


def a_copy(original, name):
    """One augmented copy of an original."""
    return LabelledImage(Path(f"{original}_jpg.rf.{name}.jpg"), original, (), ("airplane",))


def test_about_a_quarter_of_the_airports_is_held_out():
    """The share is 25 % of any large number of names."""
    assert 0.21 <= sum(map(held_out_airport, AIRPORTS)) / len(AIRPORTS) <= 0.29


def test_held_out_airports_never_change():
    """These names are on these sides for ever: weights that were trained without them depend on it."""
    assert [a for a in AIRPORTS[:20] if held_out_airport(a)] == [
        "airport_3",
        "airport_4",
        "airport_9",
        "airport_12",
        "airport_13",
    ]


def test_what_few_shot_training_may_see_is_never_held_out():
    """Held-out places are a part of the split `test`."""
    assert all(split_of(airport_place(a)) == "test" for a in AIRPORTS if held_out_airport(a))


def test_all_copies_of_an_original_lie_on_one_side():
    """A picture is where its original is, and two names of one place are on the same side."""
    for original in AIRPORTS[:50]:
        assert held_out_airport(a_copy(original, "x")) == held_out_airport(original)
    for name, place in SAME_PLACE.items():
        assert held_out_airport(name) == held_out_airport(place)


def test_one_copy_of_each_original_is_asked_about():
    """The first by name, in whatever order the copies come."""
    copies = [a_copy("b", "2"), a_copy("a", "9"), a_copy("b", "1"), a_copy("a", "3")]
    chosen = [image.path.name for image in one_per_original(copies)]
    assert chosen == ["a_jpg.rf.3.jpg", "b_jpg.rf.1.jpg"]
    assert chosen == [image.path.name for image in one_per_original(copies[::-1])]


def test_each_street_scene_is_held_out_once():
    """Three scenes, three folds; any other name is an error."""
    assert [street_fold(scene) for scene in STREET_SCENES] == [0, 1, 2]
    with pytest.raises(ValueError, match="street 9"):
        street_fold("street 9")
