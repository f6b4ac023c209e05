"""Whole layers with the true service and the embedded model, over a mosaic whose tiles cut its objects."""

import contextlib
import sqlite3

import numpy as np
import pytest
from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtGui import QImage

from geo_r1_qgis.gui.ask_panel import LAYER
from tests.qgis.make_rasters import picture, write_tiff
from tests.qgis.person import type_question
from tests.qgis.test_gui_scene import wait_for_end
from tests.qgis.test_real_service import (
    COMMAND,
    EMBEDDED,
    ROOT,
    UTM,
    home,  # noqa: F401 - a fixture
    plugin,  # noqa: F401 - a fixture
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (COMMAND.exists() and EMBEDDED.exists()), reason="needs the service and its model"
    ),
]


def test_a_mosaic_is_asked_as_a_whole(qtbot, plugin, tmp_path):  # noqa: F811 - a fixture
    """All tanks of two pictures side by side are found, each once; the largest of them is one of them, and it is the largest."""
    farm = picture(QImage(str(ROOT / "resources" / "demo" / "tank-farm.png")))
    pixels = np.concatenate([farm, farm], axis=1).transpose(2, 0, 1)
    write_tiff(tmp_path / "mosaic.tif", np.ascontiguousarray(pixels), UTM, 32633)
    layer = QgsRasterLayer(str(tmp_path / "mosaic.tif"), "mosaic")
    QgsProject.instance().addMapLayer(layer)
    dock, store = plugin.services.dock, plugin.services.store
    dock.ask_panel.layer_combo.setLayer(layer)
    dock.ask_panel.set_area(LAYER)
    type_question(dock, "all storage tanks")
    result = wait_for_end(qtbot, plugin, timeout=90_000).value
    type_question(dock, "the largest storage tank")
    wait_for_end(qtbot, plugin, timeout=90_000)
    found = boxes_by_question(store.path)
    tanks = found["all storage tanks"]

    assert result.tiles.answered == result.tiles.total > 2
    assert result.tiles.failed == 0
    assert len(tanks) >= 4
    assert all(0 <= b[0] < b[2] <= pixels.shape[2] for b in tanks)
    assert all(0 <= b[1] < b[3] <= pixels.shape[1] for b in tanks)
    # the picture is there twice: both largest ones may be the same to a pixel
    assert 1 <= len(found["the largest storage tank"]) <= 2
    assert all(
        area(box) >= 0.9 * max(map(area, tanks)) for box in found["the largest storage tank"]
    )


def boxes_by_question(path):
    """Boxes in pixels of the scene, by what was asked."""
    found = {}
    with contextlib.closing(sqlite3.connect(path)) as database:
        rows = database.execute(
            "select query, x_min_px, y_min_px, x_max_px, y_max_px from detections"
        )
        for query, *box in rows:
            found.setdefault(query, []).append(box)
    return found


def area(box):
    """In square pixels."""
    return (box[2] - box[0]) * (box[3] - box[1])
