"""The words of the Train tab alone: the check in a line, stages, runs."""

from __future__ import annotations

from qgis.PyQt.QtCore import QCoreApplication

from ..core import training_wire as tw
from ..core.label_check import Check
from ..core.train_state import Stage, TrainState

translate = QCoreApplication.translate


def check_words(check: Check) -> str:
    """The check in one line."""
    if check.blocks:
        return translate("Train", "Nothing can be started yet:")
    kinds = len({label.expression for label in check.labels})
    ready = translate("Train", "{count} labels are ready").format(count=len(check.labels))
    if kinds > 1:
        ready += " · " + translate("Train", "{count} expressions").format(count=kinds)
    rejected = len(check.labels) - len(check.positives)
    if rejected:
        ready += " · " + translate("Train", "{count} of them rejected").format(count=rejected)
    if check.left_out:
        ready += " · " + translate("Train", "{count} left out").format(count=check.left_out)
    return ready


def stage_words(state: TrainState) -> str:
    """Where the work is, in one line."""
    done, of = state.progress
    step = state.last_step
    at = ""
    if step is not None:
        at = translate("Train", "step {step} of {steps}").format(step=step.step, steps=step.steps)
    words = {
        Stage.IDLE: "",
        Stage.CHECKING: translate("Train", "Checking the labels…"),
        Stage.CONNECTING: translate("Train", "Looking for the service…"),
        Stage.CUTTING: translate("Train", "Taking pictures: {done} of {of}").format(
            done=done, of=of
        ),
        Stage.SENDING: translate("Train", "Sending pictures: {done} of {of}").format(
            done=done, of=of
        ),
        Stage.STARTING: translate("Train", "Starting…"),
        Stage.QUEUED: translate("Train", "Waiting for its turn: one run at a time"),
        Stage.RUNNING: translate("Train", "Training")
        if at
        else translate("Train", "Training: looking at the start"),
        Stage.STOPPING: translate("Train", "Saving and stopping…"),
        Stage.STOPPED: translate("Train", "Stopped"),
        Stage.FINISHED: translate("Train", "Finished"),
        Stage.FAILED: translate("Train", "Failed"),
    }
    parts = [words[state.stage], at if state.run is not None else ""]
    if state.stage is Stage.RUNNING and step is not None:
        parts.append(left_words(step.remaining_s))
    return " · ".join(filter(None, parts))


def left_words(seconds: float) -> str:
    """Time left, as roughly as it is known."""
    if seconds < 90:
        return translate("Train", "{count} s left").format(count=max(1, round(seconds)))
    return translate("Train", "{count} min left").format(count=round(seconds / 60))


def run_words(run: tw.RunInfo) -> str:
    """One line of the list of runs."""
    states = {
        "queued": translate("Train", "waiting"),
        "running": translate("Train", "running"),
        "stopping": translate("Train", "stopping"),
        "stopped": translate("Train", "stopped"),
        "finished": translate("Train", "finished"),
        "failed": translate("Train", "failed"),
    }
    at = translate("Train", "step {step} of {steps}").format(step=run.step, steps=run.steps)
    return " · ".join((states[run.state], run.created[:16].replace("T", " "), at, run.method))
