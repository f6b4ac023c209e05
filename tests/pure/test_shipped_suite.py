"""The card's figures are checked by one command, which says of each whether it was reproduced."""

from __future__ import annotations

import argparse
import json
import math
from importlib.resources import files
from pathlib import Path

import pytest

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation.shipped import CARD, PARTS, run_shipped

BY_SUITE = {part.suite: part for part in PARTS}


def figure_named(name, value):
    """A figure in the form of a report, give or take 5 points."""
    return {"name": name, "value": value, "low": value - 0.05, "high": value + 0.05, "count": 100}


def report_of(suite, value):
    """What each suite writes: plain, with the way of looking apart, or in titled parts."""
    name = BY_SUITE[suite].figures[0]
    if suite == "airports":
        name, way = name.rsplit(", ", 1)
        return {"figures": [{**figure_named(name, value), "way": way}], "rows": []}
    if suite == "masks":
        title, name = name.split(": ", 1)
        return {title: {"figures": [figure_named(name, value)], "rows": []}}
    return {"figures": [figure_named(name, value)], "rows": []}


def suite_saying(value, calls):
    """A stand-in for `geo-r1 evaluate` whose every suite finds this value."""

    def run(argv):
        calls.append(argv)
        document = report_of(argv[argv.index("--suite") + 1], value)
        Path(argv[argv.index("--out") + 1]).write_text(json.dumps(document))
        return 0

    return run


def chosen(**changes):
    """The command's options."""
    return argparse.Namespace(**{"full": False, "keep": None, **changes})


@pytest.fixture
def card(tmp_path):
    """A card that says 90 % everywhere."""
    path = tmp_path / "card.json"
    figures = {part.name: [figure_named(part.figures[0], 0.9)] for part in PARTS}
    path.write_text(json.dumps(figures))
    return path


def test_figures_within_the_interval_are_reproduced(card, capsys):
    """92 ± 5 % reproduces a card of 90 %."""
    assert run_shipped(chosen(), suite_saying(0.92, []), card) == 0
    assert capsys.readouterr().out.count("  as the card\n") == len(PARTS)


def test_a_figure_outside_its_interval_fails(card, capsys):
    """80 ± 5 % does not, and the command says which."""
    assert run_shipped(chosen(), suite_saying(0.8, []), card) == 1
    assert "NOT as the card" in capsys.readouterr().out


def test_a_better_model_is_not_as_the_card_either(card):
    """Figures that are too good are as suspicious as bad ones."""
    assert run_shipped(chosen(), suite_saying(0.99, []), card) == 1


def test_every_suite_of_the_card_is_run(card):
    """Reduced by default, whole with `--full`."""
    quick, full = [], []
    run_shipped(chosen(), suite_saying(0.9, quick), card)
    run_shipped(chosen(full=True), suite_saying(0.9, full), card)

    assert [argv[1] for argv in quick] == [part.suite for part in PARTS]
    assert "--per-family" in quick[0]
    assert "--per-family" not in full[0]


def test_a_part_of_the_questions_is_a_fair_part():
    """Photographs are asked about in turns of two and of eight questions: the stride meets every place of a turn."""
    strides = [int(part.reduced[1]) for part in PARTS if part.suite in ("real-rec", "real-ovd")]

    assert len(strides) == 2
    assert all(math.gcd(stride, 8) == 1 for stride in strides)


def test_figures_are_kept_and_read_again(tmp_path, card):
    """What `--keep` writes is a card."""
    kept = tmp_path / "kept.json"
    run_shipped(chosen(full=True, keep=kept), suite_saying(0.7, []), card)

    assert run_shipped(chosen(), suite_saying(0.7, []), kept) == 0
    assert run_shipped(chosen(), suite_saying(0.9, []), kept) == 1


def test_the_shipped_card_has_every_figure():
    """The file that is part of the package holds what each part compares."""
    document = json.loads(files("geo_r1_backend.evaluation").joinpath(CARD).read_text())

    assert list(document) == [part.name for part in PARTS]
    for part in PARTS:
        assert {f["name"] for f in document[part.name]} == set(part.figures)


def test_without_a_card_the_way_out_is_named(tmp_path):
    """No figures to compare with: the error says how to write them."""
    with pytest.raises(ConfigError) as caught:
        run_shipped(chosen(), suite_saying(0.9, []), tmp_path / "none.json")
    assert "--keep" in caught.value.hint
