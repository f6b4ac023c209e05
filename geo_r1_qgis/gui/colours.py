"""Colours that stand on light and dark themes alike: mid-tones, or taken from the palette. Knows no widget of ours.

Text is never given a colour of its own: QGIS's dark themes are style sheets that the palette does not know, so that any
colour mixed from it may be black on black. What matters less is set smaller, not paler.
"""

from __future__ import annotations

from qgis.PyQt.QtGui import QColor, QPalette

GOOD = QColor(46, 158, 91)
WAITING = QColor(208, 138, 0)
BAD = QColor(214, 69, 69)
IDLE = QColor(128, 128, 128)
NEUTRAL = QColor(84, 134, 196)
ACCENT = QColor(255, 64, 129)
"""On the map: the flash. Rare in aerial images, so it is seen on roofs, fields and water."""


def link(palette: QPalette) -> QColor:
    """A link, lightened on dark backgrounds, where Qt's own blue cannot be read."""
    colour = palette.color(QPalette.ColorRole.Link)
    return (
        mixed(colour, QColor(255, 255, 255), 0.5)
        if is_dark(palette) and colour.lightness() < 150
        else colour
    )


def is_dark(palette: QPalette) -> bool:
    """Whether text stands on a dark ground; ask the palette of the widget itself, for themes are style sheets."""
    return palette.color(QPalette.ColorRole.Base).lightness() < 128


def mixed(first: QColor, second: QColor, share: float) -> QColor:
    """`first` with `share` of `second` in it."""
    return QColor(
        round(first.red() * (1 - share) + second.red() * share),
        round(first.green() * (1 - share) + second.green() * share),
        round(first.blue() * (1 - share) + second.blue() * share),
    )
