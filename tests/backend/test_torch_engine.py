"""The engine that runs any Qwen2.5-VL folder through transformers, in a worker process: a tiny random folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from geo_r1_backend.engines.base import EngineItem, GenerationOptions
from geo_r1_backend.engines.onnx import OnnxEngine
from geo_r1_backend.engines.select import load_engine, select_engine
from geo_r1_backend.engines.torch_engine import TorchEngine
from geo_r1_backend.errors import EngineFailed, ModelFailed
from geo_r1_backend.models.export import export_stock_folder
from geo_r1_backend.models.registry import describe
from tests.backend.tiny_model import picture, write_tiny_model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The same random numbers as a folder of ours and as a stock folder of transformers."""
    ours = write_tiny_model(tmp_path_factory.mktemp("tiny") / "tiny", max_positions=2048)
    stock = tmp_path_factory.mktemp("stock") / "tiny-stock"
    export_stock_folder(ours, stock)
    return ours, stock


@pytest.fixture(scope="module")
def engine(folders):
    engine = TorchEngine(folders[1], threads=1)
    yield engine
    engine.close()


def item(width_px=224, height_px=672, prompt="Find ships."):
    return EngineItem(picture(width_px, height_px), prompt)


def never():
    return False


def test_worker_says_what_the_onnx_engine_says(engine, folders):
    """The same weights give the same greedy text through transformers as through the small graphs."""
    options = GenerationOptions(max_new_tokens=24)
    items = [item(), item(672, 224, "Where is the largest tank?")]

    pieces = list(engine.generate(items, options, never))
    expected = list(OnnxEngine(folders[0], 1).generate(items, options, never))

    for index in (0, 1):
        ours = "".join(p.text for p in pieces if p.index == index)
        assert ours == "".join(p.text for p in expected if p.index == index)
        assert [p.finish for p in pieces if p.index == index and p.finish] == ["length"]
        assert sum(p.tokens for p in pieces if p.index == index) == 24
    assert "torch" in engine.status().facts
    assert engine.status().name == "torch"


def test_registry_gives_a_stock_folder_to_torch(folders):
    """A folder of transformers is run by torch, and the reason against onnx is said."""
    model = describe(folders[1])

    selection = select_engine(model)

    assert selection.engine == "torch"
    assert "vision.onnx" in selection.refused["onnx"]


def test_exported_folder_is_shown_the_same_views(engine, folders):
    """The exported folder carries its profile: both engines show a chip in the same way, so boxes agree."""
    assert engine.profile == OnnxEngine(folders[0], 1).profile


def test_stop_ends_a_long_answer_and_keeps_the_worker(engine):
    """Stop takes effect at the next token, and the same worker answers the next request."""
    pid = engine.worker_pid
    pieces = []
    stopped_s = None

    for piece in engine.generate(
        [item()], GenerationOptions(max_new_tokens=1500), lambda: bool(pieces)
    ):
        pieces.append(piece)
        stopped_s = stopped_s or time.monotonic()
    took_s = time.monotonic() - stopped_s
    again = list(engine.generate([item()], GenerationOptions(max_new_tokens=2), never))

    assert took_s < 1.0
    assert not any(piece.finish for piece in pieces)
    assert again[-1].finish == "length"
    assert engine.worker_pid == pid


def test_closing_the_generator_stops_the_worker(engine):
    """A caller that loses interest without a word frees the worker as well."""
    answering = engine.generate([item()], GenerationOptions(max_new_tokens=1500), never)
    next(answering)

    began_s = time.monotonic()
    answering.close()

    assert time.monotonic() - began_s < 1.0


def test_bad_options_fail_one_request_only(engine):
    """An error inside of the worker is that request's error; the worker stays."""
    pid = engine.worker_pid

    with pytest.raises(EngineFailed) as failure:
        list(engine.generate([item()], GenerationOptions(max_new_tokens=0), never))

    assert failure.value.code == "engine-failed"
    assert engine.worker_pid == pid


def test_killed_worker_is_one_error_and_comes_back(engine):
    """When the worker dies in mid-answer the request fails with the reason, and the next one is answered."""
    answering = engine.generate([item()], GenerationOptions(max_new_tokens=1500), never)
    next(answering)
    os.kill(engine.worker_pid, signal.SIGKILL)

    with pytest.raises(EngineFailed, match="signal 9"):
        list(answering)
    again = list(engine.generate([item()], GenerationOptions(max_new_tokens=2), never))

    assert again[-1].finish == "length"


