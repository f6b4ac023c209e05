"""Given to `qgis --code` by run.py: a person who draws nothing new, opens the tab Train, and follows the tutorial with its defaults.

Checks the labels, starts, waits for the verdict, presses “Use this model”, then asks on another mosaic and looks at the GeoPackage.
Writes report.json and pictures of the window. Folders come from the environment: QGIS runs this text without a `__file__`.
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path

SCRIPTS = Path(os.environ["GEO_R1_SCRIPTS"])
OUT = Path(os.environ["GEO_R1_PROOF_OUT"])
PLAN = json.loads((OUT / "plan.json").read_text())
"""raster, labels, query, steps (0 = the tab's default), limit_s, asked: raster and views (left, top, side in pixels, true box)."""
sys.path.insert(0, str(SCRIPTS))

import person  # noqa: E402
import qgis.utils  # noqa: E402
from osgeo import ogr  # noqa: E402
from person import check, wait_for  # noqa: E402
from qgis.core import Qgis, QgsProject, QgsRasterLayer, QgsRectangle, QgsVectorLayer  # noqa: E402
from qgis.PyQt.QtCore import Qt, QTimer  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import (  # noqa: E402
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTabBar,
    QToolButton,
    QWidget,
)
from qgis.utils import iface  # noqa: E402


class Proof:
    """The steps in order; each leaves a line in the report."""

    def __init__(self) -> None:
        self.report = {"passed": False, "steps": [], "uncaught": [], "qgis": Qgis.QGIS_VERSION}
        self.stopwatch = person.Stopwatch()

    def open_layers(self) -> str:
        """The orthophoto and the polygons, in a saved project."""
        project = QgsProject.instance()
        self.raster = QgsRasterLayer(PLAN["raster"], "Orthophoto")
        labels = QgsVectorLayer(PLAN["labels"], "My polygons", "ogr")
        check(self.raster.isValid() and labels.isValid(), "a layer cannot be read")
        project.addMapLayer(self.raster)
        project.addMapLayer(labels)  # on top
        QTest.qWait(400)
        project.setCrs(self.raster.crs())
        iface.mapCanvas().setExtent(self.raster.extent())
        check(project.write(str(OUT / "proof.qgz")), "the project cannot be saved")
        return f"{labels.featureCount()} polygons"

    def open_tab(self) -> str:
        """Click on Train; type what the polygons show; leave everything else as it is."""
        click_tab(1)
        line = person.named(QLineEdit, "geoR1TrainExpression")
        line.setFocus()
        QTest.keyClicks(line, PLAN["query"], Qt.KeyboardModifier.NoModifier, person.KEY_MS)
        chosen = {
            name: person.named(QComboBox, name).currentText()
            for name in (
                "geoR1TrainLabels",
                "geoR1TrainRaster",
                "geoR1TrainWhich",
                "geoR1TrainTask",
            )
        }
        check(chosen["geoR1TrainLabels"] == "My polygons", f"labels: {chosen}")
        check(chosen["geoR1TrainRaster"] == "Orthophoto", f"raster: {chosen}")
        if PLAN["steps"]:
            QTest.mouseClick(person.named(QToolButton, "geoR1TrainMore"), Qt.MouseButton.LeftButton)
            person.named(QSpinBox, "geoR1TrainSteps").setValue(PLAN["steps"])
        self.report["chosen"] = chosen
        return ", ".join(chosen.values())

    def check_labels(self) -> str:
        """The sample check, before anything starts."""
        press("geoR1TrainGo", "Check the labels")
        stage = person.named(QLabel, "geoR1TrainStage")
        check(wait_for(lambda: "ready" in stage.text(), 30), f"the check says {stage.text()!r}")
        person.photograph(str(OUT / "checked.png"))
        dock = person.named(QWidget, "geoR1Dock")
        corner = dock.mapTo(iface.mainWindow(), dock.rect().topLeft())
        self.report["dock_px"] = [corner.x(), corner.y(), dock.width(), dock.height()]
        return stage.text()

    def train(self) -> str:
        """Start, watch the curves, take a picture half way, until there is a verdict."""
        stage, title = named("geoR1TrainStage"), named("geoR1TrainVerdict")
        seen: list = []
        began_s = time.monotonic()
        self.stopwatch.start()
        press("geoR1TrainGo", "Start training")
        end_s = began_s + PLAN["limit_s"]
        pictured = False
        while time.monotonic() < end_s and not title.isVisible():
            QTest.qWait(100)
            if stage.text() != (seen[-1] if seen else ""):
                seen.append(stage.text())
            check("Failed" not in stage.text(), f"the run failed; notice: {train_notice()}")
            step, of = step_of(stage.text())
            if of and not pictured and step >= 0.7 * of:
                pictured = True
                self.stopwatch.stop()
                iface.mainWindow().grab().save(str(OUT / "running.png"))
                self.stopwatch.start()
        self.report["train_s"] = round(time.monotonic() - began_s, 1)
        self.stopwatch.stop()
        self.report["longest_gap_ms"] = round(self.stopwatch.longest_gap_ms)
        check(
            title.isVisible(),
            f"no verdict after {PLAN['limit_s']} s; the tab says {stage.text()!r}",
        )
        check(pictured, "the steps were never seen")
        wait_for(lambda: "Finished" in stage.text(), 10)
        person.photograph(str(OUT / "verdict.png"))
        self.report["verdict_words"] = title.text()
        return title.text()

    def use(self) -> str:
        """Switch to the new model; the tab says so."""
        QTest.mouseClick(person.named(QPushButton, "geoR1TrainUse"), Qt.MouseButton.LeftButton)
        said = "Questions go to this model now"
        check(wait_for(lambda: said in train_notice(), 20), f"the tab says {train_notice()!r}")
        QTest.qWait(1000)
        return person.plain(named("geoR1Status").text())

    def ask(self) -> str:
        """The new model is asked about another mosaic, view by view; every answer lands in the GeoPackage."""
        other = QgsRasterLayer(PLAN["asked"]["raster"], "Another orthophoto")
        QgsProject.instance().addMapLayer(other)
        iface.setActiveLayer(other)
        click_tab(0)
        person.choose_task("rec")
        self.report["answers"] = []
        for left, top, side, truth in PLAN["asked"]["views"]:
            look_at(other, left, top, side)
            person.what_will_be_sent()
            person.ask(PLAN["query"])
            person.watch_reasoning()
            QTest.qWait(300)
            self.report["answers"].append(best_overlap(other, truth))
        person.photograph(str(OUT / "asked.png"))
        return ", ".join(f"{overlap:.2f}" for overlap in self.report["answers"])

    def check_file(self) -> str:
        """The GeoPackage as another program reads it: the answers are the new model's."""
        path = OUT / "proof_geo-r1.gpkg"
        check(path.exists(), f"{path.name} is missing: {sorted(p.name for p in OUT.iterdir())}")
        file = ogr.Open(str(path))
        runs = [row.items() for row in file.GetLayerByName("runs")]
        models = {str(row["model"]) for row in runs}
        check(len(runs) == len(PLAN["asked"]["views"]), f"{len(runs)} rows of runs")
        check(all(model.startswith("run-") for model in models), f"answered by {sorted(models)}")
        rows = [row.items() for row in file.GetLayerByName("detections")]
        check(rows, "there is no detection in the file")
        check(
            {str(row["query"]) for row in rows} == {PLAN["query"]}, "another question in the file"
        )
        self.report |= {"models": sorted(models), "detections": len(rows)}
        return f"{len(rows)} detections of {', '.join(sorted(models))}"

    def run(self) -> None:
        """All steps, up to the first that fails."""
        for step in (
            person.arrange_window, self.open_layers, person.open_dock, person.wait_until_ready, self.open_tab,
            self.check_labels, self.train, self.use, self.ask, self.check_file,
        ):  # fmt: skip
            entry = {"name": step.__name__, "value": "", "error": ""}
            self.report["steps"].append(entry)
            try:
                entry["value"] = step()
            except Exception:
                entry["error"] = traceback.format_exc()
                person.photograph(str(OUT / "failed.png"))
                break
        self.report["passed"] = not self.report["uncaught"] and not any(
            each["error"] for each in self.report["steps"]
        )

    def save(self) -> None:
        """The report appears whole or not at all."""
        half_made = OUT / "report.json.part"
        half_made.write_text(json.dumps(self.report, indent=1, ensure_ascii=False, default=str))
        half_made.rename(OUT / "report.json")


def named(name: str) -> QLabel:
    """A label, visible or not."""
    return iface.mainWindow().findChild(QLabel, name)


def press(name: str, says: str) -> None:
    """Click on a button that must say so."""
    button = person.named(QPushButton, name)
    check(button.text() == says, f"the button says {button.text()!r}")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def click_tab(index: int) -> None:
    """Ask or Train."""
    tabs = person.named(QTabBar, "geoR1Tabs")
    QTest.mouseClick(
        tabs,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        tabs.tabRect(index).center(),
    )
    QTest.qWait(200)


def step_of(text: str) -> tuple:
    """(step, of how many) out of the line of the stage; zeros where it says none."""
    numbers = [int(word) for word in text.replace("·", " ").split() if word.isdigit()]
    return (numbers[0], numbers[1]) if "step" in text and len(numbers) > 1 else (0, 0)


def train_notice() -> str:
    """What the tab says beside the stage."""
    frame = iface.mainWindow().findChild(QWidget, "geoR1TrainNotice")
    return " | ".join(person.plain(each.text()) for each in frame.findChildren(QLabel))


def look_at(raster: QgsRasterLayer, left: int, top: int, side: int) -> None:
    """The canvas shows this square of the raster."""
    extent, unit = raster.extent(), raster.rasterUnitsPerPixelX()
    x, y = extent.xMinimum() + (left + side / 2) * unit, extent.yMaximum() - (top + side / 2) * unit
    canvas, half = iface.mapCanvas(), side * unit / 2
    wide = half * canvas.width() / canvas.height()
    canvas.setExtent(QgsRectangle(x - wide, y - half, x + wide, y + half))
    canvas.refresh()
    QTest.qWait(300)


def best_overlap(raster: QgsRasterLayer, truth: list) -> float:
    """IoU of the best polygon in the layer with a box in pixels of the raster."""
    layer = person.result_layer()
    extent, unit = raster.extent(), raster.rasterUnitsPerPixelX()
    x0, y0, x1, y1 = truth
    rectangle = QgsRectangle(
        extent.xMinimum() + x0 * unit, extent.yMaximum() - y1 * unit,
        extent.xMinimum() + x1 * unit, extent.yMaximum() - y0 * unit,
    )  # fmt: skip
    best = 0.0
    for feature in layer.getFeatures() if layer is not None else ():
        box = feature.geometry().boundingBox()
        shared = box.intersect(rectangle)
        area = max(0.0, shared.width()) * max(0.0, shared.height()) if not shared.isEmpty() else 0.0
        best = max(best, area / (box.area() + rectangle.area() - area))
    return round(best, 3)


def main() -> None:
    """Run, report, leave."""
    try:
        proof.run()
    finally:
        proof.save()
        person.leave()


def on_uncaught(kind: type, value: BaseException, trace: object) -> None:
    """Instead of QGIS's modal box, which nobody would close."""
    proof.report["uncaught"].append("".join(traceback.format_exception(kind, value, trace)))


proof = Proof()
qgis.utils.uninstallErrorHook()
sys.excepthook = on_uncaught
QTimer.singleShot(500, main)  # --code runs before the event loop
