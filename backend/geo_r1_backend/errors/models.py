"""What can be wrong with a model, an engine or this installation."""

from __future__ import annotations

from geo_r1_backend.errors.base import GeoR1Error, shortened


class ModelUnknown(GeoR1Error, LookupError):
    """No model of that id."""

    code = "model-unknown"
    status = 404

    def __init__(self, *, model: str, known: list[str]) -> None:
        super().__init__(
            f"There is no model “{shortened(model)}”.",
            hint=f"Known here: {', '.join(known) or 'none'}. Models are folders; requests name their id.",
            model=shortened(model),
            known=", ".join(known),
        )


class ModelFailed(GeoR1Error):
    """A model is there and cannot be loaded."""

    code = "model-failed"
    status = 503

    def __init__(self, *, model: str, reason: str, hint: str = "") -> None:
        super().__init__(
            f"The model “{shortened(model)}” cannot be loaded: {reason}.",
            hint=hint or "Run “geo-r1 doctor”; it says which step is broken.",
            model=shortened(model),
            reason=reason,
        )


class TaskUnsupported(GeoR1Error, ValueError):
    """This model was not made for that task."""

    code = "task-unsupported"
    status = 422

    def __init__(self, *, task: str, model: str, supported: tuple[str, ...]) -> None:
        super().__init__(
            f"The model “{model}” cannot do “{task}”; it does {', '.join(supported)}.",
            hint="Choose another model, or ask for one object or all objects.",
            task=task,
            model=model,
            supported=", ".join(supported),
        )


class SegmenterMissing(GeoR1Error, LookupError):
    """Masks are asked for, and nothing here can cut them out."""

    code = "segmenter-missing"
    status = 503

    def __init__(self, *, folder: str) -> None:
        super().__init__(
            "There is no segmenter here, which cuts objects out of their boxes.",
            hint=f"Put one into {folder}, or name its folder in GEO_R1_SEGMENTER; docs/segmenters.md says how.",
            folder=folder,
        )


class QueueFull(GeoR1Error):
    """Too many wait already."""

    code = "queue-full"
    status = 503

    def __init__(self, *, limit: int) -> None:
        super().__init__(
            f"{limit} requests wait already; more are not taken.",
            hint="Ask again in a moment.",
            limit=limit,
        )


class DeviceBusy(GeoR1Error):
    """A training run has the memory that this model needs."""

    code = "device-busy"
    status = 503

    def __init__(
        self,
        *,
        model: str,
        run: str,
        need_gib: float,
        free_gib: float,
        remaining_s: float | None,
    ) -> None:
        left = "" if remaining_s is None else f" It has about {remaining_s / 60:.0f} min left."
        super().__init__(
            f"The run {run} has the GPU: {free_gib:g} GiB are free, “{model}” needs {need_gib:g}.{left}",
            hint="Ask the embedded model meanwhile, or stop the run; it can be resumed.",
            model=model,
            run=run,
            need_gib=need_gib,
            free_gib=free_gib,
            remaining_s=remaining_s,
        )


class ServiceStopping(GeoR1Error):
    """The service is on its way out."""

    code = "service-stopping"
    status = 503

    def __init__(self) -> None:
        super().__init__("The service is stopping.", hint="Start it again with “geo-r1 serve”.")


class Cancelled(GeoR1Error):
    """Whoever asked has left."""

    code = "cancelled"
    status = 499

    def __init__(self) -> None:
        super().__init__("The request was cancelled.", hint="Ask again.")


class EngineFailed(GeoR1Error, RuntimeError):
    """The model began and could not go on (out of memory, broken weights, dead worker)."""

    code = "engine-failed"

    def __init__(self, reason: str, *, engine: str = "", hint: str = "") -> None:
        super().__init__(
            f"The engine failed: {reason}.",
            hint=hint or "Ask again; if it happens again, run “geo-r1 doctor”.",
            engine=engine,
            reason=reason,
        )


class ConfigError(GeoR1Error, ValueError):
    """A setting or an argument that cannot work."""

    code = "config-invalid"
    status = 422


class MissingExtra(GeoR1Error, ImportError):
    """An optional part of the installation is needed and absent."""

    code = "extra-missing"

    def __init__(self, *, extra: str, package: str, what: str) -> None:
        super().__init__(
            f"{what} needs the package “{package}”, which is not installed.",
            hint=f"Install it: pipx inject geo-r1-backend {package}, or pip install “geo-r1-backend[{extra}]”.",
            extra=extra,
            package=package,
        )
