"""How a question was understood: one line, and behind its arrow the parts to mend. Reads sentences; runs nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Optional, Tuple

from qgis.PyQt.QtCore import QCoreApplication, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..core.comparison import (
    DEFAULT_WITHIN_M,
    RANKS,
    Comparison,
    RankKey,
    Reading,
    Relation,
    read_comparison,
    say,
)
from ..core.scene_words import (
    CONTEXT,
    RANK_WORDS,
    RELATION_WORDS,
    follows_view,
    rest_words,
    summary_words,
)
from .small_print import plain_tooltip, small_print

translate = QCoreApplication.translate
MAX_WITHIN_M = 1e6
MAX_PLACE = 999


class ComparisonForm(QWidget):
    """Shows a reading and lets the user mend it; `changed` carries the `Comparison` that holds now, or None."""

    changed = pyqtSignal(object)

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._reading = Reading(None)
        self._comparison: Optional[Comparison] = None
        self._is_filling = True  # fields speak up while they are being filled with choices
        self.arrow = QToolButton(self)
        self.arrow.setObjectName("geoR1ComparisonArrow")
        self.arrow.setCheckable(True)
        self.arrow.setAutoRaise(True)
        self.arrow.setArrowType(Qt.ArrowType.RightArrow)
        self.arrow.setToolTip(self.tr("How the question was understood, part by part"))
        self.arrow.setAccessibleName(self.arrow.toolTip())
        self.arrow.toggled.connect(self._open)
        self.line = QLabel(self)
        self.line.setObjectName("geoR1ComparisonLine")
        self.line.setTextFormat(Qt.TextFormat.PlainText)
        self.line.setWordWrap(True)
        self.line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.rest = small_print(self)
        self.rest.setObjectName("geoR1ComparisonRest")
        self.rest.setTextFormat(Qt.TextFormat.PlainText)
        self.rest.setWordWrap(True)
        self._make_fields()
        self.body = QWidget(self)
        self._arrange()
        self.body.hide()
        self._is_filling = False
        self._show()

    def _make_fields(self) -> None:
        self.target = self._edit("geoR1ComparisonTarget", self.tr("What is sought, one of them"))
        self.attributes = self._edit(
            "geoR1ComparisonAttributes", self.tr("Colour and the like, with commas between")
        )
        self.attributes.setPlaceholderText(self.tr("colour"))
        self.rank = self._combo("geoR1ComparisonRank", self.tr("Which of those that fit"))
        self.rank.addItem(self.tr("any"), "")
        for name, words in RANK_WORDS.items():
            self.rank.addItem(translate(CONTEXT, words), name)
        self.place = QSpinBox(self)
        self.place.setObjectName("geoR1ComparisonPlace")
        self.place.setRange(1, MAX_PLACE)
        self.place.valueChanged.connect(self._edited)
        self.many = QCheckBox(self.tr("several"), self)
        self.many.setObjectName("geoR1ComparisonMany")
        self.many.setToolTip(self.tr("All that fit, or the first so many of a rank"))
        self.many.toggled.connect(self._edited)
        self.relation = self._combo("geoR1ComparisonRelation", self.tr("How it stands to another"))
        self.relation.addItem(self.tr("anywhere"), "")
        for relation, words in RELATION_WORDS.items():
            self.relation.addItem(translate(CONTEXT, words), relation.value)
        self.within = QDoubleSpinBox(self)
        self.within.setObjectName("geoR1ComparisonWithin")
        self.within.setRange(0.1, MAX_WITHIN_M)
        self.within.setDecimals(1)
        self.within.setSuffix(" m")
        self.within.setValue(DEFAULT_WITHIN_M)
        self.within.setAccessibleName(self.tr("How near is near, in metres"))
        self.within.valueChanged.connect(self._edited)
        self.anchor = self._edit("geoR1ComparisonAnchor", self.tr("The other object, one of them"))
        self.anchor_attributes = self._edit(
            "geoR1ComparisonAnchorAttributes", self.tr("Colour of the other object")
        )
        self.anchor_attributes.setPlaceholderText(self.tr("colour"))

    @property
    def comparison(self) -> Optional[Comparison]:
        """What holds now: as it was read, or as the user mended it; none where nothing is sought or parts contradict."""
        return self._comparison

    def set_query(self, query: str) -> None:
        """Read a question anew; what was mended of another one is forgotten."""
        reading = read_comparison(query)
        if reading == self._reading:
            return
        self._reading = reading
        self._fill(reading.comparison)
        self._take(reading.comparison)

    def _fill(self, comparison: Optional[Comparison]) -> None:
        self._is_filling = True
        found = comparison
        rank = found.rank if found else None
        self.target.setText(found.target if found else "")
        self.attributes.setText(", ".join(found.attributes) if found else "")
        name = next((n for n, r in RANKS.items() if rank and replace(rank, place=1) == r), "")
        self.rank.setCurrentIndex(max(0, self.rank.findData(name)))
        self.place.setValue(rank.place if rank else 1)
        self.many.setChecked(bool(found and found.many))
        relation = found.relation.value if found and found.relation else ""
        self.relation.setCurrentIndex(max(0, self.relation.findData(relation)))
        self.within.setValue((found.within_m if found else None) or DEFAULT_WITHIN_M)
        self.anchor.setText(found.anchor if found else "")
        self.anchor_attributes.setText(", ".join(found.anchor_attributes) if found else "")
        self._is_filling = False

    def _edited(self, *_: object) -> None:
        if self._is_filling:
            return
        try:
            comparison: Optional[Comparison] = self._from_fields()
        except ValueError:
            comparison = None
        self._take(comparison)

    def _from_fields(self) -> Comparison:
        """The comparison that the fields make.

        Raises:
            ValueError: if they make none.
        """
        name, relation_name = self.rank.currentData(), self.relation.currentData()
        rank = RANKS[name] if name else None
        many = self.many.isChecked()
        if rank is not None:
            rank = replace(rank, place=max(self.place.value(), 2 if many else 1))
        relation = Relation(relation_name) if relation_name else None
        by_distance = rank is not None and rank.key is RankKey.DISTANCE
        has_anchor = relation is not None or by_distance
        return Comparison(
            target=" ".join(self.target.text().split()).lower(),
            attributes=_parts(self.attributes.text()),
            relation=relation,
            anchor=" ".join(self.anchor.text().split()).lower() if has_anchor else "",
            anchor_attributes=_parts(self.anchor_attributes.text()) if has_anchor else (),
            rank=rank,
            many=many,
            within_m=self.within.value() if relation is Relation.NEAR else None,
        )

    def _take(self, comparison: Optional[Comparison]) -> None:
        is_new = comparison != self._comparison
        self._comparison = comparison
        self._show()
        if is_new:
            self.changed.emit(comparison)

    def _show(self) -> None:
        found = self._comparison
        has_rank = bool(self.rank.currentData())
        has_relation = bool(self.relation.currentData())
        by_distance = self.rank.currentData() in ("nearest", "farthest")
        self.place.setVisible(has_rank)
        self.place.setMinimum(2 if has_rank and self.many.isChecked() else 1)
        self.place.setPrefix(self.tr("first ") if self.many.isChecked() else self.tr("no. "))
        self.within.setVisible(self.relation.currentData() == Relation.NEAR.value)
        for widget in (self.anchor, self.anchor_attributes):
            widget.setEnabled(has_relation or by_distance)
        self.line.setText(
            summary_words(found, translate) if found else self.tr("Nothing is sought yet.")
        )
        self.line.setToolTip(plain_tooltip(say(found)) if found else "")
        lines = self._remarks(found)
        self.rest.setText("\n".join(lines))
        self.rest.setVisible(bool(lines))
        self.setVisible(found is not None or self.arrow.isChecked() or bool(lines))

    def _remarks(self, found: Optional[Comparison]) -> List[str]:
        lines = []
        if found is None and self.target.text().strip():
            lines.append(self.tr("A relation or a distance needs the other object: name it."))
        words = rest_words(self._reading.rest, translate)
        if words and (found is not None or not self.target.text().strip()):
            lines.append(words)
        if found is not None and follows_view(found):
            lines.append(self.tr("On a whole layer, left means west and above means north."))
        return lines

    def _open(self, is_open: bool) -> None:
        self.arrow.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self.body.setVisible(is_open)
        self._show()

    def _edit(self, name: str, words: str) -> QLineEdit:
        edit = QLineEdit(self)
        edit.setObjectName(name)
        edit.setAccessibleName(words)
        edit.setToolTip(words)
        edit.textChanged.connect(self._edited)
        return edit

    def _combo(self, name: str, words: str) -> QComboBox:
        combo = QComboBox(self)
        combo.setObjectName(name)
        combo.setAccessibleName(words)
        combo.setToolTip(words)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(6)
        combo.currentIndexChanged.connect(self._edited)
        return combo

    def _arrange(self) -> None:
        grid = QGridLayout(self.body)
        grid.setContentsMargins(8, 0, 0, 0)
        grid.setSpacing(4)
        rows: List[Tuple[str, QWidget, QWidget]] = [
            (self.tr("Sought"), self.attributes, self.target),
            (self.tr("Which"), self.rank, self.place),
            ("", self.many, QWidget(self.body)),
            (self.tr("Where"), self.relation, self.within),
            (self.tr("Other"), self.anchor_attributes, self.anchor),
        ]
        for row, (words, left, right) in enumerate(rows):
            label = QLabel(words, self.body)
            label.setBuddy(left)
            grid.addWidget(label, row, 0)
            grid.addWidget(left, row, 1)
            grid.addWidget(right, row, 2)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        top = QHBoxLayout()
        top.setSpacing(2)
        top.addWidget(self.arrow, 0, Qt.AlignmentFlag.AlignTop)
        top.addWidget(self.line, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addWidget(self.rest)
        layout.addWidget(self.body)


def _parts(text: str) -> Tuple[str, ...]:
    return tuple(" ".join(part.split()).lower() for part in text.split(",") if part.strip())
