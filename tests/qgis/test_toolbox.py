"""The algorithms in Processing, without a window and without a dock, with a service that plays its part."""

import gc
import json
import threading

import processing
import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsSettings,
)
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QThread

from geo_r1_qgis import classFactory
from geo_r1_qgis.core.settings import Settings
from geo_r1_qgis.network.connection import Connection
from geo_r1_qgis.network.transport import Transport
from geo_r1_qgis.processing.algorithm import ServiceAlgorithm
from tests.qgis.stub_service import a_detection, result, started
from tests.qgis.stub_training import GOOD_RUN, state, step
from tests.qgis.test_gui_train import make_labels, polygon
from tests.qgis.test_real_training import SPREAD, add_wide_raster

NAMES = ("builddataset", "detectall", "evaluate", "ground", "groundtable", "train")


class Told(QgsProcessingFeedback):
    """What an algorithm says."""

    def __init__(self):
        super().__init__(False)
        self.infos, self.warnings, self.bar = [], [], []
        self.progressChanged.connect(self.bar.append)

    def pushInfo(self, info):  # noqa: N802 - QGIS's name
        self.infos.append(info)

    def pushWarning(self, warning):  # noqa: N802 - QGIS's name
        self.warnings.append(warning)


@pytest.fixture
def loaded(qgis_processing, stub, tmp_path, monkeypatch):
    """The plugin as `qgis_process` has it: no window, `initProcessing` alone."""
    monkeypatch.setenv("GEO_R1_HOME", str(tmp_path))
    monkeypatch.setenv("GEO_R1_COMMAND", "/nowhere/geo-r1")
    QgsSettings().remove("geo_r1")
    QgsProject.instance().clear()
    stub.write_server_file(tmp_path)
    made = classFactory(None)
    made.initProcessing()
    yield made
    made.unload()
    QgsProject.instance().clear()


@pytest.fixture
def inputs(loaded, tmp_path):
    """Eight labels on a raster, far enough apart for eight places."""
    return {
        "LABELS": make_labels([polygon(*place) for place in SPREAD]),
        "EXPRESSION": "the red square",
        "RASTER": add_wide_raster(tmp_path),
    }


def run(name, parameters, told=None):
    """Run one algorithm in this thread."""
    return processing.run(f"geo_r1:{name}", parameters, feedback=told or Told())


def sent(stub, made):
    """Samples of a data set as the service got them."""
    return stub.training.datasets[made]["samples"]


def test_the_toolbox_has_the_algorithms_until_the_plugin_goes(loaded):
    """Registered under `geo_r1`, each with its help; unloading, or loading again, leaves nothing of the first time."""
    registry = QgsApplication.processingRegistry()
    found = [each.name() for each in registry.providerById("geo_r1").algorithms()]
    for name in NAMES:
        assert registry.algorithmById(f"geo_r1:{name}").shortHelpString()
    before = len(registry.providers())
    for _ in range(3):
        loaded.unload()
        assert registry.providerById("geo_r1") is None
        assert registry.algorithmById("geo_r1:train") is None
        loaded.initProcessing()
        loaded.initProcessing()

    assert sorted(found) == sorted(NAMES)
    assert len(registry.providers()) == before


def test_a_window_registers_them_once(qtbot, plugin):
    """With the dock they are there as well, and unloading takes them away."""
    registry = QgsApplication.processingRegistry()
    assert registry.providerById("geo_r1") is not None
    plugin.unload()

    assert registry.providerById("geo_r1") is None
    plugin.initGui()


