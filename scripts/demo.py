"""Given to `qgis --code`: uses the plugin as a person would, and writes down what happened.

Types the question key by key, presses Enter, watches the reasoning grow, and then looks at the map, the layer and the
file. Knows widgets by their names only, not the plugin's objects. Writes report.json, demo.png and the project; quits
QGIS unless GEO_R1_DEMO_STAY is set.
"""

import json
import os
import re
import sys
import time
import traceback
from pathlib import Path

import qgis.utils
from osgeo import ogr
from qgis.core import Qgis, QgsProject, QgsRasterLayer, QgsRectangle
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QLabel, QLineEdit, QPushButton, QTextBrowser, QWidget
from qgis.utils import iface

OUT = Path(os.environ["GEO_R1_DEMO_OUT"])
STAYS = bool(os.environ.get("GEO_R1_DEMO_STAY"))
TRUTH = json.loads(
    Path(os.environ["GEO_R1_DEMO_TRUTH"]).read_text()
)  # QGIS runs this text without a __file__

QUERY = "the largest storage tank"
PIXEL_M, LEFT_M, TOP_M = 0.3, 601_200.0, 5_340_900.0
"""As in make_demo_raster.py."""
VIEW_CENTRE_PX, VIEW_WIDTH_PX = (474, 300), 560
KEY_MS = 25
ANSWER_S = 60
TICK_MS = 5


