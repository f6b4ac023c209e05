"""SAM checkpoints as segmenters: tiny random weights of each architecture, in a real worker process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the torch extra is not installed")
transformers = pytest.importorskip("transformers", reason="the torch extra is not installed")

from geo_r1_backend.engines import sam  # noqa: E402
from geo_r1_backend.engines.sam import SamSegmenter  # noqa: E402
from geo_r1_backend.engines.segmenter import MaskPrompt, load_segmenter  # noqa: E402
from geo_r1_backend.errors import EngineFailed, MissingExtra, ModelFailed  # noqa: E402
from tests.backend.tiny_sam import write_sam  # noqa: E402

KINDS = ("sam", "sam2", "sam2_video")
PROMPTS = [
    MaskPrompt((10, 10, 40, 30)),
    MaskPrompt((40.5, 10, 80, 45), ((50, 20), (60, 30))),
    MaskPrompt((0, 0, 90, 50), ((5, 5),)),
]


@pytest.fixture(scope="module")
def picture():
    """A picture with something in it, wider than high."""
    image = np.random.default_rng(0).integers(0, 120, (50, 90, 3), dtype=np.uint8)
    image[12:28, 14:36] = (220, 200, 40)
    return image


@pytest.fixture(scope="module", params=KINDS)
def folder(request, tmp_path_factory):
    """A checkpoint of each kind."""
    return write_sam(tmp_path_factory.mktemp(request.param) / "tiny", request.param)


@pytest.fixture(scope="module")
def segmenter(folder):
    """Its segmenter, ended afterwards."""
    loaded = load_segmenter(folder, 1)
    yield loaded
    loaded.close()


def inside_margin(mask, box_px):
    """Whether the mask is empty beyond half of the box's longer side."""
    reach = max(box_px[2] - box_px[0], box_px[3] - box_px[1]) * 0.5 + 16
    rows, columns = np.nonzero(mask)
    return not len(rows) or (
        rows.min() >= box_px[1] - reach
        and rows.max() <= box_px[3] + reach
        and columns.min() >= box_px[0] - reach
        and columns.max() <= box_px[2] + reach
    )


def test_masks_have_the_size_of_the_picture(segmenter, picture):
    """One mask per prompt, with and without points, and none far from its box."""
    masks = segmenter.segment(picture, PROMPTS)

    assert [mask.shape for mask in masks] == [(50, 90)] * 3
    assert all(mask.dtype == bool for mask in masks)
    assert all(inside_margin(m, p.box_px) for m, p in zip(masks, PROMPTS, strict=True))
    assert segmenter.segment(picture, []) == []


def test_masks_follow_picture_and_points(segmenter, picture):
    """Another picture and a point more give another mask; neither all nor nothing."""
    plain, pointed = segmenter.segment(picture, [MaskPrompt(PROMPTS[1].box_px), PROMPTS[1]])
    mirrored = segmenter.segment(picture[::-1].copy(), [PROMPTS[1]])[0]

    assert 0.02 < pointed.mean() < 0.9
    assert (plain != pointed).sum() > 50
    assert (mirrored != pointed).sum() > 50


def test_the_order_of_prompts_and_pictures_does_not_matter(segmenter, picture):
    """What is kept of the last picture changes nothing."""
    first = segmenter.segment(picture, PROMPTS)
    segmenter.segment(picture[::-1].copy(), PROMPTS[:1])
    again = segmenter.segment(picture, PROMPTS[::-1])[::-1]

    for one, other in zip(first, again, strict=True):
        assert (one != other).mean() < 0.001  # batches of other shapes may round otherwise


