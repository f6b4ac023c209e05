"""The Train tab, from polygons to a verdict, with a service that plays a run."""

import json
import threading

import pytest
from qgis.core import QgsFeature, QgsGeometry, QgsProject, QgsRectangle, QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis.core.train_state import Stage
from geo_r1_qgis.gui import colours
from tests.qgis.make_rasters import COLOURS, PLACES, SQUARE_PX, picture
from tests.qgis.person import UTM
from tests.qgis.stub_training import look, preview, state, step


def polygon(left_px, top_px, width_px=SQUARE_PX, height_px=SQUARE_PX):
    """A rectangle of raster pixels as a geometry."""
    left, top = UTM[0] + left_px * UTM[1], UTM[3] + top_px * UTM[5]
    return QgsGeometry.fromRect(
        QgsRectangle(left, top + height_px * UTM[5], left + width_px * UTM[1], top)
    )


def make_labels(geometries, crs="EPSG:32633", names=None):
    """A polygon layer in the project."""
    layer = QgsVectorLayer(f"Polygon?crs={crs}&field=what:string", "labels", "memory")
    features = []
    for index, geometry in enumerate(geometries):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(geometry)
        feature.setAttribute("what", names[index] if names else "the square")
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    QgsProject.instance().addMapLayer(layer)
    return layer


@pytest.fixture
def four(plugin):
    """The four squares of the raster, as labels of one expression."""
    return make_labels([polygon(*place) for place in PLACES.values()])


@pytest.fixture
def panel(plugin, dock):
    """The Train tab, open."""
    dock.tabs.setCurrentIndex(1)
    return dock.train


