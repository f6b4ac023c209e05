"""One engine answers until another one that takes long to start is ready; they change between two calls, never within one."""

from __future__ import annotations

import threading
import time

import psutil
import pytest

from geo_r1_backend.engines import embedded, quickest, ways
from geo_r1_backend.engines.base import EngineItem, EngineStatus, GenerationOptions
from geo_r1_backend.engines.handover import HandingOver
from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.engines.torch_engine import TorchEngine
from geo_r1_backend.engines.ways import ON_CPU, TORCH_CUDA, Way
from geo_r1_backend.errors import ModelFailed
from geo_r1_backend.models.export import export_stock_folder
from geo_r1_backend.models.registry import describe
from tests.backend.fixed_engine import FixedEngine
from tests.backend.listener import Listener
from tests.backend.tiny_model import picture, write_tiny_model

ITEM = EngineItem(picture(448, 448), "Find the largest tank.")
OPTIONS = GenerationOptions(max_new_tokens=24)
TORCH_CPU = Way("torch", "cpu")


class Named(FixedEngine):
    """A fixed engine with a name of its own, as engines beside each other have."""

    def __init__(self, name, **more):
        super().__init__(f"<think>said by {name}</think><answer>none</answer>", **more)
        self.name, self.chosen = name, f"{name} is quick"

    def status(self):
        assert not self.closed, "asked after it was closed"
        return EngineStatus(self.name, "cpu", facts={"chosen": self.chosen})


class Preparing:
    """What takes long to start: it is ready when the test says so."""

    def __init__(self, engine):
        self.engine, self.is_wanted = engine, None
        self._ready = threading.Event()

    def __call__(self, should_stop):
        while not self._ready.wait(0.01):
            if should_stop():
                self.is_wanted = False
                return None
        return self.engine

    def end(self, engine):
        self._ready.set()
        assert engine.wait(5)


@pytest.fixture
def both():
    return Named("first", best_batch=4, nests=True), Named("second", best_batch=64)


def says(engine, items=(ITEM,)):
    return "".join(piece.text for piece in engine.generate(items, OPTIONS, lambda: False))


def test_nobody_waits_for_the_one_that_takes_long(both):
    """The first answers at once; when the second is ready it answers, the first is closed, and batches are as long as suits the second."""
    first, second = both
    preparing = Preparing(second)
    engine = HandingOver(first, preparing, "second is being started")

    assert "by first" in says(engine)
    assert (engine.best_batch, engine.nests) == (4, True)
    assert engine.status().facts == {"chosen": "first is quick", "soon": "second is being started"}

    preparing.end(engine)
    assert "by second" in says(engine)
    assert (engine.best_batch, engine.nests, first.closed) == (64, False, True)
    assert engine.status().facts == {"chosen": "second is quick"}
    engine.close()
    assert second.closed


@pytest.fixture
def under_way(both):
    """An answer that the first has begun; the second is ready now. The engine, the rest of the answer, the first one."""
    preparing = Preparing(both[1])
    engine = HandingOver(both[0], preparing, "second")
    pieces = engine.generate([ITEM], OPTIONS, lambda: False)
    next(pieces)
    preparing.end(engine)
    yield engine, pieces, both[0]
    engine.close()


def test_an_answer_ends_on_the_engine_it_began_on(under_way):
    """What is under way, and a question that passes within it, are the first one's to the end; the next call is the second's."""
    engine, pieces, first = under_way

    assert "by first" in says(engine)
    assert not first.closed
    assert "".join(piece.text for piece in pieces).endswith("</answer>")

    assert first.closed
    assert "by second" in says(engine)


def test_an_answer_that_is_left_hands_over_as_well(under_way):
    """Whoever asked has left: closing the answer is its end."""
    engine, pieces, first = under_way

    pieces.close()

    assert first.closed
    assert "by second" in says(engine)


def test_health_does_not_wait_for_a_worker_that_ends(both):
    """An engine that takes long to close is asked for its status meanwhile, as a service's health does."""
    first, _ = both
    closing, go_on = threading.Event(), threading.Event()
    engine = HandingOver(first, lambda _: None, "nothing")
    assert engine.wait(5)

    def slowly():
        closing.set()
        assert go_on.wait(5)

    first.close = slowly
    thread = threading.Thread(target=engine.close)
    thread.start()
    assert closing.wait(5)
    asked = threading.Thread(target=engine.status)
    asked.start()
    asked.join(2)
    was_answered = not asked.is_alive()
    go_on.set()
    thread.join(5)

    assert was_answered


@pytest.mark.parametrize("outcome", [None, RuntimeError("no driver")], ids=["not better", "fails"])
def test_the_first_goes_on_where_nothing_comes(both, outcome):
    """What was prepared is slower, or does not start: nothing changes, and nothing is announced any more."""

    def prepare(_should_stop):
        if outcome is not None:
            raise outcome

    engine = HandingOver(both[0], prepare, "second")
    assert engine.wait(5)

    assert "by first" in says(engine)
    assert "soon" not in engine.status().facts
    engine.close()
    assert both[0].closed


def test_closing_ends_what_is_being_prepared(both):
    """A service that ends, or a training run that wants the memory: the start is called off, and what came too late is closed."""
    preparing = Preparing(both[1])
    engine = HandingOver(both[0], preparing, "second")
    began = time.monotonic()
    engine.close()
    assert preparing.is_wanted is False
    assert time.monotonic() - began < 2
    assert both[0].closed

    late = Named("late")

    def heedless(should_stop):
        while not should_stop():
            time.sleep(0.01)
        return late

    HandingOver(Named("other"), heedless, "late").close()
    assert late.closed


