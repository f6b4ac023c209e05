"""Web maps over real HTTP: the picture is in place, a failing server is a sentence, Stop ends the waiting."""

import time

import numpy as np
import pytest
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsMapSettings,
    QgsRasterLayer,
    QgsRectangle,
    QgsSettings,
)
from qgis.PyQt.QtCore import QEventLoop, QSize, QTimer

from geo_r1_qgis.capture.plan import plan_view
from geo_r1_qgis.tasks.capture_task import CaptureTask
from geo_r1_qgis.tasks.outcome import Cancelled, Done, Failed
from tests.qgis.make_rasters import picture
from tests.qgis.map_server import MARK_M, TILE_PX, WORLD_M, ZOOM, MapServer

UNITS_PER_PX = WORLD_M / 2**ZOOM / TILE_PX
MERCATOR = "EPSG:3857"


@pytest.fixture(autouse=True)
def _ask_once(qgis_app):
    """QGIS asks three times for a tile that it did not get; once is enough here."""
    QgsSettings().setValue("/qgis/defaultTileMaxRetry", 0)
    yield
    QgsSettings().remove("/qgis/defaultTileMaxRetry")


def plan_of(layer, size=(600, 450)):
    """A view around the mark, not quite in its middle, at the resolution of the tiles."""
    left, bottom, right, top = MARK_M
    x, y = (left + right) / 2 + 31.7, (bottom + top) / 2 - 17.3
    half_x, half_y = size[0] / 2 * UNITS_PER_PX, size[1] / 2 * UNITS_PER_PX
    settings = QgsMapSettings()
    settings.setOutputSize(QSize(*size))
    settings.setDestinationCrs(QgsCoordinateReferenceSystem(MERCATOR))
    settings.setExtent(QgsRectangle(x - half_x, y - half_y, x + half_x, y + half_y))
    return plan_view(settings, layer)


def run_in_background(task, stop_when=None, limit_s=30):
    """Give the task to QGIS; returns the seconds from Stop, or from the start, to its end."""
    loop, since = QEventLoop(), [time.perf_counter()]

    def stop():
        if stop_when():
            watch.stop()
            since[0] = time.perf_counter()
            task.cancel()

    watch = QTimer()
    watch.timeout.connect(stop)
    if stop_when is not None:
        watch.start(10)
    for signal in (task.taskCompleted, task.taskTerminated):
        signal.connect(loop.quit)
    limit = QTimer()
    limit.setSingleShot(True)
    limit.timeout.connect(loop.quit)
    limit.start(limit_s * 1000)
    QgsApplication.taskManager().addTask(task)
    loop.exec()
    assert limit.isActive(), "the task did not end"
    watch.stop()
    limit.stop()
    return time.perf_counter() - since[0]


@pytest.mark.parametrize("kind", ["xyz", "wms"])
def test_web_map_is_sent_in_its_place(qgis_app, kind):
    """A mark on the map lies in the picture where it lies on the ground, to half a pixel."""
    with MapServer() as server:
        layer = QgsRasterLayer(server.uri(kind), "web", "wms")
        plan = plan_of(layer)
        task = CaptureTask(plan)
        run_in_background(task)

    assert isinstance(task.outcome, Done), task.outcome.error
    pixels = picture(task.outcome.value.image_bytes).astype(float)
    red = np.clip((pixels[..., 0] - pixels[..., 1]) / 210, 0, 1)
    ys, xs = np.mgrid[0 : red.shape[0], 0 : red.shape[1]] + 0.5
    found = (xs * red).sum() / red.sum(), (ys * red).sum() / red.sum()
    left, bottom, right, top = MARK_M
    truth = plan.frame.map_to_px((left + right) / 2, (bottom + top) / 2)
    assert np.hypot(found[0] - truth[0], found[1] - truth[1]) < 0.5
    assert task.outcome.value.empty_share == 0


def test_missing_tiles_are_grey_and_counted(qgis_app):
    """A third of the tiles is 404: the others are sent, and the remark says how much did not come."""
    with MapServer(lambda number: "map" if number % 3 else "missing") as server:
        task = CaptureTask(plan_of(QgsRasterLayer(server.uri("xyz"), "web", "wms")))
        run_in_background(task)

    assert isinstance(task.outcome, Done), task.outcome.error
    assert 0.05 < task.outcome.value.empty_share < 0.5
    assert "% of the picture did not come" in task.outcome.value.warning


@pytest.mark.parametrize("kind", ["xyz", "wms"])
def test_server_without_any_picture_is_a_sentence(qgis_app, kind):
    """All is 404: refused by the layer's name, with what to do; no grey picture is sent."""
    with MapServer(lambda number: "missing") as server:
        task = CaptureTask(plan_of(QgsRasterLayer(server.uri(kind), "web", "wms")))
        run_in_background(task)

    assert isinstance(task.outcome, Failed)
    assert "No picture of this area came for “web”" in str(task.outcome.error)
    assert "server" in task.outcome.error.hint


def test_server_that_dies_is_said(qgis_app):
    """The server goes away after two tiles: what came is sent with a remark, or there is a sentence."""
    with MapServer(lambda number: "die" if number == 3 else "map") as server:
        task = CaptureTask(plan_of(QgsRasterLayer(server.uri("xyz"), "web", "wms"), (900, 700)))
        run_in_background(task)

    if isinstance(task.outcome, Failed):
        assert "web" in str(task.outcome.error)
    else:
        assert task.outcome.value.empty_share > 0
        assert "did not come" in task.outcome.value.warning


@pytest.mark.parametrize("kind", ["xyz", "wms"])
def test_stop_ends_the_waiting_for_a_slow_server(qgis_app, kind):
    """Pictures that do not come: Stop ends the task within a second."""
    with MapServer(lambda number: "slow") as server:
        task = CaptureTask(plan_of(QgsRasterLayer(server.uri(kind), "web", "wms")))
        seconds = run_in_background(task, stop_when=server.first_asked.is_set)

    assert isinstance(task.outcome, Cancelled)
    assert seconds < 1.0
