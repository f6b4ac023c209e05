"""Given to `qgis --code` by real_input.sh: the whole chain over real photographs, question by question.

Every question is typed into the dock; one picture of the window and one row of a table each. Judges nothing.
"""

import json
import os
import sys
import traceback
from pathlib import Path

SCRIPTS = Path(os.environ["GEO_R1_SCRIPTS"])
DATA = Path(os.environ["GEO_R1_DATA"])
OUT = Path(os.environ["GEO_R1_OUT"])
sys.path.insert(0, str(SCRIPTS))

import person  # noqa: E402
import qgis.utils  # noqa: E402
from qgis.core import QgsProject, QgsRasterLayer, QgsRectangle  # noqa: E402
from qgis.PyQt.QtCore import QTimer  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.utils import iface  # noqa: E402

MANILA = "geotiff/deepforest/5b90f92*.tif"
TILED = "geotiff/deepforest/test_tiled.tif"
KAMPALA = "fair-oam-buildings/mosaics/oam_2_0_z21_3857.tif"
AIRPORT = "aerial-airport/*/images/airport_{}_jpg*.jpg"

# photograph, name, middle of the view and its width in pixels of the raster, rotation of the map, questions
# fmt: off
VIEWS = (
    (MANILA, "Manila, car park", (1660, 560), 640, 0, (("ovd", "cars"), ("rec", "the red car"))),
    (MANILA, "Manila, car park, close", (1560, 640), 300, 0, (("ovd", "cars"), ("rec", "the leftmost car"))),
    (MANILA, "Manila, car park turned by 30°", (1660, 560), 640, 30, (("ovd", "cars"),)),
    (MANILA, "Manila, bus yard", (300, 1480), 560, 0, (("ovd", "buses"), ("rec", "the largest building"))),
    (MANILA, "Manila, bridge", (1350, 1380), 1300, 0, (("ovd", "ships"), ("rec", "the bridge"))),
    (TILED, "Waterworks", (430, 180), 340, 0, (("rec", "the largest storage tank"), ("ovd", "storage tanks"))),
    (TILED, "Factory", (230, 600), 420, 0, (("rec", "the largest building"), ("ovd", "solar arrays"))),
    (KAMPALA, "Kampala, estate", (900, 800), 1400, 0, (("ovd", "buildings"), ("rec", "the orange building"))),
    (KAMPALA, "Kampala, school", (1800, 1280), 1400, 0, (("rec", "the largest red building"), ("ovd", "swimming pools"))),
    (AIRPORT.format(344), "Airport 344", (300, 300), 560, 0, (("ovd", "airplanes"), ("rec", "the largest airplane"))),
    (AIRPORT.format(321), "Airport 321", (300, 300), 560, 0, (("ovd", "airplanes"), ("rec", "the leftmost airplane"))),
    (AIRPORT.format(329), "Airport 329", (300, 300), 560, 0, (("ovd", "airplanes"), ("rec", "the northernmost airplane"))),
)
# fmt: on


def show(pattern: str, name: str, centre_px: tuple, width_px: float, rotation_deg: float) -> None:
    """A new project with the photograph, at the wanted place."""
    project = QgsProject.instance()
    project.setDirty(False)
    project.clear()
    path = sorted(DATA.glob(pattern))[0]
    raster = QgsRasterLayer(str(path), name)
    person.check(raster.isValid(), f"{path.name} cannot be read")
    project.addMapLayer(raster)
    QTest.qWait(400)
    project.setCrs(raster.crs())
    project.write(str(OUT / f"{slug(name)}.qgz"))
    extent = raster.extent()
    unit = extent.width() / raster.width()
    x, y = extent.xMinimum() + centre_px[0] * unit, extent.yMaximum() - centre_px[1] * unit
    canvas = iface.mapCanvas()
    half = width_px * unit / 2
    half_height = half * canvas.height() / canvas.width()
    canvas.setRotation(rotation_deg)
    canvas.setExtent(QgsRectangle(x - half, y - half_height, x + half, y + half_height))
    canvas.refresh()
    iface.setActiveLayer(raster)


def question(name: str, task: str, query: str) -> dict:
    """Ask once; what came back."""
    before = person.result_layer().featureCount() if person.result_layer() else 0
    row = {"view": name, "task": task, "query": query, "sent": person.what_will_be_sent()}
    person.choose_task(task)
    person.ask(query)
    row |= person.watch_reasoning()
    QTest.qWait(600)
    layer = person.result_layer()
    row["found"] = (layer.featureCount() if layer else 0) - before
    row["notice"] = person.notice()
    row["picture"] = f"{slug(name)}-{slug(query)}.png"
    person.photograph(str(OUT / row["picture"]))
    if layer:  # the next question begins on a clean map
        layer.setSubsetString("1 = 0")
        QTest.qWait(100)
        layer.setSubsetString("")
        layer.dataProvider().deleteFeatures([feature.id() for feature in layer.getFeatures()])
    return row


def main() -> None:
    """All views and questions, then the table."""
    rows = []
    person.arrange_window()
    person.open_dock()
    person.wait_until_ready()
    for pattern, name, centre_px, width_px, rotation_deg, questions in VIEWS:
        try:
            show(pattern, name, centre_px, width_px, rotation_deg)
        except Exception:
            rows.append({"view": name, "query": "", "error": traceback.format_exc()})
            continue
        for task, query in questions:
            try:
                rows.append(question(name, task, query))
            except Exception:
                rows.append({"view": name, "query": query, "error": traceback.format_exc()})
            (OUT / "rows.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False))
    lines = ["| view | query | sent | found | s | picture |", "|---|---|---|---|---|---|"]
    for row in rows:
        if "error" in row:
            lines.append(
                f"| {row['view']} | {row['query']} | FAILED: {row['error'].splitlines()[-1]} | | | |"
            )
        else:
            lines.append(
                f"| {row['view']} | {row['query']} | {row['sent']} | {row['found']} | {row['answer_s']:.1f} | {row['picture']} |"
            )
    (OUT / "table.md").write_text("\n".join([*lines, ""]), encoding="utf-8")


def slug(text: str) -> str:
    """A name for a file."""
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def guarded() -> None:
    """Leave QGIS whatever happens."""
    try:
        main()
    except Exception:
        traceback.print_exc()
    person.leave()


qgis.utils.uninstallErrorHook()
QTimer.singleShot(500, guarded)
