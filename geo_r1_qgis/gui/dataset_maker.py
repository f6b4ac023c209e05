"""From the Train tab's form to a data set at the service: labels are checked, chips taken and sent. Shows nothing."""

from __future__ import annotations

from typing import Callable, Optional, Union

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..capture.labels import LabelReader
from ..core import training_wire as tw
from ..core.errors import GeoR1Error
from ..core.label_check import Check
from ..core.train_state import Stage, TrainState
from ..network.dataset_call import DatasetCall
from ..network.training_client import TrainingClient
from ..tasks.dataset_task import CheckTask, CutTask
from ..tasks.outcome import Cancelled, Failed
from .train_form import TrainForm


class DatasetMaker(QObject):
    """Moves the state as it goes; emits `moved` when it did, then `arrived`, with the `DatasetInfo`, or `failed`."""

    checked = pyqtSignal()
    moved = pyqtSignal()
    progressed = pyqtSignal()
    arrived = pyqtSignal(object)
    failed = pyqtSignal(object)

    def __init__(
        self, form: TrainForm, state: TrainState, parent: Optional[QObject] = None
    ) -> None:
        super().__init__(parent)
        self.check: Optional[Check] = None
        """Of what is chosen now; none = not checked."""
        self._form, self._state = form, state
        self._checking: Optional[CheckTask] = None
        self._cutting: Optional[CutTask] = None
        self._call: Optional[DatasetCall] = None
        self._client: Optional[TrainingClient] = None

    @property
    def can_start(self) -> bool:
        """Whether what is chosen was checked and can be trained on."""
        return self.check is not None and not self.check.blocks

    @property
    def name(self) -> str:
        """What a user will know the data set by."""
        layer = self._form.label_layer
        return (self._form.choice.expression or (layer.name() if layer else "") or "labels")[:200]

    def check_labels(self) -> None:
        """Look at every label before anything is started."""
        form = self._form
        if form.label_layer is None or form.raster_layer is None:
            code = "labels-missing" if form.label_layer is None else "layer-missing"
            self.failed.emit(GeoR1Error(code=code))
            return
        self._state.begin(Stage.CHECKING)
        context = QgsProject.instance().transformContext()
        self._checking = CheckTask(
            LabelReader(form.label_layer, form.raster_layer, form.choice, context)
        )
        self._begin(self._checking, self._on_checked)

    def make(self, client: TrainingClient) -> None:
        """Take the chips of what was checked and send them."""
        form = self._form
        if form.raster_layer is None:
            self.failed.emit(GeoR1Error(code="layer-missing"))
            return
        self._client = client
        self._state.move(Stage.CUTTING)
        context = QgsProject.instance().transformContext()
        self._cutting = CutTask(
            form.raster_layer,
            context,
            self.check,
            task=form.task.currentData(),
            seed=form.seed.value(),
        )
        self._cutting.cut.connect(self._on_progress)
        self._begin(self._cutting, self._on_cut)

    def cancel(self) -> None:
        """Leave off, wherever it is; nothing more is emitted."""
        task, self._checking = self._checking, None
        if task is not None:
            task.cancel()
        if self._call is not None:
            self._call.abort()
        if self._cutting is not None and self._cutting.outcome is None:
            self._cutting.cancel()  # one that has ended is no longer QGIS's
        self._clean()

    def _begin(self, task: Union[CheckTask, CutTask], then: Callable[[], None]) -> None:
        task.taskCompleted.connect(then)
        task.taskTerminated.connect(then)
        QgsApplication.taskManager().addTask(task)
        self.moved.emit()

    def _on_checked(self) -> None:
        task, self._checking = self._checking, None
        if task is None or self._state.stage is not Stage.CHECKING:
            return
        self._state.move(Stage.IDLE)
        if isinstance(task.outcome, Failed):
            self.failed.emit(task.outcome.error)
        elif task.outcome is not None and not isinstance(task.outcome, Cancelled):
            self.check = task.outcome.value
            self.checked.emit()
        self.moved.emit()

    def _on_progress(self, done: int, of: int) -> None:
        self._state.progress = (done, of)
        self.progressed.emit()

    def _on_cut(self) -> None:
        task = self._cutting
        if task is None or self._state.stage is not Stage.CUTTING:
            return
        if isinstance(task.outcome, Failed):
            self.failed.emit(task.outcome.error)
        elif task.outcome is None or isinstance(task.outcome, Cancelled):
            self.cancel()
            self._state.move(Stage.IDLE)
            self.moved.emit()
        else:
            self._state.move(Stage.SENDING)
            request = tw.DatasetRequest(name=self.name, samples=task.outcome.value)
            self._call = DatasetCall(self._client, request, task.path_of)
            self._call.progress.connect(self._on_progress)
            self._call.arrived.connect(self._on_sent)
            self._call.failed.connect(self.failed)
            self._call.start()
            self.moved.emit()

    def _on_sent(self, dataset: tw.DatasetInfo) -> None:
        self._clean()
        self.arrived.emit(dataset)

    def _clean(self) -> None:
        """Remove the chips' files, once nobody reads or writes them."""
        call, self._call = self._call, None
        if call is not None:
            call.deleteLater()
        task, self._cutting = self._cutting, None
        if task is None:
            return
        if task.outcome is not None:
            task.clean()
        else:
            task.taskTerminated.connect(task.clean)
            task.taskCompleted.connect(task.clean)