def test_polygons_become_a_data_set(stub, inputs):
    """Chips and samples are sent; the id and the counts that come back are the service's."""
    told = Told()
    found = run("builddataset", {**inputs, "NAME": "squares"}, told)

    samples = sent(stub, found["DATASET"])
    parts = [sample["part"] for sample in samples]
    assert found["LABEL_COUNT"] == len(SPREAD)
    assert [found[key] for key in ("TRAIN", "VALIDATION", "HELD_OUT_COUNT")] == [
        parts.count(part) for part in ("train", "validation", "held_out")
    ]
    assert min(parts.count(part) for part in ("train", "validation", "held_out")) >= 1
    assert {sample["query"] for sample in samples} == {"the red square"}
    assert {sample["chip"] for sample in samples} <= set(stub.chips)
    assert stub.training.datasets[found["DATASET"]]["name"] == "squares"
    assert told.bar == sorted(told.bar)
    assert told.bar[-1] == 100.0
    assert any(found["DATASET"] in line for line in told.infos)


def test_the_expression_may_stand_in_a_field(stub, inputs):
    """A field gives each polygon its own question; the share that is held out is the one that was asked for."""
    names = [f"square {number}" for number in range(len(SPREAD))]
    labels = make_labels([polygon(*place) for place in SPREAD], names=names)
    changed = {**inputs, "LABELS": labels, "FIELD": "what", "EXPRESSION": "", "HELD_OUT": 0.25}
    samples = sent(stub, run("builddataset", changed)["DATASET"])

    assert {sample["query"] for sample in samples} == set(names)
    held_out = {each["place"] for each in samples if each["part"] == "held_out"}
    assert len(held_out) == len(SPREAD) // 4


def test_a_data_set_without_a_verdict_is_said(stub, inputs):
    """A share of 0 holds nothing out, and the log says what that means."""
    told = Told()
    found = run("builddataset", {**inputs, "HELD_OUT": 0.0}, told)

    assert found["HELD_OUT_COUNT"] == 0
    assert any("can give no verdict" in line for line in told.warnings)


def test_a_row_that_cannot_be_used_is_named_with_its_mend(stub, inputs):
    """A polygon outside of the raster is left out, with its row and what to do; the others are sent."""
    labels = make_labels([*(polygon(*place) for place in SPREAD), polygon(-9000, -9000)])
    told = Told()
    found = run("builddataset", {**inputs, "LABELS": labels}, told)

    assert found["LEFT_OUT"] == 1
    assert [line for line in told.warnings if line.startswith("Row 9: Outside of “wide”. Choose")]


def test_too_few_labels_start_nothing(stub, inputs):
    """Fewer than three labels: an exception with the number, the limit, the row that failed and its mend."""
    labels = make_labels([polygon(*SPREAD[0]), polygon(*SPREAD[1]), polygon(-9000, -9000)])
    with pytest.raises(QgsProcessingException) as caught:
        run("builddataset", {**inputs, "LABELS": labels})

    assert "2 usable labels; at least 3 are needed. Draw more polygons" in str(caught.value)
    assert "Row 3: Outside" in str(caught.value)
    assert not stub.training.datasets


def test_without_a_service_it_is_said(inputs, tmp_path):
    """No service and no command to start one: the same words as in the dock, and no chip is taken."""
    (tmp_path / "server.json").unlink()
    with pytest.raises(QgsProcessingException, match="not installed on this machine"):
        run("builddataset", inputs)


def test_a_service_that_is_not_to_be_started_is_not(inputs, tmp_path):
    """The setting that forbids starting the service holds here, too."""
    (tmp_path / "server.json").unlink()
    settings = Settings(start_service=False)
    settings.save(QgsSettings())
    with pytest.raises(QgsProcessingException, match="not answering"):
        run("builddataset", inputs)


def test_refusals_of_the_service_are_errors(stub, inputs):
    """What the service says against a data set is what Processing says."""
    stub.training.refusal = (507, "disk-full")
    with pytest.raises(QgsProcessingException):
        run("builddataset", inputs)


def in_background(qtbot, name, parameters, told):
    """Run one algorithm as the toolbox does: on a thread of its own; what it was, and whether it worked."""
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(f"geo_r1:{name}")
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    task = QgsProcessingAlgRunnerTask(algorithm, parameters, context, told)
    ended = []
    task.executed.connect(lambda *outcome: ended.append(outcome))
    QgsApplication.taskManager().addTask(task)
    qtbot.waitUntil(lambda: bool(ended), timeout=20_000)
    return ended[0]


