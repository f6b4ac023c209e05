"""Where things are on this machine, and the settings of one service; refused early when they cannot work."""

from __future__ import annotations

import ipaddress
import ntpath
import os
import posixpath
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.wire import MAX_CHIP_BYTES, MAX_CHIP_PX

if TYPE_CHECKING:
    from geo_r1_backend.models.arithmetic import Arithmetic
    from geo_r1_backend.models.remote import RemoteConfig

HOME_VARIABLE = "GEO_R1_HOME"
MODELS_VARIABLE = "GEO_R1_MODELS"
SEGMENTER_VARIABLE = "GEO_R1_SEGMENTER"
MAX_PORT = 65535
LONG_WINDOWS_PATH = 200
"""Windows refuses files beyond 260 characters unless the path begins with ``\\\\?\\``; the folder leaves room for names."""


def data_folder() -> Path:
    """Where the service keeps its files: ``GEO_R1_HOME``, or the usual place of the platform."""
    return Path(data_folder_on(sys.platform, os.environ, str(Path.home())))


def data_folder_on(system: str, env: Mapping[str, str], home: str) -> str:
    """The same for any platform; the plugin computes it too, and a contract test compares the two.

    A relative ``GEO_R1_HOME`` lies below the home folder: QGIS and the service have different working folders.
    """
    windows = system.startswith("win")
    path = ntpath if windows else posixpath
    chosen = env.get(HOME_VARIABLE, "").strip()
    if chosen:
        is_home = chosen == "~" or chosen.startswith(("~/", "~\\") if windows else "~/")
        folder = path.join(home, chosen[2:] if is_home else chosen)
    elif windows:
        local = env.get("LOCALAPPDATA", "").strip()
        folder = path.join(local or path.join(home, "AppData", "Local"), "geo-r1")
    elif system == "darwin":
        folder = path.join(home, "Library", "Application Support", "geo-r1")
    else:
        folder = path.join(home, ".local", "share", "geo-r1")
    folder = str(path.normpath(folder))
    if windows and len(folder) >= LONG_WINDOWS_PATH and not folder.startswith("\\\\?\\"):
        is_share = folder.startswith("\\\\")
        folder = "\\\\?\\UNC" + folder[1:] if is_share else "\\\\?\\" + folder
    return folder


def package_folder() -> Path:
    """Where this package lies."""
    return Path(__file__).resolve().parent


def clone_folder() -> Path | None:
    """Root of the clone that this package is run from, or None where it was installed from a wheel."""
    root = package_folder().parent.parent
    return root if (root / "metadata.txt").is_file() else None


def version() -> str:
    """Version of the package; in a clone, what metadata.txt says."""
    root = clone_folder()
    if root is not None:
        text = (root / "metadata.txt").read_text(encoding="utf-8")
        found = re.search(r"(?m)^version=(\S+)", text)
        if found:
            return found.group(1)
    try:
        return metadata.version("geo-r1-backend")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def is_loopback(host: str) -> bool:
    """Whether a host to listen on is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class ServerConfig:
    """Settings of one service. Defaults are those of a person's own machine."""

    data_folder: Path
    host: str = "127.0.0.1"
    port: int = 0
    """0 = any free port."""
    model: str | None = None
    """Id of the default model; None = the embedded one, or the first that is found."""
    threads: int | None = None
    """Threads of the engine; None = as many as help."""
    arithmetic: Arithmetic = "float32"
    """Of models with ONNX graphs."""
    device: str = "auto"
    """The same: `cpu`, `cuda`, or `auto` for the quickest of those that are there."""
    idle_minutes: float = 15.0
    """The service stops by itself after so long without clients; 0 = never."""
    heartbeat_s: float = 4.0
    """Longest silence of a stream; below `wire.HEARTBEAT_S`."""
    queue_limit: int = 64
    """Requests that may wait beside the one that is answered: a classroom asks at once."""
    max_chip_bytes: int = MAX_CHIP_BYTES
    max_chip_px: int = MAX_CHIP_PX
    max_json_bytes: int = 4 * 1024 * 1024
    """256 questions of 1,000 characters each are 1 MiB in the worst encoding."""
    chip_budget_bytes: int = 512 * 1024 * 1024
    """Chips kept on disk; the least recently used goes first."""
    chip_expiry_s: float = 3600.0
    max_dataset_bytes: int = 32 * 1024 * 1024
    """Of the JSON of a data set: 2,000 samples with sixty boxes each, or with some outlines."""
    max_datasets: int = 200
    dataset_budget_bytes: int = 8 * 1024 * 1024 * 1024
    """Room for all data sets together, chips included."""
    max_runs: int = 500
    """Runs that are kept, with their curves and models."""
    max_waiting_runs: int = 16
    run_grace_s: float = 60.0
    """How long a run may take to stop (a step and a checkpoint) before it is ended by force."""
    allowed_hosts: tuple[str, ...] = ()
    """Names beside 127.0.0.1, localhost and [::1] that a Host header may carry."""
    allowed_origins: tuple[str, ...] = ()
    """Web pages that may ask; none by default."""
    allow_downloads: bool = False
    """Whether a service that other machines can reach fetches models for them."""
    token_file: Path | None = None
    """Holds the token across starts; None = a new one each start."""
    tls_cert: Path | None = None
    """Certificate chain (PEM); None = plain HTTP."""
    tls_key: Path | None = None
    """Key of the certificate; None = it is in the same file."""
    remote: RemoteConfig | None = None
    """A model that other servers run, beside those that are found; it is the default one where ``model`` is None."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= MAX_PORT:
            raise ConfigError(
                f"The port is {self.port}; it must lie between 0 and {MAX_PORT}.",
                hint="Leave --port out to take any free port.",
            )
        if self.idle_minutes < 0:
            raise ConfigError(
                f"--idle-minutes is {self.idle_minutes:g}; it cannot be negative.",
                hint="0 means that the service never stops by itself.",
            )
        if self.threads is not None and self.threads < 1:
            raise ConfigError(
                f"--threads is {self.threads}; an engine needs at least 1.",
                hint="Leave it out to let the engine choose.",
            )
        if self.tls_key is not None and self.tls_cert is None:
            raise ConfigError(
                "--tls-key was given without --tls-cert.",
                hint="Give the certificate chain that belongs to the key, or leave both out.",
            )
        if self.queue_limit < 0:
            raise ConfigError(
                f"The queue limit is {self.queue_limit}; it cannot be negative.",
                hint="0 means that nobody may wait.",
            )
