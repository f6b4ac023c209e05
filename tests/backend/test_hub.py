"""Models from a hub: the real huggingface_hub client against a server on loopback that plays every fault."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from huggingface_hub import constants

from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.errors import (
    Cancelled,
    ConfigError,
    DiskTooSmall,
    FetchActive,
    GeoR1Error,
    HubMoved,
    HubUnreachable,
    PlanChanged,
    StorageFailed,
)
from geo_r1_backend.manager import fetch as fetching
from geo_r1_backend.manager.fetch import fetch, plan
from geo_r1_backend.manager.hub_access import Access, find_access
from geo_r1_backend.manager.hub_client import Hub
from geo_r1_backend.manager.parts import Parts, all_parts, fetch_id
from geo_r1_backend.models.registry import find_models
from geo_r1_backend.models_wire import FetchRequest, PlanRequest
from tests.backend.hub_server import HubServer, config, model_files, weights
from tests.backend.test_learned_models import answer_of
from tests.backend.tiny_model import picture, write_tiny_model

REPOSITORY = "Geo-R1/Tiny"
WIDE = {"vocabulary": 40_000}
"""5 MB."""


@pytest.fixture
def hub(monkeypatch):
    """A hub, to which HF_ENDPOINT points."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def plan_of(hub, home, repository=REPOSITORY, **more):
    return plan(Access(hub.url), home, PlanRequest(repository, **more))


def consent(made, **changed):
    values = {
        "repository": made.repository,
        "commit": made.commit,
        "size_bytes": made.size_bytes,
        "revision": made.revision,
        **changed,
    }
    return FetchRequest(**values)


def agreed(hub, repository=REPOSITORY, revision="main"):
    """The consent to a whole model without its plan, which costs a process."""
    files = hub.repositories[repository.lower()].commits
    commit = hub.repositories[repository.lower()].resolve(revision)
    size = sum(len(data) for name, data in files[commit].items() if name.count(".") == 1)
    return FetchRequest(repository, commit, size, revision)


def get(hub, home, request, tell=lambda event: None, **more):
    return fetch(Access(hub.url), home, request, tell, **more)


def test_plan_tells_before_anything_comes(hub, tmp_path):
    """Files, bytes, licence, commit, place and what is left out are known after two small requests; nothing is written."""
    files = model_files(**{"old.bin": b"x" * 99, "modeling.py": b"import os"})
    repository = hub.add(REPOSITORY, files, {"license": "other", "license_name": "research"})

    made = plan_of(hub, tmp_path)

    assert (made.commit, made.revision) == (repository.branches["main"], "main")
    assert (made.licence, made.model, made.installed) == ("research", "tiny", "")
    assert {file.name for file in made.files} == set(files) - {"old.bin", "modeling.py"}
    assert made.size_bytes == sum(len(files[file.name]) for file in made.files)
    assert {left.name: left.reason for left in made.left_out} == {
        "old.bin": "pickle",
        "modeling.py": "code",
    }
    assert made.fits
    assert made.free_bytes > 0
    assert not any("safetensors" in request.path for request in hub.requests)
    assert list(tmp_path.iterdir()) == []


def test_cut_in_the_middle_goes_on_where_it_was(hub, tmp_path):
    """A connection that breaks is taken up again by range; the model is whole, checked and listed with its commit."""
    big = weights(**WIDE)
    repository = hub.add(
        REPOSITORY, model_files(**{"model.safetensors": big, "config.json": config(**WIDE)})
    )
    hub.cuts["model.safetensors"] = [3_000_000, 100_000]
    told = []

    model = get(hub, tmp_path, agreed(hub), told.append)

    assert hub.ranges("model.safetensors") == [0, 3_000_000, 3_100_000]
    assert hub.served_bytes["model.safetensors"] == len(big)
    assert (tmp_path / "models" / model / "model.safetensors").read_bytes() == big
    found = next(m for m in find_models(tmp_path) if m.id == model)
    assert (found.kind, found.origin, found.can_delete) == ("transformers", "hub", True)
    assert (found.repository, found.revision) == (REPOSITORY, repository.branches["main"])
    assert told[0].phase == "asking"
    assert told[-1].done_bytes == told[-1].size_bytes == agreed(hub).size_bytes
    assert [e.done_bytes for e in told] == sorted(e.done_bytes for e in told)
    assert sorted(entry.name for entry in (tmp_path / "models").iterdir()) == ["tiny"]


