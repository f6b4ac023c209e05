"""Which way of running the embedded model is taken on a machine with a GPU: the bookkeeping with engines that are given, float16 with real ones."""

from __future__ import annotations

import json

import pytest

from geo_r1_backend.engines import quickest, ways
from geo_r1_backend.engines.base import EngineItem, GenerationOptions
from geo_r1_backend.engines.onnx import OnnxEngine
from geo_r1_backend.engines.same_boxes import SameBoxes, boxes_of, fault_of
from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.engines.ways import ON_CPU, ONNX_CUDA, TORCH_CUDA, Measured
from geo_r1_backend.errors import ModelFailed
from geo_r1_backend.models.registry import describe, embedded_folder
from tests.backend.fixed_engine import FixedEngine
from tests.backend.tiny_model import picture, write_tiny_model

ABOUT = {"model": "abc", "onnxruntime-gpu": "1.30.0"}
EVERY = [ON_CPU, ONNX_CUDA, TORCH_CUDA]


class Engines:
    """Stand in for real ones: each way takes so many seconds a question, or does not start."""

    def __init__(self, **seconds):
        self.seconds = seconds
        self.started, self.closed, self.asked = [], [], []

    def start(self, way):
        self.started.append(way)
        found = self.seconds[f"{way.engine}_{way.device}"]
        if isinstance(found, str):
            raise RuntimeError(found)  # noqa: TRY004 - stands for a driver
        return Engine(self, way, found)

    def ask(self, engine):
        self.asked.append(engine.way)
        return engine.seconds


class Engine:
    def __init__(self, engines, way, seconds):
        self.way, self.seconds, self.chosen = way, seconds, ""
        self._engines = engines

    def close(self):
        self._engines.closed.append(self.way)


def chosen(engines, path, possible=EVERY, about=ABOUT, **more):
    """The way that one start takes, and what is known behind it."""
    measured = Measured(path, about)
    measured.read()
    engine, way = quickest.quickest(possible, measured, engines.start, engines.ask, **more)
    assert engine.way == way
    return way, measured


@pytest.fixture
def path(tmp_path):
    return tmp_path / "engines" / "tiny.json"


def test_the_quickest_is_measured_once_and_taken_again(path):
    """The first start asks each of onnxruntime's ways and keeps the figures; the second starts the winner alone and asks nothing."""
    engines = Engines(onnx_cpu=0.25, onnx_cuda=0.06, torch_cuda=0.04)

    first, measured = chosen(engines, path)
    asked = len(engines.asked)
    again, _ = chosen(engines, path)

    assert (first, again) == (ONNX_CUDA, ONNX_CUDA)
    assert engines.closed == [ON_CPU]
    assert engines.started == [ON_CPU, ONNX_CUDA, ONNX_CUDA]
    assert len(engines.asked) == asked
    assert measured.words == "a short question takes: onnx on cpu 250 ms, onnx on cuda 60 ms"


def test_a_card_that_gains_little_is_left_alone(path):
    """A GPU must be clearly quicker: its memory is needed by others."""
    engines = Engines(onnx_cpu=0.25, onnx_cuda=0.24)

    assert chosen(engines, path, EVERY[:2])[0] == ON_CPU
    assert engines.closed == [ONNX_CUDA]


def later(engines, measured, check=None):
    """The engine that is started behind the first one, or None."""
    return quickest.start_later(
        TORCH_CUDA, EVERY, measured, engines.start, engines.ask, lambda: False, check=check
    )


def test_torch_is_measured_behind_the_first_start(path):
    """What takes long to start is tried in the background and taken at once where it is the quickest; the next start asks it one question to warm up."""
    engines = Engines(onnx_cpu=0.25, onnx_cuda=0.06, torch_cuda=0.04)
    way, measured = chosen(engines, path, later=[TORCH_CUDA])
    assert way == ONNX_CUDA
    assert not measured.knows(TORCH_CUDA)

    assert later(engines, measured).way == TORCH_CUDA
    way, measured = chosen(engines, path, later=[TORCH_CUDA])
    assert way == ONNX_CUDA
    asked = len(engines.asked)
    assert later(engines, measured).way == TORCH_CUDA
    assert engines.asked[asked:] == [TORCH_CUDA]


