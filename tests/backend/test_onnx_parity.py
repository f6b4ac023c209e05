"""The ONNX engine's numbers against transformers, from the same int8 weights."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from transformers import Qwen2_5_VLConfig
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from geo_r1_backend.engines.onnx_model import OnnxModel
from geo_r1_backend.models import pixels, positions
from geo_r1_backend.models.tokens import ChatTokens
from tests.backend.tiny_model import VIEWS_PX, in_transformers, picture, tiny_folder

PROMPT = "the largest tank, please; 12 numbers"


@pytest.fixture(scope="module")
def model():
    return OnnxModel(tiny_folder(), threads=1)


def relative_difference(ours, theirs):
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def processed(image):
    """Patches and grid as transformers makes them, without resizing."""
    return Qwen2VLImageProcessorPil(do_resize=False)(images=[image], return_tensors="pt")


def transformers_inputs(model, image):
    """The whole prompt as transformers takes it."""
    made = processed(image)
    tokens = ChatTokens(tiny_folder() / "tokenizer.json")
    count = int(made["image_grid_thw"].prod()) // 4
    before, after = tokens.image_prefix_ids(), tokens.prompt_ids(PROMPT)
    ids = torch.tensor([[*before, *[model.config.image_token_id] * count, *after]])
    kinds = (ids == model.config.image_token_id).int()
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "mm_token_type_ids": kinds,
        "pixel_values": made["pixel_values"],
        "image_grid_thw": made["image_grid_thw"],
    }


def prefilled(model, image):
    """Our logits after the whole prompt, and the cache."""
    tokens = ChatTokens(tiny_folder() / "tokenizer.json")
    rows, columns = pixels.token_grid(model.config.vision, image)
    _, cache = model.with_tokens(model.empty_cache(), tokens.image_prefix_ids())
    cache = model.with_image(cache, model.visual_tokens(image), rows, columns)
    return model.with_tokens(cache, tokens.prompt_ids(PROMPT))


@pytest.mark.parametrize(("width_px", "height_px"), VIEWS_PX)
def test_patches_equal_the_image_processor(model, width_px, height_px):
    """Patches hold the very numbers of transformers' image processor, in window order."""
    image = picture(width_px, height_px)
    expected = processed(image)["pixel_values"].numpy().reshape(-1, 4, 1176)
    rows, columns = pixels.token_grid(model.config.vision, image)

    found = pixels.patches(model.config.vision, image).reshape(-1, 4, 1176)

    order = positions.window_order(model.config.vision, rows, columns)
    np.testing.assert_allclose(found, expected[order], atol=1e-6)


@pytest.mark.parametrize(("width_px", "height_px"), VIEWS_PX)
def test_visual_tokens_equal_transformers(model, width_px, height_px):
    """One graph gives transformers' visual tokens for every view size."""
    image = picture(width_px, height_px)
    made = processed(image)
    with torch.no_grad():
        expected = (
            in_transformers()
            .model.visual(made["pixel_values"], grid_thw=made["image_grid_thw"])
            .pooler_output
        )

    assert relative_difference(model.visual_tokens(image), expected.numpy()) < 1e-4


@pytest.mark.parametrize(("width_px", "height_px"), VIEWS_PX)
def test_logits_equal_transformers(model, width_px, height_px):
    """After image and prompt, the logits are transformers' logits."""
    image = picture(width_px, height_px)
    with torch.no_grad():
        expected = in_transformers()(**transformers_inputs(model, image)).logits[0, -1].numpy()

    logits, _ = prefilled(model, image)

    assert relative_difference(logits, expected) < 1e-4


