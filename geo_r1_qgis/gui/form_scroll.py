"""A form that keeps its full height where there is room, and is scrolled where there is not. Knows nothing of what is in it."""

from __future__ import annotations

from qgis.PyQt.QtCore import QEvent, QObject, QSize, Qt
from qgis.PyQt.QtGui import QResizeEvent
from qgis.PyQt.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

SCROLL_BAR_PX = 16
LEAST_LINES = 8
"""So much of the form stays in sight, however low the window is."""


class PageScroll(QScrollArea):
    """Scrolls up and down only: it is never narrower than what is in it, whatever the language."""

    def __init__(self, content: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._content = content
        self.setWidget(content)
        content.installEventFilter(self)

    def minimumSizeHint(self) -> QSize:
        width = self._content.minimumSizeHint().width() + SCROLL_BAR_PX
        return QSize(width, super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # something appeared, vanished, or says more
            self.updateGeometry()
        return super().eventFilter(watched, event)


class FormScroll(PageScroll):
    """As high as the form where there is room: without it, layouts squeeze lists and lines of text until nobody can read them."""

    def __init__(self, content: QWidget, parent: QWidget) -> None:
        self._width_px = 0
        """Of the viewport. It is kept, for asking Qt's own objects again and again makes wrappers that outlive them (ADR 17)."""
        super().__init__(content, parent)
        self.setObjectName("geoR1FormScroll")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def sizeHint(self) -> QSize:
        return QSize(self._content.sizeHint().width(), self._full_height())

    def minimumSizeHint(self) -> QSize:
        least = LEAST_LINES * self.fontMetrics().lineSpacing()
        return QSize(super().minimumSizeHint().width(), min(self._full_height(), least))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != self._width_px:
            self._width_px = event.size().width()
            self.updateGeometry()  # text is broken into other lines

    def _full_height(self) -> int:
        content = self._content
        if content.hasHeightForWidth() and self._width_px > 0:
            height = content.heightForWidth(self._width_px)
            return max(height, content.minimumSizeHint().height())
        return content.sizeHint().height()