class Demo:
    """The steps in order; each leaves a line in the report and may use what earlier ones found."""

    def __init__(self) -> None:
        self.report = {
            "passed": False,
            "lines": [],
            "steps": [],
            "uncaught": [],
            "qgis": Qgis.QGIS_VERSION,
        }
        self.longest_gap_ms = 0.0
        self._last_tick = 0.0
        self._ticker = QTimer()
        self._ticker.timeout.connect(self._tick)

    # ---- what a person does ------------------------------------------------------------------------------------------

    def open_window(self) -> str:
        """A window of a size that shows everything; the map gets the room of the file browser."""
        window = iface.mainWindow()
        window.setGeometry(0, 0, 1400, 900)
        browser = window.findChild(QWidget, "Browser")
        if browser is not None:
            browser.close()
        QTest.qWait(300)
        return f"{window.width()}x{window.height()}"

    def open_raster(self) -> str:
        """The orthophoto in a saved project."""
        raster = QgsRasterLayer(str(OUT / "tank-farm.tif"), "Tank farm 2026")
        check(raster.isValid(), "the demo raster cannot be read")
        project = QgsProject.instance()
        project.addMapLayer(raster)
        QTest.qWait(400)  # QGIS sets the project's CRS from the first layer, later
        project.setCrs(raster.crs())
        check(project.write(str(OUT / "demo.qgz")), "the project cannot be saved")
        return raster.crs().authid()

    def open_dock(self) -> str:
        """The plugin's dock: it opens by itself the first time, else by its button."""
        check(
            "geo_r1_qgis" in qgis.utils.plugins,
            f"the plugin is not active: {qgis.utils.active_plugins}",
        )
        dock = iface.mainWindow().findChild(QWidget, "geoR1Dock")
        check(dock is not None, "there is no dock")
        opened_itself = wait_for(dock.isVisible, 2)
        if not opened_itself:
            self.action().trigger()
        check(wait_for(dock.isVisible, 2), "the dock does not open")
        return "opened by itself" if opened_itself else "opened by its button"

    def look_at_tanks(self) -> str:
        """Zoom to where the tanks are."""
        canvas = iface.mapCanvas()
        x, y = LEFT_M + VIEW_CENTRE_PX[0] * PIXEL_M, TOP_M - VIEW_CENTRE_PX[1] * PIXEL_M
        half = VIEW_WIDTH_PX * PIXEL_M / 2
        half_height = half * canvas.height() / canvas.width()
        canvas.setExtent(QgsRectangle(x - half, y - half_height, x + half, y + half_height))
        canvas.refresh()
        QTest.qWait(400)  # the line follows when the canvas rests
        sending = named(QLabel, "geoR1Sending")
        check(wait_for(lambda: "chip" in sending.text(), 5), f"nothing to send: {sending.text()!r}")
        return sending.text()

    def wait_until_ready(self) -> str:
        """The header says what answers."""
        status = named(QLabel, "geoR1Status")
        check(
            wait_for(lambda: "ready" in plain(status.text()), 30),
            f"the service is not ready: {status.text()!r}",
        )
        return plain(status.text())

    def ask(self) -> str:
        """Type the question and press Enter."""
        query = named(QLineEdit, "geoR1Query")
        query.setFocus()
        QTest.keyClicks(query, QUERY, Qt.KeyboardModifier.NoModifier, KEY_MS)
        check(query.text() == QUERY, f"the line says {query.text()!r}")
        self._start_clock()
        QTest.keyClick(query, Qt.Key.Key_Return)
        return query.text()

    def watch_reasoning(self) -> str:
        """See the text grow until the answer is there."""
        view, stage = named(QTextBrowser, "geoR1Reasoning"), named(QLabel, "geoR1Stage")
        began, lengths, first_s = time.monotonic(), [0], None
        while time.monotonic() - began < ANSWER_S:
            QTest.qWait(5)
            length = len(view.toPlainText())
            if length > lengths[-1]:
                lengths.append(length)
                first_s = first_s or time.monotonic() - began
            if any(word in stage.text() for word in ("Answered", "Failed", "Stopped")):
                break
        total_s = time.monotonic() - began
        check(
            "Answered" in stage.text(), f"it ended with {stage.text()!r}; notice: {self.notice()}"
        )
        QTest.qWait(300)
        text = view.toPlainText()
        check(len(lengths) > 2, f"the reasoning came in {len(lengths) - 1} piece(s): not a stream")
        self.report |= {
            "first_words_s": first_s,
            "answer_s": total_s,
            "pieces": len(lengths) - 1,
            "reasoning": text,
        }
        return text

    def look_at_answer(self) -> str:
        """A styled layer with a polygon, on the object."""
        check(
            wait_for(lambda: QgsProject.instance().mapLayersByName("Geo-R1 detections"), 5),
            "there is no layer",
        )
        (layer,) = QgsProject.instance().mapLayersByName("Geo-R1 detections")
        check(wait_for(lambda: layer.featureCount() > 0, 5), "the layer is empty")
        self._stop_clock()
        check(layer.renderer().type() == "RuleRenderer", "the layer has no style")
        feature = next(layer.getFeatures())
        self.report["label"], self.report["area_m2"] = feature["label"], feature["area_m2"]
        QgsProject.instance().write()
        return f"{layer.featureCount()} feature, {feature['label']}"

    def check_file(self) -> str:
        """The GeoPackage as another program reads it: outline against the truth of the generator."""
        path = OUT / "demo_geo-r1.gpkg"
        check(path.exists(), f"{path.name} is missing: {sorted(p.name for p in OUT.iterdir())}")
        file = ogr.Open(str(path))
        table = file.GetLayerByName("detections")
        feature = next(iter(table))
        tanks = [item for item in TRUTH["objects"] if item["kind"] == "storage tank"]
        largest = max(tanks, key=lambda item: item["area_px"])
        truth, found = ring_m(largest["box_px"]), feature.GetGeometryRef()
        overlap = truth.Intersection(found).GetArea() / truth.Union(found).GetArea()
        run = next(iter(file.GetLayerByName("runs")))
        self.report |= {"overlap": overlap, "model": feature.GetField("model"), "run": run.items()}
        check(feature.GetField("query") == QUERY, "the query is not in the row")
        check(feature.GetField("reasoning"), "the reasoning is not in the row")
        check(len(run.GetField("chip_sha256") or "") == 64, "the run does not name its chip")
        check(overlap >= 0.5, f"the polygon is not on the largest tank: overlap {overlap:.2f}")
        return f"overlap with the truth {overlap:.2f}"

    def photograph(self) -> str:
        """The window as it is seen."""
        iface.mapCanvas().refreshAllLayers()
        QTest.qWait(1200)
        picture = iface.mainWindow().grab()
        check(picture.save(str(OUT / "demo.png")), "the picture cannot be saved")
        return f"{picture.width()}x{picture.height()}"

    # ---- how it is written down --------------------------------------------------------------------------------------

    def run(self) -> None:
        """All steps; after the first that fails only the picture is taken."""
        steps = (
            self.open_window,
            self.open_raster,
            self.open_dock,
            self.look_at_tanks,
            self.wait_until_ready,
            self.ask,
            self.watch_reasoning,
            self.look_at_answer,
            self.check_file,
            self.photograph,
        )
        values, failed = {}, False
        for step in steps:
            if failed and step != self.photograph:
                continue
            entry = {"name": step.__name__, "value": "", "error": ""}
            try:
                entry["value"] = values[step.__name__] = step()
            except Exception:
                entry["error"], failed = traceback.format_exc(), True
            self.report["steps"].append(entry)
        self.report["longest_gap_ms"] = round(self.longest_gap_ms)
        self.report["passed"] = not failed and not self.report["uncaught"]
        self.report["lines"] = self.lines(values) if not failed else ["The demo did not end well."]

    def lines(self, values: dict) -> list:
        """What happened, in five lines."""
        report = self.report
        return [
            f"1. QGIS {Qgis.QGIS_VERSION.split('-')[0]} with the dock open; {values['wait_until_ready']}",
            f"2. Typed “{QUERY}” and pressed Enter; sent {values['look_at_tanks']}",
            f"3. First words after {report['first_words_s']:.1f} s, answer after {report['answer_s']:.1f} s, in "
            f"{report['pieces']} pieces; the window never stood still for more than {report['longest_gap_ms']} ms",
            f"4. Found: {report['label']}, {report['area_m2']:.0f} m², overlap with the truth {report['overlap']:.2f}",
            "5. Left in demo-output/: demo_geo-r1.gpkg (polygon, reasoning, run), demo.qgz, demo.png",
        ]

    def save(self) -> None:
        """The report appears whole or not at all."""
        half_made = OUT / "report.json.part"
        half_made.write_text(
            json.dumps(self.report, indent=1, ensure_ascii=False, default=str), encoding="utf-8"
        )
        half_made.rename(OUT / "report.json")

    def notice(self) -> str:
        """What the plugin says went wrong."""
        frame = iface.mainWindow().findChild(QWidget, "geoR1Notice")
        if frame is None or not frame.isVisible():
            return "none"
        return " | ".join(
            plain(label.text()) for label in frame.findChildren(QLabel) if label.text()
        )

    def action(self) -> object:
        """The plugin's button in the toolbar."""
        actions = [
            each for bar in iface.mainWindow().findChildren(QWidget) for each in bar.actions()
        ]
        return next(each for each in actions if each.objectName() == "geoR1Action")

    def _start_clock(self) -> None:
        self._last_tick = time.monotonic()
        self._ticker.start(TICK_MS)

    def _stop_clock(self) -> None:
        self._ticker.stop()

    def _tick(self) -> None:
        now = time.monotonic()
        self.longest_gap_ms = max(self.longest_gap_ms, (now - self._last_tick) * 1000 - TICK_MS)
        self._last_tick = now


