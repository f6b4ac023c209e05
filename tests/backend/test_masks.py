"""Masks: what becomes of the boxes of an answer when they are to be cut out, and what is said where that fails."""

from __future__ import annotations

import json
from dataclasses import replace

import pyogrio
import pytest
import shapely
from PIL import Image, ImageDraw

from geo_r1_backend.cli import main
from geo_r1_backend.engines import cutting
from geo_r1_backend.engines.segmenter import MaskPrompt
from geo_r1_backend.errors import SegmenterMissing
from geo_r1_backend.geo.outlines import area_px
from geo_r1_backend.grounding import masks
from geo_r1_backend.grounding.ground import GroundOptions, Question, ground
from geo_r1_backend.grounding.masks import boxes_task
from geo_r1_backend.wire import DetectionEvent, ResultEvent, TokenEvent
from tests.backend.colour_segmenter import ColourSegmenter
from tests.backend.fixed_engine import PROFILE, FixedEngine
from tests.backend.test_ask import UTM, fixed, write_tif  # noqa: F401 - a fixture
from tests.backend.tiny_segmenter import random_net, write_segmenter

GRES = replace(PROFILE, tasks=("rec", "ovd", "gres"))
TWO = (
    "<think>Two stadiums [40,40,140,140], [200,60,300,160].</think><answer>["
    '{"bbox_2d":[40,40,140,140],"keypoint1":[50,90],"keypoint2":[130,90]},'
    '{"bbox_2d":[200,60,300,160],"keypoint1":[210,110],"keypoint2":[400,400]}]</answer>'
)
NOTHING = '<answer>[{"bbox_2d":[300,300,400,400],"label":"ghost"},{"bbox_2d":[40,40,140,140],"label":"s"}]</answer>'


def picture():
    """Two rings on a meadow: stadiums with their fields."""
    image = Image.new("RGB", (448, 448), "darkgreen")
    draw = ImageDraw.Draw(image)
    for left, top in ((40, 40), (200, 60)):
        draw.ellipse((left, top, left + 99, top + 99), "white")
        draw.ellipse((left + 30, top + 30, left + 69, top + 69), "darkgreen")
    return image


def question(item="a", task="gres", query="where are the stadiums?"):
    return Question(item, task, query, picture)


def run(
    text=TWO, segmenter=None, *, questions=(), profile=GRES, should_stop=lambda: False, find=None
):
    find = find or (lambda: segmenter)
    asked = questions or [question()]
    engine = FixedEngine(text, profile=profile)
    return list(ground(asked, engine, GroundOptions(), should_stop, find))


def detections_of(events):
    return [event.detection for event in events if isinstance(event, DetectionEvent)]


def shape_of(detection):
    return shapely.MultiPolygon([(rings[0], rings[1:]) for rings in detection.polygons_px])


def test_boxes_become_masks_with_holes():
    """Each box of the answer is cut out of the picture: a valid polygon with its hole; the box stays as it was answered."""
    result = run(segmenter=ColourSegmenter())[-1]

    assert [(d.kind, d.rank, d.box_px) for d in result.detections] == [
        ("mask", 0, [40, 40, 140, 140]),
        ("mask", 1, [200, 60, 300, 160]),
    ]
    for detection in result.detections:
        (polygon,) = detection.polygons_px
        assert len(polygon) == 2
        assert shape_of(detection).is_valid
        assert area_px(detection.polygons_px) == pytest.approx(3.1416 * (50**2 - 20**2), rel=0.03)
    assert result.dropped == []
    assert 0 < result.timings.masks_ms <= result.timings.total_ms


def test_points_of_the_answer_help_where_they_lie_in_their_box():
    """The segmenter gets each box with its own points; one that lies elsewhere points at something else and is left out."""
    segmenter = ColourSegmenter()
    result = run(segmenter=segmenter)[-1]

    assert segmenter.prompts == [
        MaskPrompt((40, 40, 140, 140), ((50, 90), (130, 90))),
        MaskPrompt((200, 60, 300, 160), ((210, 110),)),
    ]
    assert [d.points_px for d in result.detections] == [
        [[50, 90], [130, 90]],
        [[210, 110], [400, 400]],
    ]


