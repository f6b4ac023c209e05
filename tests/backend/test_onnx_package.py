"""From a training run's weights to a folder that the engine answers from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from geo_r1_backend.engines.onnx_model import OnnxModel
from geo_r1_backend.models import pixels
from geo_r1_backend.models.nano import Nano, NanoConfig
from geo_r1_backend.models.weights import float_state
from geo_r1_backend.pretraining.package import package
from tests.backend.tiny_model import picture, tokenizer

SMALL = NanoConfig(
    vocabulary=288,
    hidden=96,
    layers=2,
    heads=3,
    kv_heads=1,
    mlp=128,
    mrope_section=(4, 6, 6),
    vision_hidden=64,
    vision_layers=2,
    vision_heads=2,
    vision_mlp=96,
    full_attention_layers=(1,),
)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """What a pretraining run leaves: bfloat16 weights by the names of its module, and the tokenizer."""
    folder = tmp_path_factory.mktemp("run")
    torch.manual_seed(0)
    nano = Nano(SMALL)
    for parameter in nano.parameters():
        torch.nn.init.normal_(parameter, 0, parameter.shape[-1] ** -0.5)
    save_file(
        {name: array.bfloat16() for name, array in nano.state_dict().items()},
        folder / "model.safetensors",
    )
    (folder / "tokenizer.json").write_text(tokenizer().to_str(), encoding="utf-8")
    return folder


def test_the_training_module_and_the_engine_see_the_same(run_folder, tmp_path):
    """The vision tower that was trained and the packaged graph give the same visual tokens from the int8 weights."""
    package(run_folder / "model.safetensors", run_folder / "tokenizer.json", tmp_path, SMALL)
    nano = Nano(SMALL)
    state = {name: torch.from_numpy(array) for name, array in float_state(tmp_path).items()}
    nano.load_state_dict({name: state[name] for name in nano.state_dict()})
    image = picture(336, 224)
    with torch.no_grad():
        expected = nano.eval().model.visual(torch.from_numpy(np.array(image))[None])[0].numpy()

    model = OnnxModel(tmp_path, threads=1)

    assert pixels.token_grid(model.config.vision, image) == (8, 12)
    np.testing.assert_allclose(
        model.visual_tokens(image), expected, atol=1e-4 * np.abs(expected).max()
    )
