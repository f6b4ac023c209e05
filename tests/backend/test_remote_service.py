"""A model of other servers behind the service: listed with its address, asked over HTTP, examined, refused in words."""

from __future__ import annotations

import json

import pytest

from geo_r1_backend import doctor
from geo_r1_backend.api.service import build_service
from geo_r1_backend.cli import main
from geo_r1_backend.config import ServerConfig
from geo_r1_backend.engines import remote_health
from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.errors import ModelFailed
from geo_r1_backend.models.remote import RemoteConfig, as_address
from geo_r1_backend.training.config import make_config
from geo_r1_backend.training_wire import RunRequest
from tests.backend.conftest import TOKEN, png, running_service
from tests.backend.fake_endpoint import ANSWER, FakeEndpoint, answers, cut

NONE_FREE = {"min_pixels": 56 * 56, "max_pixels": 64 * 28 * 28}


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(remote_health, "FIRST_WAIT_S", 0.05)
    endpoint = FakeEndpoint("Geo-R1-7B", owner="vllm")
    yield endpoint
    endpoint.stop()


@pytest.fixture
def service(fake, tmp_path):
    """A service with `--remote`, as the command line makes it."""
    given = RemoteConfig(endpoints=(as_address(fake.url),), profile=NONE_FREE, patience_s=0.5)
    (tmp_path / "data").mkdir()
    config = ServerConfig(data_folder=tmp_path / "data", remote=given)
    with running_service(config, load_engine) as running:
        yield running


def write_folder(folder, fake, **more):
    folder.mkdir(parents=True, exist_ok=True)
    given = {"endpoints": [fake.url], "model": "Geo-R1-7B", **NONE_FREE, **more}
    (folder / "remote.json").write_text(json.dumps(given))
    return folder


def test_remote_model_is_the_default_and_says_its_address(service, fake):
    """Health and the list of models name the engine and where views go; the embedded model stays beside it."""
    models = {m["id"]: m for m in service.client.get("/v1/models").json()["models"]}
    health = service.client.get("/v1/health").json()

    assert (health["engine"], health["device"]) == ("remote", fake.url)
    assert models["remote"]["is_default"]
    assert models["remote"]["device"] == fake.url
    assert models["remote"]["origin"] == "remote"
    assert fake.url in models["remote"]["note"]
    assert "geo-r1-nano" in models


def test_question_goes_on_and_boxes_come_back_in_pixels_of_the_chip(service, fake):
    """A chip of 200 x 100 px is sent at the model's size, and the box in its pixels comes back in the chip's."""
    events = service.ask(service.put_chip(200, 100))

    (started,) = [e for e in events if e["event"] == "started"]
    assert (started["engine"], started["device"]) == ("remote", fake.url)
    width_px, height_px = fake.asked[0][1]
    assert (width_px, height_px) == (started["model_width_px"], started["model_height_px"])
    expected = [28 * 200 / width_px, 56 * 100 / height_px, 84 * 200 / width_px, 100.0]
    assert events[-1]["detections"][0]["box_px"] == pytest.approx(expected, abs=0.01)


def test_many_questions_survive_cut_answers_and_errors(service, fake):
    """A request of many items over the wire has one result each, whatever the server does meanwhile."""
    fake.script.extend([cut(3), answers(500), answers(429), cut(9), answers(503, Retry_After="0")])
    chip = service.put_chip()
    items = [{"item": str(n), "chip": chip, "query": f"tank {n}", "task": "rec"} for n in range(12)]

    reply = service.client.post("/v1/ground", json={"items": items})
    events = [json.loads(line) for line in reply.text.splitlines()]

    results = [event for event in events if event["event"] in ("result", "error")]
    assert sorted(event["item"] for event in results) == sorted(item["item"] for item in items)
    assert {event.get("outcome") for event in results} == {"found"}