def test_each_mask_comes_as_soon_as_its_box_is_complete():
    """The first mask is an event before the model has written the second box, and each object is cut out once."""
    segmenter = ColourSegmenter()
    events = run(segmenter=segmenter)

    first = next(i for i, e in enumerate(events) if isinstance(e, DetectionEvent))
    assert any(isinstance(event, TokenEvent) for event in events[first + 1 :])
    assert detections_of(events) == events[-1].detections
    assert len(segmenter.prompts) == 2


@pytest.mark.parametrize("task", ["rec", "ovd"])
def test_other_questions_are_not_cut_out(task):
    """Boxes were asked for, boxes come; the segmenter is not even looked for."""

    def never():
        raise AssertionError

    events = run(questions=[question(task=task)], find=never)

    assert {d.kind for d in events[-1].detections} == {"box"}
    assert events[-1].timings.masks_ms == 0


def test_a_box_in_which_nothing_stands_out_stays_a_box():
    """No mask is not no answer: the box is there, and its note says why it is only that."""
    result = run(NOTHING, ColourSegmenter())[-1]

    assert [(d.label, d.kind) for d in result.detections] == [("ghost", "box"), ("s", "mask")]
    assert [(d.code, d.text) for d in result.dropped] == [("no-mask", "ghost [300,300,400,400]")]
    assert result.outcome == "found"


def test_without_a_segmenter_the_boxes_come_and_the_way_out_is_said_once(tmp_path, monkeypatch):
    """An installation without the segmenter answers with boxes and names the folder where one belongs."""
    monkeypatch.setattr(cutting, "embedded_segmenter_folder", lambda: None)
    result = run(find=cutting.Cutting(tmp_path).segmenter)[-1]

    assert [d.kind for d in result.detections] == ["box", "box"]
    (note,) = result.dropped
    assert note.code == SegmenterMissing.code
    assert str(tmp_path / "segmenter") in note.reason


@pytest.mark.parametrize("error", [None, ZeroDivisionError("inside of a library")])
def test_a_segmenter_that_fails_costs_masks_and_not_the_answer(error):
    """What was cut out before stays, what comes after are boxes, and it is said once."""
    result = run(segmenter=ColourSegmenter(fail_after=1, error=error))[-1]

    assert [d.kind for d in result.detections] == ["mask", "box"]
    assert [note.code for note in result.dropped] == ["engine-failed"]


def test_a_broken_folder_is_said_with_its_reason(tmp_path, monkeypatch):
    """The folder that the user named is the only candidate: what is wrong with it is in the note."""
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("GEO_R1_SEGMENTER", str(tmp_path / "mine"))
    result = run(find=cutting.Cutting(tmp_path).segmenter)[-1]

    assert [d.kind for d in result.detections] == ["box", "box"]
    assert [note.code for note in result.dropped] == ["model-failed"]
    assert "segmenter.json" in result.dropped[0].reason


def test_a_segmenter_that_was_put_there_later_is_found(tmp_path, monkeypatch):
    """No restart is needed, and it is loaded once."""
    monkeypatch.setattr(cutting, "embedded_segmenter_folder", lambda: None)
    loads = []
    monkeypatch.setattr(cutting, "load_segmenter", lambda *given: loads.append(given) or "it")
    here = cutting.Cutting(tmp_path, threads=3)
    assert not here.is_there
    with pytest.raises(SegmenterMissing):
        here.segmenter()

    (tmp_path / "segmenter").mkdir()
    (tmp_path / "segmenter" / "segmenter.json").write_text("{}")

    assert here.is_there
    assert here.segmenter() == here.segmenter() == "it"
    assert loads == [(tmp_path / "segmenter", 3)]


def test_a_segmenter_is_closed_with_the_service(start_service, with_segmenter):
    """A segmenter may have a process of its own (SAM): it ends with the service, and with the command."""
    before = ColourSegmenter.closed
    service = start_service(FixedEngine(TWO))
    chip = service.put(png_of(picture())).json()["sha256"]
    body = {"items": [{"item": "a", "chip": chip, "query": "all stadiums", "task": "gres"}]}
    assert service.client.post("/v1/ground", json=body).status_code == 200
    assert ColourSegmenter.closed == before

    service.service.stop()
    service.service.stop()

    assert ColourSegmenter.closed == before + 1


