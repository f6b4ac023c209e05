"""Which files of a repository are taken, and whether a `config.json` belongs to its weights."""

import json
from dataclasses import replace

import pytest

from geo_r1_backend.errors import HubUnfit, HubUnsafe
from geo_r1_backend.manager.parts import Parts, fetch_id
from geo_r1_backend.manager.place import free_name
from geo_r1_backend.manager.plan import (
    Listing,
    RemoteFile,
    base_of,
    choose_base_files,
    choose_files,
)
from geo_r1_backend.models.disk import model_bytes
from geo_r1_backend.models.registry import ModelFolder
from geo_r1_backend.models.shapes import (
    Shape,
    base_of_shape,
    fault_of_config,
    read_header,
    shape_of_weights,
)
from geo_r1_backend.models.source import Source, read_source, write_source
from geo_r1_backend.models.stock_files import missing_shards, use_of
from tests.backend.hub_server import PROCESSOR, config, weights

USES = {
    "model.safetensors": "weights",
    "model-00001-of-00002.safetensors": "weights",
    "config.json": "settings",
    "tokenizer.json": "settings",
    "LICENSE.txt": "settings",
    "pytorch_model-00001-of-00002.bin": "pickle",
    "rng_state_0.pth": "pickle",
    "optimizer.pt": "pickle",
    "modeling_evil.py": "code",
    "sub/modeling.py": "code",
    "model.Q4_K_M.gguf": "other-format",
    "adapter_model.safetensors": "other-format",  # a LoRA: useless without its base
    "checkpoint-400/model.safetensors": "not-needed",  # a second model
    "../config.json": "not-needed",  # a way out of the folder
    "trainer_state.json": "not-needed",
    ".gitattributes": "not-needed",
}
WHOLE = ("config.json", "model.safetensors", *PROCESSOR)


@pytest.mark.parametrize(("name", "use"), USES.items())
def test_use_of_a_file(name, use):
    """Weights and settings by exact names; whatever could run is code or pickle; the rest is not needed."""
    assert use_of(name) == use


def test_missing_shards_are_named():
    """From the names of some shards follow the names of those that lack."""
    there = ["model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors"]

    assert missing_shards(there) == ["model-00002-of-00003.safetensors"]
    assert missing_shards(["model.safetensors"]) == []


def listing(names, document=None, **more):
    files = [RemoteFile(name, 10) for name in names]
    return Listing("owner/name", 40 * "a", files, config=document or json.loads(config()), **more)


def test_whole_repository_needs_no_base():
    """A repository with weights and processor is taken as it is, and says what is left out."""
    contents = choose_files(listing([*WHOLE, "modeling.py", "old.bin"]))

    assert {file.name for file in contents.own} == set(WHOLE)
    assert {(left.name, left.reason) for left in contents.left_out} == {
        ("modeling.py", "code"),
        ("old.bin", "pickle"),
    }
    assert not contents.wants_base
    assert contents.size_bytes == 10 * len(WHOLE)


def test_list_of_what_is_left_out_ends():
    """Of thousands of files that are not needed a few are told, and those that could run code first."""
    names = [*WHOLE, *(f"checkpoint-{i}/state.json" for i in range(5000)), "z.bin", "z.py"]
    left_out = choose_files(listing(names)).left_out

    assert len(left_out) == 200
    assert [left.name for left in left_out[:2]] == ["z.bin", "z.py"]


REFUSED = [
    (("config.json", "pytorch_model.bin"), {}, HubUnsafe, "pytorch_model.bin"),
    (("adapter_config.json", "adapter_model.safetensors"), {}, HubUnfit, "LoRA adapter"),
    (("config.json", "model.gguf"), {}, HubUnfit, "model.gguf"),
    (("README.md",), {}, HubUnfit, "no weights"),
    (WHOLE, {"document": {"model_type": "llama"}}, HubUnfit, "llama"),
    (("config.json", "model-00001-of-00002.safetensors"), {}, HubUnfit, "model-00002-of-00002"),
]


@pytest.mark.parametrize(("names", "more", "kind", "words"), REFUSED)
def test_what_cannot_be_used_is_refused_by_its_names(names, more, kind, words):
    """Pickles, adapters, other formats and families, halves of models: refused before a byte of weights has come."""
    with pytest.raises(kind) as refusal:
        choose_files(listing(names, **more))

    assert words in str(refusal.value)


def test_base_lends_what_is_missing():
    """Without a processor the base is the one given, the one that the card names, or the published one of that size."""
    bare = listing(["config.json", "model.safetensors"])
    base = listing([*WHOLE, "README.md", "vocab.json"])

    assert choose_files(bare).wants_base
    assert base_of(bare, "some/base") == "some/base"
    assert base_of(listing(WHOLE, bases=["not a name", "card/base"]), None) == "card/base"
    sized = {"model_type": "qwen2_5_vl", "hidden_size": 2048, "num_hidden_layers": 36}
    assert base_of(listing(WHOLE, sized), None) == "Qwen/Qwen2.5-VL-3B-Instruct"
    with pytest.raises(HubUnfit, match="names no base"):
        base_of(bare, None)
    lent = {file.name for file in choose_base_files(bare, base)}
    assert lent == {"config.json", "vocab.json", *PROCESSOR}
    with pytest.raises(HubUnfit, match="either"):
        choose_base_files(bare, bare)


