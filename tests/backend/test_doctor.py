"""`geo-r1 doctor`: each broken step is named, and nothing after it is tried."""

from __future__ import annotations

import json
import shutil

import pytest

from geo_r1_backend import doctor
from geo_r1_backend.doctor import steps as doctor_steps
from geo_r1_backend.models.registry import embedded_folder
from tests.backend.conftest import png
from tests.backend.fixed_engine import ONE, FixedEngine, loader
from tests.backend.tiny_model import tiny_folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The tiny random model as a folder of its own, with a picture whose answer is known."""
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_folder(), folder)
    (folder / "doctor.png").write_bytes(png(448, 448))
    question = {"query": "the largest tank", "task": "rec", "box_px": [50, 60, 90, 95]}
    (folder / "doctor.json").write_text(json.dumps(question))
    monkeypatch.setenv("GEO_R1_MODELS", str(folder))
    return folder


def examine(tmp_path):
    lines = []
    code = doctor.examine(lines.append, data_folder=tmp_path / "home", model="tiny", threads=1)
    return code, lines


def use(monkeypatch, engine):
    monkeypatch.setattr(doctor_steps, "load_engine", lambda model, **_: loader(engine)(model))


def steps(lines):
    return [line.split()[1] for line in lines if line.startswith(("ok", "BROKEN"))]


@pytest.mark.parametrize(
    ("damage", "step"),
    [
        (lambda f: (f / "config.json").unlink(), "model"),
        (lambda f: (f / "weights.safetensors").write_bytes(b"\0"), "files"),
        (lambda f: (f / "doctor.json").write_text("{}"), "image"),
        (lambda f: (f / "doctor.png").write_bytes(png(448, 448)[:60]), "image"),
    ],
)
def test_damage_is_found_at_its_step(folder, tmp_path, damage, step):
    """A damaged file is reported at the step that needs it, with exit code 1 and what was not tried."""
    damage(folder)

    code, lines = examine(tmp_path)

    assert code == 1
    assert steps(lines)[-1] == step
    assert lines[-1].strip().startswith("not tried: ")


@pytest.mark.parametrize(
    ("engine", "step"),
    [
        (FixedEngine(fail_after=1), "answer"),
        (FixedEngine("I am a parrot."), "parse"),
        (FixedEngine(ONE.replace("[50,60,90,95]", "[0,0,20,20]")), "box"),
    ],
)
def test_bad_answers_are_told_apart(folder, tmp_path, monkeypatch, engine, step):
    """No answer, an answer that cannot be read and a wrong box are three different findings."""
    use(monkeypatch, engine)

    code, lines = examine(tmp_path)

    assert (code, steps(lines)[-1]) == (1, step)


def test_service_that_answers_otherwise_is_found(folder, tmp_path, monkeypatch):
    """The last step asks a real service over HTTP; one that disagrees with the engine is broken."""
    use(monkeypatch, FixedEngine())

    code, lines = examine(tmp_path)

    assert (code, steps(lines)[-1]) == (1, "service")


@pytest.mark.skipif(
    embedded_folder() is None or not (embedded_folder() / "doctor.json").is_file(),
    reason="the embedded model is not in this clone",
)
def test_embedded_model_is_well(tmp_path):
    """The model that ships passes every step, the service over HTTP included."""
    lines = []

    code = doctor.examine(lines.append, data_folder=tmp_path)

    assert code == 0, lines


def test_programs_get_one_line_of_json_per_event(folder, tmp_path, monkeypatch):
    """`--json`: the plan, then each step when it begins and when it ends, with its time; at last what was not tried."""
    use(monkeypatch, FixedEngine("I am a parrot."))
    lines = []

    code = doctor.examine(
        lines.append, data_folder=tmp_path / "home", model="tiny", threads=1, as_json=True
    )

    events = [json.loads(line) for line in lines]
    plan, end = events[0], events[-1]
    tried = [event["step"] for event in events if event["event"] == "begin"]
    assert code == 1
    assert plan["event"] == "plan"
    assert tried == plan["steps"][: len(tried)]
    assert [event["event"] for event in events[1:-1]] == ["begin", "ok"] * (len(tried) - 1) + [
        "begin",
        "broken",
    ]
    assert events[-2]["step"] == "parse"
    assert "parrot" in events[-2]["found"]
    assert (end["event"], end["well"], end["steps"]) == ("end", False, ["box", "service"])
    assert sum(event["took_ms"] for event in events) > 0