def test_greedy_tokens_equal_transformers(model):
    """Forty greedy tokens are the tokens that transformers' generate gives."""
    image = picture(560, 336)
    inputs = transformers_inputs(model, image)
    made = in_transformers().generate(
        **inputs, max_new_tokens=40, min_new_tokens=40, do_sample=False
    )
    expected = made[0, inputs["input_ids"].shape[1] :].tolist()

    logits, cache = prefilled(model, image)
    found = []
    for _ in expected:
        logits[model.config.eos_token_id] = -np.inf  # as min_new_tokens does
        found.append(int(logits.argmax()))
        logits, cache = model.with_tokens(cache, found[-1:])

    assert found == expected


@pytest.mark.parametrize(("width_px", "height_px"), VIEWS_PX)
def test_positions_equal_get_rope_index(model, width_px, height_px):
    """Positions of text, image and text are those of transformers' get_rope_index."""
    image = picture(width_px, height_px)
    inputs = transformers_inputs(model, image)
    expected, _ = in_transformers().model.get_rope_index(
        inputs["input_ids"], inputs["mm_token_type_ids"], image_grid_thw=inputs["image_grid_thw"]
    )
    rows, columns = pixels.token_grid(model.config.vision, image)
    before = inputs["mm_token_type_ids"][0].tolist().index(1)
    after = inputs["input_ids"].shape[1] - before - rows * columns

    found = np.concatenate(
        [
            positions.text_positions(0, before),
            positions.image_positions(before, rows, columns),
            positions.text_positions(positions.after_image(before, rows, columns), after),
        ],
        axis=1,
    )

    np.testing.assert_array_equal(found, expected[:, 0].numpy())


def test_one_prompt_in_parts_gives_the_same_logits(model):
    """Prefill in parts of any size gives what prefill at once gives."""
    ids = list(range(40))
    whole, _ = model.with_tokens(model.empty_cache(), ids)

    cache = model.empty_cache()
    for start in (0, 1, 18, 19):
        end = {0: 1, 1: 18, 18: 19, 19: 40}[start]
        parts, cache = model.with_tokens(cache, ids[start:end])

    assert relative_difference(parts, whole) < 1e-5


def test_a_cache_can_be_continued_twice(model):
    """Two answers may grow from one cached beginning without touching each other."""
    _, cache = model.with_tokens(model.empty_cache(), [1, 2, 3])
    first, _ = model.with_tokens(cache, [4])
    model.with_tokens(cache, [5, 6, 7])
    again, _ = model.with_tokens(cache, [4])

    np.testing.assert_array_equal(first, again)


def test_an_image_of_half_windows_is_refused(model):
    """An image that does not fall into whole windows is refused with both sizes."""
    with pytest.raises(ValueError, match=r"140 x 112 px .* multiples of 112 px"):
        model.visual_tokens(picture(140, 112))


def test_default_session_options_give_the_same_numbers(model):
    """Any onnxruntime loads the folder: without our options the answer is the same, only slower."""
    image = picture(224, 112)
    vision = model.config.vision
    cos, sin = positions.vision_rotation(vision, 4, 8)
    order = positions.window_order(vision, 4, 8)
    session = onnxruntime.InferenceSession(
        tiny_folder() / "vision.onnx", providers=["CPUExecutionProvider"]
    )

    found = session.run(None, {"patches": pixels.patches(vision, image), "cos": cos, "sin": sin})[0]

    assert relative_difference(found, model.visual_tokens(image)[order]) < 1e-4


def test_transformers_reads_the_config():
    """The config.json that we write is complete for transformers."""
    stored = json.loads((tiny_folder() / "config.json").read_text())
    read = Qwen2_5_VLConfig.from_dict(stored)

    assert read.text_config.rope_parameters["mrope_section"] == [4, 6, 6]
    assert read.vision_config.fullatt_block_indexes == [1, 3]
    assert read.tie_word_embeddings is True


@pytest.mark.parametrize("name", ["vision.onnx", "decoder.onnx"])
def test_the_graphs_are_valid_onnx(name):
    """The standard's checker accepts the graphs and infers every shape, external data included."""
    onnx.checker.check_model(tiny_folder() / name, full_check=True)
