"""The torch module that is trained is the Qwen2.5-VL of transformers, and packing changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the torch extra is not installed")

from geo_r1_backend.models.nano import IMAGE_MEAN, IMAGE_STD, Nano, NanoConfig, image_positions  # noqa: E402
from geo_r1_backend.pretraining.initial import initialise  # noqa: E402

SMALL = NanoConfig(
    vocabulary=512,
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
IMAGE, START, END = 500, 501, 502


@pytest.fixture(scope="module")
def model():
    """A small random model of our own."""
    torch.manual_seed(0)
    nano = Nano(SMALL)
    initialise(nano, list(range(400)))
    for (
        parameter
    ) in nano.parameters():  # norms and biases away from their start, so that they count
        parameter.data += 0.05 * torch.randn_like(parameter)
    return nano.eval()


@pytest.fixture(scope="module")
def reference(model):
    """The same weights in transformers."""
    transformers = pytest.importorskip("transformers", reason="the torch extra is not installed")
    text = {
        "hidden_size": 96,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "num_key_value_heads": 1,
        "vocab_size": 512,
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10_000.0,
            "mrope_section": [4, 6, 6],
        },
        "bos_token_id": None,
        "eos_token_id": 0,
        "pad_token_id": 0,
    }
    vision = {
        "depth": 2,
        "hidden_size": 64,
        "num_heads": 2,
        "intermediate_size": 96,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": [1],
        "out_hidden_size": 96,
    }
    config = transformers.Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=IMAGE,
        video_token_id=503,
        vision_start_token_id=START,
        vision_end_token_id=END,
        tie_word_embeddings=True,
    )
    theirs = transformers.Qwen2_5_VLForConditionalGeneration._from_config(
        config, attn_implementation="eager"
    )
    missing = theirs.load_state_dict(model.state_dict(), strict=False)
    assert missing.unexpected_keys == []
    assert [k for k in missing.missing_keys if "lm_head" not in k] == []
    theirs.tie_weights()
    return theirs.eval()


def processor_patches(image: np.ndarray) -> torch.Tensor:
    """Patches as Qwen2VLImageProcessor makes them, written out independently: ``(n, 1176)``."""
    x = (image.astype(np.float32) / 255 - np.array(IMAGE_MEAN, np.float32)) / np.array(
        IMAGE_STD, np.float32
    )
    h, w = image.shape[0] // 14, image.shape[1] // 14
    frames = np.stack([x.transpose(2, 0, 1)] * 2)
    cut = frames.reshape(1, 2, 3, h // 2, 2, 14, w // 2, 2, 14)
    return torch.from_numpy(cut.transpose(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(h * w, -1).copy())


@pytest.mark.parametrize(("width_px", "height_px"), [(224, 112), (112, 336), (224, 224)])
@torch.no_grad()
def test_model_equals_transformers(model, reference, width_px, height_px):
    """Our module and transformers' give the same logits for a picture and a text."""
    image = np.random.default_rng(0).integers(0, 256, (height_px, width_px, 3), dtype=np.uint8)
    rows, columns = height_px // 28, width_px // 28
    before, after = [7, 8, START], [END, 9, 10, 11]
    ids = torch.tensor([before + [IMAGE] * rows * columns + after])

    expected = reference(
        input_ids=ids,
        pixel_values=processor_patches(image),
        image_grid_thw=torch.tensor([[1, rows * 2, columns * 2]]),
        attention_mask=torch.ones_like(ids),
        mm_token_type_ids=(ids == IMAGE).long(),
    ).logits

    visual = model.model.visual(torch.from_numpy(image)[None])
    embed = model.model.language_model.embed_tokens
    embeds = torch.cat((embed(ids[:, :3]), visual, embed(ids[:, -4:])), 1)
    pictured, behind = image_positions(3, rows, columns)
    own = torch.cat(
        (torch.arange(3).expand(3, -1), pictured, (behind + torch.arange(4)).expand(3, -1)), 1
    )
    mask = torch.ones(1, 1, ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
    hidden, _ = model.model.language_model(embeds, own[:, None], mask)

    torch.testing.assert_close(model.logits(hidden), expected, atol=2e-4, rtol=1e-3)


@torch.no_grad()
def test_packed_questions_equal_questions_alone(model):
    """A question in a packed row gets the numbers that it gets alone."""
    from geo_r1_backend.pretraining.step import packed_mask

    torch.manual_seed(1)
    shared, first, second = (torch.randn(1, n, 96) for n in (9, 5, 7))
    place = lambda n: torch.arange(n).expand(3, 1, -1)  # noqa: E731 - a local shorthand

    packed_positions = torch.cat((place(9), 9 + place(5), 9 + place(7)), 2)
    segments = torch.tensor([[0] * 9 + [1] * 5 + [2] * 7])
    packed, _ = model.model.language_model(
        torch.cat((shared, first, second), 1), packed_positions, packed_mask(segments)
    )
    alone_mask = packed_mask(torch.tensor([[0] * 9 + [1] * 7]))
    alone, _ = model.model.language_model(torch.cat((shared, second), 1), place(16), alone_mask)

    torch.testing.assert_close(packed[:, -7:], alone[:, -7:], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_cache_equals_whole_sequence(model):
    """Decoding with cached keys and values gives what the whole sequence gives."""
    torch.manual_seed(2)
    x = torch.randn(1, 12, 96)
    positions = torch.arange(12).expand(3, 1, -1)
    mask = torch.ones(1, 1, 12, 12, dtype=torch.bool).tril()

    whole, _ = model.model.language_model(x, positions, mask)
    _, kept = model.model.language_model(x[:, :11], positions[:, :, :11], mask[:, :, :11, :11])
    last, _ = model.model.language_model(x[:, 11:], positions[:, :, 11:], None, kept)

    torch.testing.assert_close(last[:, 0], whole[:, 11], atol=1e-5, rtol=1e-4)