def test_torch_that_is_not_quicker_is_closed_again(path):
    """Measured in the background, and not taken."""
    engines = Engines(onnx_cpu=0.25, onnx_cuda=0.06, torch_cuda=0.07)
    _, measured = chosen(engines, path, later=[TORCH_CUDA])

    assert later(engines, measured) is None
    assert engines.closed[-1] == TORCH_CUDA


def test_a_way_that_fails_is_named_and_left_until_versions_change(path):
    """A driver that refuses costs one try and its reason can be read; another version of a package is tried anew."""
    engines = Engines(onnx_cpu=0.25, onnx_cuda="no kernel image is available\nat line 5")
    way, measured = chosen(engines, path, EVERY[:2])
    assert way == ON_CPU
    assert measured.failed == {"onnx on cuda": "RuntimeError: no kernel image is available"}

    chosen(engines, path, EVERY[:2])
    assert engines.started.count(ONNX_CUDA) == 1

    engines.seconds["onnx_cuda"] = 0.05
    newer = {**ABOUT, "onnxruntime-gpu": "1.31.0"}
    assert chosen(engines, path, EVERY[:2], newer)[0] == ONNX_CUDA


def test_a_winner_that_does_not_start_today_gives_way_to_the_next(path):
    """A card that is full now: the next best answers, and what is kept says why."""
    engines = Engines(onnx_cpu=0.25, onnx_cuda=0.06)
    chosen(engines, path, EVERY[:2])
    engines.seconds["onnx_cuda"] = "out of memory"

    assert chosen(engines, path, EVERY[:2])[0] == ON_CPU
    assert "out of memory" in json.loads(path.read_text())["failed"]["onnx on cuda"]


def test_measuring_stays_within_its_seconds(path):
    """When the time is over each way that is left is asked once, behind the question that warms it up."""
    engines = Engines(onnx_cpu=0.25, onnx_cuda=0.06)
    times = iter([0.0, 0.5, 99.0, *[99.0] * 9])

    assert chosen(engines, path, EVERY[:2], clock=lambda: next(times))[0] == ONNX_CUDA
    assert len(engines.asked) < 2 * (1 + quickest.QUESTIONS)


def test_without_a_card_nothing_is_tried(tmp_path, monkeypatch):
    """No GPU, or none of the packages: the one way there is, at once and without a file."""
    assert ways.possible_ways(["CUDAExecutionProvider"], gpu=False) == [ON_CPU]
    assert ways.possible_ways(["CPUExecutionProvider"], gpu=True)[0] == ON_CPU
    assert ONNX_CUDA not in ways.possible_ways(["CPUExecutionProvider"], gpu=True)
    monkeypatch.setattr(ways, "has_gpu", lambda: False)
    folder = write_tiny_model(tmp_path / "tiny", max_positions=2048)

    engine, _ = load_engine(describe(folder), threads=1, device="auto", kept=tmp_path / "kept")
    engine.close()

    assert not (tmp_path / "kept").exists()
    with pytest.raises(ModelFailed, match="no GPU can run it here"):
        load_engine(describe(folder), threads=1, device="cuda", kept=tmp_path / "kept")


def test_a_card_whose_driver_is_broken_leaves_the_processor(tmp_path, monkeypatch):
    """A card seems to be there, but neither onnxruntime nor torch can use it: the processor answers and the reasons are said."""
    monkeypatch.setattr(ways, "has_gpu", lambda: True)
    monkeypatch.setattr(ways, "possible_ways", lambda *_, **__: [ON_CPU, ONNX_CUDA])
    folder = write_tiny_model(tmp_path / "tiny", max_positions=2048)

    engine, selection = load_engine(
        describe(folder), threads=1, device="auto", kept=tmp_path / "kept"
    )
    status = engine.status()
    engine.close()

    assert (status.name, status.device) == ("onnx", "cpu")
    assert "chosen" in status.facts
    assert "onnx on cuda" in selection.refused


def test_torch_reads_the_same_model_from_a_folder_made_once(tmp_path):
    """The folder is whole or not there, and is not made again."""
    folder = write_tiny_model(tmp_path / "tiny", max_positions=2048)

    made = quickest.stock_folder(folder, tmp_path / "kept" / "tiny-abc")
    weights = made / "model.safetensors"
    written = weights.stat().st_mtime_ns

    assert quickest.stock_folder(folder, made) == made
    assert weights.stat().st_mtime_ns == written
    assert [place.name for place in made.parent.iterdir()] == ["tiny-abc"]


