"""Given to `qgis --code`: uses the plugin as a person would, and writes down what happened.

Types the question key by key, presses Enter, watches the reasoning grow, and then looks at the map, the layer and the
file. Writes report.json, demo.png and the project; quits QGIS unless GEO_R1_DEMO_STAY is set. QGIS runs this text
without a `__file__`, so the folders come from the environment (`demo.sh`).
"""

import json
import os
import sys
import traceback
from pathlib import Path

SCRIPTS = Path(os.environ["GEO_R1_SCRIPTS"])
OUT = Path(os.environ["GEO_R1_DEMO_OUT"])
sys.path.insert(0, str(SCRIPTS))

import person  # noqa: E402
import qgis.utils  # noqa: E402
from osgeo import ogr  # noqa: E402
from person import check, wait_for  # noqa: E402
from qgis.core import Qgis, QgsProject, QgsRasterLayer, QgsRectangle  # noqa: E402
from qgis.PyQt.QtCore import QTimer  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.utils import iface  # noqa: E402

TRUTH = json.loads((SCRIPTS.parent / "resources" / "demo" / "tank-farm.json").read_text())
QUERY = "the largest storage tank"
PIXEL_M, LEFT_M, TOP_M = 0.3, 601_200.0, 5_340_900.0
"""As in make_demo_raster.py."""
VIEW_CENTRE_PX, VIEW_WIDTH_PX = (474, 300), 560


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
        self.stopwatch = person.Stopwatch()

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

    def look_at_tanks(self) -> str:
        """Zoom to where the tanks are."""
        canvas = iface.mapCanvas()
        x, y = LEFT_M + VIEW_CENTRE_PX[0] * PIXEL_M, TOP_M - VIEW_CENTRE_PX[1] * PIXEL_M
        half = VIEW_WIDTH_PX * PIXEL_M / 2
        half_height = half * canvas.height() / canvas.width()
        canvas.setExtent(QgsRectangle(x - half, y - half_height, x + half, y + half_height))
        canvas.refresh()
        return person.what_will_be_sent()

    def ask(self) -> str:
        """Type the question and press Enter."""
        self.stopwatch.start()
        person.ask(QUERY)
        return QUERY

    def watch_reasoning(self) -> str:
        """See the text grow until the answer is there."""
        seen = person.watch_reasoning()
        self.report |= seen
        check(seen["pieces"] > 1, f"the reasoning came in {seen['pieces']} piece(s): not a stream")
        return seen["reasoning"]

    def look_at_answer(self) -> str:
        """A styled layer with a polygon."""
        check(wait_for(person.result_layer, 5), f"there is no layer; notice: {person.notice()}")
        layer = person.result_layer()
        check(wait_for(lambda: layer.featureCount() > 0, 5), "the layer is empty")
        self.stopwatch.stop()
        check(layer.renderer().type() == "RuleRenderer", "the layer has no style")
        feature = next(layer.getFeatures())
        self.report |= {"label": feature["label"], "area_m2": feature["area_m2"]}
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
        truth = ring_m(max(tanks, key=lambda item: item["area_px"])["box_px"])
        found = feature.GetGeometryRef()
        overlap = truth.Intersection(found).GetArea() / truth.Union(found).GetArea()
        runs = file.GetLayerByName("runs")
        run = next(iter(runs))
        self.report |= {"overlap": overlap, "model": feature.GetField("model"), "run": run.items()}
        check(feature.GetField("query") == QUERY, "the query is not in the row")
        check(feature.GetField("reasoning"), "the reasoning is not in the row")
        check(len(run.GetField("chip_sha256") or "") == 64, "the run does not name its chip")
        check(overlap >= 0.5, f"the polygon is not on the largest tank: overlap {overlap:.2f}")
        return f"overlap with the truth {overlap:.2f}"

    def photograph(self) -> str:
        """The window as it is seen."""
        return person.photograph(str(OUT / "demo.png"))

    def run(self) -> None:
        """All steps; after the first that fails only the picture is taken."""
        steps = {
            "arrange_window": person.arrange_window,
            "open_raster": self.open_raster,
            "open_dock": person.open_dock,
            "look_at_tanks": self.look_at_tanks,
            "wait_until_ready": person.wait_until_ready,
            "ask": self.ask,
            "watch_reasoning": self.watch_reasoning,
            "look_at_answer": self.look_at_answer,
            "check_file": self.check_file,
            "photograph": self.photograph,
        }
        values, failed = {}, False
        for name, step in steps.items():
            if failed and name != "photograph":
                continue
            entry = {"name": name, "value": "", "error": ""}
            try:
                entry["value"] = values[name] = step()
            except Exception:
                entry["error"], failed = traceback.format_exc(), True
            self.report["steps"].append(entry)
        self.report["longest_gap_ms"] = round(self.stopwatch.longest_gap_ms)
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
        if os.environ.get("GEO_R1_DEMO_STAY"):
            qgis.utils.installErrorHook()  # from here on a person sits in front of it
        else:
            person.leave()


def on_uncaught(kind: type, value: BaseException, trace: object) -> None:
    """Instead of QGIS's modal box, which nobody would close."""
    demo.report["uncaught"].append("".join(traceback.format_exception(kind, value, trace)))


demo = Demo()
qgis.utils.uninstallErrorHook()
sys.excepthook = on_uncaught
QTimer.singleShot(500, main)  # --code runs before the event loop
