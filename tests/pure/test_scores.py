"""`training/scores.py`: laws of scores and verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_r1_backend.engines.resize import plan_view
from geo_r1_backend.evaluation.metrics import f1
from geo_r1_backend.pretraining.package import PROFILE
from geo_r1_backend.training.rewards.said import read
from geo_r1_backend.training.scores import Row, row_of, score_of, verdict_of
from geo_r1_backend.training.targets import target_text
from geo_r1_backend.training_wire import MIN_HELD_OUT_FOR_VERDICT, Sample

VIEW = plan_view(448, 448, PROFILE)
TRUTH = [100.0, 100.0, 200.0, 180.0]


def sample_of(boxes, task="rec"):
    """A sample on a chip of its own."""
    return Sample(chip="0" * 64, query="the pier", task=task, boxes_px=boxes, label="pier")


def answered(boxes, task="rec", truth=None):
    """The row of an answer with these boxes."""
    text = target_text(sample_of(boxes, task), VIEW)
    sample = sample_of([TRUTH] if truth is None else truth, task)
    return row_of(0, sample, read(text, VIEW, task))


def rec_row(index, *, right, place=None):
    """One question for one object."""
    return Row(index, place or f"place {index}", "rec", right, int(right), 1, 1, 0.8 * right)


@st.composite
def ovd_rows(draw):
    """Rows for all objects, some places with several chips."""
    rows = []
    for index in range(draw(st.integers(1, 25))):
        said, true = draw(st.integers(0, 6)), draw(st.integers(0, 6))
        hits = draw(st.integers(0, min(said, true)))
        place = str(draw(st.integers(0, 8)))
        rows.append(Row(index, place, "ovd", hits == said == true, hits, said, true, 0.7 * hits))
    return rows


def test_one_object_is_judged_by_its_first_box():
    """A person who asks for one object looks at the first box: right from IoU 0.5 on, whatever is said behind it."""
    assert answered([TRUTH]).right
    assert answered([TRUTH]).iou == pytest.approx(1)
    assert not answered([[150, 150, 300, 300]]).right
    text = (
        '<answer>[{"bbox_2d":[0,0,50,50],"label":"pier"},'
        '{"bbox_2d":[100,100,200,180],"label":"pier"}]</answer>'
    )
    second = row_of(0, sample_of([TRUTH]), read(text, VIEW, "rec"))
    assert not second.right
    assert (second.iou, second.said) == (0.0, 2)


def test_none_is_right_only_where_nothing_is():
    """None for nothing is right, a box for nothing is wrong, None for something is wrong; silence is never right."""
    assert answered([], truth=[]).right
    assert not answered([TRUTH], truth=[]).right
    assert not answered([]).right
    assert not row_of(0, sample_of([]), read("<answer>", VIEW, "rec")).right


def test_masks_are_refused():
    """Masks need a segmenter, which this module does not know."""
    with pytest.raises(ValueError, match="masks"):
        row_of(0, sample_of([TRUTH], "gres"), read("None", VIEW, "gres"))


def test_masks_are_scored_by_their_mean():
    """Answers with masks: gIoU is the mean of their IoUs over samples, boxes or not."""
    said = read("None", VIEW, "gres")
    rows = [
        row_of(i, sample_of([TRUTH], "gres"), said, share) for i, share in enumerate((0.2, 0.6))
    ]

    score = score_of(rows, "held_out")

    assert score.metric == "giou"
    assert score.value == pytest.approx(0.4)
    assert score.mean_iou == pytest.approx(0.4)


@given(ovd_rows())
@settings(max_examples=40, deadline=None)
def test_f1_is_that_of_evaluation(rows):
    """F1 is the figure that `geo-r1 evaluate` reports for the same counts, and its interval lies in [0, 1]."""
    score = score_of(rows, "held_out")
    assert score.metric == "f1@0.5"
    assert score.value == pytest.approx(f1([(row.matched, row.said, row.true) for row in rows]))
    assert 0 <= score.low <= score.high <= 1
    assert (score.objects, score.samples) == (sum(row.true for row in rows), len(rows))


@given(st.lists(st.booleans(), min_size=1, max_size=60))
@settings(max_examples=40, deadline=None)
def test_accuracy_is_the_share_of_right_answers(rights):
    """Acc@0.5 is the share of right samples; the order of samples changes neither it nor its interval."""
    rows = [rec_row(index, right=right) for index, right in enumerate(rights)]
    score = score_of(rows, "validation")
    assert score.metric == "acc@0.5"
    assert score.value == pytest.approx(sum(rights) / len(rights))
    assert score_of(rows[::-1], "validation") == score


def test_no_samples_give_zeros():
    """A part without samples has a score of zeros, no error."""
    score = score_of([], "validation")
    assert (score.value, score.low, score.high, score.samples, score.mean_iou) == (0, 0, 0, 0, 0)


@given(ovd_rows())
@settings(max_examples=40, deadline=None)
def test_the_same_answers_make_no_difference(rows):
    """Identical answers before and after: the gain is exactly 0, and so is its interval."""
    verdict = verdict_of(rows, list(rows))
    assert (verdict.gain, verdict.gain_low, verdict.gain_high) == (0, 0, 0)
    enough = sum(row.true for row in rows) >= MIN_HELD_OUT_FOR_VERDICT
    assert verdict.outcome == ("no_difference" if enough else "too_few")
    assert verdict.before == verdict.after


@given(ovd_rows(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_interval_contains_the_gain_and_turns_with_it(rows, dice):
    """The interval contains the gain; before and after exchanged, gain and interval change their sign."""
    after = []
    for row in rows:
        hits = dice.randint(0, min(row.said, row.true))
        after.append(replace(row, matched=hits, iou_sum=0.6 * hits))
    there, back = verdict_of(rows, after), verdict_of(after, rows)
    assert there.gain_low <= there.gain <= there.gain_high
    assert there.gain == pytest.approx(there.after.value - there.before.value)
    assert (back.gain, back.gain_low, back.gain_high) == pytest.approx(
        (-there.gain, -there.gain_high, -there.gain_low), abs=1e-9
    )


def test_outcomes():
    """Better, worse and no difference follow the interval; below 30 objects it is too few, however large the gain."""
    bad = [rec_row(index, right=False) for index in range(60)]
    good = [rec_row(index, right=index % 3 > 0) for index in range(60)]
    close = [replace(row, right=row.index == 0) for row in bad]
    assert verdict_of(bad, good).outcome == "better"
    assert verdict_of(good, bad).outcome == "worse"
    assert verdict_of(bad, close).outcome == "no_difference"
    few = verdict_of(bad[:29], good[:29])
    assert few.outcome == "too_few"
    assert few.gain > 0.5
    assert verdict_of(bad[:30], good[:30]).outcome == "better"


def test_chips_of_one_place_count_once():
    """Sixty chips of two places say little: the interval is wider than that of sixty places with the same answers."""
    spread = [rec_row(index, right=index % 2 == 0) for index in range(60)]
    crowded = [replace(row, place=str(row.index % 2)) for row in spread]
    wide, narrow = score_of(crowded, "held_out"), score_of(spread, "held_out")
    assert wide.value == narrow.value
    assert (wide.low, wide.high) == (0, 1)
    assert narrow.high - narrow.low < 0.3


def test_pairing_takes_out_what_is_hard_in_both():
    """Answers that differ in few places: the paired interval is far narrower than the two scores' intervals."""
    before = [rec_row(index, right=index % 2 == 0) for index in range(100)]
    after = [replace(row, right=row.right or row.index % 10 == 1) for row in before]
    verdict = verdict_of(before, after)
    assert verdict.outcome == "better"
    assert verdict.gain_high - verdict.gain_low < 0.7 * (verdict.after.high - verdict.after.low)


def test_different_samples_are_not_compared():
    """A verdict over different samples is an error, never a figure."""
    rows = [rec_row(index, right=True) for index in range(4)]
    with pytest.raises(ValueError, match="the same samples"):
        verdict_of(rows, rows[:3])
    with pytest.raises(ValueError, match="the same samples"):
        verdict_of(rows, [*rows[:3], rows[0]])
