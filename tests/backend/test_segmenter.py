"""The segmenter of crops: its graph, its folder, its masks, and what it refuses."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the torch extra is not installed")
onnx = pytest.importorskip("onnx", reason="the export extra is not installed")

from onnx import TensorProto, helper  # noqa: E402

from geo_r1_backend.engines.crop_pixels import mask_from_logits  # noqa: E402
from geo_r1_backend.engines.segmenter import MaskPrompt, load_segmenter  # noqa: E402
from geo_r1_backend.errors import ModelFailed  # noqa: E402
from geo_r1_backend.geo.crops import Window  # noqa: E402
from geo_r1_backend.segmentation.settings import NetConfig  # noqa: E402
from tests.backend.tiny_segmenter import random_net, write_segmenter  # noqa: E402

SIDE_PX = 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A packed segmenter with random weights."""
    return write_segmenter(tmp_path_factory.mktemp("segmenter"), random_net())


def test_the_graph_has_the_numbers_of_the_net(folder):
    """Folded and in float16, its logits are those of torch within a hundredth."""
    crops = torch.rand(3, 5, SIDE_PX, SIDE_PX)

    with torch.no_grad():
        expected = random_net()(crops).numpy()
    found = load_segmenter(folder, 1)._session.run(["logits"], {"crops": crops.numpy()})[0]

    assert np.abs(expected).max() > 0.05
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_masks_come_in_the_order_of_the_prompts_whatever_the_batch(folder):
    """Forty prompts at once give what each gives alone."""
    image = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    prompts = [
        MaskPrompt((x, y, x + 20, y + 15), ((x + 5, y + 5),))
        for y in range(0, 60, 12)
        for x in range(0, 96, 12)
    ]
    segmenter = load_segmenter(folder, 1)

    together = segmenter.segment(image, prompts)

    assert len(together) == len(prompts) == 40
    for prompt, mask in zip(prompts[::7], together[::7], strict=True):
        assert mask.shape == (90, 120)
        assert mask.dtype == bool
        np.testing.assert_array_equal(segmenter.segment(image, [prompt])[0], mask)


def test_no_prompts_give_no_masks(folder):
    """An empty list is answered with one."""
    assert load_segmenter(folder, 1).segment(np.zeros((9, 9, 3), np.uint8), []) == []


