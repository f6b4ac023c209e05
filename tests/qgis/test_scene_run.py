"""Runs over whole rasters: everything is found once and in its place, whatever cuts it, stops it or breaks."""

import contextlib
import gc
import sqlite3
import threading
import time
from types import SimpleNamespace

import pytest
from qgis.core import QgsGeometry, QgsProject, QgsRasterLayer, QgsRectangle

from geo_r1_qgis.capture.scene_plan import SceneArea, plan_scene
from geo_r1_qgis.core.comparison import read_comparison, target_query
from geo_r1_qgis.core.scene_records import BATCH, FINISHED, STOPPED, SceneOptions
from geo_r1_qgis.core.settings import Settings
from geo_r1_qgis.layers.geopackage import ResultFile
from geo_r1_qgis.layers.scene_journal import SceneJournal
from geo_r1_qgis.layers.schema import DETECTIONS
from geo_r1_qgis.network import main_thread
from geo_r1_qgis.network.access import AccessKeeper
from geo_r1_qgis.network.blocking import BlockingService
from geo_r1_qgis.tasks.outcome import Done, Failed
from geo_r1_qgis.tasks.scene_run import SceneRun
from geo_r1_qgis.tasks.scene_worker import SceneWorker
from tests.qgis.exact_chain import answers_in
from tests.qgis.ground_truth import box_around, make_discs, sides_off_px
from tests.qgis.make_rasters import picture
from tests.qgis.make_scene import UTM, eyes, make_scene, spread
from tests.qgis.stub_service import CLOSE, StubService, failure
from tests.qgis.test_exactness_matrix import GEOMETRIES

TILE_PX = 120
CHOSEN = [
    name
    for name in GEOMETRIES
    if name.split()[0] in ("south-up", "rotated", "pixels", "degrees", "US", "custom", "Mars,")
]
"""The other geometries go the same way through `capture/`, whose own tests have all of them."""
CONTEXT = QgsProject.instance().transformContext()


@pytest.fixture
def service(qgis_app, tmp_path, monkeypatch):
    """A stub that the plugin finds, and the plugin's errands."""
    monkeypatch.setenv("GEO_R1_HOME", str(tmp_path))
    monkeypatch.setenv("GEO_R1_COMMAND", "/nowhere/geo-r1")
    main_thread.begin()
    with StubService() as stub:
        stub.write_server_file(tmp_path)
        yield stub
    main_thread.close()
    gc.collect()  # layers and pipes go before QGIS does


def open_service(is_cancelled):
    """As the dock opens it."""
    return BlockingService(
        Settings(start_service=False), AccessKeeper(), wants_to_leave=is_cancelled
    )


def planned(made, **more):
    """A plan over a raster, with small tiles."""
    layer = QgsRasterLayer(made.path, "scene")
    assert layer.isValid()
    plan = plan_scene(layer, context=CONTEXT, **{"tile_px": TILE_PX, **more})
    assert plan.problem == ""
    return plan


def journal_in(tmp_path, plan):
    """A journal in a file of its own."""
    return SceneJournal.at(
        str(tmp_path / "scene.gpkg"), crs_wkt=plan.frame.crs_wkt, context=CONTEXT
    )


def carried_out(qtbot, run, *, stop_after=0, timeout=30_000):
    """What a run came to, on its own thread: outcome, finds and progress."""
    worker = SceneWorker(run, open_service)
    told = SimpleNamespace(finds=[], progress=[], outcome=None)
    worker.found.connect(told.finds.extend)
    worker.progressed.connect(lambda *step: told.progress.append(step))

    def ended(outcome):
        told.outcome = outcome

    worker.ended.connect(ended)
    if stop_after:
        worker.progressed.connect(lambda done, *_: worker.stop() if done >= stop_after else None)
    worker.start()
    qtbot.waitUntil(lambda: told.outcome is not None, timeout=timeout)
    assert worker.wait(5)
    return told


def boxes_of(finds):
    """Boxes in pixels of the scene, in order."""
    return sorted(find.box_px for find in finds)


def approximately(boxes, within=0.01):
    """The same boxes in the same order."""
    return [pytest.approx(box, abs=within) for box in sorted(boxes)]


