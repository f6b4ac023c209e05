"""The algorithms where nobody looks on: QGIS's own command line program, a fresh profile, and the true service."""

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from qgis.core import QgsProject, QgsRasterLayer, QgsVectorFileWriter, QgsVectorLayer
from qgis.PyQt.QtGui import QImage

import geo_r1_qgis
from tests.qgis.make_rasters import picture, write_tiff
from tests.qgis.test_gui_train import make_labels, polygon
from tests.qgis.test_real_service import (
    COMMAND,
    EMBEDDED,
    ROOT,
    UTM,
    home,  # noqa: F401 - a fixture
)
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
    """The installed service is started and has the data set of masks whose id is printed; they score its model; a table is asked."""
    raster = add_wide_raster(tmp_path)
    write_labels(tmp_path / "labels.gpkg")
    asked = (
        f"--LABELS={tmp_path / 'labels.gpkg'}", f"--RASTER={raster.source()}", "--EXPRESSION=the coloured square", "--TASK=2",
    )  # fmt: skip
    told = qgis_process("--json", "run", "geo_r1:builddataset", *asked)
    found = json.loads(told[told.index("{") :])["results"]

    manifest = home / "datasets" / found["DATASET"] / "manifest.json"
    samples = json.loads(manifest.read_text(encoding="utf-8"))["samples"]
    assert found["LABEL_COUNT"] == len(SPREAD)
    assert found["TRAIN"] == sum(sample["part"] == "train" for sample in samples) > 0
    assert all(sample["task"] == "gres" and sample["polygons_px"] for sample in samples)

    told = qgis_process("--json", "run", "geo_r1:evaluate", *asked)
    score = json.loads(told[told.index("{") :])["results"]

    assert (score["METRIC"], score["MODEL_ID"]) == ("giou", "geo-r1-nano")
    assert score["CHIPS"] == found["HELD_OUT_COUNT"] > 0
    assert 0 <= score["SCORE"] <= 100
    QgsProject.instance().clear()

    image = QImage(str(ROOT / "resources" / "demo" / "tank-farm.png"))
    write_tiff(tmp_path / "farm.tif", picture(image).transpose(2, 0, 1).copy(), UTM, 32633)
    told = qgis_process(
        "--json", "run", "geo_r1:groundtable", f"--RASTER={tmp_path / 'farm.tif'}",
        "--EXPRESSIONS=all storage tanks\nthe largest storage tank", f"--OUTPUT={tmp_path / 'found.gpkg'}",
        f"--COUNTS={tmp_path / 'counts.csv'}",
    )  # fmt: skip
    results = json.loads(told[told.index("{") :])["results"]
    farm = QgsRasterLayer(str(tmp_path / "farm.tif"), "farm")
    found = QgsVectorLayer(f"{tmp_path / 'found.gpkg'}|layername=found", "found")
    tanks = [f for f in found.getFeatures() if f["query"] == "all storage tanks"]
    largest = [f for f in found.getFeatures() if f["query"] == "the largest storage tank"]
    with (tmp_path / "counts.csv").open(encoding="utf-8") as file:
        counts = [(row["query"], int(row["count"])) for row in csv.DictReader(file)]

    assert (results["OUTCOME"], results["FAILED"]) == ("finished", 0)
    assert results["COUNT"] == found.featureCount() == len(tanks) + len(largest)
    assert len(tanks) >= 2
    assert [f["area_m2"] for f in largest] == [max(f["area_m2"] for f in tanks)]
    assert found.crs().authid() == "EPSG:32633"
    assert all(farm.extent().contains(f.geometry().boundingBox()) for f in tanks)
    assert counts == [("all storage tanks", len(tanks)), ("the largest storage tank", 1)]
