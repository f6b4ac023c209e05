"""The answer parser is total: any text yields boxes or a reason, and never an exception."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_r1_backend.engines.answer_stream import AnswerStream, TextPart
from geo_r1_backend.engines.answers import AnsweredBox, parse_answer
from geo_r1_backend.engines.resize import View

IDENTITY = View(1000, 1000, 1000, 1000, 1000, 1000)


@pytest.mark.parametrize(
    ("answer", "boxes"),
    [
        ('{"bbox_2d":[1,2,3,4],"label":"tank"}', [(1, 2, 3, 4)]),  # one object, as REC asks for it
        ('[{"bbox_2d": [1, 2, 3, 4]}]', [(1, 2, 3, 4)]),  # the list that OVD asks for
        ('```json\n[{"bbox_2d": [1, 2, 3, 4]}]\n```', [(1, 2, 3, 4)]),  # fenced, as Qwen likes to
        ('```\n{"bbox_2d": [1, 2, 3, 4]}', [(1, 2, 3, 4)]),  # the fence is never closed
        ('[{"bbox_2d": [3, 4, 1, 2]}]', [(1, 2, 3, 4)]),  # corners swapped: order is repaired
        ('[{"bbox_2d": [1, 4, 3, 2]}]', [(1, 2, 3, 4)]),  # one axis swapped
        (
            '[{"bbox_2d": [1.5, 2, 3, 4.25]}]',
            [(1.5, 2, 3, 4.25)],
        ),  # floats (the paper's own parser gave up)
        ('[{"bbox_2d": [-5, 2, 3, 4]}]', [(-5, 2, 3, 4)]),  # outside: clipped later, by the view
        ('{"bbox_2d":[[1,2],[3,4]]}', [(1, 2, 3, 4)]),  # two corners
        (
            '{"bbox_2d":[[1,2,3,4],[5,6,7,8]],"label":"x"}',
            [(1, 2, 3, 4), (5, 6, 7, 8)],
        ),  # many in one object
        ('{"bbox_2d":"1, 2, 3, 4"}', [(1, 2, 3, 4)]),  # numbers in a string
        (
            '{"bbox":[1,2,3,4]}{"box":[5,6,7,8]}',
            [(1, 2, 3, 4), (5, 6, 7, 8)],
        ),  # other names, no comma
        ('{"bbox_2d":["1","2","3","4"]}', [(1, 2, 3, 4)]),  # numbers as strings
        ('{"bbox_2d":[1,{"a":1},3,4]}', []),
        ('{"bbox_2d":"somewhere"}', []),
        ('[{"bbox_2d":[1,2,3,4}]', [(1, 2, 3, 4)]),  # closed by the wrong bracket
        ('{"a":[{"bbox_2d":[1,2,3,4]]}', [(1, 2, 3, 4)]),
        ("}][{'bbox_2d':[1,2,3,4]}", [(1, 2, 3, 4)]),  # closed before it was opened
        ("[}{'bbox_2d':[1,2,3,4]}]", [(1, 2, 3, 4)]),
        ("{]'bbox_2d':[1,2,3,4]}", [(1, 2, 3, 4)]),
        ("[" * 40 + "1,2,3,4" + "]" * 40, []),  # too deep to be meant
        ("[[1,2,3,4],[5,6,7,8]]", [(1, 2, 3, 4), (5, 6, 7, 8)]),  # bare arrays
        ("[1,2,3,4]", [(1, 2, 3, 4)]),
        ("The tank is at [1, 2, 3, 4].", [(1, 2, 3, 4)]),
        ("(1,2),(3,4)", [(1, 2, 3, 4)]),  # Qwen2-VL's form
        ("{'bbox_2d': [1, 2, 3, 4], 'label': 'farmer's barn'}", [(1, 2, 3, 4)]),  # Python's quotes
        ('{"bbox_2d":[1,2,3,4],"label":"a "big" one"}', [(1, 2, 3, 4)]),  # quotes in a label
        ("{bbox_2d: [1, 2, 3, 4], label: tank}", [(1, 2, 3, 4)]),  # no quotes at all
        ('[{"bbox_2d": [1, 2, 3, 4],},]', [(1, 2, 3, 4)]),  # trailing commas
        ('[{"bbox_2d": [1 2 3 4]}]', [(1, 2, 3, 4)]),  # no commas
        ('{"objects":[{"a":{"bbox_2d":[1,2,3,4]}}]}', [(1, 2, 3, 4)]),  # nested
        (
            '[{"bbox_2d":[1,2,3,4],"keypoint1":[2,3],"keypoint2":[2,2]}]',
            [(1, 2, 3, 4)],
        ),  # GRES: points are no boxes
        (
            '[{"bbox_2d":[1,2,3,4]},{"bbox_2d":[5,6',
            [(1, 2, 3, 4)],
        ),  # cut off: the complete one stays
        (
            '[{"bbox_2d":[1,2,3,4]},{"bbox_2d":[1,2,3,4]}]',
            [(1, 2, 3, 4)],
        ),  # repeated: once, and reported
        ('[{"bbox_2d": [1, 2, 1, 4]}]', []),  # no area: dropped, and reported
        ('[{"bbox_2d": [1, 2, 3]}]', []),  # three numbers
        ('[{"bbox_2d": [1, 2, 3, 4, 5]}]', []),  # five
        ('[{"bbox_2d": [1, 2, 3, 4]', []),  # the object is not closed: perhaps "40" was coming
        ('[{"bbox_2d": [1, 2, 3, 4', []),
        ('{"bbox_2d": [1e999, 2, 3, 4]}', []),  # not a number
        ('{"bbox_2d": [1e12, 2, 3, 4]}', []),  # not a pixel
        ('{"bbox_2d": null}', []),
        ('{"bbox_2d": {"x": 1}}', []),
        ('{"label":"tank"}', []),  # an object without a box
        ('{"centre":[1,2,3,4]}', []),  # numbers of another name are not a box
        ("", []),
        ("I cannot see that.", []),
        ("None", []),  # "no such target" is an answer, not an error
        ("none.", []),
        ('"NONE"', []),
        ("```json\nNone\n```", []),
        ("[]", []),
        ("There are no ships in the image.", []),
        ("[" * 5000, []),
        ('{"a":' * 5000, []),
        ("{'" * 5000, []),
    ],
)
def test_answer_yields_boxes_or_a_reason(answer, boxes):
    """Every answer text yields boxes, "none" or a reason."""
    parsed = parse_answer(f"<think>Look at [9,9,99,99].</think><answer>{answer}</answer>")

    assert [box.box_px for box in parsed.detections] == boxes
    assert parsed.detections or parsed.dropped or parsed.says_none
    assert parsed.reasoning == "Look at [9,9,99,99]."


@pytest.mark.parametrize(
    ("written", "label"),
    [
        (r'"a \"big\" one"', 'a "big" one'),
        (r'"caf\u00e9\n"', "café"),
        (r'"\ud800"', "\ufffd"),  # half of a pair is no letter
        (r'"C:\\"', "C:\\"),  # an escaped backslash does not escape the quote
        ('"' + "x" * 1000 + '"', "x" * 200),
        ("7", ""),
    ],
)
def test_labels_are_read_as_meant(written, label):
    """Escapes are resolved, and no label is longer than anybody could read."""
    parsed = parse_answer(f'<answer>{{"bbox_2d":[1,2,3,4],"label":{written}}}</answer>')

    assert [box.label for box in parsed.detections] == [label]


def test_endless_answers_are_bounded():
    """A model that repeats itself fills neither memory nor the report of what was dropped."""
    same = '{"bbox_2d":[1,2,3,4]},' * 500
    other = "".join(f'{{"bbox_2d":[{i},0,{i + 1},9]}},' for i in range(2500))
    broken = '{"bbox_2d":[1,2]},' * 500

    assert len(parse_answer(f"<answer>{same}</answer>").dropped) == 100
    assert len(parse_answer(f"<answer>{other}</answer>").detections) == 2000
    assert len(parse_answer(f"<answer>{broken}</answer>").dropped) == 100


@pytest.mark.parametrize(
    ("answer", "says_none"),
    [
        ("None", True),
        ("null", True),
        ("[]", True),
        ("No such targets.", True),
        ("Nonetheless [1,2,3", False),
        ("", False),  # silence is not an answer
        ('{"bbox_2d": [1, 2, 1, 4]}', False),  # a broken box is not "none"
        ('{"label": "None"}', False),
    ],
)
def test_none_is_told_from_silence(answer, says_none):
    """Only words that mean "none" are one; broken boxes and silence are not."""
    assert parse_answer(f"<answer>{answer}</answer>").says_none is says_none


@pytest.mark.parametrize(
    ("text", "reasoning", "label"),
    [
        ('<think>t</think><answer>{"bbox_2d":[1,2,3,4],"label":"a"}</answer>', "t", "a"),
        (
            '<THINK>t</THINK>\n<Answer>{"bbox_2d":[1,2,3,4],"label":"a"}',
            "t",
            "a",
        ),  # cut before the end tag
        (
            't</think><answer>{"bbox_2d":[1,2,3,4],"label":"a"}</answer>',
            "t",
            "a",
        ),  # <think> was in the prompt
        (
            '<think>t</think>{"bbox_2d":[1,2,3,4],"label":"a"}',
            "t",
            "a",
        ),  # the answer tag is forgotten
        ('{"bbox_2d":[1,2,3,4],"label":"a"}', "", "a"),  # no tags at all
        (
            '<answer>{"bbox_2d":[5,6,7,8],"label":"first"}</answer><answer>{"bbox_2d":[1,2,3,4],"label":"a"}</answer>',
            "",
            "a",
        ),  # the last answer counts
        (
            '<answer>{"bbox_2d":[1,2,3,4],"label":"a"}</answer><answer> </answer>',
            "",
            "a",
        ),  # unless it is empty
        ('<answer>{"bbox_2d":[1,2,3,4],"label":"a"}</answer><answer>', "", "a"),
    ],
)
def test_sections_are_found_also_where_tags_are_missing(text, reasoning, label):
    """Reasoning and answer are told apart as well as the text allows."""
    parsed = parse_answer(text)

    assert parsed.reasoning == reasoning
    assert [(box.label, box.box_px) for box in parsed.detections] == [(label, (1, 2, 3, 4))]


def test_reasoning_that_never_ends_has_no_answer():
    """Boxes inside of unfinished reasoning are not an answer."""
    parsed = parse_answer("<think>Find tanks: white [12,30,60,78], gray [100,40,1")

    assert parsed.detections == []
    assert parsed.dropped[0].reason == "the text ends before the answer"


TAGS = ["<think>", "</think>", "<answer>", "</answer>", "```json", "```", "None", "<"]
MARKS = [*"\"'\\[]{},:() \n", "\ud800", "\x00", "é"]
WORDS = ['"bbox_2d"', '"label"', "1", "23", "4.5", "-6", "1e400", "tank", "[1,2,3,4]", "(5,6)"]
OBJECT = '{"bbox_2d":[1,2,3,4],"label":"a"}'
PIECES = st.sampled_from([*TAGS, *MARKS, *WORDS, OBJECT])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join))


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_parser_never_raises(text):
    """Whatever the text, the parser answers, and every box has an area."""
    parsed = parse_answer(text)

    assert parsed.detections or parsed.dropped or parsed.says_none
    for box in parsed.detections:
        assert box.box_px[0] < box.box_px[2]
        assert box.box_px[1] < box.box_px[3]


def stream_all(pieces, view=IDENTITY):
    stream = AnswerStream(view)
    said = [part for piece in pieces for part in stream.feed(piece)]
    said += stream.finish()
    texts = {"think": "", "answer": ""}
    for part in said:
        if isinstance(part, TextPart):
            texts[part.section] += part.text
    boxes = [(part.label, part.box_px) for part in said if isinstance(part, AnsweredBox)]
    return texts, boxes, stream.reasoning


@given(st.data(), TEXTS)
@settings(max_examples=300, deadline=None)
def test_piece_borders_do_not_matter(data, text):
    """However a text is cut into pieces, the same is said in the end, and nothing raises."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    assert stream_all(pieces)[0] == stream_all([text])[0]


