"""An engine that answers several times slower than its device could says so: in the log, with every answer and in the health."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from geo_r1_backend.api.service import _refused
from geo_r1_backend.engines import torch_shared
from geo_r1_backend.engines.torch_own import OwnAnswers
from geo_r1_backend.engines.torch_shared import SharedWorker, Start

WHY = "CUDA graphs could not be recorded: RuntimeError: out of memory"


class Worker:
    """A worker process that answers each request at once, the first one slowly."""

    pid, alive = 1, True

    def __init__(self, *_):
        self._out = [{"event": "loaded", "device": "cuda", "facts": {}}]
        self._slow = [WHY, WHY, ""]

    def send(self, message, blobs=()):
        self._out.append({"event": "done", "id": message["id"], "slow": self._slow.pop(0)})

    def receive(self, timeout_s):
        return self._out.pop(0) if self._out else None

    def close(self, grace_s):
        pass


@pytest.fixture
def worker(monkeypatch, tmp_path):
    monkeypatch.setattr(torch_shared, "WorkerProcess", Worker)
    taken = SharedWorker.taken(Start(tmp_path / "large"), "large")
    yield taken
    taken.release()


def ask(worker):
    list(worker.asked({}, lambda: False, model_id="large", silence_limit_s=lambda: 5.0))


def test_it_is_logged_once_and_forgotten_when_it_is_over(worker, caplog):
    """A worker says with each answer why it was slow; the log has it once, and the engine knows as long as it holds."""
    with caplog.at_level(logging.WARNING):
        ask(worker)
        assert worker.slow == WHY
        ask(worker)
    assert [record.getMessage() for record in caplog.records] == [
        f"large answers slower than it could: {WHY}"
    ]

    ask(worker)

    assert worker.slow == ""


@pytest.mark.parametrize(("refused", "said"), [("", ""), ("RuntimeError: out of memory", WHY)])
def test_what_was_not_recorded_is_why(refused, said):
    """The loop's reason becomes the worker's word."""
    answers = OwnAnswers(SimpleNamespace(max_rows=4, refused=refused), None)

    assert answers.slow == said


def test_health_has_it():
    """Beside the engines that cannot run here."""
    assert _refused({"onnx": "no graphs"}, {"slow": WHY}) == {"onnx": "no graphs", "speed": WHY}
    assert _refused({}, {"dtype": "bfloat16"}) == {}
