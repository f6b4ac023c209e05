"""The dock: header, question, reasoning, answers, one under the other. Only arranges; the panels do not know each other."""

from __future__ import annotations

from typing import Optional

from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import (
    QFrame,
    QMenu,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from .answers_panel import AnswersPanel
from .ask_panel import AskPanel
from .form_scroll import FormScroll
from .header import HeaderPanel
from .models_panel import ModelsPanel
from .notice import Notice
from .reasoning_panel import ReasoningPanel
from .scene_status import SceneStatus
from .train_panel import TrainPanel

LEAST_WIDTH, LEAST_CHARACTERS = 300, 38
"""How narrow the dock may be: in pixels, and in letters where these are large."""
MOST_WIDTH = 400
"""More the words of no language may ask for; what is longer is cut, and stands in tooltips."""


class GeoR1Dock(QgsDockWidget):
    """Panels as attributes; `stop_pressed` is Esc anywhere in the dock."""

    stop_pressed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setObjectName("geoR1Dock")
        self.setWindowTitle("Geo-R1")
        self.menu = QMenu(self)
        self.header = HeaderPanel(self.menu, self)
        self.notice = Notice(self)
        self.ask_panel = AskPanel(self)
        self.scene_status = SceneStatus(self)
        self.reasoning = ReasoningPanel(self)
        self.answers = AnswersPanel(self)
        self.train = TrainPanel(self)
        self.models = ModelsPanel(self)
        self.tabs = QTabBar(self)
        self.tabs.setObjectName("geoR1Tabs")
        self.tabs.setAccessibleName(self.tr("Ask, train or choose models"))
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.addTab(self.tr("Ask"))
        self.tabs.addTab(self.tr("Train"))
        self.tabs.addTab(self.tr("Models"))
        self._arrange()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # not a QShortcut: QGIS has Esc shortcuts of its own, and of two that fit Qt calls neither
        if event.key() == Qt.Key.Key_Escape:
            self.stop_pressed.emit()
        else:
            super().keyPressEvent(event)

    def _arrange(self) -> None:
        body = DockBody(self)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(10, 8, 10, 10)
        layout.setSpacing(9)
        layout.addWidget(self.header)
        layout.addWidget(_line(body))
        layout.addWidget(self.tabs)
        pages = QStackedWidget(body)
        pages.addWidget(self._ask_page(pages))
        pages.addWidget(self.train)
        pages.addWidget(self.models)
        self.tabs.currentChanged.connect(pages.setCurrentIndex)
        layout.addWidget(pages, 1)
        self.setWidget(body)
        self._chain()

    def _ask_page(self, parent: QWidget) -> QWidget:
        page = QWidget(parent)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(9)
        layout.addWidget(FormScroll(self.ask_panel, page))
        layout.addWidget(self.ask_panel.send_row)  # Ask and Stop are always in sight
        layout.addWidget(self.scene_status)
        layout.addWidget(self.notice)
        splitter = QSplitter(Qt.Orientation.Vertical, page)
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(9)
        splitter.addWidget(self.reasoning)
        splitter.addWidget(self.answers)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        layout.addWidget(splitter, 1)
        return page

    def _chain(self) -> None:
        """The way of the Tab key."""
        chain = (
            self.header.button,
            self.header.menu_button,
            self.tabs,
            self.ask_panel.query,
            self.ask_panel.task_combo,
            self.ask_panel.layer_combo,
            self.ask_panel.area_combo,
            self.ask_panel.draw,
            self.ask_panel.scene_form.areas_combo,
            self.ask_panel.scene_form.selected_only,
            self.ask_panel.scene_form.size_combo,
            self.ask_panel.scene_form.large_too,
            self.ask_panel.button,
            self.scene_status.resume,
            self.scene_status.dismiss,
            self.reasoning.view,
            self.answers.export,
            self.answers.tree,
        )
        for first, second in zip(chain, chain[1:]):
            QWidget.setTabOrder(first, second)


class DockBody(QWidget):
    """As wide at first as a sentence is long; on a 1280-wide screen the map keeps more than half. Large letters need more."""

    def sizeHint(self) -> QSize:
        return QSize(max(380, self.minimumSizeHint().width()), 640)

    def minimumSizeHint(self) -> QSize:
        needed = LEAST_CHARACTERS * self.fontMetrics().averageCharWidth()
        inside = super().minimumSizeHint()  # long words of another language
        width = max(LEAST_WIDTH, needed, min(inside.width(), MOST_WIDTH))
        return QSize(width, inside.height())


def _line(parent: QWidget) -> QFrame:
    line = QFrame(parent)
    line.setFrameShape(QFrame.Shape.HLine)
    line.setFrameShadow(QFrame.Shadow.Sunken)
    return line
