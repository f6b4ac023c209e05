"""The first half of a fine-tuning: labels are checked, chips taken and sent. The run itself is `train_controller.py`'s."""

from __future__ import annotations

import logging
from typing import Optional

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QObject

from ..capture.labels import LabelReader
from ..core import training_wire as tw
from ..core.errors import GeoR1Error
from ..core.label_check import Check
from ..core.standing import Standing
from ..core.train_state import Stage, TrainState
from ..network.connection import Connection
from ..network.dataset_call import DatasetCall
from ..network.training_client import TrainingClient
from ..tasks.dataset_task import CheckTask, CutTask
from ..tasks.outcome import Cancelled, Failed
from .train_panel import TrainPanel

log = logging.getLogger(__name__)


class TrainPreparation(QObject):
    """From the form to a data set at the service; `on_dataset` is told its `DatasetInfo`."""

    def __init__(
        self, panel: TrainPanel, connection: Connection, parent: Optional[QObject] = None
    ) -> None:
        super().__init__(parent)
        self.state = TrainState()
        self.check: Optional[Check] = None
        """Of what is chosen now; none = not checked."""
        self._panel, self._connection = panel, connection
        self._client: Optional[TrainingClient] = None
        self._task: Optional[CheckTask] = None
        self._cutting: Optional[CutTask] = None
        self._call: Optional[DatasetCall] = None
        panel.form.changed.connect(self._on_changed)
        connection.settled.connect(self._on_settled)

    def stop(self) -> None:
        """End the preparation."""
        raise NotImplementedError

    def on_dataset(self, dataset: tw.DatasetInfo) -> None:
        """The service has the data set."""
        raise NotImplementedError

    def _show_now(self) -> None:
        raise NotImplementedError

    def _show_soon(self) -> None:
        raise NotImplementedError

    def _set_button(self) -> None:
        raise NotImplementedError

    def _close_stream(self) -> None:
        raise NotImplementedError

    def check_labels(self) -> None:
        """Look at every label before anything is started."""
        form = self._panel.form
        if form.label_layer is None or form.raster_layer is None:
            code = "labels-missing" if form.label_layer is None else "layer-missing"
            self._panel.notice.show_error(GeoR1Error(code=code))
            return
        self.state.begin(Stage.CHECKING)
        context = QgsProject.instance().transformContext()
        reader = LabelReader(form.label_layer, form.raster_layer, form.choice, context)
        self._task = CheckTask(reader)
        self._task.taskCompleted.connect(self._on_checked)
        self._task.taskTerminated.connect(self._on_checked)
        QgsApplication.taskManager().addTask(self._task)
        self._show_now()

    def _on_changed(self) -> None:
        self.check = None
        if not self.state.is_running:
            self._panel.stage.clear()
            self._panel.show_check(None)
            self._set_button()

    def _on_checked(self) -> None:
        task, self._task = self._task, None
        if task is None or self.state.stage is not Stage.CHECKING:
            return
        self.state.move(Stage.IDLE)
        if isinstance(task.outcome, Failed):
            self._panel.notice.show_error(task.outcome.error)
        elif task.outcome is not None and not isinstance(task.outcome, Cancelled):
            self.check = task.outcome.value
            self._panel.show_check(self.check)
        self._show_now()

    def _on_settled(self, standing: Standing) -> None:
        if standing.can_ask:
            self._take_client(standing)
        if self.state.stage is not Stage.CONNECTING:
            return
        if not standing.can_ask:
            self._fail(standing.refusal)
            return
        form = self._panel.form
        raster = form.raster_layer
        if raster is None:
            self._fail(GeoR1Error(code="layer-missing"))
            return
        self.state.move(Stage.CUTTING)
        context = QgsProject.instance().transformContext()
        self._cutting = CutTask(
            raster, context, self.check, task=form.task.currentData(), seed=form.seed.value()
        )
        self._cutting.cut.connect(self._on_progress)
        self._cutting.taskCompleted.connect(self._on_cut)
        self._cutting.taskTerminated.connect(self._on_cut)
        QgsApplication.taskManager().addTask(self._cutting)
        self._show_now()

    def _on_progress(self, done: int, of: int) -> None:
        self.state.progress = (done, of)
        self._show_soon()

    def _on_cut(self) -> None:
        task = self._cutting
        if task is None or self.state.stage is not Stage.CUTTING:
            return
        if isinstance(task.outcome, Failed):
            self._fail(task.outcome.error)
        elif task.outcome is None or isinstance(task.outcome, Cancelled):
            self.stop()
        else:
            self.state.move(Stage.SENDING)
            request = tw.DatasetRequest(name=self._name(), samples=task.outcome.value)
            self._call = DatasetCall(self._client, request, task.path_of)
            self._call.progress.connect(self._on_progress)
            self._call.arrived.connect(self.on_dataset)
            self._call.failed.connect(self._fail)
            self._call.start()
            self._show_now()

    def _name(self) -> str:
        form = self._panel.form
        layer = form.label_layer
        return (form.choice.expression or (layer.name() if layer else "") or "labels")[:200]

    def _fail(self, error: GeoR1Error) -> None:
        if self.state.is_preparing:
            self._let_go()
            self.state.fail(error)
            self._show_now()
        log.warning("training: %s (request %s)", error.code, error.request_id or "-")
        self._panel.notice.show_error(error)

    def _take_client(self, standing: Standing) -> None:
        if self._client is None or self._client.endpoint != standing.endpoint:
            self._close_stream()
            self._client = TrainingClient(standing.endpoint, self)

    def _let_go(self) -> None:
        """Cancel what prepares."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        if self._call is not None:
            self._call.abort()
        if self._cutting is not None and self._cutting.outcome is None:
            self._cutting.cancel()  # one that has ended is no longer QGIS's
        self._clean()

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
