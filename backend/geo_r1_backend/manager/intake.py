"""Import of a model's folder that lies on this machine already: on a USB disk, in another program's cache, made by hand.

Copied or linked, checked as far as that can be done without a network, and completed like a download. Nothing of the
folder itself is changed.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from geo_r1_backend.errors import (
    Cancelled,
    DiskTooSmall,
    GeoR1Error,
    ImportRefused,
    ModelFailed,
    storage_faults,
)
from geo_r1_backend.manager.complete import check_weights, complete
from geo_r1_backend.manager.fetch import ROOM_LEFT_BYTES
from geo_r1_backend.manager.place import find_installed, free_bytes, free_name, id_of, publish, slug
from geo_r1_backend.models.disk import file_git_hash
from geo_r1_backend.models.learned import read_json
from geo_r1_backend.models.manifest import MANIFEST_FILE, check_manifest, file_sha256
from geo_r1_backend.models.shapes import base_of_shape
from geo_r1_backend.models.source import SOURCE_FILE, Source, read_source, write_source
from geo_r1_backend.models.stock_files import CONFIG_FILE, WEIGHTS, use_of
from geo_r1_backend.storage.atomic import make_private_folder

CHUNK_BYTES = 8 << 20
CACHE_PREFIX = "models--"
"""Of a repository's folder in the cache of huggingface_hub."""

Tell = Callable[[int, int], None]
"""Told how many bytes of how many are copied."""


@dataclass(frozen=True)
class Imported:
    """What came of it."""

    model: str
    size_bytes: int
    """Written to the disk of the data folder."""
    repaired: str
    is_checked: bool
    """Whether every file was compared with a hash that came with the folder."""


@dataclass(frozen=True)
class _Origin:
    folder: Path
    title: str
    source: Source