LABELS = st.text("abcdefg hij-é'", min_size=0, max_size=10)
BOXES = st.tuples(*[st.integers(0, 999)] * 4).filter(lambda b: b[0] < b[2] and b[1] < b[3])


@given(
    st.lists(st.tuples(LABELS, BOXES), max_size=6, unique=True), st.integers(1, 9), st.booleans()
)
@settings(max_examples=150, deadline=None)
def test_stream_and_parser_agree_on_whole_answers(objects, step, fenced):
    """What a well-formed answer streams is what it is parsed to, whatever the size of the pieces."""
    rows = ",".join(f'{{"bbox_2d":{list(box)},"label":"{label}"}}' for label, box in objects)
    answer = f"```json\n[{rows}]\n```" if fenced else f"[{rows}]"
    text = f"<think>At (3,4) and [1,2,3,4].</think><answer>{answer}</answer>"
    texts, boxes, reasoning = stream_all([text[i : i + step] for i in range(0, len(text), step)])

    assert boxes == [(box.label, box.box_px) for box in parse_answer(text).detections]
    assert texts["answer"] == answer
    assert reasoning == "At (3,4) and [1,2,3,4]."


def test_detection_is_said_when_its_object_closes():
    """A box is known at its closing brace, long before the answer ends."""
    stream = AnswerStream(IDENTITY)
    said = stream.feed('<answer>[{"bbox_2d":[1,2,3,4],"label":"a"')
    assert not any(isinstance(part, AnsweredBox) for part in said)

    said = stream.feed("}")

    assert [part.box_px for part in said if isinstance(part, AnsweredBox)] == [(1, 2, 3, 4)]


