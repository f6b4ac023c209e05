"""How to learn, under “More”: method, steps and seed, and what of that will not end well. Nobody has to open it."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QSpinBox, QWidget

from .small_print import small_print

METHODS = ("", "sft_dapo", "dapo", "grpo", "dr_grpo", "sft")
ADAPTATIONS = ("", "lora", "full", "full_vision")
FEW_STEPS = 20
"""Fewer can leave a model worse than it was: it has begun to change and has not settled yet."""
MAX_STEPS = 2000


class TrainMore(QWidget):
    """Method and adaptation "" and 0 steps are the usual ones of the model."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.method = QComboBox(self)
        self.method.setObjectName("geoR1TrainMethod")
        self.method.setAccessibleName(self.tr("Method of training"))
        names = {
            "": self.tr("Usual for the model"),
            "sft_dapo": self.tr("Examples first, then DAPO"),
            "dapo": "DAPO",
            "grpo": "GRPO",
            "dr_grpo": "Dr. GRPO",
            "sft": self.tr("Examples only (SFT)"),
        }
        for method in METHODS:
            self.method.addItem(names[method], method)
        self.adaptation = QComboBox(self)
        self.adaptation.setObjectName("geoR1TrainAdaptation")
        self.adaptation.setAccessibleName(self.tr("What learns"))
        parts = {
            "": self.tr("Usual for the model"),
            "lora": self.tr("Adapters (LoRA)"),
            "full": self.tr("All that reads and answers"),
            "full_vision": self.tr("How it sees as well"),
        }
        for adaptation in ADAPTATIONS:
            self.adaptation.addItem(parts[adaptation], adaptation)
        self.adaptation.setToolTip(
            self.tr(
                "How it sees as well: for pictures that look unlike any the model knows; takes nearly twice as long. "
                "With the embedded model and models made from it."
            )
        )
        for combo in (self.method, self.adaptation):
            combo.setMinimumContentsLength(8)
            combo.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
        self.steps = QSpinBox(self)
        self.steps.setObjectName("geoR1TrainSteps")
        self.steps.setRange(0, MAX_STEPS)
        self.steps.setSpecialValueText(self.tr("as many as usual"))
        self.steps.setAccessibleName(self.tr("Steps"))
        self.warning = small_print(self)
        self.warning.setObjectName("geoR1TrainWarning")
        self.warning.setWordWrap(True)
        self.warning.setTextFormat(Qt.TextFormat.PlainText)
        self.seed = QSpinBox(self)
        self.seed.setObjectName("geoR1TrainSeed")
        self.seed.setRange(0, 999_999)
        self.seed.setAccessibleName(self.tr("Seed"))
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(self.tr("Method"), self.method)
        form.addRow(self.tr("Learns"), self.adaptation)
        form.addRow(self.tr("Steps"), self.steps)
        form.addRow(self.warning)
        form.addRow(self.tr("Seed"), self.seed)
        self.steps.valueChanged.connect(lambda _=0: self._warn())
        self._warn()

    def _warn(self) -> None:
        is_few = 0 < self.steps.value() < FEW_STEPS
        few = self.tr(
            "So few steps can leave the model worse than it is now: take {limit} or more."
        )
        self.warning.setText(few.format(limit=FEW_STEPS) if is_few else "")
        self.warning.setVisible(is_few)
