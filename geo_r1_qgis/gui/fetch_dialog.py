"""Get a model from the hub: which one, what would come, and the button that agrees to exactly that. Fetches nothing itself."""

from __future__ import annotations

import re
from typing import Optional

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ..core import models_wire as mw
from ..core.errors import GeoR1Error
from .models_words import plan_remark, plan_rows, size_words
from .notice import Notice
from .small_print import small_print

EXAMPLE = "Geo-R1/Geo-R1-3B-GRPO-REC-10shot"


class FetchDialog(QDialog):
    """Emits `plan_requested` with a `PlanRequest`, and `agreed` with a `FetchRequest`."""

    plan_requested = pyqtSignal(object)
    agreed = pyqtSignal(object)

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setObjectName("geoR1FetchDialog")
        self.setWindowTitle(self.tr("Get a model from the hub"))
        self.plan: Optional[mw.FetchPlan] = None
        self._asked: Optional[mw.PlanRequest] = None
        self.repository = self._line(
            "geoR1FetchRepository", EXAMPLE, self.tr("Repository at the hub: owner/name")
        )
        self.revision = self._line("geoR1FetchRevision", "main", self.tr("Branch, tag or commit"))
        self.base = self._line(
            "geoR1FetchBase",
            self.tr("if it has none: the base that it names"),
            self.tr("Repository that a missing processor is taken from"),
        )
        self.look = QPushButton(self.tr("Show what comes"), self)
        self.look.setObjectName("geoR1FetchLook")
        self.look.clicked.connect(self._ask)
        self.notice = Notice(self)
        self.notice.setObjectName("geoR1FetchNotice")
        self._rows = QWidget(self)
        self._form = QFormLayout(self._rows)
        self._form.setContentsMargins(0, 4, 0, 0)
        self._rows.hide()
        self.remark = self._text("geoR1FetchRemark")
        self.promise = small_print(self)
        self.promise.setWordWrap(True)
        self.promise.setText(
            self.tr(
                "Names and sizes are asked first; no weights come before you press Fetch. Files that can run code are "
                "never fetched."
            )
        )
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.fetch = self.buttons.addButton(
            self.tr("Fetch"), QDialogButtonBox.ButtonRole.AcceptRole
        )
        self.fetch.setObjectName("geoR1FetchAgree")
        self.buttons.accepted.connect(self._agree)
        self.buttons.rejected.connect(self.reject)
        for line in (self.repository, self.revision, self.base):
            line.textChanged.connect(lambda _="": self._forget())
        self._arrange()
        self._forget()

    @property
    def request(self) -> Optional[mw.PlanRequest]:
        """What is typed, or None while that is no name."""
        repository = _name_in(self.repository.text())
        revision = self.revision.text().strip() or "main"
        base = _name_in(self.base.text())
        fits = re.match(mw.REPOSITORY, repository) and re.match(mw.REVISION, revision)
        if not fits or (base and not re.match(mw.REPOSITORY, base)):
            return None
        return mw.PlanRequest(repository, revision, base or None)

    def show_plan(self, plan: mw.FetchPlan, place: str) -> None:
        """What would come; `place` says where it would lie."""
        self.plan = plan
        self._clear()
        for title, text in plan_rows(plan, place):
            label = QLabel(f"{title}:", self._rows)
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            self._form.addRow(label, self._text("geoR1FetchRow", text))
        self._rows.show()
        self.remark.setText(plan_remark(plan))
        self.remark.setVisible(bool(self.remark.text()))
        is_here = bool(plan.installed) and plan.installed_commit == plan.commit
        size = size_words(max(0, plan.size_bytes - plan.there_bytes))
        self.fetch.setText(self.tr("Fetch {size}").format(size=size))
        self.fetch.setEnabled(plan.fits and not is_here)
        self._set_asking(False)
        if self.fetch.isEnabled():
            self.fetch.setDefault(True)
            self.fetch.setFocus()
        self._fit()

    def show_error(self, error: GeoR1Error) -> None:
        """Why there is no plan."""
        self._set_asking(False)
        self.notice.show_error(error)
        self._fit()

    def _ask(self) -> None:
        request = self.request
        if request is not None:
            self._forget()
            self._asked = request
            self._set_asking(True)
            self.plan_requested.emit(request)

    def _agree(self) -> None:
        if self.plan is None or self._asked is None:
            return
        self.agreed.emit(
            mw.FetchRequest(
                self.plan.repository,
                self.plan.commit,
                self.plan.size_bytes,
                self._asked.revision,
                self._asked.base,
            )
        )
        self.accept()

    def _forget(self) -> None:
        """Another question: what was shown is no longer true."""
        self.plan = self._asked = None
        self._clear()
        self._rows.hide()
        self.remark.hide()
        self.notice.hide()
        self.fetch.setText(self.tr("Fetch"))
        self.fetch.setEnabled(False)
        self._set_asking(False)
        self._fit()

    def _set_asking(self, is_asking: bool) -> None:
        self.look.setText(self.tr("Asking the hub…") if is_asking else self.tr("Show what comes"))
        self.look.setEnabled(not is_asking and self.request is not None)
        self.look.setDefault(not is_asking)

    def _clear(self) -> None:
        while self._form.rowCount():
            self._form.removeRow(0)

    def _line(self, name: str, placeholder: str, says: str) -> QLineEdit:
        line = QLineEdit(self)
        line.setObjectName(name)
        line.setPlaceholderText(placeholder)
        line.setAccessibleName(says)
        line.setToolTip(says)
        return line

    def _text(self, name: str, text: str = "") -> QLabel:
        label = QLabel(text, self)
        label.setObjectName(name)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)  # words of a hub are never markup
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    def _arrange(self) -> None:
        form = QFormLayout()
        form.addRow(self.tr("Repository:"), self.repository)
        form.addRow(self.tr("Revision:"), self.revision)
        form.addRow(self.tr("Processor from:"), self.base)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.look, 0, Qt.AlignmentFlag.AlignLeft)
        for widget in (self.notice, self._rows, self.remark):
            layout.addWidget(widget)
        layout.addStretch(1)
        layout.addWidget(self.promise)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(520)

    def _fit(self) -> None:
        """As high as its words want; a window does not shrink by itself."""
        self.layout().activate()
        height_px = self.layout().totalHeightForWidth(self.width())
        if height_px > 0:  # -1: nothing in it is wrapped now
            self.resize(self.width(), height_px)


def _name_in(text: str) -> str:
    """The name in what somebody typed or pasted: an address of a hub's page has it as its path."""
    text = text.strip()
    found = re.match(r"https?://[^/]+/([^/?#]+/[^/?#]+)", text)
    return found[1] if found else text