@pytest.mark.parametrize(("name", "limit"), [("MAX_MASKS", 1), ("MAX_POINTS", 10)])
def test_masks_have_a_limit(monkeypatch, name, limit):
    """Beyond so many masks, or so many points, the rest are boxes, and the limit is said once."""
    monkeypatch.setattr(masks, name, limit)
    result = run(segmenter=ColourSegmenter())[-1]

    assert [d.kind for d in result.detections] == ["mask", "box"]
    assert [note.code for note in result.dropped] == ["mask-limit"]


@pytest.mark.parametrize("after", [1, 2])
def test_stop_works_between_objects(after):
    """When it should stop, the next object is not cut out, and there is no result."""
    segmenter = ColourSegmenter()
    # the whole text is one piece: all boxes are there at once, only the masks take their time
    engine = FixedEngine(TWO, step=10_000, profile=GRES)
    asked = [question()]
    events = list(
        ground(
            asked,
            engine,
            GroundOptions(),
            lambda: len(segmenter.prompts) >= after,
            lambda: segmenter,
        )
    )

    assert len(segmenter.prompts) == after
    assert not any(isinstance(event, ResultEvent) for event in events)


def test_leaving_frees_the_engine():
    """Whoever stops listening in the middle of the masks closes the engine's generator as well."""
    engine = FixedEngine(TWO, profile=GRES)
    events = ground([question()], engine, GroundOptions(), lambda: False, ColourSegmenter)
    next(event for event in events if isinstance(event, DetectionEvent))
    assert not engine.wait_until_idle(0)

    events.close()

    assert engine.wait_until_idle(0)


@pytest.mark.parametrize(
    ("query", "task"),
    [
        ("the largest storage tank", "rec"),
        ("a tennis court", "rec"),
        ("tennis court", "rec"),
        ("the largest of all tanks", "rec"),
        ("the planes near the hangar", "rec"),  # its answer may have several boxes
        ("Where is the bus?", "rec"),
        ("largest tank next to the trees", "rec"),
        ("storage tanks", "ovd"),
        ("planes on the apron", "ovd"),
        ("all ships", "ovd"),
        ("find every car in the car park", "ovd"),
        ("white storage tanks", "ovd"),
    ],
)
def test_boxes_of_a_model_that_was_not_taught_masks(query, task):
    """Such a model is asked for one object or for all, by the words of the query."""
    assert boxes_task(query, ("rec", "ovd")) == task
    assert boxes_task(query, ("rec",)) == "rec"
    engine = FixedEngine(TWO)
    events = list(
        ground([question(query=query)], engine, GroundOptions(), lambda: False, ColourSegmenter)
    )
    assert [d.kind for d in events[-1].detections] == ["mask", "mask"]
    assert ("Please provide the bounding box" in events[-1].prompt) == (task == "rec")


def test_batches_mix_masks_and_boxes():
    """In one batch, the items that want masks get them, and the others are as ever."""
    engine = FixedEngine(TWO, profile=GRES)
    asked = [question("a"), question("b", "ovd"), question("c")]
    events = list(
        ground(asked, engine, GroundOptions(batch_size=3), lambda: False, ColourSegmenter)
    )

    kinds = {e.item: {d.kind for d in e.detections} for e in events if isinstance(e, ResultEvent)}
    assert kinds == {"a": {"mask"}, "b": {"box"}, "c": {"mask"}}


# ---- the service and the command ----------------------------------------------------------------------------------


@pytest.fixture
def with_segmenter(monkeypatch, tmp_path):
    """A folder that is taken for a segmenter; what it loads is the tests' own."""
    folder = tmp_path / "a-segmenter"
    folder.mkdir()
    (folder / "segmenter.json").write_text("{}")
    monkeypatch.setenv("GEO_R1_SEGMENTER", str(folder))
    monkeypatch.setattr(cutting, "load_segmenter", lambda folder, threads: ColourSegmenter())


