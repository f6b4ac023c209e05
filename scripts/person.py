"""What a person does in QGIS with the plugin, for scripts that run inside of it (`demo.py`, `real_input.py`).

Knows widgets by their names only, not the plugin's objects. Fails with a sentence.
"""

import re
import time

import qgis.utils
from qgis.core import QgsProject
from qgis.PyQt import sip
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QTextBrowser, QWidget
from qgis.utils import iface

KEY_MS = 25
ANSWER_S = 60
TICK_MS = 5
LAYER = "Geo-R1 detections"
WATCHED = {"geoR1Reasoning": QTextBrowser, "geoR1Stage": QLabel, "geoR1Notice": QWidget}
"""What is looked at while the window's time is measured."""
_found: dict = {}


class Stopwatch:
    """The longest time for which the window did not react."""

    def __init__(self) -> None:
        self.longest_gap_ms = 0.0
        self._last = 0.0
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Watch from now on."""
        self._last = time.monotonic()
        self._timer.start(TICK_MS)

    def stop(self) -> None:
        """Watch no longer."""
        self._timer.stop()

    def _tick(self) -> None:
        now = time.monotonic()
        self.longest_gap_ms = max(self.longest_gap_ms, (now - self._last) * 1000 - TICK_MS)
        self._last = now


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


def found(kind: type, name: str) -> QWidget:
    """The widget of that name, or none. It is remembered: looking among all of QGIS's widgets takes 10 to 20 ms of the window's time."""
    widget = _found.get(name)
    if widget is None or sip.isdeleted(widget):
        widget = _found[name] = iface.mainWindow().findChild(kind, name)
    return widget


def named(kind: type, name: str) -> QWidget:
    """The widget of that name, which must be visible."""
    widget = found(kind, name)
    check(widget is not None, f"there is no {name}")
    check(widget.isVisible() or isinstance(widget, QPushButton), f"{name} is not visible")
    return widget


def plain(text: str) -> str:
    """Text without markup."""
    return re.sub("<[^>]+>", "", text)


def arrange_window() -> str:
    """A window of a size that shows everything; the map gets the room of the file browser."""
    window = iface.mainWindow()
    window.setGeometry(0, 0, 1400, 900)
    browser = window.findChild(QWidget, "Browser")
    if browser is not None:
        browser.close()
    QTest.qWait(300)
    return f"{window.width()}x{window.height()}"


def open_dock() -> str:
    """The plugin's dock: it opens by itself the first time, else by its button."""
    check(
        "geo_r1_qgis" in qgis.utils.plugins,
        f"the plugin is not active: {qgis.utils.active_plugins}",
    )
    dock = iface.mainWindow().findChild(QWidget, "geoR1Dock")
    check(dock is not None, "there is no dock")
    if wait_for(dock.isVisible, 2):
        return "opened by itself"
    actions = [each for bar in iface.mainWindow().findChildren(QWidget) for each in bar.actions()]
    next(each for each in actions if each.objectName() == "geoR1Action").trigger()
    check(wait_for(dock.isVisible, 2), "the dock does not open")
    return "opened by its button"


def wait_until_ready() -> str:
    """What the header says answers."""
    status = named(QLabel, "geoR1Status")
    check(
        wait_for(lambda: "ready" in plain(status.text()), 30),
        f"the service is not ready: {status.text()!r}",
    )
    for name, kind in WATCHED.items():
        found(kind, name)
    return plain(status.text())


def what_will_be_sent() -> str:
    """The line below the question, once the map has come to rest."""
    QTest.qWait(400)
    sending = named(QLabel, "geoR1Sending")
    check(wait_for(lambda: "chip" in sending.text(), 5), f"nothing to send: {sending.text()!r}")
    return sending.text().splitlines()[0]


def choose_task(task: str) -> None:
    """``rec`` for one object, ``ovd`` for all of a kind."""
    combo = named(QComboBox, "geoR1Task")
    index = combo.findData(task)
    check(index >= 0, f"the service does not offer {task!r}")
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


def ask(query: str) -> None:
    """Type the question over the old one and press Enter."""
    line = named(QLineEdit, "geoR1Query")
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, query, Qt.KeyboardModifier.NoModifier, KEY_MS)
    check(line.text() == query, f"the line says {line.text()!r}")
    QTest.keyClick(line, Qt.Key.Key_Return)


def watch_reasoning() -> dict:
    """See the text grow until the answer is there; what was seen and when."""
    view, stage = named(QTextBrowser, "geoR1Reasoning"), named(QLabel, "geoR1Stage")
    began, length, pieces, first_s = time.monotonic(), 0, 0, 0.0
    while time.monotonic() - began < ANSWER_S:
        QTest.qWait(5)
        if len(view.toPlainText()) > length:
            length, pieces = len(view.toPlainText()), pieces + 1
            first_s = first_s or time.monotonic() - began
        if any(word in stage.text() for word in ("Answered", "Failed", "Stopped")):
            break
    total_s = time.monotonic() - began
    check("Answered" in stage.text(), f"it ended with {stage.text()!r}; notice: {notice()}")
    QTest.qWait(300)
    return {
        "first_words_s": first_s,
        "answer_s": total_s,
        "pieces": pieces,
        "reasoning": view.toPlainText(),
    }


def notice() -> str:
    """What the plugin says beside the answer."""
    frame = found(QWidget, "geoR1Notice")
    if frame is None or not frame.isVisible():
        return ""
    return " | ".join(plain(label.text()) for label in frame.findChildren(QLabel) if label.text())


def result_layer() -> object:
    """The layer of detections in the project, or none."""
    return next(iter(QgsProject.instance().mapLayersByName(LAYER)), None)


def photograph(path: str) -> str:
    """Save the window as it is seen."""
    iface.mapCanvas().refreshAllLayers()
    QTest.qWait(1200)
    picture = iface.mainWindow().grab()
    check(picture.save(path), "the picture cannot be saved")
    return f"{picture.width()}x{picture.height()}"


def leave() -> None:
    """Quit QGIS without questions."""
    QgsProject.instance().setDirty(False)
    QTimer.singleShot(0, lambda: (QgsProject.instance().clear(), iface.actionExit().trigger()))
