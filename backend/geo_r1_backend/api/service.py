"""What the routes share: the parts of one running service, and who was here last."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from geo_r1_backend.config import ServerConfig, version
from geo_r1_backend.engines.cutting import Cutting
from geo_r1_backend.errors import GeoR1Error, ModelUnknown, RunUnknown
from geo_r1_backend.grounding.arbiter import Arbiter, Training
from geo_r1_backend.grounding.host import Loader, ModelHost
from geo_r1_backend.grounding.queue import GroundQueue
from geo_r1_backend.manager.desk import FetchDesk
from geo_r1_backend.manager.hub_access import find_access
from geo_r1_backend.manager.removal import sweep
from geo_r1_backend.models.registry import REMOTE_ID, ModelFolder, find_models, remote_model
from geo_r1_backend.storage.chips import ChipStore
from geo_r1_backend.storage.datasets import DatasetStore
from geo_r1_backend.storage.run_info import run_info
from geo_r1_backend.storage.runs import RunStore
from geo_r1_backend.training.supervise import RUNNER, Supervisor
from geo_r1_backend.wire import WIRE_VERSION, Health

Say = Callable[[str], None]
"""Takes a line for the person who started the service."""


class Activity:
    """Whether anybody is here; a health poll counts as somebody."""

    def __init__(self) -> None:
        self._last_s = time.monotonic()
        self._present = 0

    def arrive(self) -> None:
        """A request begins."""
        self._present += 1
        self._last_s = time.monotonic()

    def leave(self) -> None:
        """A request ends."""
        self._present -= 1
        self._last_s = time.monotonic()

    def touch(self) -> None:
        """Somebody is here without a request: time begins anew."""
        self._last_s = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the last request ended; 0 while one is here."""
        return 0.0 if self._present else time.monotonic() - self._last_s


@dataclass
class Service:
    """One running service; made by `build_service`, started and stopped with the application."""

    config: ServerConfig
    token: str
    host: ModelHost
    cutting: Cutting
    queue: GroundQueue
    chips: ChipStore
    datasets: DatasetStore
    runs: RunStore
    supervisor: Supervisor
    fetches: FetchDesk
    activity: Activity = field(default_factory=Activity)
    started_s: float = field(default_factory=time.perf_counter)
    ready_after_s: float = 0.0
    _loading: threading.Thread | None = None

    def begin_loading(self) -> None:
        """Load the default model on a thread of its own; only the first call does."""
        if self._loading is None:
            self._loading = threading.Thread(target=self._load_default, name="load", daemon=True)
            self._loading.start()

    def finish_loading(self, timeout_s: float) -> None:
        """Wait for that thread: Python ends a thread inside of the runtime with a crash."""
        if self._loading is not None:
            self._loading.join(timeout_s)

    def start(self) -> None:
        """Begin to answer, and load the default model beside."""
        self.begin_loading()
        self.queue.start()
        self.datasets.sweep()
        self.runs.sweep()
        sweep(self.config.data_folder / "models")
        self.supervisor.start()

    def stop(self) -> None:
        """End every stream with its final event, then free models and pixels."""
        self.queue.stop()
        self.supervisor.stop()
        self.fetches.close()
        self.host.close()
        self.cutting.close()
        self.chips.clear()

    def health(self) -> Health:
        """How the service is."""
        model_id = self.host.default_id
        state, error = "failed", self._default_error()
        if model_id is not None and not isinstance(error, ModelUnknown):
            state = self.host.state(model_id)
        loaded = self.host.loaded(model_id) if state == "loaded" else None
        status = loaded[0].status() if loaded else None
        return Health(
            service="geo-r1",
            version=version(),
            wire_version=WIRE_VERSION,
            status=self._status(state),
            pid=os.getpid(),
            model=model_id,
            model_title=loaded[0].profile.title if loaded else "",
            engine=status.name if status else "",
            device=status.device if status else "",
            ready_after_s=round(self.ready_after_s, 3),
            queue_length=self.queue.length,
            refused=_refused(loaded[1].refused, status.facts) if loaded and status else {},
            error=error.to_body() if error else None,
        )

    def _status(self, state: str) -> Literal["starting", "ready", "busy", "failed"]:
        if state == "failed":
            return "failed"
        if state != "loaded":
            return "starting"
        return "busy" if self.queue.busy else "ready"

    def _default_error(self) -> GeoR1Error | None:
        try:
            return self.host.error(None)
        except ModelUnknown as error:
            return error

    def _load_default(self) -> None:
        try:
            self.host.engine(None)
        except GeoR1Error:
            return  # health says it
        self.ready_after_s = time.perf_counter() - self.started_s


def build_service(
    config: ServerConfig, *, token: str, load: Loader, runner: Sequence[str] | None = None
) -> Service:
    """A service of its parts, not yet started.

    Args:
        config: its settings.
        token: what requests must carry.
        load: starts engines.
        runner: command that trains; replaced in tests that need a certain one.
    """
    cutting = Cutting(config.data_folder, config.threads)
    runs = RunStore(config.data_folder / "runs", limit=config.max_runs)
    supervisor = Supervisor(
        runs,
        queue_limit=config.max_waiting_runs,
        grace_s=config.run_grace_s,
        command=runner or RUNNER,
    )
    host = ModelHost(
        lambda: _models(config),
        load,
        default=config.model or (REMOTE_ID if config.remote else None),
        can_cut=lambda: cutting.is_there,
        arbiter=Arbiter(lambda: _training(runs, supervisor)),
    )
    return Service(
        config=config,
        token=token,
        host=host,
        cutting=cutting,
        queue=GroundQueue(host, limit=config.queue_limit, segmenter=cutting.segmenter),
        chips=ChipStore(
            config.data_folder / "chips",
            budget_bytes=config.chip_budget_bytes,
            expiry_s=config.chip_expiry_s,
        ),
        datasets=DatasetStore(
            config.data_folder / "datasets",
            limit=config.max_datasets,
            budget_bytes=config.dataset_budget_bytes,
        ),
        runs=runs,
        supervisor=supervisor,
        fetches=FetchDesk(config.data_folder, lambda: find_access(config.data_folder)),
    )


def _models(config: ServerConfig) -> list[ModelFolder]:
    """Those in folders, and the one of ``--remote``, which comes first."""
    found = find_models(config.data_folder)
    if config.remote is None:
        return found
    given = remote_model(config.remote, config.data_folder)
    return [given, *(model for model in found if model.id != given.id)]


def _refused(engines: Mapping[str, str], facts: Mapping[str, str]) -> dict[str, str]:
    """What does not work here: engines, and what makes the one that answers slow."""
    return {**engines, **({"speed": facts["slow"]} if facts.get("slow") else {})}


def _training(runs: RunStore, supervisor: Supervisor) -> Training | None:
    """The run that has a process now, for the arbiter."""
    run_id = supervisor.running
    if run_id is None:
        return None
    try:
        info = run_info(runs, run_id)
    except RunUnknown:
        return None
    return Training(run_id, info.device or "cpu", info.remaining_s)
