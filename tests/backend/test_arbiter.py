"""Questions during training: never refused on a processor, never late by more than a share; a GPU's memory is measured."""

from __future__ import annotations

import statistics
import time
from functools import partial

import pytest

from geo_r1_backend.engines.select import Selection, load_engine
from geo_r1_backend.errors import DeviceBusy
from geo_r1_backend.grounding.arbiter import GIB, Arbiter, Training
from geo_r1_backend.grounding.host import ModelHost
from geo_r1_backend.models.registry import EMBEDDED_ID, ModelFolder
from tests.backend.conftest import png
from tests.backend.fixed_engine import FixedEngine
from tests.backend.training import (
    events_of,
    make_dataset,
    sample,
    start_run,
    state_of,
    wait_for,
    wait_for_step,
)

ON_CPU, ON_GPU = Training("r", "cpu", 600.0), Training("r", "cuda", 40.0)


@pytest.fixture
def large(tmp_path):
    """A folder of transformers with weights of 2 GiB (of which no byte is on the disk)."""
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(2 * GIB)
    return ModelFolder("large", "Large", tmp_path, "transformers")


@pytest.fixture
def small(tmp_path):
    return ModelFolder("nano", "Nano", tmp_path, "onnx")


def arbiter(training, gpu_gib=None, main_gib=64.0):
    return Arbiter(
        lambda: training,
        free_gpu_bytes=lambda: None if gpu_gib is None else int(gpu_gib * GIB),
        free_bytes=lambda: int(main_gib * GIB),
    )


@pytest.mark.parametrize(
    ("training", "gpu_gib", "device", "on_cpu", "said"),
    [
        (None, 0.1, None, False, ""),  # nobody trains
        (ON_CPU, 80, None, False, "shares the processor"),
        (ON_CPU, 80, "cuda", False, ""),  # another device
        (ON_GPU, 8, None, False, "shares the GPU"),  # 2 GiB of weights fit beside
        (ON_GPU, None, None, False, "shares the GPU"),  # not measurable: try
        (ON_GPU, 3, None, True, "(3.0 GiB free, 3.8 needed): the processor answers"),
        (ON_GPU, 0.1, "cuda", False, "shares the GPU"),  # it is there already
    ],
)
def test_where_a_large_model_answers(large, training, gpu_gib, device, on_cpu, said):
    """A large model shares the GPU where it fits, else goes to the processor and says so with the numbers."""
    place = arbiter(training, gpu_gib).place(large, device=device)

    assert place.on_cpu is on_cpu
    assert said in place.note
    assert bool(said) == bool(place.note)


def test_time_left_is_said(large, small):
    """A note says how long the run will take."""
    assert "about 10 min of it are left" in arbiter(ON_CPU).place(small).note
    assert "about 40 s of it are left" in arbiter(ON_GPU, 80).place(large).note


def test_no_room_anywhere_is_said_with_the_time(large):
    """A model that fits neither beside the run nor into memory is refused with both figures and the time left."""
    with pytest.raises(DeviceBusy) as refused:
        arbiter(ON_GPU, gpu_gib=1, main_gib=3).place(large)

    assert refused.value.parameters["need_gib"] == 3.8
    assert refused.value.parameters["free_gib"] == 1.0
    assert refused.value.parameters["remaining_s"] == 40.0


def test_embedded_model_does_not_mind_a_run_on_a_gpu(small):
    """The embedded model answers on the processor; a run on a GPU is nothing that has to be said."""
    assert arbiter(ON_GPU, 0.1).place(small, device="cpu").note == ""


def test_a_model_goes_back_to_its_gpu_after_the_run(large):
    """A model that had to start on the processor is started again where it belongs once the run is over."""
    now, started = [ON_GPU], []

    def load(folder):
        started.append(folder.on_cpu)
        return FixedEngine(), Selection("torch")

    judge = Arbiter(lambda: now[0], free_gpu_bytes=lambda: GIB, free_bytes=lambda: 64 * GIB)
    host = ModelHost(lambda: [large], load, arbiter=judge)
    host.engine("large")
    host.trim(keep="large")
    during = host.note("large")
    now[0] = None
    host.trim(keep="large")
    host.engine("large")

    assert started == [True, False]
    assert "processor" in during
    assert host.note("large") == ""


def test_question_during_a_run_is_answered_with_a_note(start_service):
    """While a run trains, a question is answered, its start says that the processor is shared; after the run nothing is said."""
    running = start_service()
    chip = running.put_chip()
    before = next(e for e in running.ask(chip) if e["event"] == "started")
    run = start_run(running, "steps=1000 step_s=0.05")["id"]
    wait_for_step(running, run)

    during = running.ask(chip)
    running.client.post(f"/v1/runs/{run}/stop")
    events_of(running, run)
    wait_for(
        lambda: not next(e for e in running.ask(chip) if e["event"] == "started")["note"],
        "silence about the run",
    )

    assert before["note"] == ""
    assert during[-1]["event"] == "result"
    assert "shares the processor" in next(e for e in during if e["event"] == "started")["note"]


def test_embedded_model_stays_quick_beside_a_busy_run(start_service, monkeypatch):
    """With a runner that computes on all cores, the embedded model takes at most three times as long as alone, never a run's length."""
    monkeypatch.setenv("GEO_R1_MODELS", "")
    running = start_service(partial(load_engine, threads=None), model=EMBEDDED_ID)
    wait_for(lambda: running.client.get("/v1/health").json()["status"] == "ready", "model", 60)
    chips = [running.put(png(448, 448, (40 + n, 90, 60))).json()["sha256"] for n in range(9)]

    def seconds(chip):
        began_s = time.perf_counter()
        assert running.ask(chip, max_new_tokens=40)[-1]["event"] == "result"
        return time.perf_counter() - began_s

    seconds(chips[0])
    alone = statistics.median(seconds(chip) for chip in chips[1:5])
    dataset = make_dataset(running, sample(running.put_chip()))["id"]
    run = start_run(running, "steps=100000 step_s=0.1 busy", dataset)["id"]
    wait_for_step(running, run)
    beside = statistics.median(seconds(chip) for chip in chips[5:])
    went_on = state_of(running, run)
    running.client.post(f"/v1/runs/{run}/stop")
    events_of(running, run)

    assert went_on == "running"
    assert beside < 3 * alone + 0.2, (alone, beside)
