"""Advantages within a group, which groups teach, and the order of prompts."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_r1_backend.training.advantage import advantages, informative
from geo_r1_backend.training.replay import Replay

rewards = st.lists(st.floats(0, 2), min_size=2, max_size=16)
method = st.sampled_from(["grpo", "dapo", "dr_grpo"])


@given(rewards, method)
def test_advantages_of_a_group_sum_to_zero(rewards, method):
    """What one completion gains another one loses."""
    found = advantages(rewards, method)

    assert len(found) == len(rewards)
    assert math.fsum(found) == pytest.approx(0, abs=1e-6)


@given(rewards, method, st.floats(-1, 1))
def test_advantages_ignore_what_all_share(rewards, method, shift):
    """A reward that every completion gets changes nothing."""
    moved = advantages([value + shift for value in rewards], method)

    # dividing by a spread near its floor of 1e-4 magnifies the rounding of the sums
    assert moved == pytest.approx(advantages(rewards, method), abs=1e-6)


@given(rewards, method)
def test_better_completions_have_greater_advantages(rewards, method):
    """The order of advantages is the order of rewards."""
    found = advantages(rewards, method)

    ranked = [a for _, a in sorted(zip(rewards, found, strict=True))]
    assert ranked == sorted(found)


@pytest.mark.parametrize(
    ("rewards", "method", "expected"),
    [
        ([1.0, 0.0], "dr_grpo", [0.5, -0.5]),
        ([1.0, 0.0], "grpo", [0.5 / (math.sqrt(0.5) + 1e-4), -0.5 / (math.sqrt(0.5) + 1e-4)]),
        ([0.3, 0.3, 0.3], "dapo", [0.0, 0.0, 0.0]),  # nothing to learn from
        ([0.7], "grpo", [0.0]),
        ([], "dr_grpo", []),
    ],
)
def test_advantages_by_hand(rewards, method, expected):
    """Small groups, worked out by hand: standard deviation of a sample, floor 1e-4."""
    assert advantages(rewards, method) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metrics", "teaches"),
    [
        ([0.0, 0.0, 0.0, 0.0], False),  # all missed, however near they came
        ([1.0, 1.0], False),
        ([0.5, 0.505], False),  # half a hundredth of IoU is noise
        ([0.0, 0.02], True),
        ([], False),
    ],
)
def test_groups_are_chosen_by_the_true_metric(metrics, teaches):
    """A group teaches where its metric varies; shaped rewards have no say in it."""
    assert informative(metrics) is teaches


@given(st.integers(1, 12), st.integers(1, 30), st.integers(0, 99))
def test_every_prompt_comes_once_before_any_comes_again(prompts, count, seed):
    """Prompts are asked in rounds."""
    replay = Replay(prompts, seed)

    asked = replay.next(count)

    for first in range(0, count, prompts):
        round_of = asked[first : first + prompts]
        assert len(set(round_of)) == len(round_of)


def test_only_prompts_that_taught_are_asked_again():
    """Replacements come from informative prompts, not those of this step, each once, those with more spread more often."""
    replay = Replay(6, seed=1)
    replay.note(0, [0.0, 0.0])
    replay.note(1, [0.0, 0.9])
    replay.note(2, [0.1, 0.2])
    replay.note(3, [0.0, 1.0])

    assert Replay(6).replacements(3) == []
    assert set(replay.replacements(9)) == {1, 2, 3}
    assert replay.replacements(9, exclude=[1, 3]) == [2]
    drawn = [replay.replacements(1)[0] for _ in range(300)]
    assert drawn.count(3) > 2 * drawn.count(2)
    assert 0 not in drawn


def test_a_prompt_that_stops_teaching_fades():
    """A prompt that is solved loses its place bit by bit, and can win it back."""
    replay = Replay(2, seed=1)
    replay.note(0, [0.0, 1.0])
    replay.note(1, [0.0, 1.0])
    for _ in range(12):
        replay.note(0, [1.0, 1.0])

    drawn = [replay.replacements(1)[0] for _ in range(200)]

    assert 0 < drawn.count(0) < 30


@given(st.integers(1, 9), st.integers(0, 20), st.integers(0, 99))
def test_replay_goes_on_where_it_was_saved(prompts, before, seed):
    """A replay that went through JSON makes the same choices as the one that stayed in memory."""
    replay = Replay(prompts, seed)
    for index, prompt in enumerate(replay.next(before)):
        replay.note(prompt, [0.0, index / 20])
    replay.replacements(1)
    copy = Replay.from_state(json.loads(json.dumps(replay.state())))

    assert [copy.next(3), copy.replacements(2), copy.next(5)] == [
        replay.next(3),
        replay.replacements(2),
        replay.next(5),
    ]


def test_no_prompts_are_refused():
    """A replay of nothing is a mistake of the caller, and says so."""
    with pytest.raises(ValueError, match="there are 0 prompts"):
        Replay(0)
