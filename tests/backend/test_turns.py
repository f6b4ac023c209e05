"""Requests of many questions beside requests of one: who waits for whom, and what leaving does; over real sockets."""

from __future__ import annotations

import threading

import psutil
import pytest

from geo_r1_backend.engines.select import Selection
from tests.backend.conftest import make_model_folder
from tests.backend.fixed_engine import FixedEngine
from tests.backend.listener import Listener

MANY = [f"tile-{number}" for number in range(6)]
LONG, SHORT = "tanks", "ships"


class Turnstile(FixedEngine):
    """Each call of it waits for a ticket; keeps what each call was about."""

    def __init__(self, **more):
        super().__init__(**more)
        self.calls = []
        self._tickets = threading.Semaphore(0)
        self._called = threading.Condition()

    def generate(self, items, options, should_stop):
        about = [next((w for w in (LONG, SHORT) if w in item.prompt), "?") for item in items]
        with self._called:
            self.calls.append(about)
            self._called.notify_all()
        while not self._tickets.acquire(timeout=0.01):
            if should_stop():
                return
        yield from super().generate(items, options, should_stop)

    def let_in(self, calls=1):
        """Tickets for so many calls."""
        self._tickets.release(calls)

    def wait_for_call(self, number, timeout_s=5.0):
        """Until there were so many calls."""
        with self._called:
            if not self._called.wait_for(lambda: len(self.calls) >= number, timeout_s):
                pytest.fail(f"{len(self.calls)} calls instead of {number}: {self.calls}")


def asking(running, query, items=None, **more):
    """A request that has come in: its stream has begun."""
    stream = Listener(running, running.put_chip(), items=items, query=query, **more)
    stream.wait_for("queued")
    return stream


def results(names):
    return [(name, "result") for name in names]


def test_one_question_passes_a_request_of_many_between_its_batches(start_service):
    """Somebody at a map waits for one batch of a whole layer, not for the layer; each item still ends once."""
    engine = Turnstile(best_batch=2)
    running = start_service(engine)
    layer = asking(running, LONG, MANY)
    engine.wait_for_call(1)
    question = asking(running, SHORT)

    engine.let_in(2)
    question.join()
    answered_before = len(layer.finals)
    engine.let_in(2)
    layer.join()

    assert engine.calls == [[LONG] * 2, [SHORT], [LONG] * 2, [LONG] * 2]
    assert question.finals == results(["a"])
    assert [e["position"] for e in question.events if e["event"] == "queued"] == [1]
    assert answered_before <= 2
    assert sorted(layer.finals) == results(MANY)


def test_a_request_of_many_goes_on_however_many_ask(start_service):
    """After those who waited have passed, the request of many has a batch before the next ones do."""
    engine = Turnstile(best_batch=2)
    running = start_service(engine)
    layer = asking(running, LONG, MANY)
    engine.wait_for_call(1)
    questions = [asking(running, SHORT), asking(running, SHORT)]
    engine.let_in()
    engine.wait_for_call(2)
    questions.append(asking(running, SHORT))

    engine.let_in(5)
    for stream in (layer, *questions):
        stream.join()

    assert engine.calls == [[LONG] * 2, [SHORT], [SHORT], [LONG] * 2, [SHORT], [LONG] * 2]


def test_requests_of_many_wait_for_each_other(start_service):
    """Two whole layers are answered one after the other; a question says its place among questions, a layer among all."""
    engine = Turnstile(best_batch=4)
    running = start_service(engine)
    first = asking(running, LONG, MANY)
    engine.wait_for_call(1)
    second = asking(running, LONG, MANY)
    question = asking(running, SHORT)

    engine.let_in(5)
    for stream in (first, second, question):
        stream.join()

    places = [
        [e["position"] for e in s.events if e["event"] == "queued"] for s in (second, question)
    ]
    assert engine.calls == [[LONG] * 4, [SHORT], [LONG] * 2, [LONG] * 4, [LONG] * 2]
    assert places[0][:: len(MANY)] == [1, 2, 1]
    assert places[1] == [1]


def test_windows_of_a_request_of_many_are_batches_too(start_service):
    """A large picture among many is looked at through windows; a question passes between two of them."""
    engine = Turnstile(best_batch=2)
    running = start_service(engine)
    large = running.put_chip(2400, 1200)
    layer = Listener(running, large, items=MANY[:5], query=LONG)
    engine.wait_for_call(1)
    question = asking(running, SHORT)

    engine.let_in(2)
    question.join()

    assert engine.calls[:2] == [[LONG] * 2, [SHORT]]
    assert layer.finals == []
    engine.let_in(1000)
    layer.join()
    assert layer.finals == results(MANY[:5])


