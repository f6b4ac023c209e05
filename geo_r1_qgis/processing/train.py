"""`geo_r1:train`: a run on a data set, followed to its verdict. Cancelling stops the run, which keeps what it has."""

from __future__ import annotations

import time
from typing import Any, Dict, Optional, Tuple

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterEnum,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core import training_wire as tw
from ..core.errors import GeoR1Error
from ..core.train_state import Stage, TrainState
from ..core.training_words import metric_words, verdict_words
from ..network.blocking import BlockingService, Left
from .algorithm import MAX_SEED, Parameters, ServiceAlgorithm, error_words

translate = QCoreApplication.translate

METHODS: Tuple[Optional[tw.Method], ...] = (None, "sft_dapo", "dapo", "grpo", "dr_grpo", "sft")
ADAPTATIONS: Tuple[Optional[tw.Adaptation], ...] = (None, "lora", "full", "full_vision")
STOP_S = 60.0
"""How long a run is waited for after Cancel; it saves and leaves after the step that it is in."""


class Train(ServiceAlgorithm):
    """Starts a run and follows its events."""

    def name(self) -> str:
        return "train"

    def displayName(self) -> str:
        return translate("GeoR1Processing", "Train a model")

    def shortHelpString(self) -> str:
        return translate(
            "GeoR1Processing",
            "Fine-tunes a model on a data set of “Build a training data set” and says whether it became better on "
            "pictures that it never saw. GAIN is in points of percent.\n\n"
            "Cancel stops the run: it saves a checkpoint, and can be resumed in the Train tab of the dock.",
        )

    def initAlgorithm(self, configuration: Any = None) -> None:
        self.add(
            QgsProcessingParameterString(
                "DATASET", translate("GeoR1Processing", "Data set (its id)")
            )
        )
        self.add(
            QgsProcessingParameterString(
                "MODEL",
                translate("GeoR1Processing", "Model (empty: the one chosen in the dock)"),
                optional=True,
            )
        )
        methods = [
            translate("GeoR1Processing", "Usual for the model"),
            translate("GeoR1Processing", "Examples first, then DAPO"),
            "DAPO",
            "GRPO",
            "Dr. GRPO",
            translate("GeoR1Processing", "Examples only (SFT)"),
        ]
        self.add(
            QgsProcessingParameterEnum(
                "METHOD", translate("GeoR1Processing", "Method"), methods, defaultValue=0
            )
        )
        self.add(
            QgsProcessingParameterNumber(
                "STEPS",
                translate("GeoR1Processing", "Steps (0: as many as usual)"),
                defaultValue=0,
                minValue=0,
                maxValue=tw.MAX_STEPS,
            )
        )
        parts = [
            translate("GeoR1Processing", "Usual for the model"),
            translate("GeoR1Processing", "Adapters (LoRA)"),
            translate("GeoR1Processing", "All that reads and answers"),
            translate("GeoR1Processing", "How it sees as well"),
        ]
        self.add(
            QgsProcessingParameterEnum(
                "LEARNS", translate("GeoR1Processing", "What learns"), parts, defaultValue=0
            ),
            is_advanced=True,
        )
        self.add(
            QgsProcessingParameterNumber(
                "SEED",
                translate("GeoR1Processing", "Seed"),
                defaultValue=0,
                minValue=0,
                maxValue=MAX_SEED,
            ),
            is_advanced=True,
        )
        self.add(
            QgsProcessingParameterString(
                "NAME", translate("GeoR1Processing", "Name of the run"), optional=True
            ),
            is_advanced=True,
        )
        for name, says in (
            ("RUN", translate("GeoR1Processing", "Run")),
            ("MODEL_ID", translate("GeoR1Processing", "Model that came out")),
            ("OUTCOME", translate("GeoR1Processing", "Outcome")),
        ):
            self.addOutput(QgsProcessingOutputString(name, says))
        for name, says in (
            ("BEFORE", translate("GeoR1Processing", "Right before, in percent")),
            ("AFTER", translate("GeoR1Processing", "Right after, in percent")),
            ("GAIN", translate("GeoR1Processing", "Gain, in points of percent")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, says))

    def work(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        request = tw.RunRequest(
            dataset=self.parameterAsString(parameters, "DATASET", context).strip(),
            name=self.parameterAsString(parameters, "NAME", context).strip()[:200],
            model=self.model_of(parameters, context),
            steps=self.parameterAsInt(parameters, "STEPS", context) or None,
            seed=self.parameterAsInt(parameters, "SEED", context),
            method=METHODS[self.parameterAsEnum(parameters, "METHOD", context)],
            adaptation=ADAPTATIONS[self.parameterAsEnum(parameters, "LEARNS", context)],
        )
        with self.service(feedback) as service:
            # a request that was sent is not called off: its run would go on without anybody knowing its id
            run: tw.RunInfo = service.answer(
                lambda client: client.post_run(request), wants_to_leave=lambda: False
            )
            state = TrainState()
            state.follow(run)
            begun = translate("GeoR1Processing", "Run {id} of {model}: {steps} steps of {method}.")
            feedback.pushInfo(
                begun.format(id=run.id, model=run.model, steps=run.steps, method=run.method)
            )
            follower = _Follower(state, feedback)
            try:
                service.follow(run.id, follower.take)
            except Left:
                _stop(service, follower, feedback)
            except GeoR1Error as error:
                goes_on = translate(
                    "GeoR1Processing",
                    "The way to the run is lost, not the run: {run} is in the Train tab of the dock.",
                )
                text = f"{error_words(error)} {goes_on.format(run=run.id)}"
                raise QgsProcessingException(text) from error
        return _outputs(state, feedback)


class _Follower:
    """Says each event, and keeps what they add up to."""

    def __init__(self, state: TrainState, feedback: QgsProcessingFeedback) -> None:
        self.state, self._feedback = state, feedback

    def take(self, event: tw.RunEvent) -> None:
        if not self.state.take(event):
            return
        feedback = self._feedback
        if isinstance(event, tw.StepEvent):
            feedback.setProgress(100.0 * event.step / max(1, event.steps))
            words = translate("GeoR1Processing", "step {step} of {steps}: reward {reward:.2f}")
            if event.method == "sft":  # true answers are shown, none is rewarded
                words = translate("GeoR1Processing", "step {step} of {steps}: loss {loss:.3f}")
            feedback.pushInfo(
                words.format(
                    step=event.step, steps=event.steps, reward=event.reward, loss=event.loss
                )
            )
        elif isinstance(event, tw.EvaluationEvent):
            words = translate(
                "GeoR1Processing", "after step {step}, on validation: {metric} {value:.0f} %"
            )
            metric = metric_words(event.score.metric, QCoreApplication.translate)
            feedback.pushInfo(
                words.format(step=event.step, metric=metric, value=100 * event.score.value)
            )
        elif isinstance(event, tw.NoteEvent):
            feedback.pushInfo(event.text)
        elif isinstance(event, tw.RunStateEvent) and event.state == "queued":
            feedback.pushInfo(translate("GeoR1Processing", "Waiting for its turn…"))


def _stop(service: BlockingService, follower: _Follower, feedback: QgsProcessingFeedback) -> None:
    """Have the run saved and ended, and wait for it."""
    state = follower.state
    run = state.run.id
    feedback.pushInfo(translate("GeoR1Processing", "Saving and stopping…"))
    deadline_s = time.monotonic() + STOP_S

    def is_late() -> bool:
        return time.monotonic() > deadline_s

    try:
        service.answer(lambda client: client.stop_run(run), wants_to_leave=is_late)
        service.follow(run, follower.take, after=state.last_event, wants_to_leave=is_late)
    except Left:
        late = translate("GeoR1Processing", "Run {run} is still saving; it stops by itself.")
        feedback.pushWarning(late.format(run=run))


def _outputs(state: TrainState, feedback: QgsProcessingFeedback) -> Dict[str, Any]:
    run = state.run.id
    if state.stage is Stage.FAILED:
        failed = translate("GeoR1Processing", "Run {run} failed.").format(run=run)
        why = error_words(state.error) if state.error is not None else ""
        again = translate("GeoR1Processing", "It can be resumed in the Train tab of the dock.")
        raise QgsProcessingException(" ".join(filter(None, (failed, why, again))))
    found: Dict[str, Any] = {"RUN": run, "OUTCOME": state.stage.value}
    if state.adapter is not None:
        found["MODEL_ID"] = state.adapter
    verdict: Optional[tw.Verdict] = state.verdict
    if verdict is not None:
        found["OUTCOME"] = verdict.outcome
        found["BEFORE"], found["AFTER"] = 100 * verdict.before.value, 100 * verdict.after.value
        found["GAIN"] = 100 * verdict.gain
        for line in verdict_words(verdict, QCoreApplication.translate):
            feedback.pushInfo(line)
    elif state.stage is Stage.STOPPED:
        saved = translate(
            "GeoR1Processing",
            "Run {run} is stopped and saved; it can be resumed in the Train tab of the dock.",
        )
        feedback.pushInfo(saved.format(run=run))
    return found
