"""Nothing secret and no pixel in any log: the whole chain with marks in token, question and picture, then every log read."""

import base64
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer

from geo_r1_qgis import classFactory
from geo_r1_qgis.core.ask_state import Stage
from geo_r1_qgis.core.standing import Kind
from tests.qgis.make_rasters import make_marked
from tests.qgis.person import UTM, type_question, wait_for_end

QUERY_MARK = "canaryquestion7331"
PIXEL = bytes([0xC0, 0xFF, 0xEE])
"""Of a picture of one colour: its bytes again and again, whatever window of it is looked at."""
RUN = PIXEL * 12
TOKEN_BYTES = 24

# the real service with its log turned up to everything that any library has to say, and crashes traced
SERVE = """
import faulthandler, logging, os, sys
faulthandler.enable()
import geo_r1_backend.serve as serve
quiet = serve.log_to_file
def loud(folder):
    handler = quiet(folder)
    logging.getLogger().setLevel(logging.DEBUG)
    for name in ("geo_r1_backend", "uvicorn", "uvicorn.error", "PIL", "asyncio", "fastapi"):
        logging.getLogger(name).setLevel(1)
    return handler
if os.environ["LOUD"] == "1":
    serve.log_to_file = loud
from geo_r1_backend.cli import main
sys.exit(main(["serve"]))
"""


@pytest.fixture(params=["0", "1"], ids=["as shipped", "everything logged"])
def service_folder(request, tmp_path, project_folder):
    """The data folder of a real service that runs."""
    folder = tmp_path / "service"
    folder.mkdir()
    environment = {
        **os.environ,
        "GEO_R1_HOME": str(folder),
        "LOUD": request.param,
        "PYTHONDEVMODE": "1",
    }
    environment.pop("PYTHONPATH", None)
    with (tmp_path / "service.out").open("wb") as out:
        process = subprocess.Popen(
            [str(project_folder / ".venv/bin/python"), "-c", SERVE], cwd=project_folder, env=environment, stdout=out, stderr=out
        )  # fmt: skip
    until = time.monotonic() + 60
    while not (folder / "server.json").exists():
        assert process.poll() is None, (tmp_path / "service.out").read_text()
        assert time.monotonic() < until
        time.sleep(0.05)
    yield folder, process
    if process.poll() is None:
        process.kill()
        process.wait(10)


def test_no_log_has_a_secret_or_a_pixel(
    qtbot, window, service_folder, tmp_path, monkeypatch, caplog, capfd
):
    """Token, question and pixels, plain, in hex or in base64, are in no log of plugin, QGIS or service, crash included."""
    folder, process = service_folder
    monkeypatch.setenv("GEO_R1_HOME", str(folder))
    one_colour(tmp_path / "canary.tif")
    window.show_raster(QgsRasterLayer(str(tmp_path / "canary.tif"), "canary"))
    messages = []
    log = QgsApplication.messageLog()

    def note(message, *_):
        messages.append(message)

    log.messageReceived.connect(note)
    caplog.set_level(logging.DEBUG)
    logging.getLogger("geo_r1_qgis").setLevel(logging.DEBUG)
    plugin = classFactory(window)
    plugin.initGui()
    try:
        qtbot.waitUntil(
            lambda: plugin.services.connection.standing.kind is Kind.READY, timeout=60_000
        )
        token = json.loads((folder / "server.json").read_text())["token"]
        type_question(plugin.services.dock, f"the {QUERY_MARK} tank")
        first = wait_for_end(qtbot, plugin, timeout=60_000).stage
        os.kill(process.pid, signal.SIGABRT)  # a crash, with its trace
        process.wait(20)
        monkeypatch.setenv("GEO_R1_COMMAND", sys.executable + "-not")
        type_question(plugin.services.dock, f"the {QUERY_MARK} tank again")
        wait_for_end(qtbot, plugin, timeout=60_000)
    finally:
        plugin.unload()
        log.messageReceived.disconnect(note)
    out, err = capfd.readouterr()
    texts = {
        str(path): path.read_bytes() for path in [*folder.rglob("*.log*"), tmp_path / "service.out"]
    }
    texts |= {"QGIS": "\n".join(messages).encode(), "stdout": out.encode(), "stderr": err.encode()}
    texts["plugin"] = caplog.text.encode()

    assert first is Stage.DONE
    assert b"/v1/ground" in b"".join(texts.values())
    assert b"Fatal Python error" in texts[str(tmp_path / "service.out")]
    for place, text in texts.items():
        for name, mark in marks(token).items():
            assert mark not in text, f"{name} in {place}"
    # the marks are really what travelled: they are found where they belong
    assert any(RUN in path.read_bytes() for path in [tmp_path / "canary.tif"])
    assert token.encode() in (folder / "server.json").read_bytes()


def marks(token):
    """What must be nowhere, in every way in which it could be written down."""
    found = {
        "token": token.encode(),
        "part of the token": token[:TOKEN_BYTES].encode(),
        "question": QUERY_MARK.encode(),
    }
    for shift in range(3):
        run = RUN[shift : shift + 30]
        found |= {
            f"pixels {shift}": run, f"pixels in hex {shift}": run.hex().encode(),
            f"pixels as repr {shift}": repr(run)[2:-1].encode(), f"pixels in base64 {shift}": base64.b64encode(run),
            f"pixels as a list {shift}": ", ".join(map(str, run)).encode(),
        }  # fmt: skip
    return found


def one_colour(path: Path):
    """A raster of one colour where the marked one of other tests lies."""
    make_marked(path, UTM, epsg=32633)
    file = gdal.Open(str(path), gdal.GA_Update)
    name, size = path.with_name("plain.tif"), (file.RasterXSize, file.RasterYSize)
    options = ["INTERLEAVE=PIXEL"]
    made = gdal.GetDriverByName("GTiff").Create(str(name), *size, 3, gdal.GDT_Byte, options)
    made.SetGeoTransform(file.GetGeoTransform())
    made.SetProjection(file.GetProjection())
    for band, value in enumerate(PIXEL, 1):
        made.GetRasterBand(band).WriteArray(np.full(size[::-1], value, np.uint8))
    made = file = None
    name.replace(path)
    assert QgsProject.instance() is not None
