"""“All” about a large picture: looked at whole and through windows, said as one answer in pixels of the picture."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from geo_r1_backend.geo.boxes import iou
from geo_r1_backend.geo.outlines import area_px
from geo_r1_backend.grounding.ground import GroundOptions, Question, ground
from geo_r1_backend.grounding.through_windows import plan_looks
from geo_r1_backend.wire import (
    DetectionEvent,
    ErrorEvent,
    ProgressEvent,
    ResultEvent,
    StartedEvent,
    TokenEvent,
)
from tests.backend.colour_segmenter import ColourSegmenter
from tests.backend.fixed_engine import PROFILE, FixedEngine

SMALLEST_PX = 14
"""What is smaller in its picture, the seeing engine does not see."""
SEES_448 = replace(
    PROFILE, view_sizes_px=((448, 448), (560, 336), (336, 560), (672, 224), (224, 672))
)


def what_is_red(item):
    """The answer of a model that sees red things of some size, and nothing else."""
    pixels = np.asarray(item.image).astype(int)
    red = ((pixels[:, :, 0] > 150) & (pixels[:, :, 1] < 100)).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(red)
    boxes = [
        [int(x), int(y), int(x + w), int(y + h)]
        for x, y, w, h, _ in stats[1:]
        if max(w, h) >= SMALLEST_PX
    ]
    said = ", ".join(f"red {json.dumps(box, separators=(',', ':'))}" for box in boxes)
    listed = ",".join(f'{{"bbox_2d":{json.dumps(box)},"label":"tank"}}' for box in boxes)
    return (
        f"<think>Find tanks: {said}.</think><answer>{f'[{listed}]' if boxes else 'None'}</answer>"
    )


def seeing(**more):
    """An engine with 448 x 448 px that really looks at what it is given."""
    return FixedEngine(what_is_red, profile=SEES_448, step=40, **more)


def a_picture(boxes, size=(1344, 1000)):
    """Red boxes on grey."""
    pixels = np.full((size[1], size[0], 3), 90, np.uint8)
    for x0, y0, x1, y1 in boxes:
        pixels[y0:y1, x0:x1] = (220, 30, 30)
    return Image.fromarray(pixels)


def rows_of_small_things():
    """Forty things of 20 px in rows with gaps of 6 px, across every border, and a large one."""
    small = [
        (x, y, x + 20, y + 20) for y in (60, 400, 426, 700, 900) for x in range(200, 1240, 130)
    ]
    return [*small, (500, 480, 1100, 660)]


def run(engine, picture, task="ovd", detail="auto", should_stop=lambda: False, **options):
    question = Question("a", task, "tanks", lambda: picture, detail=detail)
    return list(ground([question], engine, GroundOptions(**options), should_stop))


def boxes_of(events):
    return sorted(tuple(d.box_px) for d in events[-1].detections)


def test_small_things_are_found_through_windows_once_each():
    """What the whole view is too coarse for is found, whole, once, and with the large thing that fits into no window."""
    truth = rows_of_small_things()
    picture = a_picture(truth)

    coarse = run(seeing(), picture, detail="view")
    close = run(seeing(), picture)

    assert len(coarse[-1].detections) == 1
    assert len(close[-1].detections) == len(truth)
    for box, found in zip(sorted(truth), boxes_of(close), strict=True):
        assert iou(box, found) > 0.85
    assert close[-1].windows == 12
    assert coarse[-1].windows == 0


def test_events_are_those_of_one_answer():
    """Started once, progress from none to all, detections before the result and equal to its own, one result at the end."""
    events = run(seeing(), a_picture(rows_of_small_things()))

    assert [e for e in events if isinstance(e, StartedEvent)] == [events[0]]
    assert isinstance(events[-1], ResultEvent)
    assert not [e for e in events[:-1] if isinstance(e, (ResultEvent, ErrorEvent))]
    assert {e.item for e in events} == {"a"}
    progress = [(e.done, e.total) for e in events if isinstance(e, ProgressEvent)]
    assert progress == [(done, 13) for done in range(14)]
    told = [e.detection for e in events if isinstance(e, DetectionEvent)]
    assert told == events[-1].detections
    assert [d.rank for d in told] == list(range(len(told)))


def test_detections_come_before_the_last_window():
    """What no window to come shows is said at once: the first row is there when half of the windows are not."""
    done, early = 0, 0
    for event in run(seeing(), a_picture(rows_of_small_things())):
        done = event.done if isinstance(event, ProgressEvent) else done
        early += isinstance(event, DetectionEvent) and done < 7
    assert early >= 5


def test_reasoning_names_windows_and_speaks_in_pixels_of_the_picture():
    """Every window has its line, and every box in it lies on something red, wherever the window lies."""
    truth = rows_of_small_things()
    events = run(seeing(), a_picture(truth))

    reasoning = events[-1].reasoning
    lines = reasoning.split("\n")
    assert len(lines) == 13
    assert lines[0].startswith("The whole view: Find tanks:")
    assert lines[2].startswith("Window 2 of 12 [298,0,746,448]: Find tanks:")
    for line in lines[1:]:
        left, top, right, bottom = map(int, re.findall(r"\d+", line.split("[")[1])[:4])
        for match in re.findall(r"red \[(\d+),(\d+),(\d+),(\d+)\]", line):
            box = tuple(map(int, match))
            shown = [(max(b[0], left), max(b[1], top), min(b[2], right), min(b[3], bottom)) for b in truth]  # fmt: skip
            assert max(iou(box, one) for one in shown) > 0.8
    said = "".join(e.text for e in events if isinstance(e, TokenEvent) and e.section == "think")
    assert said.strip() == reasoning
    answer = "".join(e.text for e in events if isinstance(e, TokenEvent) and e.section == "answer")
    assert len(json.loads(answer)) == len(truth)


@pytest.mark.parametrize("batch_size", [2, 5, 50])
def test_windows_in_batches_give_the_same_answer(batch_size):
    """However many looks the engine gets at a time, texts and boxes are the same, in the same order."""
    picture = a_picture(rows_of_small_things())
    one, many = run(seeing(), picture), run(seeing(), picture, batch_size=batch_size)
    assert many[-1].reasoning == one[-1].reasoning
    assert many[-1].detections == one[-1].detections


@pytest.mark.parametrize(
    ("size", "task", "detail", "windows"),
    [
        ((448, 448), "ovd", "auto", 0),  # seen as it is
        ((530, 530), "ovd", "auto", 0),  # a little smaller than it is
        ((640, 640), "ovd", "auto", 4),
        ((1024, 1024), "ovd", "auto", 9),
        ((1024, 1024), "ovd", "view", 0),  # as asked
        ((530, 530), "ovd", "windows", 4),  # as asked
        ((448, 448), "ovd", "windows", 0),  # one window would be the whole view
        ((1024, 1024), "rec", "auto", 0),  # the largest of all is no question for a window
        ((1024, 300), "ovd", "auto", 3),
    ],
)
def test_when_windows_are_used(size, task, detail, windows):
    """Where the model would see the picture much smaller than it is, or where it was asked for; never for one object."""
    assert len(plan_looks(*size, SEES_448, task, detail)) - 1 == windows


def test_a_model_that_sees_enough_needs_no_windows():
    """Qwen2.5-VL sees a megapixel: nothing is cut below that."""
    assert len(plan_looks(1000, 1000, PROFILE, "ovd", "auto")) == 1
    assert len(plan_looks(2500, 2500, PROFILE, "ovd", "auto")) > 4


def test_nothing_in_any_window_is_none():
    """“None” about every part is “none” about the whole."""
    result = run(seeing(), a_picture([]))[-1]
    assert (result.outcome, result.detections, result.windows) == ("none", [], 12)


def test_what_could_not_be_read_names_its_window():
    """One window's broken answer costs that window only, and says which it was."""
    engine = seeing()

    def now_and_then(item, look=what_is_red, count=[0]):  # noqa: B006 - counts calls
        count[0] += 1
        return "<think>hm</think><answer>[[[" if count[0] == 3 else look(item)

    engine.answer = now_and_then
    result = run(engine, a_picture(rows_of_small_things()))[-1]
    assert result.outcome == "found"
    assert len(result.detections) > 30
    assert any("Window 2 of 12" in piece.reason for piece in result.dropped)