def check(holds: object, otherwise: str) -> None:
    """Fail with a sentence."""
    if not holds:
        raise RuntimeError(otherwise)


def wait_for(condition: object, seconds: float) -> bool:
    """Let QGIS work until `condition` holds; whether it did in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        QTest.qWait(20)
    return bool(condition())


def named(kind: type, name: str) -> QWidget:
    """The widget of that name, which must be visible."""
    widget = iface.mainWindow().findChild(kind, name)
    check(widget is not None, f"there is no {name}")
    check(widget.isVisible() or isinstance(widget, QPushButton), f"{name} is not visible")
    return widget


def plain(text: str) -> str:
    """Text without markup."""
    return re.sub("<[^>]+>", "", text)


def ring_m(box_px: list) -> ogr.Geometry:
    """A box of the picture as a polygon on the map."""
    x0, y0, x1, y1 = box_px
    corners = ((x0, y0), (x0, y1), (x1, y1), (x1, y0), (x0, y0))
    points = ", ".join(f"{LEFT_M + x * PIXEL_M} {TOP_M - y * PIXEL_M}" for x, y in corners)
    return ogr.CreateGeometryFromWkt(f"POLYGON (({points}))")


def main() -> None:
    """Run, report, leave."""
    try:
        demo.run()
    finally:
        demo.save()
        if not STAYS:
            QgsProject.instance().setDirty(False)  # no "save?" on the way out
            QTimer.singleShot(
                0, lambda: (QgsProject.instance().clear(), iface.actionExit().trigger())
            )


def on_uncaught(kind: type, value: BaseException, trace: object) -> None:
    """Instead of QGIS's modal box, which nobody would close."""
    demo.report["uncaught"].append("".join(traceback.format_exception(kind, value, trace)))


demo = Demo()
qgis.utils.uninstallErrorHook()
sys.excepthook = on_uncaught
QTimer.singleShot(500, main)  # --code runs before the event loop
