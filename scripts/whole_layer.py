"""Given to `qgis --code` by whole_layer.sh: whole rasters asked in the dock, photographed before, in the middle and after."""

import json
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
STOP_AFTER_S = float(os.environ.get("GEO_R1_STOP_AFTER_S", "0"))
"""Press Stop then; 0 = wait for the end."""


def resident_mb(kind: str) -> float:
    """Memory of this QGIS: `VmRSS` now, `VmHWM` at most."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{kind}:")[1].split()[0]) / 1024


def service_mb(kind: str) -> float:
    """Memory of the service."""
    server = Path(os.environ["GEO_R1_HOME"]) / "server.json"
    process = json.loads(server.read_text(encoding="utf-8"))["pid"]
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.split(f"{kind}:")[1].split()[0]) / 1024


def go_on(path: Path) -> str:
    """The row of a run that an earlier QGIS left: its project is opened, Resume pressed, and after a while Stop."""
    project = QgsProject.instance()
    project.setDirty(False)
    person.check(project.read(str(OUT / f"{path.stem}.qgz")), "the project cannot be read")
    resume = person.named(QPushButton, "geoR1SceneResume")
    person.check(person.wait_for(resume.isVisible, 60), "nothing is offered")
    offered = person.named(QLabel, "geoR1SceneWords").text()
    QTest.qWait(500)
    person.photograph(str(OUT / "resume-offered.png"))
    began, watch = time.monotonic(), person.Stopwatch()
    watch.start()
    resume.click()
    button, words = person.named(QPushButton, "geoR1Ask"), person.named(QLabel, "geoR1SceneWords")
    person.wait_for(lambda: button.text() == "Stop", 10)
    person.wait_for(lambda: button.text() == "Ask", STOP_AFTER_S / 3)
    said = words.text()
    person.photograph(str(OUT / "resume-running.png"))
    button.click()
    person.check(person.wait_for(lambda: button.text() == "Ask", 30), "it did not stop")
    seconds = time.monotonic() - began
    watch.stop()
    layer = person.result_layer()
    return (
        f"| {path.name} | gone on | {offered} | {said} | {layer.featureCount() if layer else 0} | {seconds:.0f} s "
        f"| {resident_mb('VmHWM'):.0f} MB, service {service_mb('VmRSS'):.0f} MB | {watch.longest_gap_ms:.0f} ms | {person.notice()} |"
    )


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
    half_s = STOP_AFTER_S / 2 or LONGEST_S
    person.wait_for(lambda: bar.value() > 500 or button.text() == "Ask", half_s)
    person.photograph(str(OUT / f"{number}-middle.png"))
    rest_s = max(1.0, STOP_AFTER_S - (time.monotonic() - began)) if STOP_AFTER_S else LONGEST_S
    has_ended = person.wait_for(lambda: button.text() == "Ask", rest_s)
    said = person.named(QLabel, "geoR1SceneWords").text()
    if STOP_AFTER_S and not has_ended:
        button.click()
        has_ended = person.wait_for(lambda: button.text() == "Ask", 30)
    person.check(has_ended, "it did not end")
    seconds = time.monotonic() - began
    watch.stop()
    grown_mb = resident_mb("VmHWM") - before_mb
    QTest.qWait(1500)
    person.photograph(str(OUT / f"{number}-end.png"))
    layer = person.result_layer()
    count = layer.featureCount() if layer else 0
    return (
        f"| {path.name} | {raster.width() * raster.height() / 1e6:,.1f} Mpx | {query} | {planned}; {said} | {count} "
        f"| {seconds:.0f} s | {grown_mb:.0f} MB, service {service_mb('VmRSS'):.0f} MB (at most {service_mb('VmHWM'):.0f}) | {watch.longest_gap_ms:.0f} ms | {person.notice()} |"
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
            is_rest = os.environ.get("GEO_R1_GO_ON") == "1"
            lines.append(go_on(Path(path)) if is_rest else ask(Path(path), query, number))
        except Exception:
            lines.append(f"| {path} | FAILED | {traceback.format_exc()} |")
        (OUT / os.environ.get("GEO_R1_TABLE", "table.md")).write_text(
            "\n".join([*lines, ""]), encoding="utf-8"
        )


def guarded() -> None:
    """Leave QGIS whatever happens."""
    try:
        main()
    except Exception:
        traceback.print_exc()
    person.leave()


qgis.utils.uninstallErrorHook()
QTimer.singleShot(500, guarded)