def test_int8_stays_on_the_processor(tmp_path, monkeypatch):
    """Whoever asks for int8 has a slow machine, not a card."""
    monkeypatch.setattr(ways, "has_gpu", lambda: pytest.fail("looked for a card"))
    folder = write_tiny_model(tmp_path / "tiny", max_positions=2048)

    engine, _ = load_engine(
        describe(folder), threads=1, arithmetic="int8", device="auto", kept=tmp_path
    )

    assert engine.status().device == "cpu"
    engine.close()


def test_float16_says_what_float32_says():
    """The shipped model with the graphs that a GPU runs, here on the processor: the same text for one and for several items, guesses included."""
    options = GenerationOptions(max_new_tokens=60)
    items = [
        EngineItem(picture(448, 448, seed), words)
        for seed, words in ((1, "Find all buildings."), (2, "Find the largest storage tank."))
    ]
    texts = []
    for arithmetic in ("float32", "float16"):
        engine = OnnxEngine(embedded_folder(), 2, arithmetic)
        said = {}
        for piece in engine.generate(items, options, lambda: False):
            said[piece.index] = said.get(piece.index, "") + piece.text
        texts.append(said)
        engine.close()

    assert texts[0] == texts[1]
    assert len(texts[0]) == 2


class Boxes:
    """Stands for the comparison with the processor: some ways are not right."""

    def __init__(self, **faults):
        self.faults, self.reference = faults, []

    def remember(self, engine):
        self.reference.append(engine.way)

    def fault(self, engine):
        return self.faults.get(f"{engine.way.engine}_{engine.way.device}", "")


def test_a_quick_way_that_is_not_right_is_not_taken(path):
    """However quick: it has failed, its reason can be read, and the next start does not take it either."""
    engines = Engines(onnx_cpu=0.25, onnx_cuda=0.06)
    check = Boxes(onnx_cuda="4 of 4 answers had other boxes")

    way, measured = chosen(engines, path, EVERY[:2], check=check)

    assert way == ON_CPU
    assert check.reference == [ON_CPU]
    assert measured.failed == {"onnx on cuda": "NotRightError: 4 of 4 answers had other boxes"}
    assert engines.closed == [ONNX_CUDA]
    assert chosen(engines, path, EVERY[:2], check=check)[0] == ON_CPU


def test_torch_is_checked_too(path):
    """The way that is measured in the background must be right as well."""
    engines = Engines(onnx_cpu=0.25, onnx_cuda=0.06, torch_cuda=0.01)
    check = Boxes(torch_cuda="2 of 4 answers had other boxes")
    _, measured = chosen(engines, path, check=check, later=[TORCH_CUDA])

    assert later(engines, measured, check) is None
    assert "torch on cuda" in json.loads(path.read_text())["failed"]
    assert chosen(engines, path, check=check)[0] == ONNX_CUDA


def test_right_is_near_and_mostly():
    """A box may move by a pixel and one answer of four may name another object; two may not, nor may boxes be lacking."""
    one, moved, other = (
        (10.0, 10.0, 60.0, 60.0),
        (11.0, 10.0, 60.0, 61.0),
        (200.0, 200.0, 260.0, 260.0),
    )
    usual = [[one], [one, other], [], [other]]

    assert fault_of([[moved], [moved, other], [], [other]], usual) == ""
    assert fault_of([[other], [moved, other], [], [other]], usual) == ""
    assert fault_of([[other], [moved, other], [], []], usual).startswith("2 of 4 answers had other")
    assert fault_of([[one], [one], [one], [other]], usual).startswith("2 of 4")
    assert boxes_of("near [1, 2,3,4] and [5,6,7]") == [(1.0, 2.0, 3.0, 4.0)]


def test_the_shipped_model_is_right_in_float16():
    """The questions of the choice, asked of the real model in float16 and in float32; an engine that says something else is found out."""
    started = []

    def start():
        started.append(1)
        return OnnxEngine(embedded_folder(), 2)

    check = SameBoxes(embedded_folder(), start)
    half = OnnxEngine(embedded_folder(), 2, "float16")
    try:
        assert check.fault(half) == ""
        assert check.fault(FixedEngine("[0,0,20,20]")).startswith("4 of 4 answers had other boxes")
    finally:
        half.close()
    assert started == [1]
