"""The plugin is reloaded ten times in the real desktop, in five states, and leaves nothing behind."""

import json
import os
import shutil
import subprocess

import pytest

STATES = ["idle", "answering", "writing", "projects", "starting"]


@pytest.fixture(scope="module")
def report(project_folder, tmp_path_factory):
    """What `scripts/reload.sh` found."""
    missing = [program for program in ("qgis", "xvfb-run") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not on this machine: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("reload")
    environment = {key: value for key, value in os.environ.items() if key != "QT_QPA_PLATFORM"}
    finished = subprocess.run(
        [project_folder / "scripts" / "reload.sh", folder],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (folder / "report.json").exists(), finished.stderr
    return json.loads((folder / "report.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_ten_reloads_leave_nothing(report, state):
    """Objects, threads, file handles, connections, menus: the tenth reload leaves as much as the second."""
    assert report["error"] == ""
    found = report["states"][state]
    threads = found["native_threads"]

    assert found["grown"] == {}
    assert threads[-1] <= max(threads[:3]) + 2  # QGIS's pools start and end threads of their own


@pytest.mark.slow
def test_reloading_raises_nothing(report):
    """No exception comes up in a slot meanwhile, not even one that nobody sees."""
    assert report["uncaught"] == []
