"""Which raster is looked at, which area, and what is said before anything is sent."""

import pytest
from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest

from tests.qgis.make_rasters import make_marked
from tests.qgis.person import UTM, drag


def test_what_will_be_sent_follows_the_map(qtbot, plugin, dock, window):
    """Size and metres per pixel are right before anything is sent, and change with the view."""
    qtbot.waitUntil(
        lambda: "0.30 m/px (native\N{NO-BREAK SPACE}0.30)" in dock.ask_panel.sending.text(),
        timeout=2000,
    )
    before = dock.ask_panel.sending.text()
    window.canvas.zoomByFactor(0.25)
    qtbot.waitUntil(lambda: dock.ask_panel.sending.text() != before, timeout=2000)

    assert dock.ask_panel.sending.text().startswith("1 chip ")


def test_the_topmost_visible_raster_is_chosen(qtbot, plugin, dock, window, tmp_path):
    """A raster that is added on top becomes the chosen one; one that was chosen by hand stays."""
    panel = dock.ask_panel
    second = QgsRasterLayer(make_marked(tmp_path / "second.tif", UTM, epsg=32633).path, "second")
    QgsProject.instance().addMapLayer(second)
    window.canvas.setLayers([second])
    assert panel.layer.name() == "second"
    panel.layer_combo.setCurrentIndex(panel.layer_combo.findText("ortho"))
    panel.layer_combo.activated.emit(panel.layer_combo.currentIndex())
    third = QgsRasterLayer(make_marked(tmp_path / "third.tif", UTM, epsg=32633).path, "third")
    QgsProject.instance().addMapLayer(third)
    window.canvas.setLayers([third])

    assert panel.layer.name() == "ortho"
    QgsProject.instance().removeMapLayer(panel.layer.id())
    assert panel.layer.name() == "third"


@pytest.mark.parametrize("rotation_deg", [0.0, 30.0])
def test_a_drawn_rectangle_is_what_is_sent(qtbot, plugin, dock, window, stub, rotation_deg):
    """Draw, and the chip has the rectangle's shape, on a turned map too."""
    window.canvas.setRotation(rotation_deg)
    QTest.mouseClick(dock.ask_panel.draw, Qt.MouseButton.LeftButton)
    drag(window.canvas, QPoint(150, 180), QPoint(310, 260))
    plan = plugin.services.preview.plan()

    assert dock.ask_panel.area == "drawn"
    assert plan.frame.width_px / plan.frame.height_px == pytest.approx(2.0, rel=0.05)
    assert dock.ask_panel.sending.text().startswith("1 chip")


def test_giving_up_the_drawing_returns_to_the_view(qtbot, plugin, dock, window):
    """Esc while drawing leaves the current view chosen and the old tool active."""
    plugin.services.preview.draw()
    dock.ask_panel.set_area("drawn")
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)

    assert dock.ask_panel.area == "view"
