"""Choices by a seed: the same for everybody, and even."""

from __future__ import annotations

from geo_r1_qgis.core.chance import between, drawn, share, shuffled


def test_the_same_names_give_the_same_number_for_ever():
    """A data set that is built again is the same data set, on every machine and Python."""
    assert share("split", 7, "a") == 0.5994834327918284
    assert share("split", 7, "a") != share("split", 7, "b")


def test_numbers_are_evenly_spread():
    """Mean and extremes of many are those of even chance."""
    numbers = [share("even", n) for n in range(4000)]

    assert abs(sum(numbers) / len(numbers) - 0.5) < 0.02
    assert 0 <= min(numbers) < 0.01
    assert 0.99 < max(numbers) < 1
    assert all(2 <= between(2, 5, n) < 5 for n in range(100))


def test_an_order_holds_every_number_once():
    """Shuffling loses nothing, and another seed is another order."""
    assert sorted(shuffled(50, "s", 1)) == list(range(50))
    assert shuffled(50, "s", 1) == shuffled(50, "s", 1) != shuffled(50, "s", 2)


def test_draws_are_even_and_repeatable():
    """Numbers drawn with replacement stay below their limit, come equally often, and are the same for the same names."""
    numbers = drawn(7000, 7, "d", 1)

    assert set(numbers) == set(range(7))
    assert all(900 < numbers.count(each) < 1100 for each in range(7))
    assert numbers == drawn(7000, 7, "d", 1) != drawn(7000, 7, "d", 2)
    assert drawn(0, 0, "d") == []
