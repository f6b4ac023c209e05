"""The list of what is wrong with the labels: the row, what it is, and below it what mends it. Shows; mends nothing."""

from __future__ import annotations

from typing import List, Optional

from qgis.PyQt.QtCore import QCoreApplication, QModelIndex, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QResizeEvent
from qgis.PyQt.QtWidgets import (
    QApplication,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from ..core.label_check import Problem, Weight
from ..core.training_words import problem_words
from .qt_names import as_number

_ROLE = Qt.ItemDataRole.UserRole
SHOWN_PROBLEMS = 500
MARGIN_PX = 4
HIGHEST_LINES = 14
"""As high as so many lines of text; the rest is scrolled to."""


class ProblemList(QTreeWidget):
    """Text is broken into lines, so that nothing has to be scrolled sideways. `row_chosen` carries the feature's id."""

    row_chosen = pyqtSignal(int)

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setObjectName("geoR1TrainProblems")
        self.setAccessibleName(self.tr("Problems of the labels"))
        self.setColumnCount(2)
        self.setHeaderLabels([self.tr("Row"), self.tr("Problem, and what mends it")])
        self.setRootIsDecorated(False)
        self.setWordWrap(True)
        self.setItemDelegateForColumn(1, _Wrapped(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.header().setStretchLastSection(True)
        self.header().setSectionsMovable(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.itemClicked.connect(lambda item, _: self._choose(item))
        self.itemActivated.connect(lambda item, _: self._choose(item))
        self.hide()

    def show_problems(self, problems: List[Problem]) -> None:
        """Show these instead; hidden where there are none."""
        self.clear()
        for problem in problems[:SHOWN_PROBLEMS]:
            self.addTopLevelItem(self._item(problem))
        self.setVisible(bool(problems))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.doItemsLayout()  # other lines now
        self._fit()

    def _item(self, problem: Problem) -> QTreeWidgetItem:
        what, mend = problem_words(problem, QCoreApplication.translate)
        row = self.tr("all") if problem.fid is None else str(problem.fid)
        item = QTreeWidgetItem([row, "\n".join(filter(None, (what, mend)))])
        item.setData(0, _ROLE, problem.fid)
        signs = {  # of the style: not every font has signs of warning
            Weight.BLOCKS: (
                QStyle.StandardPixmap.SP_MessageBoxCritical,
                self.tr("Must be mended first"),
            ),
            Weight.LEFT_OUT: (QStyle.StandardPixmap.SP_MessageBoxWarning, self.tr("Is left out")),
        }
        if problem.weight in signs:
            sign, says = signs[problem.weight]
            item.setIcon(0, QApplication.style().standardIcon(sign))
            item.setToolTip(0, says)
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{row}: {says}")
        return item

    def _choose(self, item: QTreeWidgetItem) -> None:
        fid = item.data(0, _ROLE)
        if fid is not None:
            self.row_chosen.emit(int(fid))

    def _fit(self) -> None:
        """As high as what is shown, up to a limit."""
        rows = range(self.topLevelItemCount())
        wanted = sum(self.visualItemRect(self.topLevelItem(row)).height() for row in rows)
        limit = HIGHEST_LINES * self.fontMetrics().lineSpacing()
        height = self.header().sizeHint().height() + min(wanted, limit) + 2 * self.frameWidth() + 2
        if height != self.height():
            self.setFixedHeight(height)


class _Wrapped(QStyledItemDelegate):
    """Rows as high as their text needs in the width that there is: Qt's own measure one line."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        tree = self.parent()
        width = max(40, tree.columnWidth(1) - 2 * MARGIN_PX)
        area = tree.fontMetrics().boundingRect(
            0, 0, width, 10_000, as_number(Qt.TextFlag.TextWordWrap), index.data() or ""
        )
        return QSize(width, area.height() + 6)
