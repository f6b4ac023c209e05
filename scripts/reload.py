"""Given to `qgis --code`: reloads the plugin ten times in the real desktop, in four states, and counts what is left behind.

Idle, in the middle of an answer, with writes on their way to the disk, and while the service starts. Also closes and opens
projects with the dock open. Writes report.json; the folders come from the environment (`reload.sh`).
"""

import json
import os
import sys
import traceback
from pathlib import Path

SCRIPTS = Path(os.environ["GEO_R1_SCRIPTS"])
OUT = Path(os.environ["GEO_R1_RELOAD_OUT"])
sys.path[:0] = [str(SCRIPTS), str(SCRIPTS.parent)]

import person  # noqa: E402
import qgis.utils  # noqa: E402
import traces  # noqa: E402
from gap_meter import GapMeter  # noqa: E402
from person import check, wait_for  # noqa: E402
from qgis.core import Qgis, QgsApplication, QgsProject, QgsRasterLayer  # noqa: E402
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QTimer  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QLabel, QTextBrowser, QTreeWidget, QWidget  # noqa: E402
from qgis.utils import iface  # noqa: E402

from tests.qgis.stub_service import HANG, StubService, detection, started, token  # noqa: E402

PLUGIN = "geo_r1_qgis"
TIMES = 10
HOME = Path(os.environ["GEO_R1_HOME"])
SLOW_START = f"#!{sys.executable}\nimport time\ntime.sleep(20)\n"


class Reload:
    """Each state leaves a line in the report, with what grew between the second and the last reload."""

    def __init__(self) -> None:
        self.report = {"passed": False, "states": {}, "uncaught": [], "error": ""}
        self.report["qgis"] = Qgis.QGIS_VERSION

    def open_project(self) -> None:
        """The demo raster in a saved project."""
        project = QgsProject.instance()
        raster = QgsRasterLayer(str(OUT / "tank-farm.tif"), "Tank farm")
        check(raster.isValid(), "the raster cannot be read")
        project.addMapLayer(raster)
        QTest.qWait(400)  # QGIS sets the project's CRS from the first layer, later
        project.setCrs(raster.crs())
        project.write(str(OUT / "reload.qgz"))

    def idle(self) -> None:
        """The dock is open and has found its service."""
        open_dock()

    def answering(self) -> None:
        """Words and a detection have come, and more is waited for."""
        self.stub.scripts = [[started(), token("Find tanks"), detection(), HANG]]
        ask()
        view = person.named(QTextBrowser, "geoR1Reasoning")
        check(wait_for(lambda: "Find" in view.toPlainText(), 5), f"no answer; {person.notice()}")

    def writing(self) -> None:
        """Fifty detections are on their way to the disk."""
        many = [detection(rank, "tank", (rank, 10, rank + 9, 30)) for rank in range(50)]
        self.stub.scripts = [[started(), *many, HANG]]
        ask()
        tree = person.named(QTreeWidget, "geoR1Answers")
        check(
            wait_for(
                lambda: tree.topLevelItemCount() and tree.topLevelItem(0).childCount() > 40, 8
            ),
            f"no answers; {person.notice()}",
        )

    def starting(self) -> None:
        """There is no service, and the one that was started takes its time."""
        (HOME / "server.json").unlink(missing_ok=True)
        dock = open_dock(is_ready=False)
        status = dock.findChild(QLabel, "geoR1Status")
        check(wait_for(lambda: "starting" in status.text(), 5), f"not starting: {status.text()!r}")

    def projects(self) -> None:
        """Close and open the project, with the dock open."""
        open_dock()
        QgsProject.instance().clear()
        QTest.qWait(50)
        QgsProject.instance().read(str(OUT / "reload.qgz"))
        QTest.qWait(200)

    def run(self) -> None:
        """All states."""
        person.arrange_window()
        (HOME / "command.py").write_text(SLOW_START)
        (HOME / "command.py").chmod(0o700)
        self.open_project()
        with StubService() as self.stub:
            for state in (self.idle, self.answering, self.writing, self.projects, self.starting):
                if state != self.starting:
                    self.stub.write_server_file(HOME)
                self.report["states"][state.__name__] = self.repeat(state)
        grown = {name: each["grown"] for name, each in self.report["states"].items()}
        self.report["passed"] = not any(grown.values()) and not self.report["uncaught"]

    def repeat(self, state: object) -> dict:
        """Reload ten times in a state."""
        snapshots, threads, gaps = [], [], []
        for _ in range(TIMES):
            state()
            with GapMeter() as meter:
                check(qgis.utils.reloadPlugin(PLUGIN), "the plugin cannot be reloaded")
                QTest.qWait(50)
            gaps.append(meter.longest_ms)
            snapshots.append(settled())
            threads.append(traces.native_threads())
        return {
            "grown": traces.grown(snapshots[1], snapshots[-1]),
            "native_threads": threads,
            "calmest_reload_ms": round(min(gaps)),
            "longest_reload_ms": round(max(gaps)),
        }


def open_dock(*, is_ready: bool = True) -> QWidget:
    """Show the dock of the plugin that is loaded now."""
    dock = iface.mainWindow().findChild(QWidget, "geoR1Dock")
    check(dock is not None, "there is no dock")
    dock.setUserVisible(True)
    status = dock.findChild(QLabel, "geoR1Status")
    if is_ready:
        check(wait_for(lambda: "ready" in status.text(), 8), f"not ready: {status.text()!r}")
    return dock


def ask() -> None:
    """Type a question; the map shows the raster."""
    open_dock()
    person.what_will_be_sent()
    person.ask("tanks")


def settled() -> object:
    """A snapshot when what ends by itself has ended."""
    check(
        wait_for(lambda: QgsApplication.taskManager().countActiveTasks() == 0, 8), "a task is left"
    )
    QTest.qWait(100)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return traces.snapshot(iface.mainWindow(), iface.mapCanvas())


def main() -> None:
    """Run, report, leave."""
    try:
        reload.run()
    except Exception:
        reload.report["error"] = traceback.format_exc()
    finally:
        half_made = OUT / "report.json.part"
        half_made.write_text(json.dumps(reload.report, indent=1, default=str), encoding="utf-8")
        half_made.rename(OUT / "report.json")
        person.leave()


def on_uncaught(kind: type, value: BaseException, trace: object) -> None:
    """Instead of QGIS's modal box, which nobody would close."""
    reload.report["uncaught"].append("".join(traceback.format_exception(kind, value, trace)))


reload = Reload()
qgis.utils.uninstallErrorHook()
sys.excepthook = on_uncaught
QTimer.singleShot(500, main)  # --code runs before the event loop
