"""Which hub is asked, with which token, and the process that asks it.

The token is the one of HF_TOKEN, or the line in the file ``hub-token`` of the data folder, which nobody else may read.
It goes to the process through its input, never into an argument, a log or a message.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from geo_r1_backend.config import is_loopback
from geo_r1_backend.engines.worker_process import Message, WorkerProcess
from geo_r1_backend.errors import ConfigError, GeoR1Error, HubUnreachable, StorageFailed
from geo_r1_backend.errors.storage import FULL
from geo_r1_backend.manager.plan import Listing, read_listing
from geo_r1_backend.wire import Parameter

DEFAULT_HUB = "https://huggingface.co"
HUB_VARIABLE = "HF_ENDPOINT"
TOKEN_VARIABLE = "HF_TOKEN"  # noqa: S105 - a name
TOKEN_FILE = "hub-token"  # noqa: S105 - a name
OTHERS = stat.S_IRWXG | stat.S_IRWXO
LOOK_LIMIT_S = 40.0
"""A plan looks twice (the repository, its base); the plugin waits for 90 s."""
POLL_S = 0.05
WORKER = "geo_r1_backend.manager.hub_worker"
OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
"""The client's own switches: whoever sets one wants no request at all, and no process is begun for it."""
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "0",  # of every other child it is 1
    # what is tested is what runs: plain HTTP with ranges, no second protocol beside
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}


class Relayed(GeoR1Error):
    """An error of the worker process, with the code and the words that it had there."""

    def __init__(
        self, code: str, message: str, hint: str, status: int, parameters: dict[str, Parameter]
    ) -> None:
        super().__init__(message, hint=hint)
        self.code, self.status = code, status
        self.parameters = dict(parameters)


@dataclass(frozen=True)
class Access:
    """A hub and how it is asked."""

    hub: str
    token: str = ""
    token_place: str = ""

    def __repr__(self) -> str:
        return f"Access({self.hub!r}, token={'…' if self.token else ''!r})"


def find_access(data_folder: Path) -> Access:
    """The hub of HF_ENDPOINT, or Hugging Face's own, and the token for it if there is one.

    Raises:
        ConfigError: if the address is none, others may read the file of the token, or the token would travel unencrypted.
    """
    hub = (os.environ.get(HUB_VARIABLE, "").strip() or DEFAULT_HUB).rstrip("/")
    address = urlsplit(hub)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ConfigError(
            f"{HUB_VARIABLE} is “{hub}”, which is no address.",
            hint=f"Leave it out for {DEFAULT_HUB}.",
        )
    token, place = os.environ.get(TOKEN_VARIABLE, "").strip(), TOKEN_VARIABLE
    if not token:
        token, place = _read_token(data_folder / TOKEN_FILE), TOKEN_FILE
    if token and address.scheme == "http" and not is_loopback(address.hostname):
        raise ConfigError(
            f"The token of {place} would go to {hub} unencrypted.",
            hint=f"Give {HUB_VARIABLE} an https address, or take the token away.",
        )
    return Access(hub, token, place if token else "")


def _read_token(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if os.name == "posix" and mode & OTHERS:
            raise ConfigError(
                f"The token file {path} may be read by others (mode {stat.S_IMODE(mode):04o}; 0600 is right).",
                hint=f"chmod 600 {path}, and a new token if others may have seen it.",
            )
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The token file {path} cannot be read.",
            hint="It holds one line; the user who runs the service must be able to read it.",
        ) from error


class HubProcess:
    """The process that talks to the hub; `with` ends it.

    Raises:
        HubUnreachable: if it must not be asked.
    """

    def __init__(self, access: Access, folder: Path) -> None:
        for name in OFFLINE_VARIABLES:
            if os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE"):
                raise HubUnreachable(hub=access.hub, reason=f"{name} is set")
        self._access = access
        self._folder = folder
        self._worker = WorkerProcess(WORKER, folder, None, environment=ENVIRONMENT)

    def send(self, **message: object) -> None:
        """Ask for something."""
        access = self._access
        self._worker.send(
            {
                **message,
                "hub": access.hub,
                "token": access.token,
                "token_place": access.token_place,
            }
        )

    def receive(self, timeout_s: float = POLL_S) -> Message | None:
        """What it says, or None after the time.

        Raises:
            GeoR1Error: if that is that it failed, or it is gone.
        """
        message = self._worker.receive(timeout_s)
        if message is None and not self._worker.alive:
            message = self._worker.receive(0.2)  # its last words
            if message is None:
                raise HubUnreachable(hub=self._access.hub, reason=self._obituary())
        if message is not None and message["event"] == "failed":
            raise Relayed(
                str(message["code"]),
                str(message["message"]),
                str(message["hint"]),
                int(message["status"]),
                dict(message["parameters"]),
            )
        if message is not None and message["event"] == "disk":
            raise StorageFailed(
                folder=str(self._folder),
                reason=str(message["reason"]),
                is_full=message["errno"] in FULL,
            )
        return message

    def look(self, repository: str, revision: str) -> Listing:
        """What a repository holds; see `hub_client.Hub.look`."""
        self.send(op="look", repository=repository, revision=revision)
        waited_s = 0.0
        while waited_s < LOOK_LIMIT_S:
            message = self.receive(1.0)
            if message is not None and message["event"] == "listing":
                return read_listing(message["listing"])
            waited_s += 1.0
        raise HubUnreachable(hub=self._access.hub, reason=f"no answer in {LOOK_LIMIT_S:g} s")

    def close(self) -> None:
        """End it now; files that are begun stay as they are."""
        self._worker.close(0.0)

    def _obituary(self) -> str:
        words = self._worker.obituary()
        return words.replace(self._access.token, "…") if self._access.token else words


@contextmanager
def hub_process(access: Access, folder: Path) -> Iterator[HubProcess]:
    """A process for the length of a block."""
    process = HubProcess(access, folder)
    try:
        yield process
    finally:
        process.close()