def test_stopped_download_goes_on_later(hub, tmp_path):
    """Stop ends it within a second, even on a line that stands still; the next try fetches only what is missing."""
    hub.add(
        REPOSITORY,
        model_files(**{"model.safetensors": weights(**WIDE), "config.json": config(**WIDE)}),
    )
    hub.stands_still_after["model.safetensors"] = 3_000_000
    request = agreed(hub)

    told = []

    def far_enough():
        return bool(told) and told[-1].done_bytes > 1_500_000

    with pytest.raises(Cancelled):
        get(hub, tmp_path, request, told.append, should_stop=far_enough)
    (left,) = all_parts(tmp_path / "models")
    info = left.info(is_running=False)
    begun_bytes = (left.files / "model.safetensors.begun").stat().st_size
    hub.go_on.set()
    model = get(hub, tmp_path, request)

    assert info.consent == request
    assert 1_500_000 < info.done_bytes < info.size_bytes
    assert hub.ranges("model.safetensors") == [0, begun_bytes]
    assert len(hub.ranges("tokenizer.json")) == 1
    assert model == "tiny"
    assert all_parts(tmp_path / "models") == []


def test_damaged_file_is_thrown_away_and_fetched_alone(hub, tmp_path):
    """A file with a wrong hash, large or small, is named and thrown away; the next try fetches that file alone."""
    hub.add(REPOSITORY, model_files())
    for file in ("tokenizer_config.json", "model.safetensors"):
        hub.damaged = {file}
        with pytest.raises(GeoR1Error) as failure:
            get(hub, tmp_path, agreed(hub))
        assert failure.value.code == "fetch-damaged"
        assert failure.value.parameters["file"] == file
        assert not list(tmp_path.rglob(file))
    hub.damaged = set()

    assert get(hub, tmp_path, agreed(hub)) == "tiny"
    # config.json was looked at before each of the three tries as well
    assert [len(hub.ranges(name)) for name in ("tokenizer.json", "tokenizer_config.json")] == [1, 2]
    assert len(hub.ranges("model.safetensors")) == 2


