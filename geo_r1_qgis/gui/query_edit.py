"""The line in which one asks: Up and Down walk through what was asked before in this project."""

from __future__ import annotations

import json
from typing import Optional

from qgis.core import QgsProject
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import QLineEdit, QWidget

from ..core.history import QueryHistory
from ..core.wire import MAX_QUERY_CHARACTERS

SCOPE, KEY = "geo_r1", "/query_history"


class QueryEdit(QLineEdit):
    """A line edit with a history that is kept in the project file."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setMaxLength(MAX_QUERY_CHARACTERS)
        self.setClearButtonEnabled(True)
        self._history = QueryHistory()
        project = QgsProject.instance()
        project.readProject.connect(self._read_history)
        project.cleared.connect(self._read_history)
        self._read_history()

    def close_project_links(self) -> None:
        """Let go of the project; it lives longer than this widget."""
        project = QgsProject.instance()
        project.readProject.disconnect(self._read_history)
        project.cleared.disconnect(self._read_history)

    def remember(self, query: str) -> None:
        """Put `query` into the history and the history into the project."""
        self._history.add(query)
        text = json.dumps(self._history.entries, ensure_ascii=False)
        QgsProject.instance().writeEntry(SCOPE, KEY, text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Up:
            self.setText(self._history.older(self.text()))
        elif event.key() == Qt.Key.Key_Down:
            self.setText(self._history.newer(self.text()))
        else:
            super().keyPressEvent(event)

    def _read_history(self, *_: object) -> None:
        text, _ok = QgsProject.instance().readEntry(SCOPE, KEY, "[]")
        try:
            entries = json.loads(text)
        except ValueError:  # a project edited by hand; the history is not worth a message
            entries = []
        is_ours = isinstance(entries, list)
        self._history = QueryHistory([str(entry) for entry in entries] if is_ours else [])