def test_a_run_without_the_plugin_fails_instead_of_waiting(qtbot, service, tmp_path):
    """Where nobody does the errands of the main thread, a run says so at once."""
    main_thread.close()
    made = make_scene(tmp_path / "scene.tif", 240, 240, spread(240, 240, 3, 1))

    told = carried_out(qtbot, SceneRun(planned(made, levels=1), SceneOptions("all tanks")))

    assert isinstance(told.outcome, Failed)


@pytest.mark.parametrize("largest", [30, 110], ids=["smaller than the overlap or so", "cut"])
def test_objects_that_tiles_cut_become_one(qtbot, service, tmp_path, largest):
    """Every object is found once with its whole outline, wherever borders of tiles run through it."""
    made = make_scene(tmp_path / "scene.tif", 640, 500, spread(640, 500, 40, 1, largest=largest))
    service.answer_items = eyes(made.boxes)
    plan = planned(made, levels=1)
    told = carried_out(qtbot, SceneRun(plan, SceneOptions("all tanks")))

    result = told.outcome.value
    assert result.outcome == FINISHED
    assert boxes_of(told.finds) == approximately(made.boxes)
    assert result.tiles.answered == plan.tile_count > 20
    assert told.progress[-1][:2] == (plan.tile_count, plan.tile_count)


def test_objects_are_told_as_soon_as_they_are_final(qtbot, service, tmp_path):
    """What no tile to come can change is said, and in the file, while the rest is still being looked at."""
    made = make_scene(tmp_path / "scene.tif", 300, 2000, spread(300, 2000, 20, 7))
    see, early = eyes(made.boxes), []
    plan = planned(made, levels=1)
    journal = journal_in(tmp_path, plan)

    def answer(item, image):
        if len(service.items_asked) == plan.tile_count - 2:
            early.append(len(scene_boxes(journal.path)))
        return see(item, image)

    service.answer_items = answer
    carried_out(qtbot, SceneRun(plan, SceneOptions("all tanks"), journal=journal))

    assert early[0] > 8
    assert len(scene_boxes(journal.path)) == 20


def test_what_is_larger_than_a_tile_is_seen_by_a_coarser_one(qtbot, service, tmp_path):
    """Levels until one view shows everything find what fills half of it, and the small ones beside it."""
    boxes = [(20, 30, 420, 330), (500, 40, 540, 60), (450, 380, 470, 400)]
    made = make_scene(tmp_path / "scene.tif", 640, 500, boxes)
    service.answer_items = eyes(made.boxes)
    told = carried_out(qtbot, SceneRun(planned(made, levels=0), SceneOptions("all tanks")))

    assert boxes_of(told.finds) == approximately(made.boxes, within=4)


@pytest.mark.parametrize("name", CHOSEN)
def test_polygons_lie_on_their_objects(qtbot, service, tmp_path, name):
    """In any geometry and CRS of a raster, at its own pixels and at coarser ones: to less than half a pixel."""
    geotransform, crs = GEOMETRIES[name]
    ground = make_discs(tmp_path / "discs.tif", geotransform, crs)
    service.answer_items = lambda _item, image: [
        {"rank": 0, "label": colour, "box_px": box}
        for colour in ground.middles
        for box in [box_around(colour, picture(image))]
        if box is not None
    ]
    for scale in (1.0, 1.5):
        native = planned(ground)
        plan = planned(ground, m_per_px=scale * native.frame.m_per_px) if scale > 1 else native
        journal = journal_in(tmp_path / f"{scale}", plan)
        told = carried_out(qtbot, SceneRun(plan, SceneOptions("all discs"), journal=journal))
        answers = answers_in(journal.path)

        assert sorted(each.colour for each in answers) == sorted(ground.middles), scale
        assert told.outcome.value.count == len(ground.middles)
        for each in answers:
            off_px = sides_off_px(each.geometry, each.crs_wkt, ground, each.colour)
            assert off_px / scale < 0.5, (each.colour, off_px)


