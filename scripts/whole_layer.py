"""Given to `qgis --code` by whole_layer.sh: whole rasters asked in the dock, photographed before, in the middle and after."""

import os
import sys
import time
import traceback
from pathlib import Path

SCRIPTS = Path(os.environ["GEO_R1_SCRIPTS"])
OUT = Path(os.environ["GEO_R1_OUT"])
sys.path.insert(0, str(SCRIPTS))

import person  # noqa: E402
import qgis.utils  # noqa: E402
from qgis.core import QgsProject, QgsRasterLayer  # noqa: E402
from qgis.PyQt.QtCore import QTimer  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QComboBox, QLabel, QProgressBar, QPushButton  # noqa: E402
from qgis.utils import iface  # noqa: E402

LONGEST_S = 3000


def resident_mb(kind: str) -> float:
    """Memory of this QGIS: `VmRSS` now, `VmHWM` at most."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{kind}:")[1].split()[0]) / 1024


def show(path: Path) -> QgsRasterLayer:
    """A new project with the raster, all of it."""
    project = QgsProject.instance()
    project.setDirty(False)
    project.clear()
    raster = QgsRasterLayer(str(path), path.stem)
    person.check(raster.isValid(), f"{path.name} cannot be read")
    project.addMapLayer(raster)
    QTest.qWait(400)
    project.setCrs(raster.crs())
    project.write(str(OUT / f"{path.stem}.qgz"))
    iface.mapCanvas().setExtent(raster.extent())
    iface.mapCanvas().refresh()
    iface.setActiveLayer(raster)
    return raster


def ask(path: Path, query: str, number: int) -> str:
    """One row of the table."""
    raster = show(path)
    area = person.named(QComboBox, "geoR1Area")
    area.setCurrentIndex(area.findData("layer"))
    QTest.qWait(1500)
    sizes = person.named(QComboBox, "geoR1SceneSize")
    sizes.setCurrentIndex(max(0, sizes.findData(int(os.environ.get("GEO_R1_COARSER", "1")))))
    QTest.qWait(500)
    sending = person.named(QLabel, "geoR1Sending")
    button = person.named(QPushButton, "geoR1Ask")
    planned = sending.text()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before_mb, began, watch = resident_mb("VmRSS"), time.monotonic(), person.Stopwatch()
    watch.start()
    person.ask(query)
    person.check(person.wait_for(lambda: button.text() == "Stop", 10), "it did not begin")
    bar = iface.mainWindow().findChild(QProgressBar, "geoR1SceneBar")
    person.wait_for(lambda: bar.value() > 500 or button.text() == "Ask", LONGEST_S)
    person.photograph(str(OUT / f"{number}-middle.png"))
    person.check(person.wait_for(lambda: button.text() == "Ask", LONGEST_S), "it did not end")
    seconds = time.monotonic() - began
    watch.stop()
    grown_mb = resident_mb("VmHWM") - before_mb
    QTest.qWait(1500)
    person.photograph(str(OUT / f"{number}-end.png"))
    layer = person.result_layer()
    count = layer.featureCount() if layer else 0
    return (
        f"| {path.name} | {raster.width() * raster.height() / 1e6:,.1f} Mpx | {query} | {planned} | {count} "
        f"| {seconds:.0f} s | {grown_mb:.0f} MB | {watch.longest_gap_ms:.0f} ms | {person.notice()} |"
    )


def main() -> None:
    """All rasters, then the table."""
    asked = os.environ["GEO_R1_ASKED"].splitlines()
    lines = [
        "| raster | size | query | planned | found | time | memory of QGIS | longest pause | notice |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    person.arrange_window()
    person.open_dock()
    person.wait_until_ready()
    for number, (path, query) in enumerate(zip(asked[::2], asked[1::2])):
        try:
            lines.append(ask(Path(path), query, number))
        except Exception:
            lines.append(f"| {path} | FAILED | {traceback.format_exc()} |")
        (OUT / "table.md").write_text("\n".join([*lines, ""]), encoding="utf-8")


def guarded() -> None:
    """Leave QGIS whatever happens."""
    try:
        main()
    except Exception:
        traceback.print_exc()
    person.leave()


qgis.utils.uninstallErrorHook()
QTimer.singleShot(500, guarded)