def test_moved_branch_is_noticed(hub, tmp_path):
    """What was agreed to is what comes: a branch that moved on is an error that names both commits; the old one can be had."""
    repository = hub.add(REPOSITORY, model_files())
    before = agreed(hub)
    assert get(hub, tmp_path, before) == "tiny"
    again = get(hub, tmp_path, before)  # nothing is asked for what is here
    repository.commit(model_files(**{"README.md": b"# Version 2"}))

    made = plan_of(hub, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    with pytest.raises(HubMoved) as moved:
        get(hub, elsewhere, before)
    old = get(
        hub,
        elsewhere,
        consent(made, commit=before.commit, revision=before.commit, size_bytes=before.size_bytes),
    )

    assert again == "tiny"
    assert (made.installed, made.installed_commit) == ("tiny", before.commit)
    assert made.commit != before.commit
    assert made.model == f"tiny-{made.commit[:7]}"
    assert (moved.value.parameters["agreed"], moved.value.parameters["now"]) == (
        before.commit,
        made.commit,
    )
    assert (elsewhere / "models" / old / "README.md").read_bytes() == b"# A model"


def test_consent_is_to_a_size(hub, tmp_path):
    """A download of another size than was agreed to does not begin."""
    hub.add(REPOSITORY, model_files())
    made = agreed(hub)

    with pytest.raises(PlanChanged):
        get(hub, tmp_path, FetchRequest(REPOSITORY, made.commit, made.size_bytes - 1))

    assert hub.ranges("model.safetensors") == []
    assert list((tmp_path / "models").iterdir()) == []


def test_full_disk_is_said_before_it_starts(hub, tmp_path, monkeypatch):
    """Too little room is an error with both numbers, and no byte of the weights has come."""
    hub.add(REPOSITORY, model_files())
    monkeypatch.setattr(fetching, "free_bytes", lambda folder: 64_000_100)

    made = plan_of(hub, tmp_path)
    with pytest.raises(DiskTooSmall) as full:
        get(hub, tmp_path, consent(made))

    assert not made.fits
    assert full.value.parameters == {
        "need_bytes": made.size_bytes + 64_000_000,
        "free_bytes": 64_000_100,
    }
    assert hub.ranges("model.safetensors") == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_disk_that_fills_up_meanwhile_is_said(hub, tmp_path):
    """A disk that is full in the middle is the disk's error and not the hub's, and the download can go on later."""
    hub.add(REPOSITORY, model_files())
    request = agreed(hub)
    parts = Parts(tmp_path / "models", fetch_id(request.repository, request.commit))
    parts.files.mkdir(parents=True)
    (parts.files / "model.safetensors.begun").symlink_to("/dev/full")

    with pytest.raises(StorageFailed, match="No space left"):
        get(hub, tmp_path, request)
    (parts.files / "model.safetensors.begun").unlink()

    assert [left.id for left in all_parts(tmp_path / "models")] == [parts.id]
    assert get(hub, tmp_path, request) == "tiny"


def test_two_do_not_fetch_the_same(hub, tmp_path):
    """A second download of the same model into the same data folder is refused while the first goes on."""
    hub.add(REPOSITORY, model_files())
    hub.stands_still_after["model.safetensors"] = 0
    first = threading.Thread(target=get, args=(hub, tmp_path, agreed(hub)))
    first.start()
    assert hub.reached.wait(20)

    with pytest.raises(FetchActive):
        get(hub, tmp_path, agreed(hub))
    hub.go_on.set()
    first.join(20)

    assert (tmp_path / "models" / "tiny" / "source.json").is_file()


def test_checkpoint_without_processor_answers(hub, tmp_path):
    """Weights with a broken `config.json` and no processor become the whole model, file by file, and it answers."""
    from geo_r1_backend.models.export import export_stock_folder

    whole = tmp_path / "whole"
    tiny = write_tiny_model(tmp_path / "tiny", max_positions=2048)
    export_stock_folder(tiny, whole)
    files = {path.name: path.read_bytes() for path in whole.iterdir()}
    broken = {**json.loads(files["config.json"]), "text_config": {"model_type": "qwen2_5_vl_text"}}
    bare = {name: files[name] for name in ("model.safetensors", "profile.json")}
    hub.add("Qwen/Tiny-Base", files, {"license": "apache-2.0"})
    hub.add(
        REPOSITORY,
        {**bare, "config.json": json.dumps(broken).encode()},
        {"base_model": "Qwen/Tiny-Base"},
    )

    made = plan_of(hub, tmp_path)
    model = get(hub, tmp_path, consent(made))
    folder = tmp_path / "models" / model
    source = json.loads((folder / "source.json").read_text())
    models = {found.id: found for found in find_models(tmp_path)}
    engine, _ = load_engine(models[model], threads=1)
    said = answer_of(engine, picture(448, 448))
    engine.close()
    assert (made.base, made.base_licence) == ("Qwen/Tiny-Base", "apache-2.0")
    assert {file.repository for file in made.files} == {REPOSITORY, "Qwen/Tiny-Base"}
    assert source["base"] == "Qwen/Tiny-Base"
    assert source["licence"] == "not named; base: apache-2.0"
    assert "hidden_size 8192" in source["repaired"]
    assert json.loads((folder / "config.original.json").read_text()) == broken
    assert said
    assert json.loads((folder / "config.json").read_text()) == json.loads(files["config.json"])
    kept = set(files) - {"config.json"}
    assert {name: (folder / name).read_bytes() for name in kept} == {
        name: files[name] for name in kept
    }


@pytest.fixture
def direct(hub, monkeypatch):
    """The client in this process, which spares a process for each refusal."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    hub.add("owner/open", model_files())
    hub.add("owner/gated", model_files(), gated=True)
    hub.add("owner/private", model_files(), needs="hf_good")

    def look(repository, revision="main", token="", address=hub.url):
        return Hub(address, token, "HF_TOKEN").look(repository, revision)

    return look


REFUSALS = [
    ("owner/nothing", {}, "hub-missing", "owner/nothing"),
    ("owner/private", {}, "hub-missing", "does not show it"),
    ("owner/gated", {}, "hub-gated", "accepted the conditions"),
    ("owner/open", {"revision": "v9"}, "hub-revision-missing", "v9"),
    ("owner/open", {"revision": 40 * "b"}, "hub-revision-missing", 40 * "b"),
    ("owner/open", {"token": "hf_stale"}, "hub-token-refused", "HF_TOKEN"),
    ("owner/open", {"address": "http://127.0.0.1:9"}, "hub-unreachable", "cannot be reached"),
]


@pytest.mark.parametrize(("repository", "more", "code", "words"), REFUSALS)
def test_refusals_of_the_hub_are_explained(direct, repository, more, code, words):
    """Missing, private, gated, no such revision, stale token, nobody there: each has a code, a sentence and a way out."""
    with pytest.raises(GeoR1Error) as refusal:
        direct(repository, **more)

    assert refusal.value.code == code
    assert words in refusal.value.message
    assert refusal.value.hint
    assert "hf_" not in refusal.value.message + refusal.value.hint + repr(refusal.value.parameters)


def test_offline_is_obeyed(hub, tmp_path, monkeypatch):
    """With HF_HUB_OFFLINE nobody is asked, and the reason is said."""
    hub.add(REPOSITORY, model_files())
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE is set"):
        plan_of(hub, tmp_path)

    assert hub.requests == []


def test_hub_that_is_broken_is_said(direct, hub):
    """An answer of another kind, such as 500, is told with its number."""
    hub.down = 500

    with pytest.raises(GeoR1Error, match="HTTP 500"):
        direct("owner/open")


def test_token_opens_what_is_closed_and_goes_nowhere_else(hub, tmp_path, monkeypatch, caplog):
    """With HF_TOKEN gated and private repositories open; the host of the large files never sees it, no log and no file has it."""
    hub.add("owner/private", model_files(), needs="hf_good", gated=True)
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    access = find_access(tmp_path)
    told = []

    with caplog.at_level("DEBUG"):
        fetch(access, tmp_path, agreed(hub, "owner/private"), told.append)

    store = [request for request in hub.requests if request.path.startswith("/store")]
    assert store
    assert all(request.token == "" for request in store)
    assert {request.token for request in hub.requests if request not in store} == {"hf_good"}
    assert "hf_good" not in caplog.text + repr(access) + repr(told)
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and b"hf_good" in p.read_bytes()]


def test_token_file_is_private(tmp_path, monkeypatch):
    """The token may lie in a file that nobody else can read; a readable one, or a plain http hub elsewhere, is refused."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    path = tmp_path / "hub-token"
    path.write_text("hf_from_file\n")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="read by others"):
        find_access(tmp_path)
    path.chmod(0o600)

    assert (find_access(tmp_path).token, find_access(tmp_path).hub) == (
        "hf_from_file",
        "https://huggingface.co",
    )
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.example")
    with pytest.raises(ConfigError, match="unencrypted"):
        find_access(tmp_path)
    path.unlink()
    assert find_access(tmp_path).token == ""
    monkeypatch.setenv("HF_ENDPOINT", "mirror.example")
    with pytest.raises(ConfigError, match="no address"):
        find_access(tmp_path)


def test_hub_is_not_imported_by_the_service():
    """The client is loaded in the process that talks to the hub, never in the service."""
    import subprocess
    import sys

    code = "import sys, geo_r1_backend.api.app; print('huggingface_hub' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "False"
