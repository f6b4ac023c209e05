"""The algorithms where nobody looks on: QGIS's own command line program, a fresh profile, and the true service."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from qgis.core import QgsProject, QgsVectorFileWriter

import geo_r1_qgis
from tests.qgis.test_gui_train import make_labels, polygon
from tests.qgis.test_real_service import COMMAND, EMBEDDED, home  # noqa: F401 - a fixture
from tests.qgis.test_real_training import SPREAD, add_wide_raster

PROGRAM = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
"""Debian's wrapper adds an option that the program itself refuses; what it wraps comes first."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="qgis_process is not installed"),
    pytest.mark.skipif(
        not (COMMAND.exists() and EMBEDDED.exists()), reason="needs the service and its model"
    ),
]


@pytest.fixture
def qgis_process(tmp_path, home):  # noqa: F811 - a fixture
    """Starts the program with a fresh profile and returns what it printed."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    environment = {
        **os.environ,
        "HOME": str(tmp_path / "person"),
        "XDG_RUNTIME_DIR": str(runtime),
        "QT_QPA_PLATFORM": "offscreen",
        "QGIS_PLUGINPATH": str(Path(geo_r1_qgis.__file__).resolve().parent.parent),
        "GEO_R1_HOME": str(home),
        "GEO_R1_COMMAND": str(COMMAND),
    }
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "QGIS_CUSTOM_CONFIG_PATH"):
        environment.pop(name, None)  # the profile is the one of the new HOME

    def start(*arguments):
        done = subprocess.run(
            [PROGRAM, *arguments],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout

    start("plugins", "enable", "geo_r1_qgis")
    assert list((tmp_path / "person").rglob("QGIS3.ini")), "another profile was changed"
    return start


def write_labels(path):
    """Eight polygons in a GeoPackage."""
    layer = make_labels([polygon(*place) for place in SPREAD])
    options = QgsVectorFileWriter.SaveVectorOptions()
    context = QgsProject.instance().transformContext()
    assert QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), context, options)[0] == 0


def test_without_qgis_being_open(qgis_process, home, tmp_path):  # noqa: F811 - a fixture
    """Listed, and run: the installed service is started, and has the data set whose id is printed."""
    listed = qgis_process("list")
    for name in ("builddataset", "train", "evaluate"):
        assert f"geo_r1:{name}" in listed
    raster = add_wide_raster(tmp_path)
    write_labels(tmp_path / "labels.gpkg")
    told = qgis_process(
        "--json", "run", "geo_r1:builddataset",
        f"--LABELS={tmp_path / 'labels.gpkg'}", f"--RASTER={raster.source()}", "--EXPRESSION=the coloured square",
    )  # fmt: skip
    found = json.loads(told[told.index("{") :])["results"]

    manifest = home / "datasets" / found["DATASET"] / "manifest.json"
    samples = json.loads(manifest.read_text(encoding="utf-8"))["samples"]
    assert found["LABEL_COUNT"] == len(SPREAD)
    assert found["TRAIN"] == sum(sample["part"] == "train" for sample in samples) > 0
    QgsProject.instance().clear()
