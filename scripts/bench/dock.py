"""Run with QGIS's Python: from Enter to the first words in the dock, with the real service behind it.

    GEO_R1_HOME=FOLDER GEO_R1_COMMAND=geo-r1 dock.py OUT.json QUESTIONS

A real map canvas and the plugin from build/ on Qt's offscreen platform; the plugin starts the service. Every new view is
asked about twice: its pixels are new to the service first, and known to it the second time.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "build"), str(ROOT), str(ROOT / "scripts")]

from qgis.core import Qgis, QgsApplication, QgsProject, QgsRasterLayer, QgsRectangle  # noqa: E402
from qgis.PyQt.QtCore import QEventLoop, Qt, QTimer  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402

READY_S = 60
QUERY = "the largest storage tank"


def main(out: Path, questions: int) -> None:
    """Ask so many times about new views, each once more, and write what was seen."""
    from make_demo_raster import LEFT_M, PIXEL_M, TOP_M, make

    from geo_r1_qgis import classFactory
    from tests.qgis.window import Window

    with tempfile.TemporaryDirectory(prefix="geo-r1-dock-") as folder:
        make(f"{folder}/tanks.tif")
        project = QgsProject.instance()
        project.setFileName(f"{folder}/project.qgz")
        window = Window()
        window.show_raster(QgsRasterLayer(f"{folder}/tanks.tif", "tanks"))
        window.window.show()
        plugin = classFactory(window)
        plugin.initGui()
        plugin.services.dock.setUserVisible(True)
        wait_for(lambda: plugin.services.connection.standing.can_ask, READY_S)
        found = {"qgis": Qgis.QGIS_VERSION, "new": [], "known": [], "gap_ms": []}
        for number in range(questions + 1):
            left, top = LEFT_M + (60 + number) * PIXEL_M, TOP_M - (10 + number) * PIXEL_M
            side = 448 * PIXEL_M
            window.canvas.setExtent(QgsRectangle(left, top - side, left + side, top))
            QTest.qWait(700)  # the map comes to rest, and the line below the question is made
            for kind in ("new", "known"):
                seen = ask(plugin)
                if number:  # the first question of a process makes the file and the layer
                    found[kind].append(seen["first_s"])
                    found["gap_ms"].append(seen["gap_ms"])
        found["answer"] = seen["stage"]
        plugin.unload()
        project.clear()
        window.window.close()
    out.write_text(json.dumps(found, indent=1))


def ask(plugin: object) -> dict:
    """Type, press Enter, and note when the text changes first."""
    from person import Stopwatch

    dock, asking = plugin.services.dock, plugin.services.asking
    dock.ask_panel.query.clear()
    QTest.keyClicks(dock.ask_panel.query, QUERY)
    dock.reasoning.clear()
    first, loop, watch = [], QEventLoop(), Stopwatch()

    def on_text() -> None:
        if not first and dock.reasoning.view.toPlainText():
            first.append(time.perf_counter())

    dock.reasoning.view.textChanged.connect(on_text)
    asking.ended.connect(loop.quit)
    QTimer.singleShot(READY_S * 1000, loop.quit)
    watch.start()
    began = time.perf_counter()
    QTest.keyClick(dock.ask_panel.query, Qt.Key.Key_Return)
    (getattr(loop, "exec", None) or loop.exec_)()
    watch.stop()
    dock.reasoning.view.textChanged.disconnect(on_text)
    asking.ended.disconnect(loop.quit)
    QTest.qWait(300)
    if not first:
        raise RuntimeError(f"no words came: {dock.notice.text}")
    return {
        "first_s": first[0] - began,
        "gap_ms": watch.longest_gap_ms,
        "stage": asking.state.stage.name,
    }


def wait_for(condition: object, seconds: float) -> None:
    """Let Qt work until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("nothing came within the time")
        QTest.qWait(20)


if __name__ == "__main__":
    application = QgsApplication([], True)
    application.setOrganizationName("geo-r1-bench")
    application.setApplicationName("dock")
    application.initQgis()
    main(Path(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.flush()
    os._exit(0)  # QGIS's own teardown order with a live canvas is not what is measured