def test_stop_keeps_what_was_found_and_going_on_asks_nothing_twice(qtbot, service, tmp_path):
    """A run that is stopped twice comes to the same as one that is not; each look was asked about once."""
    made = make_scene(tmp_path / "scene.tif", 900, 700, spread(900, 700, 60, 2, largest=110))
    service.answer_items = eyes(made.boxes)
    plan = planned(made)
    run_uid, counts = "", []
    for stop_after in (20, 50, 0):
        journal = journal_in(tmp_path, plan)
        run = SceneRun(plan, SceneOptions("all tanks"), journal=journal, resume=run_uid)
        told = carried_out(qtbot, run, stop_after=stop_after)
        run_uid = told.outcome.value.run_uid
        counts.append((told.outcome.value.outcome, len(answers_in(journal.path))))
        # what the service says while somebody presses Stop is not heard any more
        unheard = len(service.items_asked) - told.outcome.value.tiles.answered
        assert unheard <= len(counts) * BATCH

    assert [outcome for outcome, _ in counts] == [STOPPED, STOPPED, FINISHED]
    assert 0 < counts[0][1] < counts[1][1] < counts[2][1] == len(made.boxes)
    assert len(service.items_asked) == plan.tile_count + unheard
    assert scene_boxes(journal.path) == approximately(made.boxes)


