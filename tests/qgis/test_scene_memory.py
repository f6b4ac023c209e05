"""Runs over whole rasters in processes of their own: memory does not follow the raster, and a killed one is gone on with."""

import os
import signal
import subprocess
import sys
import time

from geo_r1_qgis.core.scene_records import SceneOptions
from geo_r1_qgis.layers.scene_resume import find_unfinished
from geo_r1_qgis.tasks.scene_run import SceneRun
from tests.qgis.bench_whole import measured
from tests.qgis.make_scene import eyes, make_scene, spread
from tests.qgis.test_scene_run import (
    approximately,
    carried_out,
    journal_in,
    planned,
    scene_boxes,
    service,  # noqa: F401 - a fixture
)

ALLOWED_MB = 24
"""What two allocators keep, of three batches of pictures in flight."""


def test_memory_is_flat(tmp_path):
    """Six times the raster takes no more memory; `make bench-whole` goes on to a gigapixel."""
    small = measured(tmp_path, 1_024, tile_px=224)
    large = measured(tmp_path, 2_560, tile_px=224)

    assert large["tiles"] > 5 * small["tiles"]
    assert large["count"] >= large["tiles"]
    assert large["grown_mb"] < small["grown_mb"] + ALLOWED_MB


def test_a_killed_qgis_is_gone_on_with(qtbot, service, tmp_path):  # noqa: F811 - a fixture
    """kill -9 in the middle of a run: the next session asks what was not answered, and comes to all of it."""
    made = make_scene(tmp_path / "scene.tif", 900, 700, spread(900, 700, 60, 21, largest=110))
    see = eyes(made.boxes)

    def slowly(item, image):
        time.sleep(0.02)
        return see(item, image)

    service.answer_items = slowly
    plan = planned(made)
    path = tmp_path / "scene.gpkg"
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.qgis.measure_scene", made.path, str(path), "120", "2", "all tanks"],
        env={**os.environ, "GEO_R1_HOME": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    qtbot.waitUntil(lambda: len(service.items_asked) > 40, timeout=20_000)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    before = len(service.items_asked)
    left = find_unfinished(path)
    again = SceneRun(
        plan,
        SceneOptions.from_json(left.options),
        journal=journal_in(tmp_path, plan),
        resume=left.run_uid,
    )
    result = carried_out(qtbot, again).outcome.value

    assert result.tiles.earlier >= before - 2 * 16
    assert len(service.items_asked) <= plan.tile_count + 2 * 16
    assert scene_boxes(path) == approximately(made.boxes)
