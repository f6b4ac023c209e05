"""The card's figures are checked by one command, which says of each whether it was reproduced."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation.shipped import PARTS, run_shipped

ACCURACY = {"name": "Acc@0.5, one object", "value": 0.9, "low": 0.85, "high": 0.95, "count": 100}


def suite_saying(value, calls):
    """A stand-in for `geo-r1 evaluate` whose every suite finds this accuracy, give or take 5 points."""

    def run(argv):
        calls.append(argv)
        figure = {**ACCURACY, "value": value, "low": value - 0.05, "high": value + 0.05}
        inner = {"figures": [figure], "rows": []}
        document = {"title": inner} if argv[1] == "masks" else inner
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
    figures = {part.name: [ACCURACY] for part in PARTS}
    figures["masks"] = [{**ACCURACY, "name": f"title: {ACCURACY['name']}"}]
    path.write_text(json.dumps(figures))
    return path


def test_figures_within_the_interval_are_reproduced(card, capsys):
    """92 ± 5 % reproduces a card of 90 %."""
    assert run_shipped(chosen(), suite_saying(0.92, []), card) == 0
    assert capsys.readouterr().out.count(" as the card\n") >= 3


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


def test_figures_are_kept_and_read_again(tmp_path, card):
    """What `--keep` writes is a card."""
    kept = tmp_path / "kept.json"
    run_shipped(chosen(full=True, keep=kept), suite_saying(0.7, []), card)

    assert run_shipped(chosen(), suite_saying(0.7, []), kept) == 0
    assert run_shipped(chosen(), suite_saying(0.9, []), kept) == 1


def test_without_a_card_the_way_out_is_named(tmp_path):
    """No figures to compare with: the error says how to write them."""
    with pytest.raises(ConfigError) as caught:
        run_shipped(chosen(), suite_saying(0.9, []), tmp_path / "none.json")
    assert "--keep" in caught.value.hint