def test_answer_that_begins_anew_counts_only_once(service, fake):
    """Where a second server says something else, the result has its words alone, and none of the first's boxes."""
    said = iter([ANSWER.replace("84", "90"), "<think>Look again.</think><answer>None</answer>"])
    fake.answer = lambda prompt, image: next(said)
    fake.script.append(cut(13))

    last = service.ask(service.put_chip())[-1]

    assert (last["outcome"], last["detections"]) == ("none", [])
    assert last["reasoning"] == "Look again."
    assert last["raw_answer"].startswith("<think>Look")


def test_gone_server_is_an_error_in_the_stream_and_the_service_stays(service, fake):
    """When the server goes away the item ends with the reason; when it is back the next question is answered."""
    chip = service.put_chip()
    fake.stop()
    last = service.ask(chip)[-1]
    fake.start_again()

    assert last["error"]["code"] == "remote-unreachable"
    assert fake.url in last["error"]["hint"]
    assert service.ask(chip)[-1]["outcome"] == "found"


def test_folder_in_the_data_folder_is_examined_step_by_step(fake, tmp_path):
    """The doctor has a step for the endpoints instead of files and tokenizer, and names the one that is away."""
    fake.answer = '<answer>{"bbox_2d":[28,56,84,112],"label":"tank"}</answer>'
    folder = write_folder(
        tmp_path / "home" / "models" / "big", fake, endpoints=[fake.url, "http://127.0.0.1:9"]
    )
    (folder / "doctor.png").write_bytes(png(224, 112))
    question = {"query": "the tank", "task": "rec", "box_px": [28, 56, 84, 112]}
    (folder / "doctor.json").write_text(json.dumps(question))
    lines = []

    code = doctor.examine(lines.append, data_folder=tmp_path / "home", model="big", threads=1)

    (endpoints,) = [line for line in lines if "endpoints" in line]
    assert code == 0, lines
    assert "2 named" in endpoints
    assert "vllm Geo-R1-7B; images" in endpoints
    assert "http://127.0.0.1:9/v1: it refuses the connection" in endpoints
    assert not any(line.split()[1] in ("files", "tokenizer") for line in lines)


def test_weights_elsewhere_cannot_be_trained_here(fake, tmp_path):
    """A training run over a remote model is refused at once, with the way out."""
    write_folder(tmp_path / "models" / "big", fake)
    service = build_service(
        ServerConfig(data_folder=tmp_path, model="big"), token=TOKEN, load=load_engine
    )
    request = RunRequest(dataset="0" * 16, name="x", model="big")

    with pytest.raises(ModelFailed, match="on another machine"):
        make_config(
            request,
            run_id="20261125-000000-0000",
            model=service.host.folder("big"),
            dataset_folder=tmp_path,
            created="2026-11-25T00:00:00Z",
        )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--remote", "http://gpu.office:8000"], "not encrypted"),
        (["--remote", "gpu.office"], "not the address"),
        (["--remote-model", "x"], "without --remote"),
        (["--remote", "http://127.0.0.1:9", "--remote-key-env", "NO_SUCH_KEY"], "NO_SUCH_KEY"),
    ],
)
def test_bad_arguments_are_refused_before_anything_starts(arguments, words, tmp_path, capsys):
    """The command line says what is wrong with an address or a key, and no service starts."""
    code = main(["serve", "--data-dir", str(tmp_path / "d"), "--nice", "0", *arguments])

    assert code == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "d").exists()


def test_list_shows_the_address_and_export_says_where_the_weights_are(fake, tmp_path, capsys):
    """On the command line such a model is listed with its address; there is nothing to export."""
    write_folder(tmp_path / "models" / "big", fake)

    listed = main(["models", "list", "--data-dir", str(tmp_path)])
    exported = main(["models", "export", str(tmp_path / "x"), "--model", "big", "--data-dir", str(tmp_path)])  # fmt: skip

    told = capsys.readouterr()
    assert (listed, exported) == (0, 1)
    assert any(
        line.startswith("big\t") and line.endswith(fake.url) for line in told.out.splitlines()
    )
    assert f"its weights are at {fake.url}" in told.err