def import_folder(
    folder: Path,
    data_folder: Path,
    *,
    name: str = "",
    base: Path | None = None,
    link: bool = False,
    tell: Tell = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Imported:
    """Take a folder into ``models`` of the data folder.

    Args:
        folder: of the model, or of a repository in huggingface_hub's cache.
        data_folder: whose models it joins.
        name: under which; empty = its own.
        base: folder of the model that lends a missing processor; None = a fitting one that is here.
        link: leave the weights where they are; the folder must stay then.
        tell: how far the copying is.
        should_stop: asked all the time.

    Raises:
        ImportRefused: with the reason and the way out.
        DiskTooSmall: before anything is copied.
        StorageFailed, Cancelled: nothing is left of it.
    """
    origin = _find(folder)
    models = data_folder / "models"
    if origin.folder.is_relative_to(models.resolve()):
        raise _refused(folder, "it lies in the data folder already", "“geo-r1 models list” has it.")
    names, is_ours = _choose(origin.folder, folder)
    is_checked = is_ours or _check_hashes(origin, folder)
    kept = [] if link is False else [each for each in names if WEIGHTS.fullmatch(each)]
    size_bytes = sum((origin.folder / each).stat().st_size for each in names if each not in kept)
    free = free_bytes(models)
    if size_bytes + ROOM_LEFT_BYTES > free:
        raise DiskTooSmall(need_bytes=size_bytes + ROOM_LEFT_BYTES, free_bytes=free)
    with storage_faults(data_folder):
        make_private_folder(models)
        chosen = free_name(models, slug(name or origin.title), origin.source.commit)
        part = make_private_folder(models / f".{chosen}.{secrets.token_hex(4)}.part")
        try:
            work = _Copy(origin.folder, part, size_bytes, tell, should_stop)
            files = {each: work.take(each, as_link=each in kept) for each in names}
            repaired = "" if is_ours else _complete(part, folder, models, base)
            files |= {
                path.name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
                for path in part.iterdir()
                if not WEIGHTS.fullmatch(path.name) and path.name not in (() if repaired else files)
            }
            write_source(part, _source_of(origin, files, repaired, linked=bool(kept)))
            model = publish(part, models, chosen)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return Imported(id_of(data_folder, model), size_bytes, repaired, is_checked)


def _find(folder: Path) -> _Origin:
    """The folder with the files, and what is known of where it is from."""
    if not folder.is_dir():
        raise _refused(folder, "there is no such folder", "Give the folder that holds config.json.")
    place = folder.resolve()
    if (place / "snapshots").is_dir():
        place = _snapshot(place, folder)
    source = read_source(place) or Source("import")
    cache = place.parent.parent.name
    if place.parent.name == "snapshots" and cache.startswith(CACHE_PREFIX) and not source.commit:
        repository = cache[len(CACHE_PREFIX) :].replace("--", "/", 1)
        title = repository.split("/")[-1]
        source = Source("import", title=title, repository=repository, commit=place.name)
    return _Origin(place, source.title or place.name, source)


def _snapshot(cache: Path, folder: Path) -> Path:
    try:
        commit = (cache / "refs" / "main").read_text(encoding="utf-8").strip()
        return cache / "snapshots" / commit
    except OSError:
        found = sorted(entry for entry in (cache / "snapshots").iterdir() if entry.is_dir())
    if len(found) != 1:
        reason = f"it has {len(found)} snapshots and no main branch"
        raise _refused(folder, reason, "Give the folder of one snapshot.")
    return found[0]


def _choose(place: Path, folder: Path) -> tuple[list[str], bool]:
    """Files to take, and whether the folder is in the format of the embedded model, with its manifest."""
    there = sorted(path.name for path in place.iterdir() if path.is_file())
    if {"vision.onnx", "decoder.onnx", MANIFEST_FILE} <= set(there):
        try:
            check_manifest(place)
        except ModelFailed as error:
            raise _refused(folder, str(error.parameters["reason"]), error.hint) from error
        return [name for name in there if name != SOURCE_FILE], True
    uses = {name: use_of(name) for name in there}
    pickles = [name for name, use in uses.items() if use == "pickle"]
    if "weights" not in uses.values() and pickles:
        raise _refused(
            folder,
            f"its weights are pickle ({pickles[0]}), which can run code when it is opened",
            "Convert them to safetensors where that may go wrong, and import the result.",
        )
    check_weights(place, lambda reason: _refused(folder, reason))
    return [name for name, use in uses.items() if use in ("weights", "settings")], False


def _check_hashes(origin: _Origin, folder: Path) -> bool:
    """Compare every file with what `source.json` says of it; False where there is nothing to compare with."""
    listed = origin.source.files
    for name, entry in listed.items():
        path = origin.folder / name
        if not path.is_file():
            raise _refused(folder, f"{name} is missing")
        given, expected = path.stat().st_size, entry.get("bytes")
        if given != expected:
            raise _refused(folder, f"{name} has {given:,} bytes, {SOURCE_FILE} says {expected}")
        right = {"sha256": file_sha256, "git": file_git_hash}
        if any(kind in entry and right[kind](path) != entry[kind] for kind in right):
            raise _refused(folder, f"{name} is not the file that {SOURCE_FILE} speaks of")
    return bool(listed) and all("sha256" in e or "git" in e for e in listed.values())


def _complete(part: Path, folder: Path, models: Path, base: Path | None) -> str:
    def refuse(reason: str) -> GeoR1Error:
        known = base_of_shape(read_json(part / CONFIG_FILE) or {})
        return _refused(
            folder,
            reason,
            f"Name the folder of its base model with --base{f' ({known})' if known else ''}.",
        )

    lent = base.resolve() if base is not None else None
    if lent is not None and not (lent / CONFIG_FILE).is_file():
        raise _refused(folder, f"the base {base} has no {CONFIG_FILE}")
    if lent is None:
        known = base_of_shape(read_json(part / CONFIG_FILE) or {})
        installed = find_installed(models, known) if known else None
        lent = models / installed.name if installed else None
    weights = check_weights(part, refuse)
    return complete(part, lent, weights, refuse)


def _source_of(
    origin: _Origin, files: dict[str, dict[str, str | int]], repaired: str, *, linked: bool
) -> Source:
    known = origin.source
    return Source(
        origin="import",
        title=origin.title,
        repository=known.repository,
        revision=known.revision,
        commit=known.commit,
        licence=known.licence,
        base=known.base,
        base_commit=known.base_commit,
        repaired=repaired or known.repaired,
        linked=linked,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        files=files,
    )


class _Copy:
    """Copies files one after another and counts."""

    def __init__(
        self, source: Path, target: Path, total: int, tell: Tell, should_stop: Callable[[], bool]
    ) -> None:
        self._source, self._target, self._total = source, target, total
        self._tell, self._should_stop = tell, should_stop
        self._done = 0

    def take(self, name: str, *, as_link: bool) -> dict[str, str | int]:
        """A file for the new folder; what to write down of it."""
        if not as_link:
            return self._copy(name)
        path = (self._source / name).resolve()
        try:
            (self._target / name).symlink_to(path)
        except OSError as error:
            if os.name != "nt":
                raise
            raise _refused(
                self._source,
                "this Windows does not let you make links",
                "Import it without --link, or switch on the developer mode.",
            ) from error
        return {"bytes": path.stat().st_size}

    def _copy(self, name: str) -> dict[str, str | int]:
        digest = hashlib.sha256()
        size_bytes = 0
        with (self._source / name).open("rb") as source, (self._target / name).open("xb") as target:
            while piece := source.read(CHUNK_BYTES):
                if self._should_stop():
                    raise Cancelled
                target.write(piece)
                digest.update(piece)
                size_bytes += len(piece)
                self._done += len(piece)
                self._tell(self._done, self._total)
            target.flush()
            os.fsync(target.fileno())
        return {"bytes": size_bytes, "sha256": digest.hexdigest()}


def _refused(folder: Path, reason: str, hint: str = "") -> ImportRefused:
    return ImportRefused(folder=str(folder), reason=reason, hint=hint)