def test_sam_does_what_its_own_processor_does(tmp_path, picture):
    """Preparation, prompts and enlargement agree with transformers' pipeline on nearly every pixel."""
    folder = write_sam(tmp_path / "tiny", "sam")
    from transformers import SamModel, SamProcessor
    from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

    processor = SamProcessor(
        SamImageProcessorPil(
            size={"longest_edge": 64},
            pad_size={"height": 64, "width": 64},
            mask_size={"longest_edge": 16},
            mask_pad_size={"height": 16, "width": 16},
        )
    )
    boxes = [[list(map(float, p.box_px)) for p in PROMPTS]]
    inputs = processor(images=picture, input_boxes=boxes, return_tensors="pt")
    model = SamModel.from_pretrained(folder).eval()
    with torch.no_grad():
        answer = model(
            pixel_values=inputs["pixel_values"],
            input_boxes=inputs["input_boxes"].float(),
            multimask_output=False,
        )
    size = torch.nn.functional.interpolate(answer.pred_masks[0], (64, 64), mode="bilinear")
    reshaped = inputs["reshaped_input_sizes"][0].tolist()
    expected = torch.nn.functional.interpolate(
        size[..., : reshaped[0], : reshaped[1]], (50, 90), mode="bilinear"
    )
    segmenter = load_segmenter(folder, 1)
    found = segmenter.segment(picture, [MaskPrompt(p.box_px) for p in PROMPTS])
    segmenter.close()

    whole = found[2]  # its box is the picture, so nothing is cut off
    assert 0.01 < whole.mean() < 0.99
    assert (whole == (expected[2, 0] > 0).numpy()).mean() > 0.97


def test_a_killed_worker_is_an_error_and_the_next_call_starts_another(tmp_path, picture):
    """One EngineFailed that says how it ended, then masks again."""
    segmenter = load_segmenter(write_sam(tmp_path / "tiny", "sam2"), 1)
    before = segmenter.segment(picture, PROMPTS)
    first_pid = segmenter.worker_pid
    os.kill(first_pid, signal.SIGSTOP)
    os.kill(first_pid, signal.SIGKILL)

    with pytest.raises(EngineFailed, match="signal 9"):
        segmenter.segment(picture, PROMPTS)
    after = segmenter.segment(picture, PROMPTS)

    assert segmenter.worker_pid != first_pid
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    segmenter.close()
    assert segmenter.worker_pid is None


def test_a_hung_worker_is_ended(tmp_path, picture):
    """After the limit it is killed, and the error says so."""
    segmenter = SamSegmenter(write_sam(tmp_path / "tiny", "sam2"), 1, silence_limit_s=0.4)
    os.kill(segmenter.worker_pid, signal.SIGSTOP)
    began = time.monotonic()

    with pytest.raises(EngineFailed, match=r"said nothing for 0\.4 s and was ended"):
        segmenter.segment(picture, PROMPTS[:1])

    assert time.monotonic() - began < 20
    assert segmenter.worker_pid is None


def test_missing_weights_are_named(tmp_path):
    """A checkpoint that lacks a tensor is not completed with random numbers."""
    from safetensors.torch import load_file, save_file

    folder = write_sam(tmp_path / "tiny", "sam2")
    weights = load_file(folder / "model.safetensors")
    weights.pop("mask_decoder.iou_token.weight")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})

    with pytest.raises(ModelFailed, match=r"the weights lack mask_decoder\.iou_token\.weight"):
        load_segmenter(folder, 1)


def test_pickled_weights_are_refused(tmp_path):
    """Only safetensors; the hint says why."""
    folder = write_sam(tmp_path / "tiny", "sam")
    shutil.move(folder / "model.safetensors", folder / "pytorch_model.bin")

    with pytest.raises(ModelFailed, match="no weights") as caught:
        load_segmenter(folder, 1)
    assert "can run code" in caught.value.hint


def test_other_models_are_refused_by_their_config(tmp_path):
    """A folder of a language model is no segmenter."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen2_5_vl"}))

    with pytest.raises(ModelFailed, match=r"its config\.json is not that of SAM or SAM 2"):
        load_segmenter(tmp_path, 1)
    with pytest.raises(ModelFailed, match="there is no folder"):
        load_segmenter(tmp_path / "nowhere", 1)


def test_without_torch_the_extra_is_named(tmp_path, monkeypatch):
    """The error says what to install."""
    folder = tmp_path / "sam"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "sam"}))
    monkeypatch.setattr(sam.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(MissingExtra, match="torch"):
        load_segmenter(folder, 1)


def test_a_picture_of_another_form_is_refused(segmenter):
    """Nothing is sent to the worker."""
    with pytest.raises(ValueError, match="the image is"):
        segmenter.segment(np.zeros((8, 8), np.uint8), PROMPTS)
    with pytest.raises(ValueError, match="a box is"):
        segmenter.segment(np.zeros((8, 8, 3), np.uint8), [MaskPrompt((4, 4, 2, 2))])
