"""The words of the Train tab: problems of the sample check, stages, verdicts."""

from __future__ import annotations

from typing import Dict, Tuple

from qgis.PyQt.QtCore import QCoreApplication

from ..core import training_wire as tw
from ..core.label_check import Check, Problem
from ..core.train_state import Stage, TrainState

translate = QCoreApplication.translate


def problem_words(problem: Problem) -> Tuple[str, str]:
    """What is wrong and what mends it."""
    t = translate
    words: Dict[str, Tuple[str, str]] = {
        "too-few": (
            t("Train", "{count} usable labels; at least {limit} are needed"),
            t("Train", "Draw more polygons around objects of this kind."),
        ),
        "few": (
            t("Train", "Only {count} labels"),
            t("Train", "It can be tried; {limit} or more teach better."),
        ),
        "too-many": (
            t("Train", "{count:,} labels; the service takes {limit:,}"),
            t("Train", "Select some of them and choose “Selected features”."),
        ),
        "labels-no-crs": (
            t("Train", "The polygon layer has no CRS"),
            t("Train", "Set it: right-click the layer ▸ Layer CRS."),
        ),
        "raster-no-crs": (
            t("Train", "The raster has no CRS"),
            t("Train", "Set it: right-click the raster ▸ Layer CRS."),
        ),
        "no-expression-for-all": (
            t("Train", "It is not said what the polygons show"),
            t("Train", "Type it above, or choose the field that says it."),
        ),
        "no-expression": (t("Train", "The expression is empty"), t("Train", "Fill in the field.")),
        "long-expression": (
            t("Train", "The expression has {count:,} characters; {limit:,} are allowed"),
            t("Train", "Say it in one sentence."),
        ),
        "empty-geometry": (
            t("Train", "The row has no geometry"),
            t("Train", "Delete the row, or draw its polygon."),
        ),
        "not-polygon": (
            t("Train", "Not a polygon"),
            t("Train", "Draw a polygon around the object."),
        ),
        "invalid-geometry": (
            t("Train", "The polygon crosses itself"),
            t("Train", "Mend it with the vertex tool, or Processing ▸ Fix geometries."),
        ),
        "outside": (
            t("Train", "Outside of “{raster}”"),
            t("Train", "Choose the raster it was drawn on, or check the layer's CRS."),
        ),
        "many-points": (
            t("Train", "The outline has {count:,} points; {limit:,} are allowed"),
            t("Train", "Simplify it: Processing ▸ Simplify."),
        ),
        "too-small": (
            t("Train", "Only {size_px:g} pixels long on the raster"),
            t("Train", "Use a finer raster; below {limit_px:g} pixels nothing can be learned."),
        ),
        "duplicate": (
            t("Train", "The same object as row {other}"),
            t("Train", "Delete one of the two; it is used once."),
        ),
    }
    what, mend = words.get(problem.code, (problem.code, ""))
    return what.format(**problem.values), mend.format(**problem.values)


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
    t, (done, of) = translate, state.progress
    step = state.last_step
    at = ""
    if step is not None:
        at = t("Train", "step {step} of {steps}").format(step=step.step, steps=step.steps)
    words = {
        Stage.IDLE: "",
        Stage.CHECKING: t("Train", "Checking the labels…"),
        Stage.CONNECTING: t("Train", "Looking for the service…"),
        Stage.CUTTING: t("Train", "Taking pictures: {done} of {of}").format(done=done, of=of),
        Stage.SENDING: t("Train", "Sending pictures: {done} of {of}").format(done=done, of=of),
        Stage.STARTING: t("Train", "Starting…"),
        Stage.QUEUED: t("Train", "Waiting for another run to end"),
        Stage.RUNNING: t("Train", "Training")
        if at
        else t("Train", "Training: looking at the start"),
        Stage.STOPPING: t("Train", "Saving and stopping…"),
        Stage.STOPPED: t("Train", "Stopped"),
        Stage.FINISHED: t("Train", "Finished"),
        Stage.FAILED: t("Train", "Failed"),
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


def verdict_words(verdict: tw.Verdict) -> Tuple[str, str]:
    """The verdict as a title and its figures."""
    t = translate
    n = verdict.after.objects
    titles = {
        "better": t("Train", "Better on objects it never saw"),
        "worse": t("Train", "Worse on objects it never saw"),
        "no_difference": t("Train", "No difference that can be told from chance"),
        "too_few": t("Train", "Too few held-out objects to tell, n = {n}"),
    }
    names = {"acc@0.5": t("Train", "Found right"), "f1@0.5": "F1", "giou": "gIoU"}
    figures = t(
        "Train",
        "{metric}: {before:.0f} % before, {after:.0f} % after; gain {gain:+.0f} points "
        "(95 %: {low:+.0f} to {high:+.0f}), n = {n}",
    ).format(
        metric=names.get(verdict.after.metric, verdict.after.metric),
        before=100 * verdict.before.value,
        after=100 * verdict.after.value,
        gain=100 * verdict.gain,
        low=100 * verdict.gain_low,
        high=100 * verdict.gain_high,
        n=n,
    )
    return titles[verdict.outcome].format(n=n), figures


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
    return " · ".join((states[run.state], at, run.method, run.created[:16].replace("T", " ")))
