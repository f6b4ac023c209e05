"""Data sets for training on disk: samples with boxes, and the chips they are about, which do not expire here.

A data set appears complete or not at all. Its id is made from its samples, which name chips by content, so the same
samples are the same data set. This module does not judge samples; that is `training/sample_checks.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from geo_r1_backend.errors import ChipUnknown, DatasetsFull, DatasetUnknown, storage_faults
from geo_r1_backend.storage.atomic import make_private_folder, write_private
from geo_r1_backend.training_wire import DatasetInfo, DatasetRequest, Sample

ID = re.compile(r"[0-9a-f]{16}")
SHA256 = re.compile(r"[0-9a-f]{64}")
MANIFEST_FILE = "manifest.json"
INFO_FILE = "info.json"
CHIPS_FOLDER = "chips"


class DatasetStore:
    """Thread-safe owner of the folder ``datasets``.

    Args:
        folder: made when the first data set is.
        limit: how many data sets are kept.
        budget_bytes: how much room all of them may take.
    """

    def __init__(self, folder: Path, *, limit: int, budget_bytes: int) -> None:
        self._folder = folder
        self._limit = limit
        self._budget_bytes = budget_bytes
        self._lock = threading.Lock()

    def sweep(self) -> None:
        """Remove what was cut off while it was written or deleted; for the one service that has the folder."""
        if self._folder.is_dir():
            for part in self._folder.glob(".*.part"):
                shutil.rmtree(part, ignore_errors=True)

    def create(self, request: DatasetRequest, chips: Mapping[str, Path]) -> DatasetInfo:
        """Keep a data set that was checked; one with the same samples that is there already stays as it is.

        Args:
            request: samples, checked.
            chips: file of each chip that they name.

        Raises:
            DatasetsFull: if there is no room within the limits.
            StorageFailed: if the disk is full.
        """
        dataset_id = id_of(request.samples)
        with self._lock, storage_faults(self._folder):
            if (self._folder / dataset_id / INFO_FILE).is_file():
                return self._read_info(dataset_id)
            created = datetime.now(timezone.utc).isoformat(timespec="seconds")
            manifest = json.dumps({**asdict(request), "created": created}).encode()
            try:
                size_bytes = len(manifest) + sum(path.stat().st_size for path in chips.values())
            except FileNotFoundError as gone:
                raise ChipUnknown(sha256=Path(str(gone.filename)).name) from gone
            self._check_room(size_bytes)
            info = _info(dataset_id, request, created, len(chips), size_bytes)
            self._write(dataset_id, manifest, info, chips)
            return info

    def list(self) -> list[DatasetInfo]:
        """All data sets, newest first."""
        found = [self._read_info(one) for one in self._ids()]
        return sorted(found, key=lambda info: (info.created, info.id), reverse=True)

    def find(self, dataset_id: str) -> DatasetInfo:
        """One data set.

        Raises:
            DatasetUnknown: if it is not here.
        """
        self.folder(dataset_id)
        return self._read_info(dataset_id)

    def folder(self, dataset_id: str) -> Path:
        """Where one data set lies.

        Raises:
            DatasetUnknown: if it is not here.
        """
        folder = self._folder / dataset_id if ID.fullmatch(dataset_id) else None
        if folder is None or not (folder / INFO_FILE).is_file():
            raise DatasetUnknown(dataset=dataset_id)
        return folder

    def read_chip(self, dataset_id: str, sha256: str) -> bytes:
        """The bytes of one chip of a data set.

        Raises:
            DatasetUnknown, ChipUnknown: if either is not here.
        """
        folder = self.folder(dataset_id)
        if not SHA256.fullmatch(sha256):
            raise ChipUnknown(sha256=sha256)
        try:
            return (folder / CHIPS_FOLDER / sha256).read_bytes()
        except FileNotFoundError as missing:
            raise ChipUnknown(sha256=sha256) from missing

    def delete(self, dataset_id: str) -> None:
        """Forget a data set, chips included.

        Raises:
            DatasetUnknown: if it is not here.
        """
        with self._lock:
            folder = self.folder(dataset_id)
            with storage_faults(self._folder):
                # gone at once for everybody, then removed file by file
                part = folder.with_name(f".{dataset_id}.{secrets.token_hex(4)}.part")
                folder.replace(part)
                shutil.rmtree(part)

    def _ids(self) -> Sequence[str]:
        if not self._folder.is_dir():
            return []
        return [
            entry.name
            for entry in self._folder.iterdir()
            if ID.fullmatch(entry.name) and (entry / INFO_FILE).is_file()
        ]

    def _check_room(self, size_bytes: int) -> None:
        there = self.list()
        if len(there) + 1 > self._limit:
            raise DatasetsFull(what="datasets", there=len(there) + 1, limit=self._limit)
        total_bytes = sum(info.size_bytes for info in there) + size_bytes
        if total_bytes > self._budget_bytes:
            raise DatasetsFull(what="bytes", there=total_bytes, limit=self._budget_bytes)

    def _write(
        self, dataset_id: str, manifest: bytes, info: DatasetInfo, chips: Mapping[str, Path]
    ) -> None:
        make_private_folder(self._folder)
        part = self._folder / f".{dataset_id}.{secrets.token_hex(4)}.part"
        try:
            make_private_folder(part / CHIPS_FOLDER)
            for sha256, path in chips.items():
                _link_or_copy(path, part / CHIPS_FOLDER / sha256)
            write_private(part / MANIFEST_FILE, manifest)
            write_private(part / INFO_FILE, json.dumps(asdict(info)).encode())
            part.replace(self._folder / dataset_id)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise

    def _read_info(self, dataset_id: str) -> DatasetInfo:
        try:
            found: dict[str, Any] = json.loads(
                (self._folder / dataset_id / INFO_FILE).read_text(encoding="utf-8")
            )
        except FileNotFoundError as gone:
            raise DatasetUnknown(dataset=dataset_id) from gone
        return DatasetInfo(**found)


def id_of(samples: Sequence[Sample]) -> str:
    """Id of the data set of these samples."""
    text = json.dumps([asdict(sample) for sample in samples], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _info(
    dataset_id: str, request: DatasetRequest, created: str, chips: int, size_bytes: int
) -> DatasetInfo:
    samples: Counter[str] = Counter()
    objects: Counter[str] = Counter()
    for sample in request.samples:
        samples[sample.part] += 1
        objects[sample.part] += len(sample.boxes_px)
    return DatasetInfo(
        id=dataset_id,
        name=request.name,
        tasks=sorted({sample.task for sample in request.samples}),
        samples=dict(samples),
        objects=dict(objects),
        chips=chips,
        size_bytes=size_bytes,
        created=created,
    )


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        # another file system, or one without links
        shutil.copyfile(source, target)