def test_hung_worker_is_ended(engine):
    """A worker that says nothing for too long is killed, and that is said."""
    engine._silence_limit_s = 0.3
    pid = engine.worker_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(EngineFailed, match=r"nothing for 0\.3 s"):
            list(engine.generate([item()], GenerationOptions(max_new_tokens=5), never))
    finally:
        engine._silence_limit_s = 60.0

    assert engine.worker_pid is None


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: (folder / "config.json").write_text("{}"), "model_type"),
        (lambda folder: [p.unlink() for p in folder.glob("*.safetensors")], "no weights"),
    ],
)
def test_damaged_folder_is_refused_without_starting_anything(folders, tmp_path, damage, reason):
    """What can be seen without torch is said without torch."""
    folder = tmp_path / "damaged"
    folder.mkdir()
    for source in folders[1].iterdir():
        (folder / source.name).write_bytes(source.read_bytes())
    damage(folder)

    with pytest.raises(ModelFailed, match=reason):
        load_engine(describe(folder))


def test_server_side_of_the_engine_imports_no_torch():
    """The process that serves never imports torch or transformers, whatever engine it uses."""
    code = (
        "import sys, json, geo_r1_backend.engines.torch_engine, geo_r1_backend.serve, geo_r1_backend.engines.onnx;"
        "print(json.dumps([m for m in sys.modules if m.split('.')[0] in ('torch', 'transformers', 'rasterio')]))"
    )

    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=child_env()
    )

    assert json.loads(out.stdout) == []


def child_env():
    from geo_r1_backend.config import package_folder

    return {**os.environ, "PYTHONPATH": str(package_folder().parent)}


def test_text_of_broken_characters_is_held_back():
    """A character that takes several tokens is said when it is complete, not before."""
    from geo_r1_backend.engines.torch_generate import TextPieces

    pieces = TextPieces(lambda ids: bytes(ids).decode("utf-8", "replace"))
    said = [pieces.add(byte) for byte in "aé😀b".encode()]

    assert said == ["a", "", "é", "", "", "", "😀", "b"]


def test_image_is_not_resized_behind_our_back(engine):
    """The worker's processor takes the planned view as it is, also where the folder's own limits differ."""
    big = EngineItem(Image.new("RGB", (1120, 28 * 3), "navy"), "Find ships.")

    assert list(engine.generate([big], GenerationOptions(max_new_tokens=1), never))[-1].finish


def test_an_adapter_shares_the_worker_of_its_base(engine, folders, tmp_path):
    """A run's model over a loaded base starts no second process, answers as if merged, and leaves the base its own answer."""
    from geo_r1_backend.engines.torch_loading import load_tokenizer, merge_adapter
    from tests.backend.test_qwen_runtime import generated, load, write_adapter

    adapter = write_adapter(folders[1], tmp_path / "adapter", 1)
    model = load(folders[1])
    base_ids = generated(folders[1], model, [(140, 84, 2, "Find ships.")], 16)[0]
    merge_adapter(model, adapter)
    merged_ids = generated(folders[1], model, [(140, 84, 2, "Find ships.")], 16)[0]
    tokenizer, _ = load_tokenizer(folders[1])
    asked = [EngineItem(picture(140, 84, 2), "Find ships.")]
    options = GenerationOptions(max_new_tokens=16)

    beside = TorchEngine(folders[1], threads=1, adapter=adapter, model_id="run-1")
    said = [
        "".join(piece.text for piece in one.generate(asked, options, never))
        for one in (beside, engine, beside)
    ]
    pids = {beside.worker_pid, engine.worker_pid}
    beside.close()

    texts = [
        tokenizer.decode(ids, skip_special_tokens=True).rstrip("\ufffd")
        for ids in (merged_ids, base_ids, merged_ids)
    ]
    assert said == texts
    assert texts[0] != texts[1]
    assert len(pids) == 1
    assert engine.worker_pid in pids  # closing one leaves the other its worker


def test_an_adapter_of_another_base_is_refused(engine, folders, tmp_path):
    """The refusal names what does not fit, and the base goes on answering."""
    from safetensors.torch import load_file, save_file

    from tests.backend.test_qwen_runtime import write_adapter

    adapter = write_adapter(folders[1], tmp_path / "adapter", 2)
    stored = load_file(adapter / "adapter_model.safetensors")
    renamed = {name.replace("layers.2.", "layers.7."): value for name, value in stored.items()}
    save_file(renamed, adapter / "adapter_model.safetensors")

    with pytest.raises(ModelFailed, match=r"layer 7\.\w+, which the base has not"):
        TorchEngine(folders[1], threads=1, adapter=adapter)

    assert list(engine.generate([item()], GenerationOptions(max_new_tokens=2), never))[-1].finish
