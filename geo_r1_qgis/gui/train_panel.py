"""The Train tab: form, sample check, progress, verdict, earlier runs. Only arranges and shows; starts nothing."""

from __future__ import annotations

from typing import List, Optional

from qgis.PyQt.QtCore import QCoreApplication, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..core import training_wire as tw
from ..core.curves import charts
from ..core.label_check import Check
from ..core.train_state import Stage, TrainState
from ..core.training_words import verdict_words
from .chip_strip import ChipStrip
from .curves_view import CurvesView
from .form_scroll import PageScroll
from .notice import Notice
from .problem_list import ProblemList
from .small_print import plain_tooltip, small_print
from .train_form import TrainForm
from .train_words import check_words, run_words, stage_words

_ROLE = Qt.ItemDataRole.UserRole


class TrainPanel(QWidget):
    """`go_pressed` is the one large button: check, start or stop, by what `set_button` said last."""

    go_pressed = pyqtSignal()
    resume_pressed = pyqtSignal()
    use_pressed = pyqtSignal()
    row_chosen = pyqtSignal(int)
    run_opened = pyqtSignal(object)
    run_deleted = pyqtSignal(object)

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.form = TrainForm(self)
        self.notice = Notice(self)
        self.notice.setObjectName("geoR1TrainNotice")
        self.advice = small_print(self)
        self.advice.setObjectName("geoR1TrainAdvice")
        self.advice.setWordWrap(True)
        self.advice.setText(
            self.tr(
                "Teaches the model a kind of object that it does not know. Draw a polygon around each of about twenty, and around "
                "every other one that is near them; say what they show. The check tells what cannot be used, and starts nothing."
            )
        )
        self.stage = QLabel(self)
        self.stage.setObjectName("geoR1TrainStage")
        self.stage.setTextFormat(Qt.TextFormat.PlainText)
        self.stage.setWordWrap(True)
        self.go = self._button("geoR1TrainGo", self.go_pressed)
        self.resume = self._button("geoR1TrainResume", self.resume_pressed)
        self.resume.setText(self.tr("Resume"))
        self.problems = ProblemList(self)
        self.problems.row_chosen.connect(self.row_chosen)
        self.curves = CurvesView(self)
        self.strip = ChipStrip(self)
        self.note = small_print(self)
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.verdict = QLabel(self)
        self.figures = QLabel(self)
        for label in (self.verdict, self.figures):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        bold = self.verdict.font()
        bold.setBold(True)
        self.verdict.setFont(bold)
        self.verdict.setObjectName("geoR1TrainVerdict")
        self.use = self._button("geoR1TrainUse", self.use_pressed)
        self.use.setText(self.tr("Use this model"))
        self.runs_title = QLabel(self.tr("Earlier runs"), self)
        self.runs_title.setFont(bold)
        self.runs = self._runs_tree()
        self.runs.setHeaderHidden(True)
        self.runs.itemActivated.connect(lambda item, _: self.run_opened.emit(item.data(0, _ROLE)))
        self.runs.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.runs.customContextMenuRequested.connect(self._offer)
        self._arrange()
        self.show_check(None)
        self.show_state(TrainState())
        self.show_runs([])

    def show_check(self, check: Optional[Check]) -> None:
        """The result of the sample check; none = there is none for what is chosen now."""
        self.problems.show_problems(check.problems if check is not None else [])
        if check is not None:
            self.stage.setText(check_words(check))
        self.stage.setVisible(bool(self.stage.text()))
        self._show_advice()

    def show_state(self, state: TrainState) -> List[str]:
        """Stage, curves, chips and verdict; returns chips whose pixels are missing."""
        words = stage_words(state)
        if words:
            self.stage.setText(words)
        self.stage.setVisible(bool(self.stage.text()))
        self.form.setEnabled(not state.is_running)
        drawn = charts(state.steps, state.evaluations)
        self.curves.setVisible(bool(drawn))
        steps = state.last_step.steps if state.last_step else (state.run.steps if state.run else 1)
        self.curves.show_charts(drawn, steps)
        missing = self.strip.show_previews(state.previews)
        self.note.setText(state.notes[-1] if state.notes else "")
        self.note.setVisible(bool(state.notes))
        self.resume.setVisible(state.can_resume)
        self._show_advice()
        self._show_verdict(state)
        return missing

    def set_in_use(self, is_in_use: bool) -> None:
        """Whether questions go to the model of this run already."""
        self.use.setEnabled(not is_in_use)
        self.use.setText(self.tr("In use") if is_in_use else self.tr("Use this model"))

    def set_button(self, text: str, *, is_enabled: bool = True) -> None:
        """What the large button does now."""
        self.go.setText(text)
        self.go.setAccessibleName(text)
        self.go.setEnabled(is_enabled)

    def show_runs(self, runs: List[tw.RunInfo]) -> None:
        """The runs that the service knows, newest first."""
        self.runs.clear()
        for run in runs:
            item = QTreeWidgetItem([run.name or run.id, run_words(run)])
            item.setData(0, _ROLE, run)
            item.setToolTip(0, plain_tooltip(run.name or run.id))
            item.setToolTip(1, plain_tooltip(run_words(run)))
            self.runs.addTopLevelItem(item)
        self.runs_title.setVisible(bool(runs))
        self.runs.setVisible(bool(runs))
        row_px = self.runs.sizeHintForRow(0) if runs else 20
        self.runs.setFixedHeight(8 + row_px * min(5, max(1, len(runs))))

    def _show_advice(self) -> None:
        """Only where nothing else is said yet."""
        self.advice.setVisible(not self.stage.text() and not self.curves.charts)

    def _show_verdict(self, state: TrainState) -> None:
        verdict = state.verdict
        for label in (self.verdict, self.figures):
            label.setVisible(verdict is not None)
        is_over = state.stage in (Stage.FINISHED, Stage.STOPPED)
        self.use.setVisible(state.adapter is not None and is_over)
        if verdict is not None:
            title, figures = verdict_words(verdict, QCoreApplication.translate)
            self.verdict.setText(title)
            if verdict.outcome == "too_few":
                by_eye = self.tr("Judge by eye: use the model, and ask it where you drew nothing.")
                figures = f"{figures}\n{by_eye}"
            self.figures.setText(figures)
            self.use.setDefault(verdict.outcome == "better")

    def _offer(self, place: object) -> None:
        item = self.runs.itemAt(place)
        if item is None:
            return
        run = item.data(0, _ROLE)
        menu = QMenu(self)
        menu.addAction(self.tr("Open"), lambda: self.run_opened.emit(run))
        menu.addAction(self.tr("Delete"), lambda: self.run_deleted.emit(run))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.runs.viewport().mapToGlobal(place))

    def _button(self, name: str, signal: object) -> QPushButton:
        button = QPushButton(self)
        button.setObjectName(name)
        button.setMinimumHeight(30)
        button.clicked.connect(lambda _=False: signal.emit())  # type: ignore[attr-defined]
        return button

    def _runs_tree(self) -> QTreeWidget:
        tree = QTreeWidget(self)
        tree.setObjectName("geoR1TrainRuns")
        tree.setAccessibleName(self.tr("Earlier runs"))
        tree.setColumnCount(2)
        tree.setRootIsDecorated(False)
        tree.setUniformRowHeights(True)
        tree.header().setStretchLastSection(True)
        tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        return tree

    def _arrange(self) -> None:
        bold = self.go.font()
        bold.setBold(True)
        self.go.setFont(bold)
        buttons = QHBoxLayout()
        buttons.addWidget(self.go, 1)
        buttons.addWidget(self.resume)
        inside = QWidget(self)
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(0, 0, 4, 0)
        layout.setSpacing(7)
        layout.addWidget(self.form)
        layout.addLayout(buttons)
        for widget in (
            self.advice, self.notice, self.stage, self.problems, self.verdict, self.figures, self.use, self.curves, self.strip,
            self.note, self.runs_title, self.runs,
        ):  # fmt: skip
            layout.addWidget(widget)
        layout.addStretch(1)
        area = PageScroll(inside, self)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