def test_partial_coordinates_are_never_shown():
    """A number whose group is not complete is held back: 12 may become 120, and model pixels are no chip pixels."""
    view = View(512, 512, 504, 504, 504, 504)
    stream = AnswerStream(view)
    said = []
    for letter in "<think>tank [100,200,300,400] at (252,252), 3 of 5 (two) [note]</think>":
        said += [part.text for part in stream.feed(letter)]

    assert "".join(said) == "tank [102,203,305,406] at (256,256), 3 of 5 (two) [note]"
    assert "[1" not in said


@given(st.lists(st.tuples(st.integers(0, 504), st.integers(0, 504)), min_size=1, max_size=5))
def test_every_coordinate_in_the_text_is_converted(points):
    """Text with many places carries each of them in chip pixels."""
    view = View(1008, 252, 504, 504, 504, 504)
    text = " ".join(f"({x},{y})" for x, y in points)

    texts, _, _ = stream_all(["<think>" + text + "</think>"], view)

    assert texts["think"] == " ".join(f"({round(x * 2)},{round(y / 2)})" for x, y in points)


def test_a_long_list_is_read_in_linear_time():
    """A thousand objects stream in well under a second's work each hundred; nothing is read again and again."""
    rows = ",".join(f'{{"bbox_2d":[{i},0,{i + 5},9],"label":"ship"}}' for i in range(1000))
    text = f"<answer>[{rows}]</answer>"

    began_s = time.perf_counter()
    _, boxes, _ = stream_all([text[i : i + 4] for i in range(0, len(text), 4)])

    assert len(boxes) == 1000
    assert time.perf_counter() - began_s < 10


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ('{"bbox_2d":[1,2,30,40],"keypoint1":[2,3],"keypoint2":[20,30]}', ((2, 3), (20, 30))),
        ('{"bbox_2d":[1,2,30,40],"point_2d":[2.5,3]}', ((2.5, 3),)),
        ('{"bbox_2d":[1,2,30,40],"points":[[2,3],[4,5]]}', ((2, 3), (4, 5))),
        ('{"keypoint1":[2,3],"bbox_2d":[1,2,30,40]}', ((2, 3),)),  # before the box
        ('{"bbox_2d":[1,2,30,40],"keypoint1":"2, 3"}', ((2, 3),)),
        ('{"bbox_2d":[1,2,30,40]}', ()),
        ('{"bbox_2d":[1,2,30,40],"keypoint1":[2]}', ()),  # half a point is none; the box stays
        ('{"bbox_2d":[1,2,30,40],"keypoint1":[2,1e300]}', ()),
        ('{"bbox_2d":[1,2,30,40],"keypoint1":null,"center":[7,8]}', ()),
        ('{"bbox_2d":[[1,2,30,40],[5,6,70,80]],"keypoint1":[2,3]}', ()),  # whose?
    ],
)
def test_points_belong_to_their_box(text, points):
    """Points of the paper's third task come with the box of their object, whatever is wrong with one of them."""
    found = parse_answer(f"<answer>[{text}]</answer>").detections

    assert found[0].box_px == (1, 2, 30, 40)
    assert {box.points_px for box in found} == {points}
