"""What can be wrong with getting a model: at the hub, on the way, with what came, and with deleting it again."""

from __future__ import annotations

from geo_r1_backend.errors.base import GeoR1Error, shortened

_HOW_TO_ENTER = (
    "Set a token that may read it as HF_TOKEN for the service, or put it into the file hub-token in the data folder "
    "(mode 0600)."
)


class HubError(GeoR1Error):
    """Something about a hub or what came from it."""


class HubMissing(HubError, LookupError):
    """No such repository, or one that is not shown to strangers."""

    code = "hub-missing"
    status = 404

    def __init__(self, *, repository: str, hub: str) -> None:
        super().__init__(
            f"{hub} has no repository “{shortened(repository)}”, or does not show it to everybody.",
            hint=f"Check the spelling (owner/name). If it is private: {_HOW_TO_ENTER}",
            repository=shortened(repository),
            hub=hub,
        )


class HubRevisionMissing(HubError, LookupError):
    """The repository is there, the revision is not."""

    code = "hub-revision-missing"
    status = 404

    def __init__(self, *, repository: str, revision: str) -> None:
        super().__init__(
            f"“{shortened(repository)}” has no revision “{shortened(revision)}”.",
            hint="A revision is a branch (such as main), a tag or the 40 digits of a commit.",
            repository=shortened(repository),
            revision=shortened(revision),
        )


class HubGated(HubError):
    """The owner wants to know who gets it."""

    code = "hub-gated"
    status = 403

    def __init__(self, *, repository: str, hub: str) -> None:
        super().__init__(
            f"“{shortened(repository)}” is gated: its owner lets in those who have accepted the conditions.",
            hint=f"Accept them at {hub}/{shortened(repository)}, logged in. {_HOW_TO_ENTER}",
            repository=shortened(repository),
            hub=hub,
        )


class HubTokenRefused(HubError):
    """The hub does not know the token."""

    code = "hub-token-refused"
    status = 403

    def __init__(self, *, hub: str, place: str) -> None:
        super().__init__(
            f"{hub} does not accept the token of {place}.",
            hint="Make a new one in the settings of your account there, or take it away: most models need none.",
            hub=hub,
            place=place,
        )


class HubUnreachable(HubError, ConnectionError):
    """The hub does not answer, or the connection broke too often."""

    code = "hub-unreachable"
    status = 502

    def __init__(self, *, hub: str, reason: str) -> None:
        super().__init__(
            f"{hub} cannot be reached: {reason}.",
            hint=(
                "Go on later: what has come is kept. On a machine without network, import a folder: "
                "“geo-r1 models import FOLDER”."
            ),
            hub=hub,
            reason=reason,
        )


class HubUnsafe(HubError):
    """Weights only in a form that can run code."""

    code = "hub-unsafe"
    status = 422

    def __init__(self, *, repository: str, file: str) -> None:
        super().__init__(
            f"“{shortened(repository)}” has its weights only as pickle ({shortened(file)}), which can run code when "
            "it is opened. It is not fetched.",
            hint=(
                "Look for a revision with *.safetensors, ask its owner for one, or convert it yourself where that may "
                "go wrong, and import the folder."
            ),
            repository=shortened(repository),
            file=shortened(file),
        )


class HubUnfit(HubError):
    """Not a model that the engines here can run."""

    code = "hub-unfit"
    status = 422

    def __init__(self, *, repository: str, reason: str) -> None:
        super().__init__(
            f"“{shortened(repository)}” cannot be used here: {reason}.",
            hint="Models of the families Qwen2.5-VL, Qwen2-VL and Qwen3-VL can, with weights as safetensors.",
            repository=shortened(repository),
            reason=reason,
        )


class HubMoved(HubError):
    """The branch is not any more what was agreed to."""

    code = "hub-moved"
    status = 409

    def __init__(self, *, repository: str, revision: str, agreed: str, now: str) -> None:
        super().__init__(
            f"“{shortened(revision)}” of “{shortened(repository)}” has moved on: it was {agreed[:12]} when you agreed "
            f"and is {now[:12]} now.",
            hint=f"Look at the new plan; or take what you agreed to, with the revision {agreed}.",
            repository=shortened(repository),
            revision=shortened(revision),
            agreed=agreed,
            now=now,
        )


class PlanChanged(HubError):
    """More or less than was agreed to."""

    code = "plan-changed"
    status = 409

    def __init__(self, *, agreed_bytes: int, size_bytes: int) -> None:
        super().__init__(
            f"The download has {size_bytes:,} bytes; you agreed to {agreed_bytes:,}.",
            hint="Look at the plan again and agree to that.",
            agreed_bytes=agreed_bytes,
            size_bytes=size_bytes,
        )


class FetchDamaged(HubError):
    """A file is not the one that the hub promised."""

    code = "fetch-damaged"
    status = 502

    def __init__(self, *, file: str, reason: str) -> None:
        super().__init__(
            f"{shortened(file)} came damaged: {reason}.",
            hint="It was thrown away. Start again: only this file is fetched anew.",
            file=shortened(file),
            reason=reason,
        )


class FetchUnknown(HubError, LookupError):
    """No such download."""

    code = "fetch-unknown"
    status = 404

    def __init__(self, *, fetch: str) -> None:
        super().__init__(
            f"There is no download “{shortened(fetch)}”.",
            hint="It may be finished or forgotten; GET /v1/models/fetches lists those that are there.",
            fetch=shortened(fetch),
        )


class FetchActive(HubError):
    """Somebody else fetches the same."""

    code = "fetch-active"
    status = 409

    def __init__(self, *, repository: str) -> None:
        super().__init__(
            f"“{shortened(repository)}” is being fetched already, by another program or window.",
            hint="Wait for it, or stop it there.",
            repository=shortened(repository),
        )


class DiskTooSmall(HubError):
    """There is no room for it."""

    code = "disk-too-small"
    status = 507

    def __init__(self, *, need_bytes: int, free_bytes: int) -> None:
        super().__init__(
            f"The model needs {gigabytes(need_bytes)} more on the disk of the data folder; {gigabytes(free_bytes)} "
            "are free. Nothing was fetched.",
            hint="Make room there, or start the service with --data-dir on a larger disk.",
            need_bytes=need_bytes,
            free_bytes=free_bytes,
        )


class DownloadsOff(HubError):
    """A service that others can reach does not fetch for them."""

    code = "downloads-off"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This service can be reached by other machines and was not started to fetch models for them.",
            hint=(
                "Its owner can fetch the model there with “geo-r1 models fetch”, or start it with --allow-downloads."
            ),
        )


class ImportRefused(HubError, ValueError):
    """A folder that is not taken."""

    code = "import-refused"
    status = 422

    def __init__(self, *, folder: str, reason: str, hint: str = "") -> None:
        super().__init__(
            f"{folder} is not imported: {reason}.",
            hint=hint
            or "The folder must be that of a whole model, with config.json and *.safetensors.",
            folder=folder,
            reason=reason,
        )


class ModelInUse(HubError):
    """Somebody needs the model that should be deleted."""

    code = "model-in-use"
    status = 409

    def __init__(self, *, model: str, reason: str, hint: str) -> None:
        super().__init__(
            f"The model “{shortened(model)}” is not deleted: {reason}.",
            hint=hint,
            model=shortened(model),
            reason=reason,
        )


def gigabytes(size_bytes: int) -> str:
    """A size as people read it.

    Example:
        >>> gigabytes(7_520_000_000), gigabytes(11_400_000)
        ('7.5 GB', '11 MB')
    """
    if size_bytes >= 1_000_000_000:
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{max(1, round(size_bytes / 1e6)):,} MB"
