"""How far a run over a whole raster is, and the offer to go on with one that was stopped."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from .small_print import small_print

STEPS = 1000


class SceneStatus(QWidget):
    """A bar with words, or words with *Resume*. Hidden while there is neither."""

    resume_requested = pyqtSignal()
    dismissed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setObjectName("geoR1SceneStatus")
        self.bar = QProgressBar(self)
        self.bar.setObjectName("geoR1SceneBar")
        self.bar.setRange(0, STEPS)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName(self.tr("Progress over the raster"))
        self.words = small_print(self)
        self.words.setObjectName("geoR1SceneWords")
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.resume = QPushButton(self.tr("Resume"), self)
        self.resume.setObjectName("geoR1SceneResume")
        self.resume.setAccessibleName(self.tr("Go on with the run that was stopped"))
        self.resume.clicked.connect(self.resume_requested)
        self.dismiss = QToolButton(self)
        self.dismiss.setText("✕")
        self.dismiss.setAutoRaise(True)
        self.dismiss.setToolTip(self.tr("Do not offer this; what was found stays"))
        self.dismiss.setAccessibleName(self.tr("Do not offer to go on"))
        self.dismiss.clicked.connect(self.dismissed)
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self.words, 1)
        line.addWidget(self.resume)
        line.addWidget(self.dismiss)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.bar)
        layout.addLayout(line)
        self.hide()

    def show_progress(self, done: int, total: int, words: str) -> None:
        """A run is under way."""
        self.bar.setValue(round(STEPS * done / max(1, total)))
        self.bar.show()
        self._show(words, can_resume=False)

    def offer(self, done: int, total: int, words: str) -> None:
        """A run can be gone on with."""
        self.bar.setValue(round(STEPS * done / max(1, total)))
        self.bar.show()
        self._show(words, can_resume=True)

    def _show(self, words: str, *, can_resume: bool) -> None:
        self.words.setText(words)
        self.words.setAccessibleName(words)
        self.resume.setVisible(can_resume)
        self.dismiss.setVisible(can_resume)
        self.show()