def test_an_engine_that_fails_ends_the_answer_once():
    """Out of memory in a window is one error; what was final before it has been said."""
    engine = seeing()
    calls = []

    def fails_late(item):
        calls.append(1)
        if len(calls) == 9:
            raise MemoryError("no more")
        return what_is_red(item)

    engine.answer = fails_late
    events = run(engine, a_picture(rows_of_small_things()))
    ends = [e for e in events if isinstance(e, (ResultEvent, ErrorEvent))]
    assert [e.error.code for e in ends] == ["engine-failed"]
    assert ends[0].item == "a"
    assert any(isinstance(e, DetectionEvent) for e in events)


def test_stop_between_and_in_windows_ends_without_a_word():
    """Wherever it is stopped, no further look begins and nothing final is said."""
    for limit in (2, 9, 30):
        engine, said = seeing(), []
        question = Question("a", "ovd", "tanks", lambda: a_picture(rows_of_small_things()))
        for event in ground([question], engine, GroundOptions(), lambda: len(said) > limit):  # noqa: B023
            said.append(event)
        assert not [e for e in said if isinstance(e, (ResultEvent, ErrorEvent))]
        assert len(engine.seen) < 13


def test_direct_answers_have_no_reasoning():
    """Without thinking there is no line per window, only boxes."""
    engine = seeing()
    engine.answer = lambda item: what_is_red(item).split("</think>")[1]
    result = run(engine, a_picture(rows_of_small_things()), think=False)[-1]
    assert result.reasoning == ""
    assert len(result.detections) == len(rows_of_small_things())