def threshold_graph(folder, *, side=SIDE_PX, channels=5, name="crops", batch="n"):
    """A user's own graph: the object is where the picture is red."""
    folder.mkdir(exist_ok=True)
    weights = np.zeros((1, channels, 1, 1), np.float32)
    weights[0, 0] = 1
    node = helper.make_node("Conv", [name, "w", "b"], ["logits"])
    graph = helper.make_graph(
        [node],
        "red",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, channels, side, side])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 1, side, side])],
        [
            onnx.numpy_helper.from_array(weights, "w"),
            onnx.numpy_helper.from_array(np.array([-0.5], np.float32), "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (folder / "mine.onnx").write_bytes(model.SerializeToString())
    describe(folder)
    return folder


def describe(folder, **changed):
    """Write `segmenter.json`; None takes a field out."""
    document = {
        "format": 1,
        "name": "mine",
        "graph": "mine.onnx",
        "side_px": SIDE_PX,
        "context": 0.25,
        "smallest_px": 16,
    } | changed
    document = {name: value for name, value in document.items() if value is not None}
    (folder / "segmenter.json").write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("box", "at"),
    [
        ((20, 30, 60, 50), (0, 0)),  # inside
        ((0, 0, 30, 20), (0, 0)),  # in the corner
        ((-15, 80, 25, 110), (0, 0)),  # over the edge
    ],
)
def test_a_users_graph_cuts_out_what_it_finds(tmp_path, box, at):
    """A graph that finds red gives exactly the red rectangle, also at the picture's edges."""
    image = np.zeros((100, 90, 3), np.uint8)
    x0, y0, x1, y1 = (max(0, value) for value in box)
    image[y0 + 4 : y1 - 4, x0 + 4 : x1 - 4] = (255, 0, 0)

    mask = load_segmenter(threshold_graph(tmp_path), 1).segment(image, [MaskPrompt(box)])[0]

    truth = image[..., 0] > 0
    union = (mask | truth).sum()
    assert (mask & truth).sum() / union > 0.9


def test_a_mask_is_empty_far_from_its_box(tmp_path):
    """Red beyond the margin of the box is not the object."""
    image = np.full((200, 200, 3), (255, 0, 0), np.uint8)

    mask = load_segmenter(threshold_graph(tmp_path), 1).segment(
        image, [MaskPrompt((100, 100, 120, 120))]
    )[0]

    rows, columns = np.nonzero(mask)
    assert (rows.min(), columns.min()) == (95, 95)
    assert (rows.max(), columns.max()) == (124, 124)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"side_px": 64}, r"shape.*not \(n, 5, 64, 64\)"),
        ({"side_px": 7}, "side_px in segmenter.json is 7, allowed are 32 to 1024"),
        ({"context": 9}, "context in segmenter.json is 9.0"),
        ({"smallest_px": None}, "segmenter.json lacks 'smallest_px'"),
        ({"format": 2}, "has format 2, known is 1"),
        ({"graph": "../mine.onnx"}, "is no file in"),
        ({"graph": "other.onnx"}, "is no file in"),
        ({"side_px": "wide"}, "cannot be read"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(tmp_path, changed, said):
    """The error names the field, the value and what fits."""
    threshold_graph(tmp_path)
    describe(tmp_path, **changed)

    with pytest.raises(ModelFailed, match=said):
        load_segmenter(tmp_path, 1)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"channels": 3}, "input “crops” has the shape"),
        ({"name": "images"}, "the graph has the inputs images, not “crops”"),
        ({"batch": 1}, r"\[1, 5, 32, 32\]"),
    ],
)
def test_a_graph_of_another_kind_is_refused(tmp_path, made, said):
    """Names and shapes are checked when it is loaded, not at the first box."""
    with pytest.raises(ModelFailed, match=said):
        load_segmenter(threshold_graph(tmp_path, **made), 1)


def test_a_damaged_file_is_named(tmp_path):
    """A packed folder whose weights changed is not loaded."""
    packed = write_segmenter(tmp_path, random_net())
    weights = packed / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"abcd")

    with pytest.raises(ModelFailed, match=r"weights\.safetensors is not the file of the manifest"):
        load_segmenter(packed, 1)


def test_the_shipped_sizes_keep_their_promise(tmp_path):
    """At most 10 MB of files and 30 ms a box on two threads, whatever the weights; the calmest try counts."""
    packed = write_segmenter(tmp_path, random_net(config=NetConfig()))
    segmenter = load_segmenter(packed, 2)
    image = np.random.default_rng(2).integers(0, 256, (400, 600, 3), dtype=np.uint8)
    prompts = [MaskPrompt((40 * n, 30 * n, 40 * n + 90, 30 * n + 60)) for n in range(8)]

    calmest_s = float("inf")
    for _ in range(60):
        began_s = time.perf_counter()
        segmenter.segment(image, prompts)
        calmest_s = min(calmest_s, (time.perf_counter() - began_s) / len(prompts))
        if calmest_s <= 0.030:
            break

    assert sum(path.stat().st_size for path in packed.iterdir()) <= 10_000_000
    assert calmest_s <= 0.030


def test_an_empty_folder_is_refused(tmp_path):
    """The hint says what a segmenter is."""
    with pytest.raises(ModelFailed, match=r"segmenter\.json") as caught:
        load_segmenter(tmp_path, 1)
    assert "docs/segmenters.md" in caught.value.hint


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(folder, image):
    """Only RGB bytes with some pixels."""
    with pytest.raises(ValueError, match="the image is"):
        load_segmenter(folder, 1).segment(image, [MaskPrompt((0, 0, 4, 4))])


def test_logits_shrink_to_a_smaller_window_by_their_mean():
    """A window of eight pixels gets eight, each the mean of its share of the crop."""
    logits = np.full((32, 32), -5.0, np.float32)
    logits[:, :16] = 5.0

    mask = mask_from_logits(logits, Window(4, 4, 8), (20, 20))

    assert mask.sum() == 32
    assert mask[4:12, 4:8].all()