def test_header_tells_the_size(tmp_path):
    """The tensors of a safetensors file say how wide and deep the model is, under old and new names."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(weights(hidden_size=64, layers=3, vocabulary=300, blocks=2))
    header = read_header(path)
    renamed = {
        name.replace("model.", "model.language_model.").replace("visual.", "model.visual."): shape
        for name, shape in header.items()
    }

    assert shape_of_weights(header) == shape_of_weights(renamed) == Shape(64, 3, 300, 2)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],  # cut off
        lambda data: data + b"x",  # longer than it says
        lambda data: b"",
        lambda data: b"\x80\x04\x95" + data,  # a pickle under another name
        lambda data: (2**60).to_bytes(8, "little") + data[8:],  # a header larger than the file
        lambda data: (12).to_bytes(8, "little") + b'{"a": 12345}',
    ],
)
def test_damaged_safetensors_are_recognised(tmp_path, damage):
    """A file whose length is not what its header says, or that has no header, is no safetensors file."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(damage(weights()))

    with pytest.raises(ValueError, match=r"model\.safetensors"):
        read_header(path)


TRUE = Shape(2048, 36, 151936, 32)
FLAT = {
    "model_type": "qwen2_5_vl",
    "hidden_size": 2048,
    "num_hidden_layers": 36,
    "vocab_size": 151936,
    "vision_config": {"depth": 32},
}
CONFIGS = [
    (FLAT, ""),
    ({**FLAT, "text_config": {**FLAT}}, ""),  # flat and nested: transformers 4.50
    ({"model_type": "qwen2_5_vl", "text_config": FLAT, "vision_config": {}}, ""),  # transformers 5
    ({**FLAT, "text_config": {}}, "hidden_size 8192"),  # would silently become the 72B model
    ({**FLAT, "text_config": {"model_type": "qwen2_5_vl_text"}}, "hidden_size 8192"),
    ({**FLAT, "text_config": "Qwen2_5_VLTextConfig {…}"}, "is no object"),  # saved as a text
    ({**FLAT, "vocab_size": 152064}, "vocabulary 152064"),
    ({**FLAT, "vision_config": {"depth": 24}}, "vision_blocks 24"),
    (None, "missing"),
]


@pytest.mark.parametrize(("document", "fault"), CONFIGS)
def test_config_is_compared_with_the_weights(document, fault):
    """A `config.json` from which another model would be built is found before anybody builds it."""
    found = fault_of_config(document, TRUE)

    assert fault in found
    assert bool(fault) == bool(found)


def test_published_base_by_size():
    """The base of a checkpoint is known by its width and depth, for Qwen2.5-VL alone."""
    assert base_of_shape(FLAT) == "Qwen/Qwen2.5-VL-3B-Instruct"
    assert base_of_shape({**FLAT, "model_type": "qwen3_vl"}) == ""


def test_names_of_folders_do_not_collide(tmp_path):
    """A second repository of the same name, or another commit, gets the commit into its name."""
    commit = "0123456789" * 4
    (tmp_path / "tiny").mkdir()

    assert free_name(tmp_path, "A/Tiny", commit) == "tiny-0123456"
    (tmp_path / "tiny-0123456").mkdir()
    assert free_name(tmp_path, "A/Tiny", commit) == "tiny-0123456-3"
    write_source(tmp_path / "tiny", Source("hub", repository="A/Tiny", commit=commit))
    assert free_name(tmp_path, "A/Tiny", commit) == "tiny"


@pytest.mark.parametrize("name", ["../../etc", "a/b.0123456789ab", ".0123456789ab", "a", ""])
def test_ids_of_downloads_are_no_paths(tmp_path, name):
    """What is not the id of a download is none, whatever it looks like."""
    with pytest.raises(LookupError):
        Parts(tmp_path, name)

    assert Parts(tmp_path, fetch_id("Ow/Na.me", 40 * "a")).folder.parent.parent == tmp_path


def test_source_file_survives_strangers(tmp_path):
    """What is written is read again; anything else in its place is no source."""
    source = Source("hub", repository="A/B", commit=40 * "a", files={"x": {"bytes": 1}})
    write_source(tmp_path, source)

    assert read_source(tmp_path) == source
    for text in ("", "[]", '{"files": 3}', "{"):
        (tmp_path / "source.json").write_text(text)
        assert read_source(tmp_path) in (None, Source(""))


def test_size_on_disk(tmp_path):
    """Files count with their bytes, links with none, an adapter without its base, a model of other servers with nothing."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.safetensors").write_bytes(b"x" * 1000)
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter.safetensors").write_bytes(b"x" * 10)
    (tmp_path / "adapter" / "linked").symlink_to(tmp_path / "base" / "model.safetensors")
    base = ModelFolder("a", "A", tmp_path / "base", "transformers")

    assert model_bytes(base) == 1000
    assert model_bytes(replace(base, adapter=tmp_path / "adapter")) == 10
    assert model_bytes(replace(base, kind="remote", folder=tmp_path)) == 0
