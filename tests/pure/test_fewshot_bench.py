"""The few-shot proof: fair splits, a fixed grid, and tables that say no more than the rows."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from geo_r1_backend.config import clone_folder


@pytest.fixture(scope="module", autouse=True)
def scripts():
    """The bench is a folder of scripts: its modules are found for these tests alone."""
    folder = str(clone_folder() / "scripts" / "bench" / "fewshot")
    sys.path.insert(0, folder)
    yield
    sys.path.remove(folder)
    for name in ("cells", "data", "pool", "table"):
        sys.modules.pop(name, None)


@dataclass(frozen=True)
class Asked:
    """A question as far as the split looks at it."""

    group: str
    kind: str
    number: int

    @property
    def question(self):
        """Its truth."""
        target = SimpleNamespace(kind=self.kind)
        return SimpleNamespace(expression=SimpleNamespace(answers=(target,)))


@pytest.fixture
def questions():
    """200 questions about 100 pictures of four classes."""
    kinds = ("ship", "car", "airplane", "tennis court")
    return [Asked(f"picture {n // 2}", kinds[n // 2 % 4], n) for n in range(200)]


def row(arm, seed, hits, validation=0.5, rate=1e-5):
    """A finished cell."""
    return {
        "base": "shipped",
        "shots": 10,
        "think": True,
        "seed": seed,
        "arm": {"name": arm, "learning_rate": rate},
        "validation": validation,
        "hits": hits,
        "base_hits": [True, False, False, False],
        "groups": ["a", "a", "b", "c"],
    }


@pytest.mark.parametrize("shots", [1, 5, 10])
def test_shots_are_counted_per_class_and_no_picture_is_on_both_sides(questions, shots):
    """Each class has as many training questions as there are shots; validation shares no picture with them."""
    from data import VALIDATION_QUESTIONS, split_shots

    train, validation = split_shots(questions, shots, seed=3)

    assert set(Counter(one.kind for one in train).values()) == {shots}
    assert len(validation) == VALIDATION_QUESTIONS
    assert not {one.group for one in train} & {one.group for one in validation}


def test_every_arm_and_seed_is_judged_by_the_same_validation_questions(questions):
    """The seed chooses the shots, never the judges."""
    from data import split_shots

    parts = [split_shots(questions, 5, seed) for seed in (1, 2)]

    assert parts[0][1] == parts[1][1]
    assert parts[0][0] != parts[1][0]


def test_names_of_cells_are_theirs_alone():
    """A row on disk belongs to one cell, whatever the stage."""
    from cells import grid

    names = [cell.name for cell in grid("all")]

    assert len(names) == len(set(names)) > 100
    with pytest.raises(ValueError, match="stage is 'second'"):
        list(grid("second"))


def test_sft_is_represented_by_what_validation_chose():
    """Not by the luckiest rate on the test part."""
    from table import chosen

    rows = [
        row("sft-full-1e-05", 1, [True, True, True, True], validation=0.4),
        row("sft-lora-1e-04", 1, [False, False, False, False], validation=0.6, rate=1e-4),
    ]

    assert chosen(rows)["best SFT"][1]["arm"]["name"] == "sft-lora-1e-04"


def test_a_tower_that_learned_is_held_against_its_own_kind():
    """SFT with the tower frozen and with it learning are two families, and DAPO is compared with the one like it."""
    from table import chosen, table

    frozen = row("sft-full-4e-05", 1, [True, False, False, False], validation=0.4)
    learned = row("sft-full-4e-05-vision", 1, [True, True, True, False], validation=0.9)
    dapo = row("dapo-5e-05-wide-vision", 1, [True, True, True, True])

    found = chosen([frozen, learned, dapo])
    assert found["best SFT"][1] is frozen
    assert found["best SFT, vision"][1] is learned
    line = next(
        one for one in table([frozen, learned, dapo]).splitlines() if one.startswith("| dapo-")
    )
    assert line.split("|")[6].strip().startswith("+25.0")


def test_a_seed_that_lacks_candidates_says_so():
    """The best of one is not the best of two."""
    from table import table

    rows = [
        row("sft-full-1e-05", 1, [True, True, False, False]),
        row("sft-full-4e-05", 1, [True, False, False, False]),
        row("sft-full-1e-05", 2, [True, False, False, False]),
    ]

    assert "| best SFT | 2 (best of 2, 1) |" in table(rows)
    assert "best of" not in table(rows[:2])


def test_gains_are_differences_on_the_same_questions():
    """Paired by question: the mean gain is the difference of the accuracies."""
    from table import gains, interval, table

    better = row("dapo", 1, [True, True, True, False])
    worse = row("sft-full-1e-05", 1, [True, False, False, False])

    value, low, high = interval(gains({1: better}, {1: worse}))

    assert value == pytest.approx(50)
    assert low <= value <= high
    assert interval(gains({1: worse}, None)) == (0, 0, 0)
    assert "| DAPO | 1 | **75.0** | 75.0 | +50.0" in table([better, worse])


def test_work_is_shared_out_once_and_a_failure_stops_nobody(tmp_path):
    """Every piece is done by exactly one process; one that fails is counted, and the others go on."""
    import time

    from pool import share_out

    def work(piece):
        if piece == 2:
            raise ValueError("this one cannot be done")
        (tmp_path / f"{piece}").touch(exist_ok=False)

    failed = share_out(range(5), work, workers=2, gpus=0)

    assert failed == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "3", "4"]
    assert share_out(range(9), work, workers=2, gpus=0, until_s=time.monotonic()) == 0
    assert len(list(tmp_path.iterdir())) == 4
