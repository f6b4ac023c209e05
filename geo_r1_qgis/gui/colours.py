"""Colours that stand on light and dark themes alike: taken from the palette, or mid-tones. Knows no widget of ours."""

from __future__ import annotations

from qgis.PyQt.QtGui import QColor, QPalette

GOOD = QColor(46, 158, 91)
WAITING = QColor(208, 138, 0)
BAD = QColor(214, 69, 69)
ACCENT = QColor(255, 64, 129)
"""On the map: the flash. Rare in aerial images, so it is seen on roofs, fields and water."""


def muted(palette: QPalette) -> QColor:
    """Text of less importance: between the text and its background, never under 4.5 : 1 by far."""
    return mixed(palette.color(QPalette.ColorRole.WindowText), palette.color(QPalette.ColorRole.Window), 0.35)


def link(palette: QPalette) -> QColor:
    """A link, lightened on dark backgrounds, where Qt's own blue cannot be read."""
    colour = palette.color(QPalette.ColorRole.Link)
    is_dark = palette.color(QPalette.ColorRole.Base).lightness() < 128
    return mixed(colour, QColor(255, 255, 255), 0.5) if is_dark and colour.lightness() < 150 else colour


def mixed(first: QColor, second: QColor, share: float) -> QColor:
    """`first` with `share` of `second` in it."""
    return QColor(
        round(first.red() * (1 - share) + second.red() * share),
        round(first.green() * (1 - share) + second.green() * share),
        round(first.blue() * (1 - share) + second.blue() * share),
    )
