"""Sixty-four at once: all are answered in their turn, whoever leaves is forgotten, and nothing grows."""

import json
import threading
import time

import psutil

from tests.backend.conftest import TOKEN, png
from tests.backend.fixed_engine import FixedEngine
from tests.hostile.raw import talk

CLIENTS = 64
HEAD = f"Host: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"


def at_once(work, count=CLIENTS):
    """Run `work(number)` on so many threads that start together."""
    gate, threads = threading.Barrier(count), []

    def begin(number):
        gate.wait(20)
        work(number)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert not any(thread.is_alive() for thread in threads)


def test_sixty_four_clients_are_all_answered(start_service):
    """Each sends its own picture and question at the same moment; all have a result, in the order they came in."""
    running = start_service(FixedEngine(delay_s=0.002, step=40))
    memory_before = psutil.Process().memory_info().rss
    positions, endings, done = {}, {}, []

    def ask(number):
        with running.new_client() as client:
            image = png(100 + number, 100)
            chip = client.put(f"/v1/chips/{_name(image)}", content=image).json()["sha256"]
            body = {"items": [{"item": "a", "chip": chip, "query": "tanks"}]}
            events = [
                json.loads(line) for line in client.post("/v1/ground", json=body).text.splitlines()
            ]
            positions[number] = next(e["position"] for e in events if e["event"] == "queued")
            endings[number] = events[-1]["event"]
            done.append(number)

    at_once(ask)

    assert set(endings.values()) == {"result"}
    assert len(endings) == CLIENTS
    # answered in turn: where one stood in line is where it was answered, give or take the threads of the test itself
    moved = [abs(positions[number] - place) for place, number in enumerate(done)]
    assert sorted(moved)[CLIENTS // 2] <= CLIENTS // 4
    assert psutil.Process().memory_info().rss - memory_before < 200 * 1024 * 1024


def test_those_who_leave_free_their_place(start_service):
    """Sixty-four clients ask a slow service and go; nobody stands in line for them, and the next question is answered."""
    engine = FixedEngine(hang=True)
    running = start_service(engine)
    chip = running.put_chip()
    body = json.dumps({"items": [{"item": "a", "chip": chip, "query": "tanks"}]}).encode()
    request = (
        f"POST /v1/ground HTTP/1.1\r\n{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body
    )
    process = psutil.Process()
    fds_before = process.num_fds()
    at_once(lambda _: talk(running.url, request, close_early=True))
    until = time.monotonic() + 10
    queue = running.service.queue
    while (
        queue.length or queue.busy or process.num_fds() > fds_before + 2
    ) and time.monotonic() < until:
        time.sleep(0.02)

    assert (queue.length, queue.busy) == (0, False)
    assert process.num_fds() <= fds_before + 2
    engine.go_on.set()
    assert running.ask(chip)[-1]["event"] == "result"


def test_the_line_has_an_end(start_service):
    """More than may wait are told so at once, with the limit; those in line are answered all the same."""
    engine = FixedEngine(hang=True)
    running = start_service(engine, queue_limit=8)
    chip = running.put_chip()
    refused, answered = [], []

    def ask(_):
        with running.new_client() as client:
            reply = client.post(
                "/v1/ground", json={"items": [{"item": "a", "chip": chip, "query": "tanks"}]}
            )
            (answered if reply.status_code == 200 else refused).append(reply)
            if len(refused) == 30 - 9:
                engine.go_on.set()

    at_once(ask, count=30)

    assert {reply.json()["code"] for reply in refused} == {"queue-full"}
    assert {reply.json()["parameters"]["limit"] for reply in refused} == {8}
    assert all(json.loads(reply.text.splitlines()[-1])["event"] == "result" for reply in answered)


def _name(content):
    import hashlib

    return hashlib.sha256(content).hexdigest()
