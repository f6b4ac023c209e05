"""The reasoning as it streams in; every coordinate in it is a link to a place. Knows no map."""

from __future__ import annotations

from typing import List, Optional, Tuple

from qgis.PyQt.QtCore import Qt, QTimer, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QFont, QFontDatabase, QTextCharFormat, QTextCursor
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QTextBrowser, QVBoxLayout, QWidget

from ..core.plain_text import visible
from ..core.transcript import Segment, Transcript, link_to, place_of_link
from . import colours
from .small_print import small_print, smaller

APPEND_MS = 50
"""Text is appended at most this often: each append lays the document out again."""

APPEND_LIMIT = 400
APPEND_CHARACTERS = 4000
"""Segments and characters appended at one time; more wait for the next turn, so that the event loop is never held up."""

PIECE_CHARACTERS = 500
BLOCK_CHARACTERS = 2000
"""A paragraph that is longer is continued in a new one: Qt lays the whole paragraph out again for each word that is
added to it, which took six seconds for a word of 200,000 letters."""


MAX_CHARACTERS = 60_000
"""Shown of one answer; more than a model of ours can say, less than would slow the window down."""


class ReasoningView(QTextBrowser):
    """Read-only text with links that are told of and never followed; nothing is ever loaded.

    `link_focused` is `highlighted` for the keyboard: Qt tells of the mouse only.
    """

    link_focused = pyqtSignal(str)

    def focusNextPrevChild(self, forward: bool) -> bool:
        moved = super().focusNextPrevChild(forward)
        self.link_focused.emit(self.textCursor().charFormat().anchorHref() if moved else "")
        return moved

    def loadResource(self, _kind: int, _name: QUrl) -> None:
        return None


class ReasoningPanel(QWidget):
    """Title, state of the answer, and the text.

    `place_entered` comes when mouse or keyboard rest on a coordinate, `place_chosen` when it is clicked or Enter is
    pressed on it, `place_left` when it is left.
    """

    place_entered = pyqtSignal(tuple)
    place_chosen = pyqtSignal(tuple)
    place_left = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._transcript = Transcript()
        self._waiting: List[Tuple[str, Segment]] = []
        self._section = ""
        self._room = MAX_CHARACTERS
        self._timer = QTimer(self)
        self._timer.setInterval(APPEND_MS)
        self._timer.timeout.connect(self._append)
        self.title = QLabel(self.tr("Reasoning"), self)
        bold = self.title.font()
        bold.setBold(True)
        self.title.setFont(bold)
        self.stage = small_print(self)
        self.stage.setObjectName("geoR1Stage")
        self.stage.setTextFormat(Qt.TextFormat.PlainText)
        self.view = ReasoningView(self)
        self.view.setObjectName("geoR1Reasoning")
        self.view.setOpenLinks(False)
        self.view.setUndoRedoEnabled(False)
        self.view.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextBrowserInteraction
            | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.view.setPlaceholderText(
            self.tr(
                "The model thinks aloud here. Point at a coordinate to see the place on the map."
            )
        )
        self.view.setAccessibleName(self.tr("Reasoning of the model"))
        self.view.setAccessibleDescription(
            self.tr("Tab goes from coordinate to coordinate, Enter shows it on the map")
        )
        self.view.document().setDocumentMargin(6)
        self.view.highlighted.connect(self._on_highlighted)
        self.view.link_focused.connect(self._on_highlighted)
        self.view.anchorClicked.connect(self._on_clicked)
        self.title.setBuddy(self.view)
        self._arrange()

    @property
    def reasoning(self) -> str:
        """Everything of the `think` section that has arrived, shown or not."""
        return self._transcript.reasoning

    def clear(self) -> None:
        """Forget the last answer."""
        self._timer.stop()
        self._transcript = Transcript()
        self._waiting = []
        self._section = ""
        self._room = MAX_CHARACTERS
        self.view.clear()

    def feed(self, section: str, text: str) -> None:
        """Take a piece of the answer; it is shown within a moment."""
        if not self._room:
            return
        if len(text) >= self._room:
            text = text[: self._room] + "\n" + self.tr("… (the rest is too long to be shown)")
            self._room = 0
        else:
            self._room -= len(text)
        self._wait(self._transcript.feed(section, text))

    def finish(self) -> None:
        """No more text will come: show what was held back."""
        self._wait(self._transcript.finish())

    def show_text(self, reasoning: str) -> None:
        """Show the reasoning of an earlier answer."""
        self.clear()
        self.feed("think", reasoning)
        self.finish()

    def set_stage(self, text: str) -> None:
        """Say where the question is."""
        self.stage.setText(text)

    def _wait(self, ready: List[Tuple[str, List[Segment]]]) -> None:
        self._waiting += [
            (section, piece)
            for section, parts in ready
            for part in parts
            for piece in _pieces(part)
        ]
        if self._waiting and not self._timer.isActive():
            self._append()
            self._timer.start()

    def _append(self) -> None:
        if not self._waiting:
            self._timer.stop()
            return
        batch = self._next_batch()
        bar = self.view.verticalScrollBar()
        follows = bar.value() >= bar.maximum() - 4  # someone who scrolled up is reading
        cursor = QTextCursor(self.view.document())
        cursor.beginEditBlock()
        cursor.movePosition(QTextCursor.MoveOperation.End)
        for section, part in batch:
            self._insert(cursor, section, part)
        cursor.endEditBlock()
        if follows:
            bar.setValue(bar.maximum())

    def _next_batch(self) -> List[Tuple[str, Segment]]:
        count, characters = 0, 0
        while count < min(APPEND_LIMIT, len(self._waiting)) and characters < APPEND_CHARACTERS:
            characters += len(self._waiting[count][1].text)
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _insert(self, cursor: QTextCursor, section: str, part: Segment) -> None:
        form = self._plain_format(section)
        text = visible(part.text)
        if section != self._section:
            if self._section:
                cursor.insertText("\n\n", form)
            self._section = section
            text = text.lstrip()
        if part.place_px is not None:
            form.setAnchor(True)
            form.setAnchorHref(link_to(part.place_px))
            palette = self.view.palette()
            form.setForeground(colours.link(palette))
            form.setBackground(colours.mixed(palette.base().color(), colours.link(palette), 0.14))
        if cursor.positionInBlock() > BLOCK_CHARACTERS:
            cursor.insertBlock()
            text = text.lstrip(" ")
        cursor.insertText(text, form)

    def _plain_format(self, section: str) -> QTextCharFormat:
        form = QTextCharFormat()
        if section == "answer":
            fixed = smaller(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
            fixed.setStyleHint(QFont.StyleHint.Monospace)
            form.setFont(fixed)
        return form

    def _on_highlighted(self, link: object) -> None:
        place = place_of_link(link.toString() if isinstance(link, QUrl) else str(link))
        if place is None:
            self.place_left.emit()
        else:
            self.place_entered.emit(place)

    def _on_clicked(self, link: QUrl) -> None:
        place = place_of_link(link.toString())
        if place is not None:
            self.place_chosen.emit(place)

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.title)
        top.addStretch(1)
        top.addWidget(self.stage)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.view, 1)


def _pieces(part: Segment) -> List[Segment]:
    """A long run of plain text in pieces, cut at spaces where there are any."""
    if part.place_px is not None or len(part.text) <= PIECE_CHARACTERS:
        return [part]
    pieces, begin = [], 0
    while begin < len(part.text):
        end = begin + PIECE_CHARACTERS
        if end < len(part.text):
            end = part.text.rfind(" ", begin, end) + 1 or end
        pieces.append(Segment(part.text[begin:end]))
        begin = end
    return pieces