def test_masks_are_cut_out_of_merged_boxes():
    """“All” as masks: an object on a window's border has one mask, whole, in pixels of the picture."""
    truth = rows_of_small_things()
    picture = a_picture(truth)
    question = Question("a", "gres", "all tanks", lambda: picture)
    events = list(ground([question], seeing(), GroundOptions(), lambda: False, ColourSegmenter))

    assert len(events[-1].detections) == len(truth)
    assert {d.kind for d in events[-1].detections} == {"mask"}
    assert [e.detection for e in events if isinstance(e, DetectionEvent)] == events[-1].detections
    for box, found in zip(sorted(truth), sorted(events[-1].detections, key=lambda d: d.box_px), strict=True):  # fmt: skip
        assert area_px(found.polygons_px) == pytest.approx((box[2] - box[0]) * (box[3] - box[1]), rel=0.15)  # fmt: skip


# ---- over the wire ---------------------------------------------------------------------------------------------------


def put(service, picture):
    import io

    stream = io.BytesIO()
    picture.save(stream, "PNG")
    reply = service.put(stream.getvalue())
    assert reply.status_code == 200
    return reply.json()["sha256"]


def ask(service, chip, **more):
    body = {"items": [{"item": "a", "chip": chip, "query": "tanks", "task": "ovd", **more}]}
    return service.client.post("/v1/ground", json=body)


def test_the_service_looks_through_windows(start_service):
    """A request that says nothing of it gets windows for a large chip, `view` gets one look."""
    service = start_service(seeing())
    chip = put(service, a_picture(rows_of_small_things()))

    lines = {
        detail: [json.loads(line) for line in ask(service, chip, detail=detail).text.splitlines()]
        for detail in ("auto", "view")
    }

    assert len(lines["auto"][-1]["detections"]) == len(rows_of_small_things())
    assert lines["auto"][-1]["windows"] == 12
    assert len(lines["view"][-1]["detections"]) == 1
    assert [e["done"] for e in lines["auto"] if e["event"] == "progress"] == list(range(14))


def test_windows_for_one_object_are_refused_with_the_reason(start_service):
    """The error names the field, the task and what windows are for."""
    service = start_service(seeing())
    chip = put(service, a_picture([]))

    refused = ask(service, chip, task="rec", detail="windows")
    unknown = ask(service, chip, detail="closely")

    assert refused.status_code == unknown.status_code == 422
    assert refused.json()["code"] == unknown.json()["code"] == "body-invalid"
    assert refused.json()["parameters"]["field"] == "items[0].detail"
    assert "“ovd”" in refused.json()["hint"]


def test_leaving_stops_within_a_second(start_service):
    """Whoever leaves in the third of 13 looks does not keep the engine busy with the rest."""
    engine = seeing(delay_s=0.05)
    service = start_service(engine)
    chip = put(service, a_picture(rows_of_small_things()))
    body = {"items": [{"item": "a", "chip": chip, "query": "tanks", "task": "ovd"}]}
    with service.client.stream("POST", "/v1/ground", json=body) as reply:
        for line in reply.iter_lines():
            if json.loads(line).get("done") == 2:
                break
    left = time.monotonic()

    while service.service.queue.busy:
        assert time.monotonic() - left < 1.0
        time.sleep(0.01)
    assert len(engine.seen) < 6