def test_time_left_does_not_count_what_was_known(qtbot, service, tmp_path):
    """A run that is gone on with passes over its first half in a moment, and does not promise that of the rest."""
    made = make_scene(tmp_path / "scene.tif", 700, 700, spread(700, 700, 10, 2))
    see = eyes(made.boxes)

    def slowly(item, image):
        time.sleep(0.03)
        return see(item, image)

    service.answer_items = slowly
    plan = planned(made)
    journal = journal_in(tmp_path, plan)
    first = SceneRun(plan, SceneOptions("all tanks"), journal=journal)
    carried_out(qtbot, first, stop_after=plan.tile_count // 2)
    again = SceneRun(
        plan, SceneOptions("all tanks"), journal=journal_in(tmp_path, plan), resume=journal.run_uid
    )
    told = carried_out(qtbot, again)
    said = [
        (total - done, left) for done, total, left in told.progress if left and total - done > 4
    ]

    assert said
    assert all(left > 0.03 * rest * 0.9 for rest, left in said), said


def test_what_was_reviewed_meanwhile_stays_reviewed(qtbot, service, tmp_path):
    """Going on changes neither an accepted object that it finds again nor a rejected one that it does not."""
    made = make_scene(tmp_path / "scene.tif", 900, 300, spread(900, 300, 25, 3))
    service.answer_items = eyes(made.boxes)
    plan = planned(made)
    journal = journal_in(tmp_path, plan)
    first = carried_out(
        qtbot, SceneRun(plan, SceneOptions("all tanks"), journal=journal), stop_after=15
    )
    file = ResultFile(journal.path)
    reviewed = [row["uid"] for row in file.rows(DETECTIONS, "1 = 1")]
    for uid in reviewed:
        file.change(DETECTIONS, "uid", uid, {"review": "accepted"})
    file.close()
    again = SceneRun(
        plan,
        SceneOptions("all tanks"),
        journal=journal_in(tmp_path, plan),
        resume=first.outcome.value.run_uid,
    )
    carried_out(qtbot, again)
    with contextlib.closing(sqlite3.connect(journal.path)) as database:
        now = dict(database.execute("select uid, review from detections"))

    assert reviewed
    assert all(now[uid] == "accepted" for uid in reviewed)
    assert sum(review is None for review in now.values()) > 0


def test_a_tile_that_fails_is_told_and_asked_again_when_going_on(qtbot, service, tmp_path):
    """One bad answer ends no run; the tile is counted, and going on asks about it alone."""
    made = make_scene(tmp_path / "scene.tif", 640, 300, spread(640, 300, 15, 4))
    see, broken = eyes(made.boxes), []

    def answer(item, image):
        if len(service.items_asked) == 7 and not broken:
            broken.append(item["chip"])
            return failure("engine-failed", reason="out of memory")
        return see(item, image)

    service.answer_items = answer
    plan = planned(made)
    journal = journal_in(tmp_path, plan)
    first = carried_out(
        qtbot, SceneRun(plan, SceneOptions("all tanks"), journal=journal)
    ).outcome.value
    service.items_asked.clear()
    again = SceneRun(
        plan, SceneOptions("all tanks"), journal=journal_in(tmp_path, plan), resume=first.run_uid
    )
    second = carried_out(qtbot, again).outcome.value

    assert (first.outcome, first.tiles.failed) == (FINISHED, 1)
    assert "engine-failed" in first.first_failure
    assert [item["chip"] for item in service.items_asked] == broken
    assert second.tiles.failed == 0
    assert scene_boxes(journal.path) == approximately(made.boxes)


def test_a_service_that_breaks_off_loses_no_tile(qtbot, service, tmp_path, monkeypatch):
    """Connections that end in the middle of a batch are tried again, for what was not answered only."""
    monkeypatch.setattr("geo_r1_qgis.tasks.scene_asking.WAITS_S", (0.01,) * 6)
    made = make_scene(tmp_path / "scene.tif", 640, 500, spread(640, 500, 30, 5))
    see, calls = eyes(made.boxes), []

    def answer(item, image):
        calls.append(item["chip"])
        return CLOSE if len(calls) % 9 == 0 else see(item, image)

    service.answer_items = answer
    plan = planned(made)
    told = carried_out(qtbot, SceneRun(plan, SceneOptions("all tanks")))

    assert boxes_of(told.finds) == approximately(made.boxes)
    assert len(service.items_asked) == plan.tile_count
    assert len(calls) > plan.tile_count


def test_a_service_that_is_gone_ends_the_run_and_it_can_be_gone_on_with(
    qtbot, service, tmp_path, monkeypatch
):
    """After a few tries the run fails with the reason; what was answered is in the journal."""
    monkeypatch.setattr("geo_r1_qgis.tasks.scene_asking.WAITS_S", (0.01, 0.01))
    made = make_scene(tmp_path / "scene.tif", 640, 500, spread(640, 500, 30, 6))
    see = eyes(made.boxes)
    service.answer_items = lambda item, image: (
        CLOSE if len(service.items_asked) >= 21 else see(item, image)
    )
    plan = planned(made)
    journal = journal_in(tmp_path, plan)
    told = carried_out(qtbot, SceneRun(plan, SceneOptions("all tanks"), journal=journal))
    asked = len(service.items_asked)
    service.answer_items = see
    again = SceneRun(
        plan, SceneOptions("all tanks"), journal=journal_in(tmp_path, plan), resume=journal.run_uid
    )
    result = carried_out(qtbot, again).outcome.value

    assert isinstance(told.outcome, Failed)
    assert told.outcome.error.code == "connection-lost"
    assert asked == result.tiles.earlier == 21
    assert len(service.items_asked) == plan.tile_count
    assert scene_boxes(journal.path) == approximately(made.boxes)


def test_tiles_without_data_are_not_sent(qtbot, service, tmp_path):
    """Where the raster is empty nothing is asked, and the counts say so."""
    made = make_scene(
        tmp_path / "scene.tif", 900, 500, [(20, 20, 50, 50)], empty=[(200, 0, 900, 500)]
    )
    service.answer_items = eyes(made.boxes)
    told = carried_out(qtbot, SceneRun(planned(made, levels=1), SceneOptions("all tanks")))
    tiles = told.outcome.value.tiles

    assert tiles.empty > tiles.answered == len(service.items_asked) > 0
    assert tiles.empty + tiles.answered == tiles.total
    assert boxes_of(told.finds) == approximately(made.boxes)


def test_a_comparison_is_made_over_the_whole_scene(qtbot, service, tmp_path):
    """The largest of all is found where each tile has a largest of its own, and its ranking is kept with it."""
    boxes = spread(900, 700, 40, 8, largest=70)
    made = make_scene(tmp_path / "scene.tif", 900, 700, boxes)
    service.answer_items = eyes(made.boxes)
    asked = "the second largest tank"
    options = SceneOptions(asked, "rec", comparison=read_comparison(asked).comparison)
    plan = planned(made)
    journal = journal_in(tmp_path, plan)
    told = carried_out(qtbot, SceneRun(plan, options, journal=journal))
    by_size = sorted(made.boxes, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))

    assert boxes_of(told.finds) == approximately([by_size[-2]])
    assert {item["query"] for item in service.items_asked} == {target_query(options.comparison)}
    assert "40" in told.finds[0].reasoning
    assert scene_boxes(journal.path) == approximately([by_size[-2]])


def test_a_relation_reaches_over_tiles(qtbot, service, tmp_path):
    """The tank nearest to the ship is found although no tile shows both; each tile is asked for both kinds."""
    boxes = [(20, 20, 60, 60), (330, 330, 370, 370), (600, 40, 640, 80), (620, 560, 680, 600)]
    kinds = ["tank", "tank", "tank", "ship"]
    made = make_scene(tmp_path / "scene.tif", 900, 700, boxes)
    service.answer_items = eyes(made.boxes, kinds)
    asked = "the tank nearest to the ship"
    options = SceneOptions(asked, "rec", comparison=read_comparison(asked).comparison)
    told = carried_out(qtbot, SceneRun(planned(made, levels=1), options))

    assert boxes_of(told.finds) == approximately([made.boxes[1]])
    chips = [item["chip"] for item in service.items_asked]
    assert len(chips) == 2 * told.outcome.value.tiles.answered