def test_who_leaves_while_others_pass_is_forgotten(start_service):
    """A whole layer whose client goes while a question passes is not answered further, and the question is."""
    engine = Turnstile(best_batch=2)
    running = start_service(engine)
    layer = asking(running, LONG, MANY)
    engine.wait_for_call(1)
    question = asking(running, SHORT)
    engine.let_in()
    engine.wait_for_call(2)

    layer.leave()
    layer.join()
    engine.let_in()
    question.join()
    second = asking(running, SHORT)
    engine.let_in()
    second.join()

    assert question.finals == second.finals == results(["a"])
    further = [call for call in engine.calls[2:] if call == [LONG] * 2]
    assert [call for call in engine.calls if call not in further or call is engine.calls[0]] == [
        [LONG] * 2, [SHORT], [SHORT]
    ]  # fmt: skip
    assert len(further) <= 1  # that its client is gone is noticed a moment later
    assert running.service.queue.length == 0


@pytest.mark.parametrize("best_batch", [1, 8])
def test_leaving_a_request_of_many_frees_the_engine(start_service, best_batch):
    """When the client of a whole layer goes, the engine is free within a second, whatever its batch."""
    engine = FixedEngine(delay_s=0.01, best_batch=best_batch)
    running = start_service(engine)
    layer = Listener(running, running.put_chip(), items=[f"t{number}" for number in range(256)])
    layer.wait_for("token")

    layer.leave()
    layer.join()

    assert engine.wait_until_idle(timeout_s=1.0)
    assert len(engine.seen) < 20


def test_stopping_ends_what_has_let_others_pass(start_service):
    """A service that stops gives each item of both requests its final event, exactly one."""
    engine = Turnstile(best_batch=2)
    running = start_service(engine)
    layer = asking(running, LONG, MANY)
    engine.wait_for_call(1)
    question = asking(running, SHORT)
    engine.let_in()
    engine.wait_for_call(2)

    running.server.should_exit = True
    layer.join()
    question.join()

    assert question.finals == [("a", "error")]
    assert layer.finals == results(MANY[:2]) + [(name, "error") for name in MANY[2:]]


def test_engine_that_nests_lets_a_question_pass_within_a_batch(start_service):
    """Where an answer may rest between two pieces, nobody waits for the end of a batch of 64."""
    engine = FixedEngine(delay_s=0.004, step=20, best_batch=64, nests=True)
    running = start_service(engine)
    names = [f"tile-{number}" for number in range(40)]
    layer = Listener(running, running.put_chip(), items=names, query=LONG)
    layer.wait_for("token")

    question = asking(running, SHORT)
    question.join()
    answered_before = len(layer.finals)
    layer.join()

    assert question.finals == results(["a"])
    assert answered_before < 35
    assert layer.finals == results(names)


def test_nobody_passes_who_would_have_to_load_a_model(start_service, model_folder):
    """A question to a model that is not loaded waits its turn: loading could push out the one that answers."""
    make_model_folder(model_folder.parent / "other")
    engine, other = Turnstile(best_batch=3), FixedEngine()
    loaded = []

    def load(folder):
        loaded.append(folder.id)
        return (engine if folder.id == "fixed" else other), Selection("fixed")

    running = start_service(load)
    layer = asking(running, LONG, MANY)
    engine.wait_for_call(1)
    question = asking(running, SHORT, model="fixed-2")
    engine.let_in()
    engine.wait_for_call(2)

    assert loaded == ["fixed"]
    engine.let_in()
    layer.join()
    question.join()
    assert loaded == ["fixed", "fixed-2"]
    assert question.finals == results(["a"])


def test_memory_is_flat_over_two_thousand_items(start_service):
    """Eight requests of 256 tiles, each with pixels of its own: what the service holds does not grow with them."""
    engine = FixedEngine(step=1000, best_batch=64)
    running = start_service(engine, chip_budget_bytes=1_000_000)
    process = psutil.Process()
    resident = []
    for request in range(8):
        chips = [running.put_chip(112, 112, (request, number, 90)) for number in range(32)]
        items = [
            {"item": str(number), "chip": chips[number % 32], "query": LONG, "detail": "view"}
            for number in range(256)
        ]
        with running.client.stream("POST", "/v1/ground", json={"items": items}) as reply:
            ends = sum('"event":"result"' in line for line in reply.iter_lines())
        engine.seen.clear()
        resident.append(process.memory_info().rss)
        assert ends == 256

    assert resident[-1] - resident[1] < 30 * 1024 * 1024
