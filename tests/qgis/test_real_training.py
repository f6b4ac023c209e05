"""The Train tab with the true service and a true run of one step: from polygons to an event of every kind."""

import numpy as np
import pytest
from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis.core.train_state import FINAL, Stage
from tests.qgis.make_rasters import BACKGROUND, COLOURS, SQUARE_PX, write_tiff
from tests.qgis.person import UTM
from tests.qgis.test_gui_train import make_labels, polygon
from tests.qgis.test_real_service import COMMAND, EMBEDDED, home, plugin  # noqa: F401 - fixtures

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        not (COMMAND.exists() and EMBEDDED.exists()), reason="needs the service and its model"
    ),
]


SPREAD = [(800 * column + 300, 800 * row + 300) for column in range(4) for row in range(2)]


def add_wide_raster(folder):
    """Eight red squares, far enough apart for eight places."""
    pixels = np.full((3, 1600, 3200), BACKGROUND, np.uint8)
    for x, y in SPREAD:
        pixels[:, y : y + SQUARE_PX, x : x + SQUARE_PX] = np.array(COLOURS["red"])[:, None, None]
    write_tiff(folder / "wide.tif", pixels, UTM, 32633)
    layer = QgsRasterLayer(str(folder / "wide.tif"), "wide")
    QgsProject.instance().addMapLayer(layer)
    return layer


@pytest.mark.parametrize(("task", "method"), [("rec", "sft"), ("gres", "dapo")])
def test_one_step_from_the_dock(qtbot, plugin, tmp_path, task, method):  # noqa: F811 - a fixture
    """Checked, cut, sent, trained one step, judged; the model that came out is offered. Masks are judged by what is cut out."""
    services = plugin.services
    panel, training = services.dock.train, services.training
    services.dock.tabs.setCurrentIndex(1)
    panel.form.raster.setLayer(add_wide_raster(tmp_path))
    layer = make_labels([polygon(*place) for place in SPREAD])
    panel.form.labels.setLayer(layer)
    panel.form.expression.setText("the coloured square")
    panel.form.task.setCurrentIndex(panel.form.task.findData(task))
    panel.form.method.setCurrentIndex(panel.form.method.findData(method))
    panel.form.steps.setValue(1)
    QTest.mouseClick(panel.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: training.check is not None, timeout=10_000)
    QTest.mouseClick(panel.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: training.state.stage in FINAL, timeout=380_000)

    assert training.state.stage is Stage.FINISHED, panel.notice.text
    assert training.state.steps
    assert training.state.verdict is not None
    assert training.state.verdict.after.metric == {"rec": "acc@0.5", "gres": "giou"}[task]
    qtbot.waitUntil(lambda: bool(panel.strip._images), timeout=10_000)
