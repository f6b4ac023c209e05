"""A plan, and the download that it describes: consent compared, room checked, files got and checked, model put in place.

One function for the shell and the service. It blocks; `tell` hears how far it is, `should_stop` is asked all the time.
What has come of a download that ends early stays and is gone on with by the next one.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from geo_r1_backend.errors import (
    Cancelled,
    DiskTooSmall,
    HubMoved,
    HubUnfit,
    PlanChanged,
    storage_faults,
)
from geo_r1_backend.manager.complete import check_weights, complete
from geo_r1_backend.manager.hub_access import Access, HubProcess, hub_process
from geo_r1_backend.manager.parts import Parts, fetch_id
from geo_r1_backend.manager.place import find_installed, free_bytes, free_name, id_of, publish
from geo_r1_backend.manager.plan import (
    Contents,
    Listing,
    RemoteFile,
    base_of,
    choose_base_files,
    choose_files,
)
from geo_r1_backend.models.source import Source, write_source
from geo_r1_backend.models_wire import (
    FetchPlan,
    FetchProgressEvent,
    FetchRequest,
    PlannedFile,
    PlanRequest,
)
from geo_r1_backend.storage.atomic import make_private_folder

TELL_EVERY_S = 0.5
RATE_OVER_S = 10.0
ROOM_LEFT_BYTES = 64_000_000
"""What a download leaves free for everybody else."""

Tell = Callable[[FetchProgressEvent], None]
ShouldStop = Callable[[], bool]


@dataclass(frozen=True)
class Found:
    """What the hub has said, put together."""

    listing: Listing
    contents: Contents
    base: Listing | None
    lent: list[RemoteFile]

    @property
    def size_bytes(self) -> int:
        """Of everything that would be fetched."""
        return self.contents.size_bytes + sum(file.size_bytes for file in self.lent)

    @property
    def licence(self) -> str:
        """The repository's, and the base's where that is another: what was made from weights does not shed their licence."""
        own, base = self.listing.licence, self.base.licence if self.base else ""
        return own if base in ("", own) else f"{own or 'not named'}; base: {base}"


def look(hub: HubProcess, request: PlanRequest) -> Found:
    """Ask the hub what a download would be.

    Raises:
        HubError: see `hub_client` and `plan`.
    """
    listing = hub.look(request.repository, request.revision)
    contents = choose_files(listing)
    if not contents.wants_base and request.base is None:
        return Found(listing, contents, None, [])
    base = hub.look(base_of(listing, request.base), "main")
    return Found(listing, contents, base, choose_base_files(listing, base))


def plan(access: Access, data_folder: Path, request: PlanRequest) -> FetchPlan:
    """What a download would bring; nothing is fetched but names, sizes and the `config.json`.

    Raises:
        HubError: see `look`.
    """
    with hub_process(access, data_folder) as hub:
        found = look(hub, request)
    return _plan_of(found, access, data_folder, request)


def fetch(
    access: Access,
    data_folder: Path,
    request: FetchRequest,
    tell: Tell,
    should_stop: ShouldStop = lambda: False,
) -> str:
    """Fetch what was agreed to; the id of the model.

    Raises:
        HubMoved, PlanChanged: if it is not any more what was agreed to.
        DiskTooSmall: before anything has come.
        FetchActive: if somebody else fetches it.
        FetchDamaged, HubError, StorageFailed: on the way; what has come stays.
        Cancelled: it should stop.
    """
    models = data_folder / "models"
    installed = find_installed(models, request.repository, request.commit)
    parts = Parts(models, fetch_id(request.repository, request.commit))
    if installed is not None:
        if not parts.is_held:
            parts.remove()  # left by whoever was ended right after it had finished
        return id_of(data_folder, installed.name)
    with storage_faults(data_folder):
        make_private_folder(models)
        with parts.held():
            name = _fetch(access, models, parts, request, tell, should_stop)
    return id_of(data_folder, name)


def _fetch(
    access: Access,
    models: Path,
    parts: Parts,
    request: FetchRequest,
    tell: Tell,
    should_stop: ShouldStop,
) -> str:
    progress = _Progress(parts, request.size_bytes, tell)
    progress.say("asking")
    with hub_process(access, models) as hub:
        found = look(hub, PlanRequest(request.repository, request.revision, request.base))
        _compare(found, request)
        missing = found.size_bytes - parts.arrived_bytes()
        free = free_bytes(models)
        if missing + ROOM_LEFT_BYTES > free:
            raise DiskTooSmall(need_bytes=missing + ROOM_LEFT_BYTES, free_bytes=free)
        own = {file.name: file.size_bytes for file in found.contents.own}
        parts.begin(request, own, {file.name: file.size_bytes for file in found.lent})
        hub.send(op="get", files=_wanted(found, parts))
        while True:
            message = hub.receive()
            if should_stop():
                raise Cancelled
            if message is not None and message["event"] == "done":
                break
            progress.hear(message or {})
    progress.say("checking")
    return _put_in_place(models, parts, found, request)


def _compare(found: Found, request: FetchRequest) -> None:
    now = found.listing.commit
    if now != request.commit:
        raise HubMoved(
            repository=request.repository,
            revision=request.revision,
            agreed=request.commit,
            now=now,
        )
    if found.size_bytes != request.size_bytes:
        raise PlanChanged(agreed_bytes=request.size_bytes, size_bytes=found.size_bytes)


def _wanted(found: Found, parts: Parts) -> list[dict[str, object]]:
    """Small files first: what is wrong with them is seen before gigabytes have come."""
    jobs = [(found.listing, file, parts.files) for file in found.contents.own]
    if found.base is not None:
        jobs += [(found.base, file, parts.base) for file in found.lent]
    return [
        {
            "repository": listing.repository,
            "commit": listing.commit,
            "file": asdict(file),
            "folder": str(folder),
        }
        for listing, file, folder in sorted(jobs, key=lambda job: job[1].size_bytes)
    ]


def _put_in_place(models: Path, parts: Parts, found: Found, request: FetchRequest) -> str:
    def refuse(reason: str) -> HubUnfit:
        return HubUnfit(repository=request.repository, reason=reason)

    weights = check_weights(parts.files, refuse)
    repaired = complete(parts.files, parts.base if found.base else None, weights, refuse)
    lent = {file.name: file for file in found.lent}
    own = {file.name: file for file in found.contents.own}
    files = {
        path.name: _entry(own.get(path.name) or lent[path.name])
        for path in sorted(parts.files.iterdir())
        if path.name in own or path.name in lent
    }
    if repaired:
        files["config.json"] = _entry(lent["config.json"])
    source = Source(
        origin="hub",
        title=request.repository.split("/")[1],
        repository=request.repository,
        revision=request.revision,
        commit=request.commit,
        licence=found.licence,
        base=found.base.repository if found.base else "",
        base_commit=found.base.commit if found.base else "",
        repaired=repaired,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        files=files,
    )
    write_source(parts.files, source)
    name = publish(parts.files, models, free_name(models, request.repository, request.commit))
    parts.finish()
    return name


def _entry(file: RemoteFile) -> dict[str, str | int]:
    entry: dict[str, str | int] = {"bytes": file.size_bytes}
    if file.sha256:
        entry["sha256"] = file.sha256
    elif file.git:
        entry["git"] = file.git
    return entry


def _plan_of(found: Found, access: Access, data_folder: Path, request: PlanRequest) -> FetchPlan:
    models, listing = data_folder / "models", found.listing
    files = [PlannedFile(f.name, f.size_bytes, listing.repository) for f in found.contents.own]
    if found.base is not None:
        files += [PlannedFile(f.name, f.size_bytes, found.base.repository) for f in found.lent]
    installed = find_installed(models, request.repository)
    name = free_name(models, request.repository, listing.commit)
    return FetchPlan(
        repository=request.repository,
        revision=request.revision,
        commit=listing.commit,
        model=name,
        hub=access.hub,
        files=sorted(files, key=lambda file: -file.size_bytes),
        size_bytes=found.size_bytes,
        there_bytes=Parts(models, fetch_id(request.repository, listing.commit)).arrived_bytes(),
        free_bytes=max(0, free_bytes(models) - ROOM_LEFT_BYTES),
        licence=listing.licence,
        base=found.base.repository if found.base else "",
        base_commit=found.base.commit if found.base else "",
        base_licence=found.base.licence if found.base else "",
        left_out=found.contents.left_out,
        installed=id_of(data_folder, installed.name) if installed else "",
        installed_commit=installed.commit if installed else "",
    )


class _Progress:
    """Says how far a download is, by what lies on the disk."""

    def __init__(self, parts: Parts, size_bytes: int, tell: Tell) -> None:
        self._parts, self._size_bytes, self._tell = parts, size_bytes, tell
        self._told_s = -TELL_EVERY_S
        self._file = ""
        self._is_checking = False
        self._points: deque[tuple[float, int]] = deque()

    def hear(self, message: dict[str, object]) -> None:
        """Follow a message of the process; now and then tell."""
        if message.get("event") in ("getting", "checking"):
            self._file = str(message["file"])
            self._is_checking = message["event"] == "checking"
        if time.monotonic() - self._told_s >= TELL_EVERY_S:
            self.say("checking" if self._is_checking else "downloading")

    def say(self, phase: str) -> None:
        """Tell now."""
        now_s, done = time.monotonic(), min(self._parts.arrived_bytes(), self._size_bytes)
        self._told_s = now_s
        self._points.append((now_s, done))
        while now_s - self._points[0][0] > RATE_OVER_S:
            self._points.popleft()
        passed_s = now_s - self._points[0][0]
        rate = max(0.0, (done - self._points[0][1]) / passed_s) if passed_s > 0 else 0.0
        self._tell(
            FetchProgressEvent(
                done_bytes=done,
                size_bytes=self._size_bytes,
                phase=phase,  # type: ignore[arg-type]
                file=self._file,
                bytes_per_s=round(rate, 1),
                remaining_s=round((self._size_bytes - done) / rate, 1) if rate > 0 else None,
            )
        )
