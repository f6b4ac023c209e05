"""What was found in this session: one row per question, one per detection under it. Knows no layer."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Deque, Dict, List, Optional, Tuple

from qgis.PyQt.QtCore import QPoint, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QKeyEvent, QPainter, QPaintEvent, QPalette
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..core import wire
from ..core.frame import Frame, area_of
from .answers_menu import answers_menu
from .qt_names import as_number
from .small_print import plain_tooltip, small_print


@dataclass(frozen=True)
class Answer:
    """One detection with what is needed to show it again."""

    uid: str
    detection: wire.Detection
    frame: Frame
    area_id: str = ""
    """Of the feature that it lies in, where features were asked for themselves."""


@dataclass
class Question:
    """One question of this session."""

    query: str
    frame: Frame
    task: str = "rec"
    reasoning: str = ""
    answers: List[Answer] = field(default_factory=list)
    is_over: bool = False


SLICE_MS = 8.0
"""Longest time spent on new rows before the event loop gets its turn: an answer may bring a thousand at once."""

_ROLE = Qt.ItemDataRole.UserRole
_RIGHT = as_number(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


_REVIEW_KEYS = {Qt.Key.Key_A: "accepted", Qt.Key.Key_R: "rejected"}
_MARKS = {"accepted": "✓ ", "rejected": "✗ ", "edited": "✎ "}


class AnswersTree(QTreeWidget):
    """A tree that says what will stand in it while it is empty; A, R and E judge the selected rows."""

    judged = pyqtSignal(str)
    edit_pressed = pyqtSignal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if plain and event.key() in _REVIEW_KEYS:
            self.judged.emit(_REVIEW_KEYS[event.key()])
        elif plain and event.key() == Qt.Key.Key_E:
            self.edit_pressed.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.topLevelItemCount():
            return
        painter = QPainter(self.viewport())
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        area = self.viewport().rect().adjusted(6, 6, -6, -6)
        flags = as_number(Qt.AlignmentFlag.AlignTop) | as_number(Qt.TextFlag.TextWordWrap)
        painter.drawText(
            area, flags, self.tr("What was found: here, on the map, and in a GeoPackage at once.")
        )
        painter.end()


class AnswersPanel(QWidget):
    """The list and the Export button.

    `answer_shown` asks to flash an answer, `answer_chosen` to go there, `question_shown` to show its reasoning again.
    """

    answer_shown = pyqtSignal(object)
    answer_chosen = pyqtSignal(object)
    question_shown = pyqtSignal(object)
    export_requested = pyqtSignal(list)
    review_requested = pyqtSignal(list, str)
    edit_requested = pyqtSignal(list)

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._rows: Dict[int, QTreeWidgetItem] = {}
        self._waiting: Deque[Tuple[Question, Answer]] = deque()
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._list_waiting)
        self.title = QLabel(self.tr("Answers"), self)
        bold = self.title.font()
        bold.setBold(True)
        self.title.setFont(bold)
        self.export = QPushButton(self.tr("Export…"), self)
        self.export.setObjectName("geoR1Export")
        self.export.setToolTip(self.tr("Write the chosen answers, or all of them, to a new file"))
        self.export.setAccessibleName(self.tr("Export answers to a new file"))
        self.export.setEnabled(False)
        self.export.clicked.connect(lambda: self.export_requested.emit(self.chosen_uids()))
        self.tree = AnswersTree(self)
        self.tree.setObjectName("geoR1Answers")
        self.tree.setAccessibleName(self.tr("Answers of this session"))
        self.tree.setAccessibleDescription(
            self.tr(
                "Up and Down flash an answer on the map, Enter goes there; A accepts, R rejects, E edits"
            )
        )
        self.tree.setColumnCount(2)
        self.tree.setHeaderHidden(True)
        self.tree.setUniformRowHeights(True)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.tree.setIndentation(14)
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.currentItemChanged.connect(lambda item, _: self._show(item))
        self.tree.itemClicked.connect(lambda item, _: self._show(item))
        self.tree.itemActivated.connect(lambda item, _: self._choose(item))
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.customContextMenuRequested.connect(self._offer)
        self.tree.setToolTip(
            self.tr("A accept · R reject · E edit: the next training learns from it")
        )
        self.tree.judged.connect(lambda word: self._judge(self.review_requested, word))
        self.tree.edit_pressed.connect(lambda: self._judge(self.edit_requested))
        self.title.setBuddy(self.tree)
        self.place = small_print(self)
        self.place.setObjectName("geoR1Place")
        self.place.setTextFormat(Qt.TextFormat.PlainText)
        self.place.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.place.hide()
        self._arrange()

    def begin_question(self, question: Question) -> None:
        """Put a new question on top."""
        item = QTreeWidgetItem([question.query, "…"])
        item.setData(0, _ROLE, question)
        item.setToolTip(0, plain_tooltip(question.query))
        item.setTextAlignment(1, _RIGHT)
        self.tree.insertTopLevelItem(0, item)
        item.setExpanded(True)
        self._rows[id(question)] = item

    def add_answer(self, question: Question, answer: Answer) -> None:
        """Put a detection under its question; its row appears in the next turn of the event loop."""
        question.answers.append(answer)
        self._waiting.append((question, answer))
        self._turn.start()
        self.export.setEnabled(True)

    def end_question(self, question: Question, words: str = "", check: str = "") -> None:
        """Say how many there are, or `words` such as “none”; below it what the geometry says, if anything."""
        question.is_over = True
        row = self._row_of(question)
        row.setText(1, words or self._count(len(question.answers)))
        if check:
            self._say_below(row, check)

    def set_place(self, text: str, remark: str = "") -> None:
        """Say where the answers are kept; `remark` says more when the mouse rests on it."""
        self.place.setText(text)
        self.place.setToolTip(plain_tooltip(remark or text))
        self.place.setAccessibleName(remark or text)
        self.place.setVisible(bool(text))

    def chosen_uids(self) -> List[str]:
        """Uids of the selected rows (a question stands for its answers); of all rows if none is selected."""
        chosen = self.tree.selectedItems() or [
            self.tree.topLevelItem(i) for i in range(self.tree.topLevelItemCount())
        ]
        uids: Dict[str, None] = {}
        for item in chosen:
            value = item.data(0, _ROLE)
            answers = value.answers if isinstance(value, Question) else [value]
            uids.update({answer.uid: None for answer in answers})
        return list(uids)

    def mark(self, uids: List[str], review: str) -> None:
        """Show before the name of these answers what was said of them."""
        wanted = set(uids)
        for index in range(self.tree.topLevelItemCount()):
            question = self.tree.topLevelItem(index)
            for item in (question.child(row) for row in range(question.childCount())):
                answer = item.data(0, _ROLE)
                if answer is not None and answer.uid in wanted:
                    item.setText(0, _MARKS.get(review, "") + self._name_of(answer))

    def _offer(self, place: QPoint) -> None:
        item = self.tree.itemAt(place)
        if item is None or not self.chosen_uids():
            return
        value = item.data(0, _ROLE)  # not the row: the list may be emptied while the menu is open
        menu = answers_menu(
            self.tree,
            go_there=lambda: self.answer_chosen.emit(value),
            judge=lambda word: self._judge(self.review_requested, word),
            edit=lambda: self._judge(self.edit_requested),
            export=self.export.click,
            is_answer=isinstance(value, Answer),
        )
        menu.popup(self.tree.mapToGlobal(place))

    def _judge(self, signal: Any, *word: str) -> None:
        if self.tree.selectedItems():
            signal.emit(self.chosen_uids(), *word)

    def clear(self) -> None:
        """Forget the session's questions; the layer keeps its features."""
        self._rows = {}
        self._waiting.clear()
        self.tree.clear()
        self.export.setEnabled(False)

    def _list_waiting(self) -> None:
        began_s = time.monotonic()
        while self._waiting and (time.monotonic() - began_s) * 1000 < SLICE_MS:
            question, answer = self._waiting.popleft()
            item = QTreeWidgetItem([self._name_of(answer), _size_text(answer)])
            item.setData(0, _ROLE, answer)
            item.setTextAlignment(1, _RIGHT)
            row = self._row_of(question)
            row.addChild(item)
            row.setExpanded(True)
            if not question.is_over:
                row.setText(1, self._count(row.childCount()))
        if self._waiting:
            self._turn.start()

    def _say_below(self, row: QTreeWidgetItem, words: str) -> None:
        """A line across both columns that cannot be chosen: it is no answer."""
        line = QTreeWidgetItem([words])
        line.setFlags(Qt.ItemFlag.ItemIsEnabled)
        line.setToolTip(0, plain_tooltip(words))
        row.insertChild(0, line)
        line.setFirstColumnSpanned(True)
        row.setExpanded(True)

    def _row_of(self, question: Question) -> QTreeWidgetItem:
        if id(question) not in self._rows:  # the list was emptied while it was being answered
            self.begin_question(question)
        return self._rows[id(question)]

    def _show(self, item: Optional[QTreeWidgetItem]) -> None:
        value = item.data(0, _ROLE) if item is not None else None
        if isinstance(value, Answer):
            self.answer_shown.emit(value)
        elif isinstance(value, Question):
            self.question_shown.emit(value)

    def _choose(self, item: QTreeWidgetItem) -> None:
        value = item.data(0, _ROLE)
        if isinstance(value, Answer):
            self.answer_chosen.emit(value)

    def _name_of(self, answer: Answer) -> str:
        label = answer.detection.label.strip() or self.tr("object")
        name = f"{answer.detection.rank + 1}  {label}"
        if not answer.area_id:
            return name
        return self.tr("feature {id}: {name}").format(id=answer.area_id, name=name)

    def _count(self, count: int) -> str:
        return self.tr("none") if count == 0 else self.tr("{count} found").format(count=count)

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.title)
        top.addStretch(1)
        top.addWidget(self.export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.place)


def _size_text(answer: Answer) -> str:
    """Width and height of a box, area of a mask."""
    scale = answer.frame.m_per_px
    polygons_px = answer.detection.polygons_px
    if answer.detection.kind == "mask" and polygons_px:
        area = area_of(polygons_px)
        return f"{_metres(area * scale * scale)} m²" if scale else f"{area:.0f} px²"
    width_px, height_px = _size_px(answer.detection.box_px)
    if not scale:
        return f"{width_px:.0f} × {height_px:.0f} px"
    return f"{_metres(width_px * scale)} × {_metres(height_px * scale)} m"


def _size_px(box_px: List[float]) -> Tuple[float, float]:
    return box_px[2] - box_px[0], box_px[3] - box_px[1]


def _metres(length_m: float) -> str:
    return f"{length_m:.0f}" if length_m >= 10 else f"{length_m:.1f}"
