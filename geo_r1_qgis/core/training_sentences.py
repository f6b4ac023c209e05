"""The words for what can be wrong with data sets and training runs."""

from __future__ import annotations

from typing import Dict

from .sentence import QT_TRANSLATE_NOOP, Sentence

TRAINING_SENTENCES: Dict[str, Sentence] = {
    "dataset-unknown": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service does not have this data set"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "“{dataset}” was deleted, or made on another service."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Check the samples again: that builds it anew."),
    ),
    "sample-invalid": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "A sample cannot be used"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Sample {sample}: “{field}” {reason}."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Correct that polygon or leave it out."),
    ),
    "box-outside-chip": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "A box lies outside of its picture"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "Sample {sample}: [{given_px}] in a picture of {width_px} × {height_px} pixels.",
        ),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Correct that polygon or leave it out."),
    ),
    "place-in-two-parts": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The same place would be learned and tested"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "“{place}” lies in two parts: {first} and {second}."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Split by place again."),
    ),
    "nothing-to-learn": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "There is nothing to learn from"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "None of the {samples} samples is for training."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Draw more polygons, or hold fewer out."),
    ),
    "datasets-full": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service has no room for another data set"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "It keeps at most {limit:,} {what}; there would be {there:,}."
        ),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Delete runs and data sets that you do not need any more."
        ),
    ),
    "dataset-in-use": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The data set is needed"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "The run {run} learns from it."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Stop that run first."),
    ),
    "run-unknown": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service does not have this run"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "“{run}” was deleted, or made on another service."),
    ),
    "run-active": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The run is not over"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "It is {state}."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Stop it first; it ends within a step."),
    ),
    "run-complete": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The run has nothing left to do"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "All of its {steps} steps are done."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Start a new one."),
    ),
    "runs-full": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service takes no more runs"),
        "",
        QT_TRANSLATE_NOOP("GeoR1Errors", "Wait for those in line, or delete some that are over."),
    ),
    "run-crashed": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The training process ended by itself"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{how} {words}"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Resume goes on from the last checkpoint."),
    ),
    "run-out-of-memory": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "Training ran out of memory"),
        "",
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "Close other programs and resume, or start a run with a smaller group size or LoRA.",
        ),
    ),
    "run-lost": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "Training was cut off"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "The machine or the service was stopped; step {step} was the last."
        ),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Resume goes on from the last checkpoint."),
    ),
    "device-busy": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "A training run has the GPU"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "{free_gib:g} GiB are free; “{model}” needs {need_gib:g}."
        ),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Ask Geo-R1 Nano meanwhile, or stop the run; it can be resumed."
        ),
    ),
    "model-kept": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "This model cannot be deleted here"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "“{model}” was not made by a run of this service."),
    ),
}
