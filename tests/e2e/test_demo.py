"""`make demo` itself: real QGIS, the real service, the embedded model, a person's key strokes."""

import json
import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def demo(project_folder):
    """The demo's output after one run, and what it printed."""
    missing = [program for program in ("qgis", "xvfb-run") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not on this machine: {', '.join(missing)}")
    environment = {**os.environ, "GEO_R1_SCREEN": "xvfb"}
    environment.pop("GEO_R1_HOME", None)  # the demo's service has a folder of its own
    environment.pop("QT_QPA_PLATFORM", None)
    finished = subprocess.run(
        [project_folder / "scripts" / "demo.sh"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    folder = project_folder / "demo-output"
    finished.report = json.loads((folder / "report.json").read_text()) if folder.exists() else {}
    finished.folder = folder
    return finished


@pytest.mark.slow
def test_demo_ends_well(demo):
    """Every step passes, and five lines say what happened."""
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert len(demo.stdout.splitlines()) == 5
    assert [step["name"] for step in demo.report["steps"] if step["error"]] == []
    assert demo.report["uncaught"] == []


@pytest.mark.slow
def test_demo_answer_is_on_the_object(demo):
    """The polygon in the GeoPackage covers the largest tank of the generated scene."""
    assert demo.report["overlap"] >= 0.5
    assert demo.report["label"] == "storage tank"


@pytest.mark.slow
def test_demo_streams_and_keeps_the_window_alive(demo):
    """The reasoning grows piece by piece, and the window never stands still for long."""
    assert demo.report["pieces"] >= 3  # text is shown every 50 ms; a quick machine needs few
    assert demo.report["first_words_s"] < demo.report["answer_s"]
    assert (
        demo.report["longest_gap_ms"] < 150
    )  # 50 ms is the promise; a loaded machine gets some air


@pytest.mark.slow
def test_demo_leaves_a_complete_geopackage(demo):
    """Run, reasoning and style are in the file, and SQLite finds it sound."""
    with closing(sqlite3.connect(demo.folder / "demo_geo-r1.gpkg")) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
        run = connection.execute(
            "SELECT outcome, prompt, raw_answer, layer_source FROM runs"
        ).fetchone()
        style = connection.execute("SELECT styleQML FROM layer_styles").fetchone()[0]
    assert sound == "ok"
    assert run[0] == "found"
    assert "Please provide the bounding box" in run[1]
    assert "<answer>" in run[2]
    assert run[3].endswith("tank-farm.tif")
    assert "RuleRenderer" in style


@pytest.mark.slow
def test_demo_leaves_a_picture(demo):
    """The screenshot shows a window, not a blank screen."""
    from PIL import Image

    with Image.open(demo.folder / "demo.png") as picture:
        colours = picture.convert("RGB").resize((140, 90)).getcolors(140 * 90)
    assert len(colours) > 500


@pytest.mark.slow
def test_demo_leaves_no_service_behind(demo):
    """The service that the demo's QGIS started is gone when the demo has ended."""
    server_file = demo.folder / "qgis" / "geo-r1" / "server.json"
    if server_file.exists():
        pid = json.loads(server_file.read_text())["pid"]
        deadline = time.monotonic() + 5
        while _lives(pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not _lives(pid)


def _lives(pid):
    """Whether a process runs; one that ended and waits for its parent to notice does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
