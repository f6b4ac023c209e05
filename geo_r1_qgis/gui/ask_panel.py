"""What to ask: the query, what is sought, the raster, the area, and what will be sent. Asks nothing itself."""

from __future__ import annotations

import re
from typing import List, Optional

from qgis.core import QgsMapLayerProxyModel, QgsRasterLayer
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..core.wire import Task
from .comparison_form import ComparisonForm
from .query_edit import QueryEdit
from .scene_form import SceneForm
from .small_print import small_print

VIEW, DRAWN = "view", "drawn"
LAYER, FEATURES = "layer", "features"
SCENES = (LAYER, FEATURES)
"""Areas that may be larger than one picture: `scene_controller.py` leads their questions."""

_PARENTHESIS = re.compile(r"\([^()]{1,24}\)")


class AskPanel(QWidget):
    """Query, task, layer, area, and the button that is Ask or Stop.

    `changed` comes when another chip would be sent; `draw_requested` when the user wants to draw the area.
    """

    ask_requested = pyqtSignal()
    stop_requested = pyqtSignal()
    draw_requested = pyqtSignal()
    changed = pyqtSignal()
    layer_chosen = pyqtSignal()
    task_chosen = pyqtSignal(str)

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._is_running = False
        self._make_query()
        self._make_choices()
        self._make_button()
        self._arrange()
        self.set_running(False)

    @property
    def task(self) -> Task:
        """What is sought."""
        return self.task_combo.currentData()

    @property
    def area(self) -> str:
        """`view`, `drawn`, `layer` or `features`."""
        return self.area_combo.currentData()

    @property
    def layer(self) -> Optional[QgsRasterLayer]:
        """The raster to look at."""
        return self.layer_combo.currentLayer()

    def set_tasks(self, tasks: List[str], chosen: str) -> None:
        """Offer what the model can do; a mask only if it can make one."""
        names = {
            "rec": self.tr("One object"),
            "ovd": self.tr("All objects"),
            "gres": self.tr("Mask"),
        }
        before = self.task or chosen
        self.task_combo.blockSignals(True)
        self.task_combo.clear()
        for task, name in names.items():
            if task in tasks:
                self.task_combo.addItem(name, task)
        self.task_combo.setCurrentIndex(max(0, self.task_combo.findData(before)))
        self.task_combo.blockSignals(False)

    def set_area(self, area: str) -> None:
        """Choose the area without asking for a drawing."""
        self.area_combo.setCurrentIndex(self.area_combo.findData(area))

    def set_sending(self, text: str, *, is_problem: bool = False) -> None:
        """Say what will be sent, or why nothing can be."""
        kept_whole = _PARENTHESIS.sub(
            lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text
        )
        self.sending.setText(f"⚠ {kept_whole}" if is_problem else kept_whole)
        self.sending.setAccessibleName(self.tr("What will be sent: {text}").format(text=text))

    def set_running(self, is_running: bool) -> None:
        """Turn the button into Stop while a question is being answered."""
        self._is_running = is_running
        self.button.setText(self.tr("Stop") if is_running else self.tr("Ask"))
        self.button.setToolTip(self.tr("Esc") if is_running else self.tr("Enter"))
        name = self.tr("Stop the answer (Esc)") if is_running else self.tr("Ask (Enter)")
        self.button.setAccessibleName(name)

    def _make_query(self) -> None:
        self.query = QueryEdit(self)
        self.query.setObjectName("geoR1Query")
        self.query.setMinimumHeight(30)
        self.query.setPlaceholderText(self.tr("the largest storage tank"))
        self.query.setAccessibleName(self.tr("What to find"))
        self.query.setAccessibleDescription(
            self.tr("Enter asks, Esc stops, Up and Down bring earlier questions")
        )
        self.query.setToolTip(
            self.tr("Say in plain words what to find. ↑ ↓ bring earlier questions back.")
        )
        self.query.returnPressed.connect(self._on_return)

    def _make_choices(self) -> None:
        self.task_combo = QComboBox(self)
        self.task_combo.setObjectName("geoR1Task")
        self.task_combo.setAccessibleName(self.tr("What is sought: one object, all objects, masks"))
        self.set_tasks(["rec", "ovd"], "rec")
        self.task_combo.currentIndexChanged.connect(lambda _: self.task_chosen.emit(self.task))
        self.layer_combo = QgsMapLayerComboBox(self)
        self.layer_combo.setObjectName("geoR1Layer")
        self.layer_combo.setAccessibleName(self.tr("Raster layer to look at"))
        self.layer_combo.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
        self.layer_combo.setMinimumContentsLength(8)
        self.layer_combo.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.layer_combo.layerChanged.connect(self.changed)
        self.layer_combo.activated.connect(self.layer_chosen)
        self.area_combo = QComboBox(self)
        self.area_combo.setObjectName("geoR1Area")
        self.area_combo.setAccessibleName(self.tr("Area to look at"))
        for combo in (
            self.task_combo,
            self.area_combo,
        ):  # a narrow dock cuts their words, not the dock
            combo.setMinimumContentsLength(8)
            combo.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
        self.area_combo.addItem(self.tr("Current view"), VIEW)
        self.area_combo.addItem(self.tr("Drawn rectangle"), DRAWN)
        self.area_combo.addItem(self.tr("Whole layer"), LAYER)
        self.area_combo.addItem(self.tr("Features of a layer"), FEATURES)
        self._understood = QWidget(self)  # the form inside hides itself where it has nothing to say
        self.comparison_form = ComparisonForm(self._understood)
        inside = QVBoxLayout(self._understood)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.comparison_form)
        self._understood.hide()
        self.comparison_form.changed.connect(self.changed)
        self.query.textChanged.connect(self._on_query_changed)
        self.scene_form = SceneForm(self)
        self.scene_form.changed.connect(self.changed)
        self.scene_form.hide()
        self.area_combo.currentIndexChanged.connect(self._on_area_changed)
        self.area_combo.activated.connect(self._on_area_activated)
        self.draw = QToolButton(self)
        self.draw.setText(self.tr("Draw…"))
        self.draw.setToolTip(self.tr("Draw the rectangle on the map"))
        self.draw.setAccessibleName(self.tr("Draw the rectangle on the map"))
        self.draw.clicked.connect(self.draw_requested)
        self.sending = small_print(self)
        self.sending.setObjectName("geoR1Sending")
        self.sending.setWordWrap(True)
        self.sending.setTextFormat(Qt.TextFormat.PlainText)

    def _make_button(self) -> None:
        self.button = QPushButton(self)
        self.button.setObjectName("geoR1Ask")
        self.button.setMinimumSize(96, 30)
        bold = self.button.font()
        bold.setBold(True)
        self.button.setFont(bold)
        self.button.clicked.connect(self._on_button)

    def _arrange(self) -> None:
        area = QHBoxLayout()
        area.setSpacing(4)
        area.addWidget(self.area_combo, 1)
        area.addWidget(self.draw)
        self.send_row = QWidget(self)
        send = QHBoxLayout(self.send_row)
        send.setContentsMargins(0, 0, 0, 0)
        send.setSpacing(8)
        send.addWidget(self.sending, 1)
        send.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(5)
        rows = (
            (self.tr("Find"), self.task_combo, self.task_combo),
            (self.tr("In"), self.layer_combo, self.layer_combo),
            (self.tr("Area"), area, self.area_combo),
        )
        labels: List[QLabel] = [*self.scene_form.labels]
        for row, (text, field, buddy) in enumerate(rows):
            label = QLabel(text, self)
            label.setBuddy(buddy)
            labels.append(label)
            grid.addWidget(label, row, 0)
            add = grid.addWidget if isinstance(field, QWidget) else grid.addLayout
            add(field, row, 1)
        for label in labels:  # two grids, one column
            label.setMinimumWidth(max(each.sizeHint().width() for each in labels))
        grid.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(7)
        layout.addWidget(self.query)
        layout.addWidget(self._understood)
        layout.addLayout(grid)
        layout.addWidget(self.scene_form)
        layout.addWidget(self.send_row)  # the dock puts it below the part that may be scrolled

    def _on_return(self) -> None:
        if not self._is_running:
            self.ask_requested.emit()

    def _on_button(self) -> None:
        (self.stop_requested if self._is_running else self.ask_requested).emit()

    def _on_area_changed(self, _index: int) -> None:
        self.draw.setVisible(self.area not in SCENES)
        self.scene_form.setVisible(self.area in SCENES)
        self._understood.setVisible(self.area in SCENES)
        self._on_query_changed()
        self.scene_form.show_for(features=self.area == FEATURES)
        self.changed.emit()

    def _on_query_changed(self, *_: object) -> None:
        if self.area in SCENES:
            self.comparison_form.set_query(self.query.text())

    def _on_area_activated(self, _index: int) -> None:
        if self.area == DRAWN:
            self.draw_requested.emit()