def connections():
    """Ways to a service that Python still has."""
    gc.collect()
    return {id(each) for each in gc.get_objects() if isinstance(each, Connection)}


def test_the_toolbox_runs_them_beside_the_window(qtbot, stub, inputs):
    """On a worker thread: the main thread goes on, and objects are deleted where they live."""
    threads = []

    class Noting(Told):
        def pushInfo(self, info):  # noqa: N802 - QGIS's name
            threads.append(QThread.currentThread() is QCoreApplication.instance().thread())
            super().pushInfo(info)

    before = connections()
    is_good, found = in_background(qtbot, "builddataset", inputs, Noting())
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    assert is_good
    assert sent(stub, found["DATASET"])
    assert threads
    assert not any(threads)
    assert connections() <= before


def test_a_worker_touches_no_socket(qtbot, stub, inputs, monkeypatch):
    """Requests are sent and replies are read on the main thread alone: PyQt5 loses count of those that a worker wraps."""
    here, threads = threading.get_ident(), []
    send = Transport.send

    def noting(self, *arguments, **options):
        threads.append(threading.get_ident())
        return send(self, *arguments, **options)

    monkeypatch.setattr(Transport, "send", noting)
    is_good, _ = in_background(qtbot, "builddataset", inputs, Told())

    assert is_good
    assert set(threads) == {here}


def of_ours():
    """Algorithms of ours that Python still has."""
    gc.collect()
    return {id(each) for each in gc.get_objects() if isinstance(each, ServiceAlgorithm)}


def test_an_algorithm_that_fails_leaves_nothing_behind(qtbot, stub, inputs):
    """QGIS keeps the exception of an algorithm, with its frames, for ever; ours keeps nothing in them."""
    before = of_ours()
    is_good, _ = in_background(qtbot, "evaluate", {**inputs, "HELD_OUT": 0.0}, Told())
    QCoreApplication.sendPostedEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    assert not is_good
    assert of_ours() <= before


def test_a_run_is_followed_to_its_verdict(stub, loaded):
    """Model, method, what learns, steps and seed reach the service; the bar follows the steps; the verdict is what comes back."""
    told = Told()
    asked = {
        "DATASET": "d" * 16,
        "MODEL": "geo-r1-nano",
        "METHOD": 2,
        "LEARNS": 3,
        "STEPS": 4,
        "SEED": 5,
    }
    found = run("train", asked, told)

    posted = next(each for each in stub.requests if (each.verb, each.path) == ("POST", "/v1/runs"))
    body = json.loads(posted.body)
    assert (body["dataset"], body["model"]) == ("d" * 16, "geo-r1-nano")
    assert (body["method"], body["steps"], body["seed"]) == ("dapo", 4, 5)
    assert body["adaptation"] == "full_vision"
    assert found["RUN"] == "run-1"
    assert found["MODEL_ID"] == "geo-r1-nano+r1"
    assert found["OUTCOME"] == "too_few"
    assert (found["BEFORE"], found["AFTER"], found["GAIN"]) == (25.0, 50.0, 25.0)
    assert told.bar == [25.0, 50.0, 75.0, 100.0]
    assert any("step 2 of 4" in line for line in told.infos)
    assert any("25 % before, 50 % after" in line for line in told.infos)


def test_a_supervised_step_tells_its_loss(stub, loaded):
    """True answers earn no reward; what falls is the loss."""
    shown = {**step(1), "method": "sft"}
    stub.training.events = [state("queued"), state("running"), shown, state("finished")]
    told = Told()
    found = run("train", {"DATASET": "d" * 16, "METHOD": 5}, told)

    assert "step 1 of 4: loss 0.100" in told.infos
    assert "Waiting for its turn…" in told.infos
    assert found["OUTCOME"] == "finished"


