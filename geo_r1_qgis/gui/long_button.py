"""A flat button whose words may be longer than there is room: their beginning stays, all of them are in the tooltip."""

from __future__ import annotations

from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QPaintEvent
from qgis.PyQt.QtWidgets import QStyle, QStyleOptionToolButton, QStylePainter, QToolButton

MARGIN_PX = 8
NARROWEST_PX = 60


class LongButton(QToolButton):
    """A tool button that shortens its words at their end; `text()` stays whole, for people who listen to it as well."""

    def minimumSizeHint(self) -> QSize:
        return QSize(NARROWEST_PX, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        room_px = self.width() - MARGIN_PX
        option.text = self.fontMetrics().elidedText(
            option.text, Qt.TextElideMode.ElideRight, room_px
        )
        QStylePainter(self).drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)
