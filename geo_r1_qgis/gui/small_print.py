"""Labels for what matters less: a size smaller. Smaller and not paler, see `colours.py`. And tooltips of others' text."""

from __future__ import annotations

from html import escape

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QFont
from qgis.PyQt.QtWidgets import QLabel, QWidget

STEP_PT = 1.0
SMALLEST_PT = 7.0


def small_print(parent: QWidget) -> QLabel:
    """An empty label in small print."""
    label = QLabel(parent)
    label.setFont(smaller(label.font()))
    return label


def smaller(font: QFont) -> QFont:
    """The font, one step smaller."""
    small = QFont(font)
    if small.pointSizeF() > 0:  # a font in pixels stays as it is
        small.setPointSizeF(max(SMALLEST_PT, small.pointSizeF() - STEP_PT))
    return small


def plain_tooltip(text: str) -> str:
    """A tooltip that shows `text` as it is: Qt takes for HTML, pictures and all, what looks like HTML."""
    return f"<qt>{escape(text)}</qt>" if Qt.mightBeRichText(text) else text
