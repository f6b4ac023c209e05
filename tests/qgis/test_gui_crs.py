"""A raster without CRS: the dock says so and offers the project's; one click sets it, one more takes it back."""

from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtWidgets import QPushButton

from geo_r1_qgis.core.errors import GeoR1Error
from geo_r1_qgis.core.sentences import Mend
from tests.qgis.make_rasters import make_marked
from tests.qgis.person import UTM


def add_raster(window, folder, name, epsg=None):
    """A raster on top of the others; without an EPSG code it has no CRS."""
    layer = QgsRasterLayer(make_marked(folder / f"{name}.tif", UTM, epsg=epsg).path, name)
    if epsg is None:
        layer.setCrs(QgsCoordinateReferenceSystem())  # QGIS may have guessed one
    QgsProject.instance().addMapLayer(layer)
    window.canvas.setLayers([layer])
    return layer


def choose(dock, layer):
    """Choose a raster in the list."""
    dock.ask_panel.layer_combo.setLayer(layer)


def press(qtbot, dock, words):
    """The notice's button with these words on it."""
    (button,) = (each for each in dock.notice.findChildren(QPushButton) if each.text() == words)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_raster_without_crs_is_offered_the_projects(qtbot, dock, window, tmp_path):
    """The notice names the layer and the project's CRS; its button sets it, and the line below the question knows metres."""
    scan = add_raster(window, tmp_path, "scan")

    choose(dock, scan)

    qtbot.waitUntil(lambda: dock.notice.mend is Mend.USE_PROJECT_CRS)
    assert "“scan” has no CRS" in dock.notice.text
    assert "EPSG:32633" in dock.notice.text
    qtbot.waitUntil(lambda: "has no CRS" in dock.ask_panel.sending.text())
    press(qtbot, dock, "Use the project's CRS")
    assert scan.crs().authid() == "EPSG:32633"
    assert "has no CRS" not in dock.ask_panel.sending.text()
    assert "0.30 m/px" in dock.ask_panel.sending.text()


def test_a_photograph_is_not_offered_the_projects_crs(qtbot, dock, window, tmp_path):
    """No CRS fits pixels: it is said that sizes are in pixels, and the remark goes with the layer."""
    picture = QImage(400, 300, QImage.Format.Format_RGB32)
    picture.fill(200)
    picture.save(str(tmp_path / "photo.png"))
    photo = QgsRasterLayer(str(tmp_path / "photo.png"), "photo")
    photo.setCrs(QgsCoordinateReferenceSystem())
    QgsProject.instance().addMapLayer(photo)

    choose(dock, photo)

    qtbot.waitUntil(lambda: "“photo” has no place on the map" in dock.notice.text)
    assert dock.notice.mend is Mend.NONE
    choose(dock, add_raster(window, tmp_path, "map", epsg=32633))
    assert dock.notice.isHidden()


def test_undo_is_one_click(qtbot, dock, window, tmp_path):
    """What the button did the next one takes back: the layer has no CRS again and the offer stands again."""
    scan = add_raster(window, tmp_path, "scan")
    choose(dock, scan)
    press(qtbot, dock, "Use the project's CRS")

    assert dock.notice.mend is Mend.TAKE_CRS_BACK
    press(qtbot, dock, "Undo")

    assert not scan.crs().isValid()
    assert dock.notice.mend is Mend.USE_PROJECT_CRS
    assert "has no CRS" in dock.ask_panel.sending.text()


def test_offer_is_made_once_per_layer(qtbot, dock, window, tmp_path):
    """Who closed the offer is not asked again; another layer without CRS is another question."""
    scan, map_ = (add_raster(window, tmp_path, name) for name in ("scan", "map"))
    ortho = next(iter(QgsProject.instance().mapLayersByName("ortho")))
    choose(dock, scan)
    dock.notice.hide()

    choose(dock, ortho)
    choose(dock, scan)
    assert dock.notice.isHidden()

    choose(dock, map_)
    assert "“map” has no CRS" in dock.notice.text


def test_offer_goes_with_its_layer(qtbot, dock, window, tmp_path):
    """When a raster with a CRS is chosen, the offer for another one is no longer in the way."""
    ortho = next(iter(QgsProject.instance().mapLayersByName("ortho")))
    choose(dock, add_raster(window, tmp_path, "scan"))
    assert not dock.notice.isHidden()

    choose(dock, ortho)

    assert dock.notice.isHidden()


def test_error_is_not_covered_by_an_offer(qtbot, dock, window, tmp_path):
    """What went wrong stays readable; the offer waits for another time."""
    dock.notice.show_error(GeoR1Error(code="query-empty"))

    choose(dock, add_raster(window, tmp_path, "scan"))

    assert dock.notice.code == "query-empty"


def test_removed_layer_leaves_nothing_to_click(qtbot, dock, window, tmp_path):
    """The layer of an offer may be removed; the button then does nothing, and nothing breaks."""
    scan = add_raster(window, tmp_path, "scan")
    choose(dock, scan)
    QgsProject.instance().removeMapLayer(scan.id())

    dock.notice.mend_requested.emit(Mend.USE_PROJECT_CRS)

    assert dock.ask_panel.layer is not None
