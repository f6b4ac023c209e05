"""The ONNX engine as the service sees it: streaming, stopping, limits, one image looked at once."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from geo_r1_backend.engines import onnx
from geo_r1_backend.engines.base import Engine, EngineItem, GenerationOptions
from geo_r1_backend.engines.onnx import OnnxEngine
from geo_r1_backend.errors import EngineFailed, ModelFailed
from tests.backend.tiny_model import PROFILE, picture, tiny_folder, write_tiny_model

NEVER = bool  # bool() is False


@pytest.fixture
def engine():
    made = OnnxEngine(tiny_folder(), threads=1)
    yield made
    made.close()


def item(prompt="Find ships.", seed=1, width_px=224, height_px=112):
    return EngineItem(picture(width_px, height_px, seed), prompt)


def answers(engine, items, **options):
    """Text of each item, and its last piece."""
    texts, last = [""] * len(items), [None] * len(items)
    for piece in engine.generate(
        items, GenerationOptions(**{"max_new_tokens": 24, **options}), NEVER
    ):
        assert last[piece.index] is None, "a piece after the finishing one"
        texts[piece.index] += piece.text
        if piece.finish:
            last[piece.index] = piece
    return texts, last


def test_it_is_an_engine(engine):
    """The class fits the seam and says where it runs."""
    assert isinstance(engine, Engine)
    assert engine.profile == PROFILE
    assert engine.status().name == "onnx"
    assert engine.status().device == "cpu"
    assert engine.status().resident_bytes is None or engine.status().resident_bytes > 10_000_000


def test_every_item_ends_with_one_finishing_piece(engine):
    """Each item of a batch ends once, and its tokens are counted."""
    items = [item("a"), item("b"), item("a", seed=2)]
    pieces = list(engine.generate(items, GenerationOptions(max_new_tokens=24), NEVER))

    for index in range(3):
        own = [piece for piece in pieces if piece.index == index]
        assert [piece.finish != "" for piece in own] == [False] * (len(own) - 1) + [True]
        assert own[-1].finish == "length"  # these weights never end a turn by themselves
        assert sum(piece.tokens for piece in own) == 24


def test_greedy_answers_are_repeatable_and_depend_on_image_and_prompt(engine):
    """The same question gives the same answer, alone or in a batch; another image or prompt another one."""
    (first,), _ = answers(engine, [item()])
    (again, other_image, other_prompt), _ = answers(engine, [item(), item(seed=2), item("Where?")])

    assert first == again
    assert other_image != first
    assert other_prompt != first


def test_a_seed_repeats_a_sampled_answer(engine):
    """With a temperature the seed decides: the same seed the same text, another seed another one."""
    sampled = [answers(engine, [item()], temperature=1.0, seed=seed)[0] for seed in (1, 1, 2)]

    assert sampled[0] == sampled[1]
    assert sampled[0] != sampled[2]


def test_two_samples_of_one_question_differ(engine):
    """Items of one batch draw from their own random numbers."""
    (first, second), _ = answers(engine, [item(), item()], temperature=1.0)

    assert first != second


def test_one_image_is_looked_at_once(engine, monkeypatch):
    """Several questions about the same pixels encode them once, also when they come as another object."""
    looked = []
    model = engine._model
    encode = model.visual_tokens
    monkeypatch.setattr(
        model, "visual_tokens", lambda image: looked.append(image.size) or encode(image)
    )
    answers(engine, [item("a"), item("b")])
    answers(engine, [item("c"), item("d", seed=2), item("e", width_px=112, height_px=224)])

    assert looked == [(224, 112), (224, 112), (112, 224)]


def test_kept_images_are_bounded_by_their_memory(engine, monkeypatch):
    """What is kept of images does not grow with the number of views; the last one is kept, however large."""
    answers(engine, [item(seed=seed) for seed in range(2)], max_new_tokens=1)
    one = engine._kept_bytes() // 2
    tensors = next(iter(engine._kept.values())).tensors
    assert one == sum(tensor.numpy().nbytes for tensor in tensors)

    monkeypatch.setattr(onnx, "KEPT_BYTES", 4 * one)
    answers(engine, [item(seed=seed) for seed in range(7)], max_new_tokens=1)
    assert len(engine._kept) == 4

    monkeypatch.setattr(onnx, "KEPT_BYTES", 1)
    answers(engine, [item(seed=9)], max_new_tokens=1)
    assert len(engine._kept) == 1


@pytest.mark.parametrize("asked_before_stop", [0, 1, 2, 3, 4, 6])
def test_stop_ends_early_without_a_finishing_piece(engine, asked_before_stop):
    """Stop is obeyed before the image, before the prompt and at every token, and nothing is said to be finished."""
    asked = []

    def should_stop():
        asked.append(True)
        return len(asked) > asked_before_stop

    pieces = list(engine.generate([item("x"), item("y")], GenerationOptions(), should_stop))

    assert len(asked) == asked_before_stop + 1
    assert not any(piece.finish for piece in pieces)


def test_a_closed_stream_leaves_the_engine_usable(engine):
    """After a caller leaves in the middle, the next question is answered."""
    stream = engine.generate([item()], GenerationOptions(), NEVER)
    next(stream)
    stream.close()

    assert answers(engine, [item()])[1][0].finish


@pytest.fixture(scope="module")
def short_folder(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("short") / "short", max_positions=120)


def test_an_answer_ends_where_positions_end(short_folder):
    """A model of 120 positions stops there, and says that it was cut."""
    engine = OnnxEngine(short_folder, threads=1)
    before = len(engine._image_prefix) + 8 * 4 + len(engine._tokens.prompt_ids("ships"))
    pieces = list(engine.generate([item("ships")], GenerationOptions(max_new_tokens=500), NEVER))

    assert pieces[-1].finish == "length"
    assert before + sum(piece.tokens for piece in pieces) == 120


def test_a_prompt_beyond_the_positions_is_refused_with_both_numbers(short_folder):
    """A prompt that leaves no room for an answer is an error with the value and the limit."""
    engine = OnnxEngine(short_folder, threads=1)

    with pytest.raises(
        EngineFailed,
        match=r"the prompt has \d+ tokens and the image \d+; the model has 120 positions",
    ):
        next(engine.generate([item("ships " * 30)], GenerationOptions(), NEVER))


def test_an_image_of_another_size_is_an_engine_error(engine):
    """An image that the model cannot see gives one error with the size."""
    with pytest.raises(EngineFailed, match="140 x 112 px"):
        list(engine.generate([item(width_px=140)], GenerationOptions(), NEVER))


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "profile.json", "weights.safetensors", "decoder.onnx"]
)
def test_a_changed_file_is_named(tmp_path, name):
    """One changed byte in any file of the folder is found at the start, with the file's name."""
    folder = shutil.copytree(tiny_folder(), tmp_path / "tiny")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)

    with pytest.raises(ModelFailed, match=f"{name} is not the file of the manifest"):
        OnnxEngine(folder)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("vision.onnx", None, "vision.onnx is missing"),
        ("weights.safetensors", b"", r"weights.safetensors has 0 bytes, the manifest says \d"),
        ("manifest.json", None, "has no manifest.json"),
        ("manifest.json", b"{", "manifest.json cannot be read"),
        ("manifest.json", b'{"files": 3}', "manifest.json cannot be read"),
    ],
)
def test_a_missing_or_cut_file_is_named(tmp_path, name, content, said):
    """Files that are absent or cut off are named, with what was expected."""
    folder = shutil.copytree(tiny_folder(), tmp_path / "tiny")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)

    with pytest.raises(ModelFailed, match=said):
        OnnxEngine(folder)


def test_one_thread_and_two_agree(engine):
    """The number of threads changes the time, not the text."""
    (one,), _ = answers(engine, [item()])
    (two,), _ = answers(OnnxEngine(tiny_folder(), threads=2), [item()])

    assert one == two


def test_the_weights_are_not_in_the_graphs():
    """The graphs are tens of kilobytes, whatever the weights weigh."""
    for name in ("vision.onnx", "decoder.onnx"):
        assert (tiny_folder() / name).stat().st_size < 64_000


def test_logits_do_not_depend_on_what_was_asked_before(engine):
    """The cached beginning of a sequence gives the very logits of a fresh one."""
    fresh = OnnxEngine(tiny_folder(), threads=1)
    answers(engine, [item("something else"), item()])
    image = picture(224, 112)
    prompt = engine._tokens.prompt_ids("Find ships.")
    kept, new = (
        made._model.with_tokens(made._seen(image, lambda: None), prompt)[0]
        for made in (engine, fresh)
    )

    np.testing.assert_array_equal(kept, new)
