"""Import of folders without a network: copied or linked, checked, completed; and the shell's `geo-r1 models`."""

from __future__ import annotations

import io
import json
import shutil
import sys

import pytest

from geo_r1_backend.cli import main
from geo_r1_backend.errors import Cancelled, DiskTooSmall, ImportRefused
from geo_r1_backend.manager import intake
from geo_r1_backend.manager.intake import import_folder
from geo_r1_backend.models.registry import find_models
from geo_r1_backend.models.source import read_source
from tests.backend.hub_server import PROCESSOR, HubServer, config, model_files, weights
from tests.backend.test_hub import agreed
from tests.backend.tiny_model import tiny_folder


def write(folder, files):
    folder.mkdir(parents=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def models_of(home):
    return {model.id: model for model in find_models(home)}


def test_folder_is_copied_and_checked(tmp_path):
    """A whole folder becomes a model that can be deleted again; pickles, code and the folder itself stay where they are."""
    given = model_files(
        **{"old.bin": b"pickle", "evil.py": b"import os", "runs/model.safetensors": b""}
    )
    folder = write(tmp_path / "Geo-R1 3B", given)
    told, seen = [], set()

    def tell(done, total):
        told.append((done, total))
        seen.update(models_of(tmp_path / "home"))

    made = import_folder(folder, tmp_path / "home", tell=tell)

    model = models_of(tmp_path / "home")["geo-r1-3b"]
    assert (made.model, made.repaired, made.is_checked) == ("geo-r1-3b", "", False)
    assert (model.kind, model.origin, model.can_delete) == ("transformers", "import", True)
    kept = {path.name for path in model.folder.iterdir()}
    assert kept == set(model_files()) | {"source.json"}
    assert told[-1] == (made.size_bytes, made.size_bytes)
    assert seen == {"geo-r1-nano"}  # half a copy is no model
    assert {path.name for path in folder.iterdir()} == {
        "old.bin",
        "evil.py",
        "runs",
        *model_files(),
    }


def test_copy_of_a_copy_is_compared_with_its_hashes(tmp_path):
    """A model folder carried to another machine is compared with the hashes of its first import; a changed byte is found."""
    folder = write(tmp_path / "stick", model_files())
    first = import_folder(folder, tmp_path / "one")
    carried = tmp_path / "carried"
    shutil.copytree(tmp_path / "one" / "models" / first.model, carried)

    second = import_folder(carried, tmp_path / "two", name="Again")
    data = bytearray((carried / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (carried / "model.safetensors").write_bytes(data)
    with pytest.raises(ImportRefused, match=r"model\.safetensors is not the file"):
        import_folder(carried, tmp_path / "three")

    assert (second.model, second.is_checked) == ("again", True)
    assert list((tmp_path / "three").rglob("*")) == []


def test_linked_weights_stay_where_they_are(tmp_path):
    """With a link the weights are not copied and take no room; deleting the model leaves them alone."""
    folder = write(tmp_path / "big", model_files())

    made = import_folder(folder, tmp_path / "home", link=True)
    model = models_of(tmp_path / "home")["big"]
    link = model.folder / "model.safetensors"

    assert link.is_symlink()
    assert link.read_bytes() == weights()
    assert made.size_bytes < len(weights())
    assert model.can_delete
    assert main(["models", "remove", "big", "--yes", "--data-dir", str(tmp_path / "home")]) == 0
    assert "big" not in models_of(tmp_path / "home")
    assert (folder / "model.safetensors").read_bytes() == weights()


def test_cache_of_the_hub_client_is_taken(tmp_path):
    """A repository that transformers has left in its cache, where files are links to blobs, is imported with its commit."""
    commit = 40 * "c"
    cache = tmp_path / "models--Geo-R1--Geo-R1-3B"
    write(cache / "blobs", {f"blob-{name}": data for name, data in model_files().items()})
    snapshot = cache / "snapshots" / commit
    snapshot.mkdir(parents=True)
    for name in model_files():
        (snapshot / name).symlink_to(f"../../blobs/blob-{name}")
    write(cache / "refs", {"main": commit.encode()})

    made = import_folder(cache, tmp_path / "home")

    source = read_source(tmp_path / "home" / "models" / made.model)
    assert made.model == "geo-r1-3b"
    assert (source.repository, source.commit) == ("Geo-R1/Geo-R1-3B", commit)
    assert not (tmp_path / "home" / "models" / made.model / "model.safetensors").is_symlink()


def test_processor_and_config_are_lent_by_the_base(tmp_path):
    """A checkpoint without a processor, whose `config.json` would build another model, is completed from its base."""
    sparse = {"model_type": "qwen2_5_vl", "text_config": {}, "vision_config": {"depth": 2}}
    files = {"model.safetensors": weights(), "config.json": json.dumps(sparse).encode()}
    folder = write(tmp_path / "checkpoint", files)
    base = write(tmp_path / "base", {"config.json": config(), **PROCESSOR})

    with pytest.raises(ImportRefused, match=r"no preprocessor_config\.json") as refusal:
        import_folder(folder, tmp_path / "home")
    made = import_folder(folder, tmp_path / "home", base=base)

    model = models_of(tmp_path / "home")["checkpoint"].folder
    assert "--base" in refusal.value.hint
    assert "hidden_size 8192" in made.repaired
    assert (model / "config.json").read_text() != (folder / "config.json").read_text()
    assert json.loads((model / "config.original.json").read_text()) == sparse
    assert json.loads((model / "config.json").read_bytes()) == json.loads(config())
    assert (model / "tokenizer.json").read_bytes() == PROCESSOR["tokenizer.json"]
    assert json.loads((folder / "config.json").read_text()) == sparse


def test_model_in_our_own_format_is_taken(tmp_path):
    """A folder with graphs, such as a colleague's fine-tuned embedded model, is compared with its manifest and taken whole."""
    folder = tmp_path / "colleague"
    shutil.copytree(tiny_folder(), folder)

    made = import_folder(folder, tmp_path / "home")
    (folder / "decoder.onnx").write_bytes(b"damaged")
    with pytest.raises(ImportRefused, match=r"decoder\.onnx"):
        import_folder(folder, tmp_path / "other")

    assert models_of(tmp_path / "home")[made.model].kind == "onnx"


REFUSED = {
    "nothing": ({}, "no weights"),
    "pickles": ({"config.json": config(), "pytorch_model.bin": b"\x80\x04"}, "can run code"),
    "cut off": (model_files(**{"model.safetensors": weights()[:-9]}), "its header says"),
    "renamed pickle": (
        model_files(**{"model.safetensors": b"\x80\x04" + b"x" * 99}),
        "no safetensors",
    ),
    "half": (
        {**PROCESSOR, "config.json": config(), "model-00001-of-00002.safetensors": weights()},
        "model-00002-of-00002.safetensors is missing",
    ),
    "other family": (model_files(**{"config.json": config(model_type="llava")}), "llava"),
    "other size": (
        model_files(**{"config.json": config(layers=9)}),
        "layers 9, the weights have 3",
    ),
    "no json": (model_files(**{"config.json": b"{"}), "not JSON"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_whole_safe_model_is_refused(tmp_path, name):
    """Empty, pickled, cut off, halved, of another family or size: refused with the reason, and nothing is left behind."""
    files, words = REFUSED[name]
    folder = write(tmp_path / "folder", files)

    with pytest.raises(ImportRefused, match=words) as refusal:
        import_folder(folder, tmp_path / "home")

    assert refusal.value.hint
    left = [path for path in (tmp_path / "home").rglob("*") if path.name != "models"]
    assert left == []


def test_name_of_another_model_is_not_taken(tmp_path):
    """A folder that is called as the embedded model gets an id of its own, and that id is what is told."""
    folder = write(tmp_path / "geo-r1-nano", model_files())

    made = import_folder(folder, tmp_path / "home")

    assert made.model == "geo-r1-nano-2"
    assert models_of(tmp_path / "home")[made.model].origin == "import"
    assert models_of(tmp_path / "home")["geo-r1-nano"].origin == "embedded"


def test_import_that_ends_early_leaves_nothing(tmp_path, monkeypatch):
    """Stopped in the middle, or refused for want of room, an import leaves no trace."""
    folder = write(tmp_path / "folder", model_files())
    with pytest.raises(Cancelled):
        import_folder(folder, tmp_path / "home", should_stop=lambda: True)
    monkeypatch.setattr(intake, "free_bytes", lambda place: 1000)
    with pytest.raises(DiskTooSmall):
        import_folder(folder, tmp_path / "home")

    assert list((tmp_path / "home" / "models").iterdir()) == []


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def shell(home, *words):
    return main(["models", *words, "--data-dir", str(home)])


def test_shell_fetches_what_was_agreed_to(hub, tmp_path, capsys):
    """`plan` prints the command that agrees, `fetch` with it brings the model, `list` has it, `remove` deletes it."""
    hub.add("Geo-R1/Tiny", model_files(**{"old.bin": b"x"}), {"license": "apache-2.0"})
    request = agreed(hub, "Geo-R1/Tiny")
    size = sum(map(len, model_files().values()))

    assert shell(tmp_path, "plan", "Geo-R1/Tiny") == 0
    planned = capsys.readouterr().out
    consent = f"{request.commit}:{size}"
    assert shell(tmp_path, "fetch", "Geo-R1/Tiny", "--agree", consent) == 0
    fetched = capsys.readouterr().out
    assert shell(tmp_path, "list") == 0
    listed = capsys.readouterr().out
    assert shell(tmp_path, "remove", "tiny", "--yes") == 0

    for words in (
        f"--agree {consent}",
        "apache-2.0",
        "old.bin (pickle",
        str(tmp_path / "models" / "tiny"),
    ):
        assert words in planned
    assert "--model tiny" in fetched
    assert "tiny\tTiny\t" in listed
    assert "apache-2.0" in listed
    assert "tiny" not in models_of(tmp_path)


def test_shell_fetches_nothing_unasked(hub, tmp_path, capsys, monkeypatch):
    """Without anybody to ask and without `--agree` nothing is fetched; a cut download is listed and can be forgotten."""
    hub.add("Geo-R1/Tiny", model_files())
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    assert shell(tmp_path, "fetch", "Geo-R1/Tiny") == 1
    asked = capsys.readouterr()
    hub.damaged = {"model.safetensors"}
    request = agreed(hub, "Geo-R1/Tiny")
    agree = f"{request.commit}:{request.size_bytes}"
    assert shell(tmp_path, "fetch", "Geo-R1/Tiny", "--agree", agree) == 1
    failed = capsys.readouterr()
    assert shell(tmp_path, "list") == 0
    listed = capsys.readouterr().out
    name = f"geo-r1-tiny.{request.commit[:12]}"
    assert shell(tmp_path, "remove", name) == 0
    assert shell(tmp_path, "fetch", "Geo-R1/Tiny", "--agree", "soon") == 1

    assert "--agree" in asked.err
    assert "came damaged" in failed.err
    assert f"{name}\tGeo-R1/Tiny was cut off" in listed
    assert list((tmp_path / "models").iterdir()) == []


def test_shell_keeps_what_it_did_not_make(tmp_path, capsys):
    """The embedded model and folders that were put in place by hand are not removed."""
    write(tmp_path / "models" / "mine", model_files())

    assert shell(tmp_path, "remove", "mine", "--yes") == 1
    assert shell(tmp_path, "remove", "geo-r1-nano", "--yes") == 1
    assert shell(tmp_path, "remove", "nothing", "--yes") == 1

    said = capsys.readouterr().err
    assert said.count("was not put in place by this program") == 2
    assert "There is no model “nothing”" in said
    assert (tmp_path / "models" / "mine" / "model.safetensors").is_file()