def test_areas_have_answers_of_their_own(qtbot, service, tmp_path):
    """Of each area the largest, with its id; what lies beside its outline does not count, and far tiles are not sent."""
    boxes = [(40, 40, 60, 60), (100, 40, 130, 70), (640, 500, 660, 520), (690, 500, 740, 550), (400, 300, 480, 380)]  # fmt: skip
    made = make_scene(tmp_path / "scene.tif", 900, 700, boxes)
    service.answer_items = eyes(made.boxes)
    areas = [
        SceneArea("north", on_ground((20, 20, 160, 100))),
        SceneArea("south", on_ground((600, 480, 680, 560))),
        SceneArea("far", on_ground((5000, 5000, 5100, 5100))),
    ]
    asked = "the largest tank"
    options = SceneOptions(asked, comparison=read_comparison(asked).comparison)
    plan = planned(made, levels=1, areas=areas)
    journal = journal_in(tmp_path, plan)
    told = carried_out(qtbot, SceneRun(plan, options, journal=journal))

    assert {find.area_id: find.box_px for find in told.finds} == {
        "north": pytest.approx(made.boxes[1]),
        "south": pytest.approx(made.boxes[2]),
    }
    assert plan.outside == 1
    assert len(service.items_asked) < 12
    with contextlib.closing(sqlite3.connect(journal.path)) as database:
        kept = {row[0] for row in database.execute("select area_id from detections")}
    assert kept == {"north", "south"}


def test_masks_that_tiles_cut_are_united(qtbot, service, tmp_path):
    """The outline of an object that no tile shows whole is that of its pieces together, without their seams."""
    made = make_scene(tmp_path / "scene.tif", 640, 500, [(60, 60, 330, 90), (400, 300, 430, 330)])
    see = eyes(made.boxes)

    def with_masks(item, image):
        found = see(item, image)
        for each in found:
            x0, y0, x1, y1 = each["box_px"]
            ring = [[x0, y0], [x0, y1], [x1, y1], [x1, y0], [x0, y0]]
            each.update(kind="mask", polygons_px=[[ring]])
        return found

    service.answer_items = with_masks
    plan = planned(made, levels=1)
    journal = journal_in(tmp_path, plan)
    told = carried_out(qtbot, SceneRun(plan, SceneOptions("all tanks", "gres"), journal=journal))
    areas = sorted(each.geometry.area() for each in answers_in(journal.path))

    assert {item["task"] for item in service.items_asked} == {"gres"}
    assert [find.detection.kind for find in told.finds] == ["mask", "mask"]
    assert areas == pytest.approx([30 * 30 * 0.09, 270 * 30 * 0.09], rel=1e-6)


def test_stop_is_heeded_within_a_second(qtbot, service, tmp_path):
    """While an answer is awaited that does not come."""
    made = make_scene(tmp_path / "scene.tif", 640, 500, spread(640, 500, 5, 9))
    waiting = threading.Event()

    def answer(_item, _image):
        waiting.set()
        time.sleep(3)
        return []

    service.answer_items = answer
    worker = SceneWorker(SceneRun(planned(made), SceneOptions("all tanks")), open_service)
    ended = []
    worker.ended.connect(ended.append)
    worker.start()
    qtbot.waitUntil(waiting.is_set, timeout=5000)
    began = time.monotonic()
    worker.stop()
    qtbot.waitUntil(lambda: len(ended) == 1, timeout=3000)

    assert time.monotonic() - began < 1
    assert isinstance(ended[0], Done)
    assert ended[0].value.outcome == STOPPED
    assert worker.wait(1)


def on_ground(box):
    """A box of raster pixels as a polygon of the CRS."""
    x, a, _, y, _, e = UTM
    return QgsGeometry.fromRect(
        QgsRectangle(x + a * box[0], y + e * box[3], x + a * box[2], y + e * box[1])
    )


def scene_boxes(path):
    """Boxes in a result file, in order."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        found = database.execute("select x_min_px, y_min_px, x_max_px, y_max_px from detections")
        return sorted(found.fetchall())