def press(qtbot, plugin, panel, text, until):
    """Press the large button, which must say `text`, and wait."""
    assert panel.go.text() == text
    QTest.mouseClick(panel.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(until, timeout=10_000)


def check(qtbot, plugin, panel, layer, expression="the square"):
    """Choose the labels, say what they show and have them checked."""
    panel.form.labels.setLayer(layer)
    panel.form.expression.setText(expression)
    training = plugin.services.training
    press(qtbot, plugin, panel, "Check the labels", lambda: training.check is not None)
    return training.check


def train(qtbot, plugin, panel, layer):
    """Check and start."""
    check(qtbot, plugin, panel, layer)
    training = plugin.services.training
    press(qtbot, plugin, panel, "Start training", lambda: training.state.run is not None)
    return training


def test_from_polygons_to_a_verdict(qtbot, plugin, panel, four, stub):
    """Checked, cut, sent, started; curves grow, the verdict is said, and the model is offered and not forced."""
    assert panel.advice.isVisible()
    training = train(qtbot, plugin, panel, four)
    qtbot.waitUntil(lambda: training.state.stage is Stage.FINISHED, timeout=10_000)
    qtbot.waitUntil(panel.use.isVisible, timeout=2000)

    assert "Too few held-out objects to tell, n = 4" in panel.verdict.text()
    assert panel.figures.text().splitlines()[0] == "Found right: 25 % before, 50 % after"
    assert "Judge by eye" in panel.figures.text(), (
        "a verdict that cannot be given says what to do instead"
    )
    assert panel.advice.isHidden()
    assert [chart.key for chart in panel.curves.charts] == ["reward", "quality", "length"]
    assert "what an answer earns, near misses" not in panel.curves.accessibleDescription()
    assert "what an answer earns, overlap: 0.70" in panel.curves.accessibleDescription()
    assert plugin.services.connection.settings.model == ""
    QTest.mouseClick(panel.use, Qt.MouseButton.LeftButton)
    assert plugin.services.connection.settings.model == "geo-r1-nano+r1"
    assert (panel.use.text(), panel.use.isEnabled()) == ("In use", False)
    assert "ask in the words that you taught" in panel.notice.text
    plugin.services.actions.use_model("")
    plugin.services.training.on_tab(1)
    assert (panel.use.text(), panel.use.isEnabled()) == ("Use this model", True)


def test_the_header_names_the_model_that_is_used(qtbot, plugin, panel, four, stub):
    """After “Use this model” the header says its title; the service's own choice is said again when that is chosen."""
    header, actions = plugin.services.dock.header, plugin.services.actions
    learned = {**stub.models[0], "id": "geo-r1-nano+r1", "title": "my roofs", "is_default": False}
    training = train(qtbot, plugin, panel, four)
    qtbot.waitUntil(lambda: training.state.stage is Stage.FINISHED, timeout=10_000)
    stub.models.append(learned)
    qtbot.waitUntil(panel.use.isVisible, timeout=2000)
    assert header.line.text().startswith("Geo-R1 Nano")
    QTest.mouseClick(panel.use, Qt.MouseButton.LeftButton)

    qtbot.waitUntil(lambda: header.line.text().startswith("my roofs"), timeout=5000)
    actions.use_model("")
    qtbot.waitUntil(lambda: header.line.text().startswith("Geo-R1 Nano"), timeout=5000)


def test_what_is_sent_is_what_was_drawn(qtbot, plugin, panel, four, stub):
    """Each true box lies on a square of its chip, in the colours of the map; every chip was sent once."""
    training = train(qtbot, plugin, panel, four)
    qtbot.waitUntil(lambda: not training.state.is_running, timeout=10_000)
    (dataset,) = stub.training.datasets.values()
    squares = [tuple(colour) for colour in COLOURS.values()]

    for sample in dataset["samples"]:
        assert sample["query"] == "the square"
        pixels = picture(stub.chips[sample["chip"]])
        assert len(sample["boxes_px"]) == 1
        for x_min, y_min, x_max, y_max in sample["boxes_px"]:
            middle = pixels[int((y_min + y_max) / 2), int((x_min + x_max) / 2)]
            assert any(abs(middle.astype(int) - colour).max() < 12 for colour in squares)
    assert len(stub.paths("PUT")) == len({sample["chip"] for sample in dataset["samples"]})


def test_how_to_learn_is_sent_as_it_was_chosen(qtbot, plugin, panel, four, stub):
    """What stands under “More” reaches the service; what is left at “Usual for the model” is left to it."""
    QTest.mouseClick(panel.form.more, Qt.MouseButton.LeftButton)
    form = panel.form
    form.adaptation.setCurrentIndex(form.adaptation.findData("full_vision"))
    form.steps.setValue(30)
    training = train(qtbot, plugin, panel, four)
    qtbot.waitUntil(lambda: not training.state.is_running, timeout=10_000)

    posted = next(one for one in stub.requests if (one.verb, one.path) == ("POST", "/v1/runs"))
    body = json.loads(posted.body)
    assert (body["adaptation"], body["steps"]) == ("full_vision", 30)
    assert body.get("method") is None
    assert "embedded model" in form.adaptation.toolTip()


def test_each_problem_names_its_row_and_its_mend(qtbot, plugin, panel, window, stub):
    """Outside, crossing itself, drawn twice, without a geometry: each row is said, and a click selects it on the map."""
    bow = QgsGeometry.fromWkt(
        "POLYGON((500010 5399990, 500020 5399980, 500020 5399990, 500010 5399980, 500010 5399990))"
    )
    good = [polygon(*place) for place in PLACES.values()]
    layer = make_labels([*good, good[0], bow, polygon(9000, 50), QgsGeometry()])
    found = check(qtbot, plugin, panel, layer)
    rows = {
        panel.problems.topLevelItem(i).text(0): panel.problems.topLevelItem(i)
        for i in range(panel.problems.topLevelItemCount())
    }

    assert {problem.code for problem in found.problems} == {
        "few",
        "duplicate",
        "invalid-geometry",
        "outside",
        "empty-geometry",
    }
    assert "4 labels are ready · 4 left out" in panel.stage.text()
    assert all("\n" in item.text(1) for item in rows.values()), "no mend below the problem"
    outside = next(problem for problem in found.problems if problem.code == "duplicate")
    panel.problems.itemClicked.emit(rows[str(outside.fid)], 0)
    assert layer.selectedFeatureIds() == [outside.fid]


@pytest.mark.parametrize("width_px", [300, 420])
def test_problems_are_read_without_scrolling_sideways(
    qtbot, plugin, dock, panel, window, stub, width_px
):
    """Problem and mend are broken into lines that fit a narrow dock, and a short list is as high as its rows."""
    window.window.show()
    dock.tabs.setCurrentIndex(1)
    dock.setFixedWidth(width_px)
    check(qtbot, plugin, panel, make_labels([polygon(*PLACES["red"]), polygon(9000, 50)]))
    tree = panel.problems
    qtbot.waitUntil(lambda: tree.isVisible() and tree.viewport().width() <= width_px)
    rows = [tree.topLevelItem(i) for i in range(tree.topLevelItemCount())]

    qtbot.waitUntil(lambda: tree.verticalScrollBar().maximum() == 0)
    assert tree.horizontalScrollBar().maximum() == 0
    for item in rows:
        place = tree.visualRect(tree.indexFromItem(item, 1))
        needed = tree.fontMetrics().boundingRect(
            0, 0, place.width() - 6, 9999, int(Qt.TextFlag.TextWordWrap), item.text(1)
        )
        assert place.right() <= tree.viewport().width()
        assert place.height() >= needed.height()


def test_too_few_labels_start_nothing(qtbot, plugin, panel, stub):
    """With two labels the button goes on saying Check, and nothing is sent."""
    check(qtbot, plugin, panel, make_labels([polygon(60, 50), polygon(200, 40)]))

    assert panel.go.text() == "Check the labels"
    assert "2 usable labels; at least 3 are needed" in panel.problems.topLevelItem(0).text(1)
    assert stub.paths("POST") == []


def test_another_choice_is_checked_anew(qtbot, plugin, panel, four):
    """After a change nothing can be started on the old check."""
    check(qtbot, plugin, panel, four)
    assert panel.go.text() == "Start training"
    panel.form.expression.setText("the red square")
    assert panel.go.text() == "Check the labels"


def test_labels_in_another_crs_come_to_the_same_place(qtbot, plugin, panel, four):
    """Degrees and metres give the same labels on the raster."""
    here = check(qtbot, plugin, panel, four)
    from qgis.core import QgsCoordinateReferenceSystem as Crs
    from qgis.core import QgsCoordinateTransform

    to_degrees = QgsCoordinateTransform(Crs("EPSG:32633"), Crs("EPSG:4326"), QgsProject.instance())
    moved = [polygon(*place) for place in PLACES.values()]
    for geometry in moved:
        geometry.transform(to_degrees)
    there = check(qtbot, plugin, panel, make_labels(moved, "EPSG:4326"))

    for first, second in zip(here.labels, there.labels, strict=True):
        assert first.box == pytest.approx(second.box, abs=0.02)


def test_stop_asks_the_service_and_resume_goes_on(qtbot, plugin, panel, four, stub):
    """Stop sends one request; the run says that it has stopped; Resume goes on after the last event."""
    go_on = threading.Event()
    stub.training.events = [state("running"), step(1), state("stopped")]
    stub.training.waits = {3: go_on}
    training = train(qtbot, plugin, panel, four)
    qtbot.waitUntil(lambda: bool(training.state.steps), timeout=5000)
    QTest.mouseClick(panel.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "/v1/runs/run-1/stop" in stub.paths("POST"), timeout=5000)
    go_on.set()
    qtbot.waitUntil(lambda: training.state.stage is Stage.STOPPED, timeout=8000)
    qtbot.waitUntil(panel.resume.isVisible, timeout=2000)
    stub.training.waits = {}
    stub.training.events += [state("running"), *[step(at) for at in (2, 3, 4)], state("finished")]
    QTest.mouseClick(panel.resume, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: training.state.stage is Stage.FINISHED, timeout=8000)

    assert [each.step for each in training.state.steps] == [1, 2, 3, 4]
    assert "/v1/runs/run-1/events?after=3" in stub.paths("GET")


def test_a_refused_data_set_is_said(qtbot, plugin, panel, four, stub):
    """The service's reason stands in the tab, the work has ended, and it can be started again."""
    stub.training.refusal = (422, "sample-invalid")
    check(qtbot, plugin, panel, four)
    training = plugin.services.training
    press(qtbot, plugin, panel, "Start training", lambda: training.state.stage is Stage.FAILED)

    assert "sample-invalid" in panel.notice.text
    assert panel.go.text() == "Start training"
    stub.training.refusal = ()
    press(qtbot, plugin, panel, "Start training", lambda: training.state.run is not None)


def test_a_closed_plugin_catches_up(qtbot, plugin, panel, stub):
    """A run that the service has is found when the tab opens, with all its curves."""
    stub.training.make_run(json.dumps({"dataset": "d", "name": "tanks", "seed": 0}).encode())
    plugin.services.dock.tabs.setCurrentIndex(0)
    plugin.services.dock.tabs.setCurrentIndex(1)
    training = plugin.services.training
    qtbot.waitUntil(lambda: training.state.stage is Stage.FINISHED, timeout=8000)

    assert [each.step for each in training.state.steps] == [1, 2, 3, 4]
    assert panel.runs.topLevelItemCount() == 1


def test_the_strip_shows_pixels_of_validation_chips(qtbot, plugin, panel, four, stub):
    """The chips of an evaluation are fetched from the data set and drawn with their boxes."""

    def events():
        chip = next(iter(stub.chips))
        shown = look(0, 0.5, [preview(chip, (5, 5, 40, 40), (8, 8, 44, 44))])
        return [state("running"), shown, state("finished")]

    stub.training.events = events
    train(qtbot, plugin, panel, four)
    qtbot.waitUntil(lambda: bool(panel.strip.previews), timeout=8000)
    (shown,) = panel.strip.previews
    qtbot.waitUntil(
        lambda: any("/v1/datasets/" in path for path in stub.paths("GET")), timeout=5000
    )
    pink = QColor(colours.ACCENT).rgb()

    def has_pink():
        image = panel.strip.grab().toImage()
        return any(image.pixel(x, y) == pink for x in range(84) for y in range(84))

    qtbot.waitUntil(has_pink, timeout=5000)
    assert shown.chip in stub.chips


def test_masks_are_sent_with_their_outlines(qtbot, plugin, panel, four, stub):
    """Find: Mask sends each outline in pixels of its chip; its bounds are the true box."""
    panel.form.task.setCurrentIndex(panel.form.task.findData("gres"))
    training = train(qtbot, plugin, panel, four)
    qtbot.waitUntil(lambda: not training.state.is_running, timeout=10_000)
    (dataset,) = stub.training.datasets.values()

    for sample in dataset["samples"]:
        assert sample["task"] == "gres"
        assert len(sample["polygons_px"]) == len(sample["boxes_px"])
        for (ring,), box in zip(sample["polygons_px"], sample["boxes_px"], strict=True):
            height_px, width_px, _ = picture(stub.chips[sample["chip"]]).shape
            xs = [min(max(0.0, x), width_px) for x, _ in ring]
            ys = [min(max(0.0, y), height_px) for _, y in ring]
            assert box == pytest.approx([min(xs), min(ys), max(xs), max(ys)], abs=0.02)


@pytest.mark.parametrize(("steps", "is_said"), [(0, False), (2, True), (19, True), (20, False)])
def test_very_few_steps_are_warned_of(panel, steps, is_said):
    """Below twenty steps it is said, before anything is started, that the model can end up worse; 0 is the usual number."""
    form = panel.form
    form.more.setChecked(True)
    form.steps.setValue(steps)

    assert form.further.warning.isVisible() == is_said
    assert ("worse than it is now" in form.further.warning.text()) == is_said
