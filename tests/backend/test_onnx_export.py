"""The stock folder that transformers and other servers load."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import (
    AutoImageProcessor,
    AutoTokenizer,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
)
from transformers.processing_utils import ProcessorMixin

from geo_r1_backend.engines.onnx_model import OnnxModel
from geo_r1_backend.errors import ModelFailed
from geo_r1_backend.models import pixels
from geo_r1_backend.models.export import as_bfloat16, export_stock_folder
from geo_r1_backend.models.tokens import ChatTokens
from tests.backend.tiny_model import picture, tiny_folder


class ImageOnlyProcessor(Qwen2_5_VLProcessor):
    """The stock processor asks for a video processor, which asks for torchvision."""

    def __init__(self, image_processor=None, tokenizer=None, chat_template=None):
        self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stock") / "tiny"
    export_stock_folder(tiny_folder(), folder)
    return folder


def test_transformers_loads_the_folder_and_gives_the_same_logits(stock):
    """Model, tokenizer, template and image processor of the folder give the logits of the ONNX engine."""
    model, report = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        stock, output_loading_info=True, dtype=torch.float32
    )
    processor = ImageOnlyProcessor.from_pretrained(stock)
    image = picture(336, 560)
    messages = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Find ships."}]}
    ]
    text = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    inputs = processor(text=[text], images=[image], return_tensors="pt")
    with torch.no_grad():
        expected = model.eval()(**inputs).logits[0, -1].numpy()

    ours = OnnxModel(tiny_folder(), threads=1)
    tokens = ChatTokens(tiny_folder() / "tokenizer.json")
    rows, columns = pixels.token_grid(ours.config.vision, image)
    _, cache = ours.with_tokens(ours.empty_cache(), tokens.image_prefix_ids())
    cache = ours.with_image(cache, ours.visual_tokens(image), rows, columns)
    logits, _ = ours.with_tokens(cache, tokens.prompt_ids("Find ships."))

    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert np.abs(logits - expected).max() < 1e-4 * np.abs(expected).max()


def test_generation_stops_at_the_end_of_the_turn(stock):
    """Greedy is the default, and the end of the turn ends an answer."""
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(stock)
    tokenizer = AutoTokenizer.from_pretrained(stock)

    assert model.generation_config.do_sample is False
    special = (tokenizer.eos_token, tokenizer.pad_token)
    assert special == ("<|im_end|>", "<|endoftext|>")
    assert tokenizer.eos_token_id in model.generation_config.eos_token_id
    assert tokenizer.model_max_length == 512


def test_the_tokenizer_gives_our_ids(stock):
    """transformers' tokenizer splits ordinary text as ours does."""
    tokenizer = AutoTokenizer.from_pretrained(stock)
    text = "Find 12 ships, près du quai"

    assert tokenizer(text)["input_ids"] == ChatTokens(tiny_folder() / "tokenizer.json").text_ids(
        text
    )


def test_the_image_processor_keeps_the_views(stock):
    """An image of a view's size reaches the model unresized."""
    made = AutoImageProcessor.from_pretrained(stock)(
        images=[picture(672, 224)], return_tensors="pt"
    )

    assert made["image_grid_thw"].tolist() == [[1, 16, 48]]


def test_bfloat16_is_half_as_large(tmp_path, stock):
    """The bf16 folder is half the size, and transformers loads it as such."""
    export_stock_folder(tiny_folder(), tmp_path / "half", "bfloat16")
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(tmp_path / "half", dtype="auto")

    sizes = [(folder / "model.safetensors").stat().st_size for folder in (tmp_path / "half", stock)]
    assert sizes[0] < 0.52 * sizes[1]
    assert model.dtype == torch.bfloat16


def test_bfloat16_rounds_as_torch_does():
    """Rounding is to nearest, ties to even, as in torch."""
    numbers = np.concatenate(
        [
            np.random.default_rng(0).standard_normal(10_000).astype(np.float32),
            np.float32([0, -0.0, 1.00390625, 1.01171875]),
        ]
    )
    expected = torch.from_numpy(numbers).bfloat16().view(torch.uint16).numpy()

    np.testing.assert_array_equal(as_bfloat16(numbers), expected)


def test_a_damaged_model_is_not_exported(tmp_path):
    """Export checks the manifest first."""
    folder = shutil.copytree(tiny_folder(), tmp_path / "tiny")
    profile = json.loads((folder / "profile.json").read_text())
    (folder / "profile.json").write_text(json.dumps(profile | {"max_pixels": 1}))

    with pytest.raises(ModelFailed, match=r"profile\.json"):
        export_stock_folder(folder, tmp_path / "out")
