"""What the tests of faults share: the window and the stub of the QGIS tests, stores on projects, disks that are small."""

import contextlib
import resource
import subprocess
from pathlib import Path

import pytest
from qgis.core import QgsProject

from geo_r1_qgis.layers.store import DetectionStore
from tests.qgis.conftest import dock, plugin, stub, window  # noqa: F401 - fixtures
from tests.qgis.test_layers_store import UTM33


@pytest.fixture
def project(tmp_path, qgis_new_project):
    """A saved project in UTM zone 33."""
    project = QgsProject.instance()
    project.setCrs(UTM33)
    project.setFileName(str(tmp_path / "harbour.qgz"))
    yield project
    project.clear()


@pytest.fixture
def open_store(project, tmp_path, monkeypatch):
    """Opens stores on the project, each with what it said; the user's own folder is `tmp_path/own`."""
    monkeypatch.setattr(DetectionStore, "_own_folder", lambda _self: tmp_path / "own")
    opened = []

    def open_one():
        store = DetectionStore(project)
        store.errors, store.remarks, store.told_texts, store.recoveries = [], [], [], []
        store.uids = []
        store.failed.connect(store.errors.append)
        store.remarked.connect(store.remarks.append)
        store.told.connect(lambda title, text: store.told_texts.append(f"{title}: {text}"))
        store.recovered.connect(lambda: store.recoveries.append(True))
        store.stored.connect(store.uids.append)
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        with contextlib.suppress(TypeError):  # closed by the test
            store.close()


@pytest.fixture
def store(open_store):
    """One such store."""
    return open_store()


class SmallDisk:
    """A folder on a disk that can be filled and emptied.

    A file system of its own where this user may mount one, else a limit on the size of files: both end a write in the
    middle of a file.
    """

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
        self.is_mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self):
        """Leave no room."""
        if not self.is_mounted:
            largest = max((path.stat().st_size for path in self.folder.iterdir()), default=4096)
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, self._before[1]))
            return
        with contextlib.suppress(OSError), Path(self.folder, "big").open("wb", buffering=0) as big:
            while True:
                big.write(b"x" * 4096)

    def empty(self):
        """Make room again."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)
        Path(self.folder, "big").unlink(missing_ok=True)

    def close(self):
        """Take it away."""
        self.empty()
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MiB, or what comes near to one."""
    disk = SmallDisk(tmp_path / "disk")
    yield disk
    disk.close()
