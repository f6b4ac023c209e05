"""A QGIS with the whole plugin in a window, which asks one question after the other until it is ended.

    window_child.py FOLDER

SIGTERM closes it as a user does. Lines are JSON lists: ["asked", n], ["stored", uid], ["ended", stage, code], ["told", title, text], ["header", text].
"""

import json
import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "build"), str(ROOT)]

from qgis.core import QgsApplication, QgsProject, QgsRasterLayer, QgsSettings  # noqa: E402

application = QgsApplication([], True)
application.setOrganizationName("Geo-R1 tests")
application.initQgis()

from qgis.PyQt.QtCore import QTimer  # noqa: E402

from geo_r1_qgis import classFactory  # noqa: E402
from tests.qgis.make_rasters import make_marked  # noqa: E402
from tests.qgis.person import UTM  # noqa: E402
from tests.qgis.window import Window  # noqa: E402

LOOK_MS = 20


def say(*words):
    """One line; whole even if this process is killed just after it."""
    os.write(1, (json.dumps(words) + "\n").encode())


def main():
    folder = Path(sys.argv[1])
    QgsSettings().setValue("geo_r1/task", "ovd")
    project = QgsProject.instance()
    project.setFileName(str(folder / "project.qgz"))
    window = Window()
    raster = folder / "ortho.tif"
    if not raster.exists():
        half_made = (
            folder / f"ortho-{os.getpid()}.tif"
        )  # another window may look at the same moment
        make_marked(half_made, UTM, epsg=32633)
        half_made.replace(raster)
    window.show_raster(QgsRasterLayer(str(raster), "ortho"))
    window.window.show()
    plugin = classFactory(window)
    plugin.initGui()
    services = plugin.services
    services.store.stored.connect(lambda uid: say("stored", uid))
    services.store.failed.connect(lambda error: say("failed", error.code))
    services.store.told.connect(lambda title, text: say("told", title, text))
    services.asking.ended.connect(on_ended)
    services.dock.setUserVisible(True)
    count = 0

    def ask():
        nonlocal count
        if services.asking.state.is_running:
            return
        count += 1
        services.dock.ask_panel.query.setText(f"all tanks, {os.getpid()}-{count}")
        say("asked", count, services.dock.header.line.text())
        services.asking.ask()

    timer = QTimer()
    timer.timeout.connect(ask)
    timer.start(LOOK_MS)
    signal.signal(signal.SIGTERM, lambda *_: application.quit())
    application.exec_()
    timer.stop()
    plugin.unload()
    project.clear()
    say("closed")


def on_ended(state):
    say("ended", state.stage.value, state.error.code if state.error else "")


main()