def test_cancel_stops_the_run_and_keeps_it(qtbot, stub, loaded):
    """Cancel asks the run to save and leave, waits for that, and says that it can be resumed."""
    may_end = threading.Event()
    stub.training.events = [state("running"), step(1), state("stopped")]
    stub.training.waits = {3: may_end}

    class Leaving(Told):
        def pushInfo(self, info):  # noqa: N802 - QGIS's name
            super().pushInfo(info)
            if "step 1" in info:
                self.cancel()
            if "Saving" in info:
                may_end.set()

    told = Leaving()
    found = run("train", {"DATASET": "d" * 16}, told)

    assert "/v1/runs/run-1/stop" in stub.paths("POST")
    assert (found["RUN"], found["OUTCOME"]) == ("run-1", "stopped")
    assert "GAIN" not in found
    assert any("stopped and saved; it can be resumed" in line for line in told.infos)


def test_a_run_that_fails_says_why(stub, loaded):
    """The error of a run becomes Processing's, with the run that can be resumed."""
    error = {"code": "out-of-memory", "message": "8 GB are needed", "parameters": {}}
    stub.training.events = [state("running"), state("failed", error=error)]
    with pytest.raises(QgsProcessingException, match=r"Run run-1 failed.*resumed"):
        run("train", {"DATASET": "d" * 16})


def test_a_lost_service_leaves_the_run(stub, loaded, monkeypatch):
    """A stream that ends too early for good: the run is named as one that goes on."""
    monkeypatch.setattr("geo_r1_qgis.network.event_stream.AGAIN_MS", ())
    stub.training.events = GOOD_RUN[:2]
    with pytest.raises(
        QgsProcessingException,
        match="The way to the run is lost, not the run: run-1",
    ):
        run("train", {"DATASET": "d" * 16})


def test_held_out_polygons_score_a_model(stub, inputs):
    """Asked are the chips that the data set held out; one right answer of two is a score of 50 %."""
    inputs["HELD_OUT"] = 0.25
    samples = sent(stub, run("builddataset", inputs)["DATASET"])
    held_out = [each for each in samples if each["part"] == "held_out"]
    assert len(held_out) == 2
    stub.scripts = [
        [started(), result([a_detection(box=held_out[0]["boxes_px"][0])])],
        [started(), result([a_detection(box=(0, 0, 448, 448))])],
    ]
    told = Told()
    found = run("evaluate", {**inputs, "MODEL": "geo-r1-nano"}, told)

    asked = [json.loads(each.body) for each in stub.requests if each.path == "/v1/ground"]
    assert [each["items"][0]["chip"] for each in asked] == [each["chip"] for each in held_out]
    assert {each["model"] for each in asked} == {"geo-r1-nano"}
    assert (found["SCORE"], found["METRIC"], found["RIGHT"]) == (50.0, "acc@0.5", 1)
    assert (found["CHIPS"], found["OBJECTS"], found["MODEL_ID"]) == (2, 2, "geo-r1-nano")
    assert told.bar[-1] == 100.0


def test_nothing_held_out_is_said(stub, inputs):
    """A share of 0 leaves nothing to judge by: an exception says so; asking for all polygons works."""
    with pytest.raises(QgsProcessingException, match="No polygon is held out"):
        run("evaluate", {**inputs, "HELD_OUT": 0.0})
    found = run("evaluate", {**inputs, "HELD_OUT": 0.0, "PART": 1})

    assert found["CHIPS"] >= len(SPREAD)


def test_cancelling_a_score_leaves_the_question(qtbot, stub, inputs):
    """Cancel while the service is silent: it is left at once, and nothing is claimed."""
    stub.hangs_on = "POST /v1/ground"
    told = Told()
    told.progressChanged.connect(lambda done: told.cancel() if done >= 20 else None)
    found = run("evaluate", inputs, told)

    assert "SCORE" not in found
    assert any("Cancelled" in line for line in told.infos)