def test_a_request_of_many_goes_over_between_its_batches(start_service):
    """Every item of a whole layer is answered once: the batch under way by the first engine, the rest by the second in larger batches."""
    first, second = Named("first", best_batch=2, hang=True), Named("second", best_batch=64)
    first.profile = second.profile
    preparing = Preparing(second)
    engine = HandingOver(first, preparing, "second")
    running = start_service(engine)
    names = [f"tile-{number}" for number in range(9)]
    stream = Listener(running, running.put_chip(), items=names, query="the tank")
    assert first.began.wait(5)

    preparing.end(engine)
    first.go_on.set()
    stream.join()

    said_by = {e["item"]: e["engine"] for e in stream.events if e["event"] == "result"}
    assert [said_by[name] for name in names] == ["first"] * 2 + ["second"] * 7
    assert (len(first.seen), len(second.seen)) == (2, 7)
    assert running.client.get("/v1/health").json()["engine"] == "second"


def test_the_embedded_model_goes_over_to_torch(tmp_path, monkeypatch):
    """Real engines, torch on the processor in the place of a card: measured behind the first answer, taken, and at the next start begun at once."""
    monkeypatch.setattr(ways, "has_gpu", lambda: True)
    monkeypatch.setattr(ways, "possible_ways", lambda *_, **__: [ON_CPU, TORCH_CPU])
    monkeypatch.setattr(ways, "MUCH", 1e9)  # however slow it is here
    monkeypatch.setattr(embedded, "WAIT_S", 0.0)
    folder = write_tiny_model(tmp_path / "tiny", max_positions=2048)

    said = []
    for start in ("first", "second"):
        engine, selection = load_engine(
            describe(folder), threads=1, device="auto", kept=tmp_path / "kept"
        )
        assert engine.status().name == "onnx"
        assert "soon" in engine.status().facts
        assert "cuda" not in selection.refused
        said.append(says(engine))
        assert engine.wait(120), start
        status = engine.status()
        assert (status.name, "soon" in status.facts) == ("torch", False)
        assert status.facts["chosen"].startswith(
            "torch on cpu; a short question takes: onnx on cpu"
        )
        said.append(says(engine))
        engine.close()

    assert len(said) == 4
    assert len(set(said)) == 1


def test_a_card_that_torch_cannot_use_leaves_the_first(tmp_path, monkeypatch):
    """Torch starts in its own process and fails there: the processor goes on, the reason can be read, and the next start does not try it again."""
    monkeypatch.setattr(ways, "has_gpu", lambda: True)
    monkeypatch.setattr(ways, "possible_ways", lambda *_, **__: [ON_CPU, TORCH_CUDA])
    monkeypatch.setattr(embedded, "WAIT_S", 0.0)
    folder = write_tiny_model(tmp_path / "tiny", max_positions=2048)

    engine, _ = load_engine(describe(folder), threads=1, device="auto", kept=tmp_path / "kept")
    assert engine.wait(120)
    assert "torch on cuda failed (" in engine.status().facts["chosen"]
    assert says(engine)
    engine.close()

    again, selection = load_engine(
        describe(folder), threads=1, device="auto", kept=tmp_path / "kept"
    )
    assert "torch on cuda" in selection.refused
    assert "soon" not in again.status().facts
    again.close()


def test_a_start_that_is_called_off_is_not_a_failure(tmp_path):
    """The service ended while torch was being measured: nothing is noted, so the next start tries it."""
    measured = ways.Measured(tmp_path / "tiny.json", {"model": "abc"})

    def start(_way):
        raise ModelFailed(model="tiny", reason="it is not wanted any more")

    found = quickest.start_later(
        TORCH_CUDA, [ON_CPU, TORCH_CUDA], measured, start, lambda _: 0.1, lambda: True
    )

    assert found is None
    assert not measured.knows(TORCH_CUDA)
    assert not (tmp_path / "tiny.json").exists()


def test_a_full_card_is_tried_again(tmp_path):
    """Torch was the quickest and does not start today: its figures stay, so the next start tries it again; the reason is said."""
    measured = ways.Measured(tmp_path / "tiny.json", {"model": "abc"})
    measured.seconds = {ON_CPU.name: 0.25, TORCH_CUDA.name: 0.02}
    measured.write()

    def start(_way):
        raise RuntimeError("out of memory")

    assert (
        quickest.start_later(
            TORCH_CUDA, [ON_CPU, TORCH_CUDA], measured, start, lambda _: 0.1, lambda: False
        )
        is None
    )
    assert "torch on cuda failed (RuntimeError: out of memory)" in measured.words
    kept = ways.Measured(tmp_path / "tiny.json", {"model": "abc"})
    kept.read()
    assert kept.best([ON_CPU, TORCH_CUDA])[0] == TORCH_CUDA


def test_a_worker_that_is_not_wanted_is_ended_while_it_starts(tmp_path):
    """Importing torch takes seconds: a start that is called off ends its process at once."""
    stock = tmp_path / "stock"
    export_stock_folder(write_tiny_model(tmp_path / "tiny", max_positions=2048), stock)
    began = time.monotonic()

    with pytest.raises(ModelFailed, match="not wanted any more"):
        TorchEngine(stock, threads=1, should_stop=lambda: time.monotonic() - began > 0.3)

    assert time.monotonic() - began < 1.5
    running = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert not [command for command in running if str(stock) in command]
