"""The Models tab: what the service has, what is on its way, and what can be done about it. Shows; starts nothing."""

from __future__ import annotations

from typing import List, Optional, Union

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..core import models_wire as mw
from ..core import wire
from ..core.model_groups import chosen_id, grouped, offer
from .models_words import (
    fetch_details,
    fetch_words,
    group_words,
    model_words,
    progress_words,
    size_words,
    state_words,
    why_not_delete,
    why_not_use,
)
from .notice import Notice
from .small_print import plain_tooltip, small_print, smaller

_ROLE = Qt.ItemDataRole.UserRole
_PARTS = 1000
"""Of the progress bar, whose numbers end at two thousand million."""

Row = Union[wire.ModelInfo, mw.FetchInfo, None]


class ModelsPanel(QWidget):
    """Signals carry the model or the download that is selected."""

    use_pressed = pyqtSignal(object)
    load_pressed = pyqtSignal(object)
    unload_pressed = pyqtSignal(object)
    delete_pressed = pyqtSignal(object)
    go_on_pressed = pyqtSignal(object)
    forget_pressed = pyqtSignal(object)
    stop_pressed = pyqtSignal()
    get_pressed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._can_manage = False
        self._chosen: Optional[str] = None
        self._next: Optional[str] = None
        self.notice = Notice(self)
        self.notice.setObjectName("geoR1ModelsNotice")
        self.tree = self._make_tree()
        self.details = small_print(self)
        self.details.setObjectName("geoR1ModelDetails")
        self.details.setWordWrap(True)
        self.details.setTextFormat(Qt.TextFormat.PlainText)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.use = self._button("geoR1ModelUse", self._press_use)
        self.load = self._button("geoR1ModelLoad", self._press_load)
        self.delete = self._button("geoR1ModelDelete", self._press_delete)
        self.get = self._button("geoR1ModelGet", self.get_pressed.emit)
        self.get.setText(self.tr("Get from the hub…"))
        self.by_hand = small_print(self)
        self.by_hand.setWordWrap(True)
        self.by_hand.setText(
            self.tr("Without network, on the service's machine: {command}").format(
                command="geo-r1 models import FOLDER"
            )
        )
        self.by_hand.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.total = small_print(self)
        self.total.setObjectName("geoR1ModelsTotal")
        self.coming = QWidget(self)
        self.coming_title = QLabel(self.coming)
        self.coming_title.setObjectName("geoR1ComingTitle")
        self.bar = QProgressBar(self.coming)
        self.bar.setObjectName("geoR1ComingBar")
        self.bar.setRange(0, _PARTS)
        self.bar.setAccessibleName(self.tr("How much of the model has come"))
        self.coming_words = QLabel(self.coming)
        self.coming_words.setObjectName("geoR1ComingWords")
        self.coming_words.setFont(smaller(self.coming_words.font()))
        for label in (self.coming_title, self.coming_words):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self.stop = self._button("geoR1ComingStop", self.stop_pressed.emit)
        self.stop.setText(self.tr("Stop"))
        self._arrange()
        self.show_coming("", None)
        self._on_selection()

    @property
    def selected(self) -> Row:
        """The model or the download that is selected; none for a title."""
        item = self.tree.currentItem()
        return None if item is None else item.data(0, _ROLE)

    def show_models(
        self,
        models: List[wire.ModelInfo],
        fetches: List[mw.FetchInfo],
        *,
        wanted: str,
        can_manage: bool,
    ) -> None:
        """All models and unfinished downloads; what was selected stays selected."""
        before = self.selected
        self._can_manage = can_manage
        self._chosen = chosen_id(models, wanted)
        self.tree.blockSignals(True)
        self.tree.clear()
        if fetches:
            self._add_group(self.tr("Not finished"), [self._fetch_item(info) for info in fetches])
        for group, members in grouped(models):
            self._add_group(group_words(group), [self._model_item(model) for model in members])
        self.tree.expandAll()
        self._select(before)
        self.tree.blockSignals(False)
        self.get.setVisible(can_manage)
        self.by_hand.setVisible(can_manage)
        used = sum(model.size_bytes for model in models) + sum(f.done_bytes for f in fetches)
        words = self.tr("Together {size}").format(size=size_words(used))
        self.total.setText(words if used else "")
        self.total.setToolTip(self.tr("On the disk of the service"))
        self._on_selection()

    def select_next(self, model: str) -> None:
        """Select this model as soon as it is listed."""
        self._next = model

    def show_coming(self, repository: str, progress: Optional[mw.FetchProgressEvent]) -> None:
        """How far the download is that is listened to; none = there is none."""
        self.coming.setVisible(progress is not None)
        self.get.setEnabled(progress is None)
        if progress is None:
            return
        self.coming_title.setText(repository)
        self.bar.setValue(round(_PARTS * progress.done_bytes / max(1, progress.size_bytes)))
        self.coming_words.setText(progress_words(progress))
        self.stop.setEnabled(True)

    def _add_group(self, title: str, items: List[QTreeWidgetItem]) -> None:
        top = QTreeWidgetItem([title])
        top.setFlags(Qt.ItemFlag.ItemIsEnabled)
        font = smaller(self.tree.font())
        font.setBold(True)
        top.setFont(0, font)
        top.addChildren(items)
        self.tree.addTopLevelItem(top)
        top.setFirstColumnSpanned(True)

    def _model_item(self, model: wire.ModelInfo) -> QTreeWidgetItem:
        is_chosen = model.id == self._chosen
        title = model.title or model.id
        size = size_words(model.size_bytes) if model.size_bytes else ""
        texts = [f"✓ {title}" if is_chosen else title, state_words(model), size]
        item = self._item(texts, model, is_bold=is_chosen)
        if is_chosen:
            asked = self.tr("{model}: questions go to it").format(model=title)
            item.setToolTip(0, plain_tooltip(asked))
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole, asked)
        return item

    def _fetch_item(self, info: mw.FetchInfo) -> QTreeWidgetItem:
        name = info.repository.split("/")[-1]
        return self._item([name, fetch_words(info), size_words(info.done_bytes)], info)

    def _item(self, texts: List[str], row: Row, *, is_bold: bool = False) -> QTreeWidgetItem:
        item = QTreeWidgetItem(texts)
        item.setData(0, _ROLE, row)
        item.setToolTip(0, plain_tooltip(texts[0]))
        item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if is_bold:
            font = self.tree.font()
            font.setBold(True)
            item.setFont(0, font)
        return item

    def _select(self, before: Row) -> None:
        """The row that has just come, else the one that was selected, else the model that is asked."""
        wanted = self._next or (before.id if before is not None else self._chosen)
        for index in range(self.tree.topLevelItemCount()):
            top = self.tree.topLevelItem(index)
            for place in range(top.childCount()):
                if top.child(place).data(0, _ROLE).id == wanted:
                    self.tree.setCurrentItem(top.child(place))
                    self._next = None
                    return

    def _on_selection(self) -> None:
        row = self.selected
        for button in (self.use, self.load, self.delete):
            button.setVisible(row is not None)
        self.details.setVisible(row is not None)
        if isinstance(row, mw.FetchInfo):
            self._offer_fetch(row)
        elif row is not None:
            self._offer_model(row)

    def _offer_model(self, model: wire.ModelInfo) -> None:
        is_chosen = model.id == self._chosen
        can = offer(model, is_chosen=is_chosen, can_manage=self._can_manage)
        self.details.setText(model_words(model))
        self._set(self.use, self.tr("Use"), can.use, why_not_use(model, is_chosen=is_chosen))
        is_loaded = model.state == "loaded"
        self._set(
            self.load, self.tr("Unload") if is_loaded else self.tr("Load"), can.load or can.unload
        )
        why = why_not_delete(model, can_manage=self._can_manage)
        self._set(self.delete, self.tr("Delete…"), can.delete, why)

    def _offer_fetch(self, info: mw.FetchInfo) -> None:
        self.details.setText(fetch_details(info))
        is_idle = info.state != "running"
        self._set(self.use, self.tr("Go on"), is_idle and self.get.isEnabled())
        self.load.hide()
        self._set(self.delete, self.tr("Forget…"), is_idle)

    def _set(self, button: QPushButton, text: str, is_enabled: bool, why_not: str = "") -> None:
        button.setText(text)
        button.setAccessibleName(text)
        button.setEnabled(is_enabled)
        button.setToolTip("" if is_enabled else why_not)
        button.setAccessibleDescription(button.toolTip())

    def _activate(self) -> None:
        if self.use.isEnabled():
            self._press_use()

    def _press_use(self) -> None:
        self._emit(self.use_pressed, self.go_on_pressed)

    def _press_load(self) -> None:
        row = self.selected
        if isinstance(row, wire.ModelInfo):
            (self.unload_pressed if row.state == "loaded" else self.load_pressed).emit(row)

    def _press_delete(self) -> None:
        self._emit(self.delete_pressed, self.forget_pressed)

    def _emit(self, of_model: object, of_fetch: object) -> None:
        row = self.selected
        if row is not None:
            signal = of_fetch if isinstance(row, mw.FetchInfo) else of_model
            signal.emit(row)  # type: ignore[attr-defined]

    def _button(self, name: str, slot: object) -> QPushButton:
        button = QPushButton(self)
        button.setObjectName(name)
        button.clicked.connect(lambda _=False: slot())  # type: ignore[operator]
        return button

    def _make_tree(self) -> QTreeWidget:
        tree = QTreeWidget(self)
        tree.setObjectName("geoR1Models")
        tree.setAccessibleName(self.tr("Models of the service"))
        tree.setColumnCount(3)
        tree.setHeaderLabels([self.tr("Model"), self.tr("State"), self.tr("Disk")])
        tree.setRootIsDecorated(False)
        tree.setIndentation(8)
        tree.setUniformRowHeights(True)
        # names of checkpoints differ at their end
        tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        tree.currentItemChanged.connect(lambda *_: self._on_selection())
        tree.itemActivated.connect(lambda *_: self._activate())
        return tree

    def _arrange(self) -> None:
        coming = QVBoxLayout(self.coming)
        coming.setContentsMargins(0, 0, 0, 0)
        coming.setSpacing(3)
        coming.addWidget(self.coming_title)
        line = QHBoxLayout()
        line.addWidget(self.bar, 1)
        line.addWidget(self.stop)
        coming.addLayout(line)
        coming.addWidget(self.coming_words)
        buttons = QHBoxLayout()
        for button in (self.use, self.load, self.delete):
            buttons.addWidget(button)
        buttons.addStretch(1)
        bottom = QHBoxLayout()
        bottom.addWidget(self.get)
        bottom.addStretch(1)
        self.total.setAlignment(Qt.AlignmentFlag.AlignRight)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(7)
        layout.addWidget(self.notice)
        layout.addWidget(self.coming)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.total)
        layout.addWidget(self.details)
        layout.addLayout(buttons)
        layout.addLayout(bottom)
        layout.addWidget(self.by_hand)
