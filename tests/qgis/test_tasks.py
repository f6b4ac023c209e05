"""Tasks end with an outcome, whatever happens, and never raise into QGIS."""

import pytest
from qgis.core import QgsApplication, QgsCoordinateReferenceSystem, QgsRasterLayer

from geo_r1_qgis.capture.plan import CapturePlan, plan_view
from geo_r1_qgis.capture.render import ChipRender
from geo_r1_qgis.core.errors import Unexpected
from geo_r1_qgis.layers.store import DetectionStore
from geo_r1_qgis.tasks.capture_task import CaptureTask
from geo_r1_qgis.tasks.export_task import ExportTask
from geo_r1_qgis.tasks.outcome import Cancelled, Done, Failed
from tests.qgis.make_rasters import make_marked
from tests.qgis.test_capture_render import UTM, settings_over

DEGREES = QgsCoordinateReferenceSystem("EPSG:4326")


@pytest.fixture
def plan(tmp_path, qgis_app):
    """A plan that works."""
    layer = QgsRasterLayer(make_marked(tmp_path / "m.tif", UTM, 32633).path, "m")
    return plan_view(settings_over(layer), layer)


def test_capture_ends_with_a_chip(plan, qtbot):
    """Through QGIS's task manager the outcome is a chip, and the memory of the drawing is let go."""
    task = CaptureTask(plan)
    with qtbot.waitSignal(task.taskCompleted, timeout=8000):
        QgsApplication.taskManager().addTask(task)

    assert isinstance(task.outcome, Done)
    assert task.outcome.value.image_bytes.startswith(b"\x89PNG")
    assert task.outcome.value.frame == plan.frame


def test_capture_without_a_layer_ends_with_an_error(qtbot):
    """A plan with a problem terminates the task with the plan's sentence."""
    task = CaptureTask(CapturePlan(problem="There is no raster layer."))
    with qtbot.waitSignal(task.taskTerminated, timeout=8000):
        QgsApplication.taskManager().addTask(task)

    assert isinstance(task.outcome, Failed)
    assert str(task.outcome.error) == "There is no raster layer."


def test_capture_cancelled_before_it_ran_says_so(plan):
    """A task that never ran is cancelled, not failed, and Qt's painter is closed."""
    task = CaptureTask(plan)
    task.cancel()
    task.finished(False)

    assert task.outcome == Cancelled()


def test_fault_of_ours_is_an_outcome(plan, monkeypatch):
    """An exception that nobody foresaw is kept with its traceback instead of vanishing in QGIS."""
    monkeypatch.setattr(ChipRender, "render", lambda _self: 1 / 0)
    task = CaptureTask(plan)

    assert task.run() is False
    assert isinstance(task.outcome.error, Unexpected)
    assert "ZeroDivisionError" in task.outcome.error.details
    assert task.outcome.error.__traceback__ is None  # the frames would keep QGIS's objects alive


def test_export_of_nothing_is_a_clear_error(qgis_new_project, tmp_path):
    """Without a single detection there is no file to copy from, and that is said."""
    store = DetectionStore()
    task = ExportTask(store, [], str(tmp_path / "copy.gpkg"), DEGREES)

    assert task.run() is False
    assert isinstance(task.outcome, Failed)
    assert list(tmp_path.glob("*.gpkg")) == []
    store.close()


def test_outcomes_are_values():
    """Outcomes compare by what they hold."""
    assert Done(3) == Done(3)
    assert Done(3) != Cancelled()