def png_of(image):
    import io

    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def test_the_service_streams_masks_and_offers_the_task(start_service, with_segmenter):
    """Over HTTP: the model is listed with masks, and each event of a mask carries its polygons."""
    service = start_service(FixedEngine(TWO))
    sent = service.put(png_of(picture()))
    chip = sent.json()["sha256"]

    listed = service.client.get("/v1/models").json()["models"]
    body = {"items": [{"item": "a", "chip": chip, "query": "all stadiums", "task": "gres"}]}
    lines = service.client.post("/v1/ground", json=body).text.splitlines()

    events = [json.loads(line) for line in lines]
    assert next(m for m in listed if m["id"] == "fixed")["tasks"] == ["rec", "ovd", "gres"]
    found = [event["detection"] for event in events if event["event"] == "detection"]
    assert [len(d["polygons_px"][0]) for d in found] == [2, 2]
    assert events[-1]["detections"] == found
    assert events[-1]["timings"]["masks_ms"] > 0


def test_a_real_graph_cuts_objects_out(start_service, tmp_path, monkeypatch):
    """With an ONNX segmenter (of random weights) in the data folder: whatever it cuts is a valid outline beside its box."""
    packed = write_segmenter(tmp_path / "made", random_net())
    (tmp_path / "data").mkdir()
    packed.rename(tmp_path / "data" / "segmenter")
    service = start_service(FixedEngine(TWO))
    chip = service.put(png_of(picture())).json()["sha256"]

    body = {"items": [{"item": "a", "chip": chip, "query": "all stadiums", "task": "gres"}]}
    last = json.loads(service.client.post("/v1/ground", json=body).text.splitlines()[-1])

    assert len(last["detections"]) == 2
    assert {note["code"] for note in last["dropped"]} <= {"no-mask"}
    assert len(last["dropped"]) == sum(d["kind"] == "box" for d in last["detections"])
    for detection in last["detections"]:
        if detection["kind"] == "mask":
            polygons = detection["polygons_px"]
            shape = shapely.MultiPolygon([(rings[0], rings[1:]) for rings in polygons])
            assert shape.is_valid
            x_min, y_min, x_max, y_max = detection["box_px"]
            assert shapely.box(x_min - 60, y_min - 60, x_max + 60, y_max + 60).contains(shape)


def test_the_service_without_a_segmenter_offers_boxes(start_service, monkeypatch):
    """The task is not offered; whoever asks for it all the same gets boxes and the reason."""
    monkeypatch.setattr(cutting, "embedded_segmenter_folder", lambda: None)
    service = start_service(FixedEngine(TWO))
    chip = service.put(png_of(picture())).json()["sha256"]

    listed = service.client.get("/v1/models").json()["models"]
    body = {"items": [{"item": "a", "chip": chip, "query": "all stadiums", "task": "gres"}]}
    last = json.loads(service.client.post("/v1/ground", json=body).text.splitlines()[-1])

    assert next(m for m in listed if m["id"] == "fixed")["tasks"] == ["rec", "ovd"]
    assert [d["kind"] for d in last["detections"]] == ["box", "box"]
    assert last["dropped"][0]["code"] == "segmenter-missing"


def test_the_command_writes_polygons_with_holes(
    fixed,  # noqa: F811
    with_segmenter,
    tmp_path,
    capsys,
):
    """`geo-r1 ask --task gres`: a GeoPackage of valid multipolygons with holes and their geodesic areas, on a turned raster."""
    import numpy as np

    fixed(TWO)
    raster = write_tif(tmp_path / "turned.tif", np.asarray(picture()).transpose(2, 0, 1))
    out = tmp_path / "out.gpkg"

    before = ColourSegmenter.closed
    code = main(["ask", str(raster), "all stadiums", "--task", "gres", "--out", str(out)])

    assert code == 0
    assert ColourSegmenter.closed == before + 1
    assert "mask of 6" in capsys.readouterr().out
    meta, _, geometry, fields = pyogrio.raw.read(out)
    columns = dict(zip(meta["fields"], fields, strict=True))
    shapes = shapely.from_wkb(geometry)
    assert meta["crs"] == UTM
    assert all(shape.is_valid and shape.geom_type == "MultiPolygon" for shape in shapes)
    assert [len(shape.geoms[0].interiors) for shape in shapes] == [1, 1]
    assert list(columns["kind"]) == ["mask", "mask"]
    # half-metre pixels: a quarter of a square metre each, but for the scale of the projection (0.9996 twice)
    areas = [area * 0.9996**2 for area in columns["area_m2"]]
    assert areas == pytest.approx([shape.area for shape in shapes], rel=1e-4)
    assert areas[0] == pytest.approx(3.1416 * (50**2 - 20**2) / 4, rel=0.03)
