"""What can be wrong with data sets and training runs."""

from __future__ import annotations

from geo_r1_backend.errors.base import GeoR1Error, shortened


class DatasetUnknown(GeoR1Error, LookupError):
    """No data set of that id."""

    code = "dataset-unknown"
    status = 404

    def __init__(self, *, dataset: str) -> None:
        super().__init__(
            f"There is no data set “{shortened(dataset, 20)}” here.",
            hint="Build it again: it was deleted, or made on another service.",
            dataset=shortened(dataset, 64),
        )


class SampleInvalid(GeoR1Error, ValueError):
    """A sample of a data set contradicts itself or its chip."""

    code = "sample-invalid"
    status = 422

    def __init__(self, *, sample: int, field: str, reason: str, hint: str = "") -> None:
        super().__init__(
            f"Sample {sample} cannot be used: “{field}” {reason}.",
            hint=hint or "Correct that sample, or leave it out. Samples are counted from 0.",
            sample=sample,
            field=field,
            reason=reason,
        )


class BoxOutsideChip(GeoR1Error, ValueError):
    """A true box does not lie inside of its chip."""

    code = "box-outside-chip"
    status = 422

    def __init__(
        self, *, sample: int, box: int, given_px: str, width_px: int, height_px: int
    ) -> None:
        super().__init__(
            f"Sample {sample}, box {box} is [{given_px}]; its chip is {width_px} × {height_px} pixels.",
            hint="Boxes are x_min, y_min, x_max, y_max in pixels of the chip, inside of it and with an area.",
            sample=sample,
            box=box,
            given_px=given_px,
            width_px=width_px,
            height_px=height_px,
        )


class PlaceInTwoParts(GeoR1Error, ValueError):
    """What is learned would be tested at the same place."""

    code = "place-in-two-parts"
    status = 422

    def __init__(self, *, place: str, first: str, second: str, sample: int, what: str) -> None:
        super().__init__(
            f"The {what} “{shortened(place, 20)}” lies in two parts: {first} and {second} (sample {sample}).",
            hint="Give all samples of one place the same part, or the verdict would flatter.",
            place=shortened(place, 64),
            first=first,
            second=second,
            sample=sample,
            what=what,
        )


class NothingToLearn(GeoR1Error, ValueError):
    """No sample of the data set is for training."""

    code = "nothing-to-learn"
    status = 422

    def __init__(self, *, samples: int) -> None:
        super().__init__(
            f"None of the {samples} samples is in the part “train”.",
            hint="Put most of them there; “validation” and “held_out” are looked at only.",
            samples=samples,
        )


class DatasetsFull(GeoR1Error):
    """No room for another data set."""

    code = "datasets-full"
    status = 409

    def __init__(self, *, what: str, there: int, limit: int) -> None:
        sets = f"{there:,} data sets" if what == "datasets" else f"{there:,} bytes of data sets"
        super().__init__(
            f"There would be {sets}; the service keeps at most {limit:,}.",
            hint="Delete data sets that no run needs any more (“geo-r1 datasets list”).",
            what=what,
            there=there,
            limit=limit,
        )


class DatasetInUse(GeoR1Error):
    """A run that is not over needs the data set."""

    code = "dataset-in-use"
    status = 409

    def __init__(self, *, dataset: str, run: str) -> None:
        super().__init__(
            f"The data set {shortened(dataset, 20)} is needed by the run {run}.",
            hint="Stop that run first.",
            dataset=shortened(dataset, 64),
            run=run,
        )


class RunUnknown(GeoR1Error, LookupError):
    """No run of that id."""

    code = "run-unknown"
    status = 404

    def __init__(self, *, run: str) -> None:
        super().__init__(
            f"There is no run “{shortened(run, 30)}” here.",
            hint="“geo-r1 runs list” shows those that are there.",
            run=shortened(run, 64),
        )


class RunActive(GeoR1Error):
    """The run goes on; what is asked for is for runs that do not."""

    code = "run-active"
    status = 409

    def __init__(self, *, run: str, state: str) -> None:
        super().__init__(
            f"The run {run} is {state}.",
            hint="Stop it first; it ends within a step.",
            run=run,
            state=state,
        )


class RunComplete(GeoR1Error):
    """A finished run has nothing left to resume."""

    code = "run-complete"
    status = 409

    def __init__(self, *, run: str, steps: int) -> None:
        super().__init__(
            f"The run {run} has done all of its {steps} steps.",
            hint="Start a new run; it can begin with the same data set.",
            run=run,
            steps=steps,
        )


class RunsFull(GeoR1Error):
    """Too many runs are kept or wait."""

    code = "runs-full"
    status = 409

    def __init__(self, *, what: str, limit: int) -> None:
        super().__init__(
            f"{limit} runs {what}; more are not taken.",
            hint="Delete runs that are over, or wait for those in line.",
            what=what,
            limit=limit,
        )


class RunCrashed(GeoR1Error, RuntimeError):
    """The runner ended without saying how the run went."""

    code = "run-crashed"

    def __init__(self, *, how: str, words: str) -> None:
        said = f": {words}" if words else ""
        super().__init__(
            f"The training process ended by itself ({how}){said}.",
            hint="Resume the run: it goes on from its last checkpoint. If it ends again, send its runner.log.",
            how=how,
            words=words,
        )


class RunOutOfMemory(GeoR1Error, MemoryError):
    """The runner was ended for its memory, or had none left."""

    code = "run-out-of-memory"

    def __init__(self, *, how: str) -> None:
        super().__init__(
            f"The training process ran out of memory ({how}).",
            hint="Close other programs and resume, or start a run with a smaller group size or LoRA.",
            how=how,
        )


class RunLost(GeoR1Error, RuntimeError):
    """The runner was gone when a service looked for it."""

    code = "run-lost"

    def __init__(self, *, step: int) -> None:
        super().__init__(
            f"The training process was gone when the service started again; step {step} was its last.",
            hint="The machine or the service was stopped meanwhile. Resume the run: it goes on from its last checkpoint.",
            step=step,
        )


class ModelKept(GeoR1Error):
    """Only models that a run made, or that were fetched or imported, can be deleted."""

    code = "model-kept"
    status = 409

    def __init__(self, *, model: str) -> None:
        super().__init__(
            f"The model “{shortened(model)}” was not put in place by this program.",
            hint="It is part of the installation, or its folder was put in place by hand: remove that.",
            model=shortened(model),
        )
