"""A run's life from its events: what may follow what, and that a plugin that was closed catches up."""

import pytest

from geo_r1_qgis.core import training_wire as tw
from geo_r1_qgis.core.curves import charts, smoothed, ticks
from geo_r1_qgis.core.train_state import FINAL, FOLLOWERS, Stage, TrainState


def run(state="running", **changes):
    """A run as a list shows it."""
    values = {
        "id": "r1", "name": "tanks", "dataset": "d1", "model": "nano", "method": "dapo", "adaptation": "lora", "state": state,
        "step": 0, "steps": 40, "seed": 0, "device": "cpu", "created": "2026-01-01T00:00:00Z", "elapsed_s": 1.0,
    }  # fmt: skip
    return tw.RunInfo(**{**values, **changes})


def step(number, at, reward=0.5, method="dapo"):
    """One step."""
    return tw.StepEvent(
        number=number, step=at, steps=40, reward=reward, reward_parts={"format": 1.0, "iou": reward}, metric=reward,
        loss=0.1, completion_tokens=60.0, informative=0.5, kl=0.0, clipped=0.0, gradient_norm=1.0, learning_rate=1e-5,
        seconds=3.0, remaining_s=60.0, method=method,
    )  # fmt: skip


def look(number, at, part="validation", iou=0.4):
    """One evaluation."""
    score = tw.Score(part, "acc@0.5", iou, iou, iou, 3, 3, iou)
    return tw.EvaluationEvent(number, at, score)


def test_from_the_check_to_the_verdict():
    """The whole way of a run that goes well."""
    state = TrainState()
    for stage in (Stage.CONNECTING, Stage.CUTTING, Stage.SENDING, Stage.STARTING):
        state.move(stage)
    state.follow(run("queued"))
    assert state.stage is Stage.QUEUED
    state.take(tw.RunStateEvent(1, "running"))
    state.take(step(2, 1))
    state.take(look(3, 1))
    score = look(4, 40).score
    verdict = tw.Verdict(score, score, 0.0, -0.1, 0.1, "too_few")
    state.take(tw.VerdictEvent(4, verdict, "nano+r1"))
    state.take(tw.RunStateEvent(5, "finished"))

    assert state.stage is Stage.FINISHED
    assert not state.is_running
    assert (state.adapter, state.verdict, state.last_event) == ("nano+r1", verdict, 5)


@pytest.mark.parametrize("stage", list(Stage))
def test_every_state_can_be_left(stage):
    """From each state there is a way to an end, and from each end to a new beginning."""
    reached, new = {stage}, {stage}
    while new:
        new = {each for at in new for each in FOLLOWERS[at]} - reached
        reached |= new

    assert reached & FINAL
    assert Stage.IDLE in reached


def test_an_event_is_taken_once():
    """A stream that begins again before the last event changes nothing."""
    state = TrainState()
    state.follow(run())
    events = [tw.RunStateEvent(1, "running"), step(2, 1), step(3, 2)]
    assert [state.take(event) for event in events] == [True] * 3
    assert [state.take(event) for event in events] == [False] * 3
    assert [each.step for each in state.steps] == [1, 2]


def test_steps_after_a_resume_replace_those_that_were_lost():
    """A run that goes on from step 2 writes step 3 again: the curve has each step once."""
    state = TrainState()
    state.follow(run())
    for number, at in enumerate((1, 2, 3, 4), start=1):
        state.take(step(number, at))
    state.take(tw.RunStateEvent(5, "stopped"))
    state.resume(run("running"))
    state.take(step(6, 3, reward=0.9))

    assert [each.step for each in state.steps] == [1, 2, 3]
    assert state.last_step.reward == 0.9


def test_a_failed_run_says_why_and_can_be_resumed():
    """The error of the last event is kept; resuming forgets it."""
    state = TrainState()
    state.follow(run())
    from geo_r1_qgis.core.wire import ErrorBody

    state.take(tw.RunStateEvent(1, "failed", error=ErrorBody("storage-failed", "full")))
    assert (state.error.code, state.can_resume) == ("storage-failed", True)
    state.resume(run("queued"))
    assert (state.error, state.stage) == (None, Stage.QUEUED)


def test_another_run_begins_with_empty_curves():
    """Following a second run forgets the first one's points."""
    state = TrainState()
    state.follow(run())
    state.take(step(1, 1))
    state.follow(run("finished", id="r2"))

    assert (state.steps, state.last_event, state.stage) == ([], 0, Stage.FINISHED)


def test_a_state_that_cannot_follow_is_a_fault():
    """Running cannot come before starting."""
    with pytest.raises(ValueError, match="from idle to running"):
        TrainState().move(Stage.RUNNING)


def test_charts_of_a_run():
    """Reward with its parts, quality between 0 and 1 with the looks at validation chips, length."""
    made = charts([step(1, 1), step(2, 2)], [look(3, 0), look(4, 2)])

    assert [chart.key for chart in made] == ["reward", "quality", "length"]
    assert [s.key for s in made[0].series] == ["reward", "part:format", "part:iou"]
    assert (made[1].low, made[1].high) == (0.0, 1.0)
    assert made[1].series[1].points == [(0, 0.4), (2, 0.4)]
    assert charts([], []) == []


def test_examples_have_a_loss_and_no_reward():
    """Steps with examples are points of the loss alone; the rewards begin with the steps that sample."""
    made = charts([step(1, 1, 0.0, "sft"), step(2, 2, 0.0, "sft"), step(3, 3)], [])
    by_key = {chart.key: chart for chart in made}

    assert by_key["loss"].series[0].points == [(1, 0.1), (2, 0.1)]
    assert by_key["reward"].series[0].points == [(3, 0.5)]
    assert by_key["quality"].series[0].points == [(3, 0.5)]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 0.07), (-3, 5), (0, 812), (2, 2)])
def test_ticks_are_round_and_inside(low, high):
    """A few round numbers, none outside the axis."""
    found = ticks(low, high)

    assert 1 <= len(found) <= 6
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)


def test_smoothing_keeps_a_constant():
    """The mean of equal values is that value from the first point on."""
    assert [y for _, y in smoothed([(i, 2.0) for i in range(5)])] == pytest.approx([2.0] * 5)
