"""What a person does with the dock, for tests: type, wait, draw, and look into the file."""

import contextlib
import sqlite3

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis.core.ask_state import Stage

UTM = (500_000.0, 0.3, 0.0, 5_400_000.0, 0.0, -0.3)
QUERY = "the largest storage tank"


def type_question(dock, text=QUERY):
    """Type into the query line and press Enter."""
    dock.ask_panel.query.clear()
    QTest.keyClicks(dock.ask_panel.query, text)
    QTest.keyClick(dock.ask_panel.query, Qt.Key.Key_Return)


def wait_for_end(qtbot, plugin, timeout=8000):
    """Until the question has ended, and what it wrote is on disk."""
    asking, store = plugin.services.asking, plugin.services.store
    qtbot.waitUntil(
        lambda: asking.state.stage is not Stage.IDLE and not asking.state.is_running,
        timeout=timeout,
    )
    store.flush(5)
    if asking.state.detections:
        qtbot.waitUntil(lambda: store.layer is not None, timeout=5000)
    qtbot.wait(100)  # text is appended every 50 ms
    return asking.state


def rows(tmp_path, columns="query, label, reasoning, x_min_px"):
    """What stands in the GeoPackage beside the project."""
    (path,) = tmp_path.glob("*.gpkg")
    with contextlib.closing(sqlite3.connect(path)) as database:
        table = database.execute(
            "select table_name from gpkg_contents where data_type='features'"
        ).fetchone()[0]
        return database.execute(f"select {columns} from {table} order by rank").fetchall()  # noqa: S608 - names of our own


def drag(canvas, begin, end):
    """Draw with the mouse on the canvas."""
    view = canvas.viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, begin)
    QTest.mouseMove(view, end)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)
