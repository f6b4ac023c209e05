"""The doctor's window: each step with its time as it happens, and a report to copy. Never in the way of the map."""

from __future__ import annotations

import getpass
import platform
from pathlib import Path
from typing import Dict, Optional

from osgeo import gdal
from qgis.core import Qgis
from qgis.PyQt.QtCore import QT_VERSION_STR, Qt, QTimer
from qgis.PyQt.QtGui import QBrush, QGuiApplication
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..core.checkup import State, Step, compose_report
from ..core.wire import WIRE_VERSION
from ..network.connection import Connection
from ..tasks.examination import Examination
from . import colours
from .small_print import plain_tooltip

MARKS = {State.RUNNING: "…", State.OK: "✓", State.BROKEN: "✗", State.SKIPPED: "–"}
TICK_MS = 200


class DoctorDialog(QDialog):
    """Runs one examination after the other; closing the window stops it."""

    def __init__(
        self, connection: Connection, plugin_version: str, parent: Optional[QWidget] = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("geoR1Doctor")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Check of Geo-R1"))
        self.examination: Optional[Examination] = None
        self._connection = connection
        self._plugin_version = plugin_version
        self._items: Dict[str, QTreeWidgetItem] = {}
        self.verdict = QLabel(self)
        self.verdict.setObjectName("geoR1Verdict")
        self.verdict.setWordWrap(True)
        self.verdict.setTextFormat(Qt.TextFormat.PlainText)
        self.tree = QTreeWidget(self)
        self.tree.setAccessibleName(self.tr("Steps of the check"))
        self.tree.setHeaderLabels([self.tr("Step"), self.tr("Time"), self.tr("What was found")])
        self.tree.setRootIsDecorated(True)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        role = QDialogButtonBox.ButtonRole.ActionRole
        self.stop_button = buttons.addButton(self.tr("Stop"), role)
        self.again_button = buttons.addButton(self.tr("Check again"), role)
        self.copy_button = buttons.addButton(self.tr("Copy report"), role)
        self.stop_button.clicked.connect(self.stop)
        self.again_button.clicked.connect(self.start)
        self.copy_button.clicked.connect(self.copy)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.verdict)
        layout.addWidget(self.tree, 1)
        layout.addWidget(buttons)
        self.resize(860, 540)
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self._count)
        self._seconds = 0.0

    @property
    def report(self) -> str:
        """What *Copy report* puts on the clipboard; without secrets, names and questions."""
        examination, endpoint = self.examination, self._connection.standing.endpoint
        health = self._connection.standing.health
        versions = {
            "QGIS": Qgis.version(),
            "Qt": QT_VERSION_STR,
            "GDAL": gdal.VersionInfo("RELEASE_NAME"),
            "Python": platform.python_version(),
            "platform": platform.platform(),
            "plugin": f"{self._plugin_version}, wire {WIRE_VERSION}",
            "service": f"{health.version}, wire {health.wire_version}" if health else "not known",
            "model": f"{health.model_title} ({health.engine}, {health.device})"
            if health
            else "not known",
        }
        return compose_report(
            versions=versions,
            settings=self._connection.settings,
            steps=list(examination.steps.values()) if examination is not None else [],
            secrets=[endpoint.access] if endpoint is not None else [],
            home=str(Path.home()),
            user=_user(),
        )

    def start(self) -> None:
        """Begin (again)."""
        self.stop()
        self.tree.clear()
        self._items.clear()
        self._seconds = 0.0
        self.examination = Examination(self._connection, self)
        self.examination.stepped.connect(self._on_step)
        self.examination.ended.connect(self._on_ended)
        self._set_running(True)
        self.verdict.setText(self.tr("Every step is tried on a picture with a known answer."))
        self.examination.start()

    def stop(self) -> None:
        """End the examination now."""
        if self.examination is not None and not self.examination.is_over:
            self.examination.stop()

    def copy(self) -> None:
        """Put the report on the clipboard."""
        QGuiApplication.clipboard().setText(self.report)

    def done(self, result: int) -> None:
        """Stop and close: Esc, the button and the window's cross all end here."""
        self.stop()
        super().done(result)

    def _on_step(self, step: Step) -> None:
        item = self._items.get(step.name)
        if item is None:
            parent = self._items.get("service") if step.name.startswith("service/") else None
            item = QTreeWidgetItem(parent) if parent is not None else QTreeWidgetItem(self.tree)
            self._items[step.name] = item
            if parent is not None:
                parent.setExpanded(True)
        item.setText(0, f"{MARKS[step.state]} {self._title(step.name)}")
        item.setText(1, "" if step.state in (State.RUNNING, State.SKIPPED) else _time(step.took_ms))
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setText(2, " ".join(filter(None, (step.found, step.hint))))
        item.setToolTip(2, plain_tooltip(step.found + ("\n" + step.hint if step.hint else "")))
        if step.state in (State.OK, State.BROKEN):
            colour = colours.GOOD if step.state is State.OK else colours.BAD
            item.setForeground(0, QBrush(colour))
        self.tree.scrollToItem(item)

    def _on_ended(self, is_well: bool) -> None:
        self._set_running(False)
        steps = list(self.examination.steps.values())
        broken = [self._title(step.name) for step in steps if step.state is State.BROKEN]
        if is_well:
            text = self.tr("All is well.")
        elif broken:
            first = next(step for step in steps if step.state is State.BROKEN)
            text = self.tr("Broken: {steps}.").format(steps=", ".join(broken))
            text = "\n".join(filter(None, (text, first.found, first.hint)))
        else:
            text = self.tr("Stopped.")
        self.verdict.setText(text)

    def _set_running(self, is_running: bool) -> None:
        self.stop_button.setEnabled(is_running)
        self.again_button.setEnabled(not is_running)
        self.copy_button.setEnabled(not is_running)
        if is_running:
            self._tick.start()
        else:
            self._tick.stop()

    def _count(self) -> None:
        """Show the seconds of the step that runs."""
        self._seconds += TICK_MS / 1000.0
        for name, step in self.examination.steps.items():
            if step.state is State.RUNNING:
                self._items[name].setText(1, "…")
        self.verdict.setText(self.tr("Checking… {seconds:.0f} s").format(seconds=self._seconds))

    def _title(self, name: str) -> str:
        titles = {
            "read": self.tr("Read a raster"),
            "connect": self.tr("Connect to the service"),
            "send": self.tr("Send the picture"),
            "answer": self.tr("Ask the model"),
            "ground": self.tr("Place the box on the ground"),
            "write": self.tr("Write a GeoPackage and read it"),
            "service": self.tr("The service by itself"),
        }
        return titles.get(name) or name.partition("/")[2] or name


def _time(took_ms: float) -> str:
    return f"{took_ms / 1000:.1f} s" if took_ms >= 1000 else f"{took_ms:.0f} ms"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no name in the environment, no entry for it
        return ""
