"""Int8 weights: rounding, names, order, the file."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_r1_backend.models import weights
from tests.backend.tiny_model import config, random_state


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    out=st.integers(1, 9),
    wide=st.integers(1, 40),
    size=st.floats(1e-6, 1e6),
)
def test_rounding_is_at_most_half_a_step(seed, out, wide, size):
    """No weight moves by more than half a step of its own row, and the largest of a row does not move."""
    matrix = (np.random.default_rng(seed).standard_normal((out, wide)) * size).astype(np.float32)

    values, scale = weights.quantise_matrix(matrix)
    back = weights.dequantise_matrix(values, scale)

    assert values.dtype == np.int8
    assert np.all(np.abs(back - matrix) <= scale[:, None] * 0.5001)
    np.testing.assert_allclose(np.abs(back).max(axis=1), np.abs(matrix).max(axis=1), rtol=1e-6)


def test_a_row_of_zeros_stays_zero():
    """A dead output channel gives zeros, not NaN."""
    values, scale = weights.quantise_matrix(np.zeros((2, 3), np.float32))

    assert not weights.dequantise_matrix(values, scale).any()
    assert np.isfinite(scale).all()


def test_quantising_twice_changes_nothing():
    """Weights that came from int8 go back to the same int8, so a model may be exported and packed again."""
    stored = weights.quantise_state(random_state(config()), config())
    again = weights.quantise_state(weights.dequantise_state(stored), config())

    for name, array in stored.items():
        if array.dtype == np.int8:
            np.testing.assert_array_equal(array, again[name], err_msg=name)


@pytest.mark.parametrize(
    ("on_disk", "in_memory"),
    [
        ("visual.blocks.0.attn.qkv.weight", "model.visual.blocks.0.attn.qkv.weight"),
        ("model.layers.3.mlp.up_proj.weight", "model.language_model.layers.3.mlp.up_proj.weight"),
        ("model.norm.weight", "model.language_model.norm.weight"),
        ("lm_head.weight", "lm_head.weight"),
    ],
)
def test_names_on_disk_and_in_memory(on_disk, in_memory):
    """transformers renames when it saves; both spellings are understood, and one is the inverse of the other."""
    assert weights.stock_name(in_memory) == on_disk
    assert weights.stock_name(on_disk) == on_disk
    assert weights.module_name(on_disk) == in_memory


def test_a_missing_parameter_is_named():
    """A state dict without a parameter is refused with its name."""
    state = random_state(config())
    del state["model.layers.1.mlp.up_proj.weight"]

    with pytest.raises(ValueError, match=r"lacks 'model\.layers\.1\.mlp\.up_proj\.weight'"):
        weights.quantise_state(state, config())


def test_an_unknown_parameter_is_named():
    """A state dict of a larger model is refused with the first name that is too much."""
    state = random_state(config()) | {
        "model.layers.9.input_layernorm.weight": np.ones(128, np.float32)
    }

    with pytest.raises(ValueError, match=r"has 'model\.layers\.9\.input_layernorm\.weight'"):
        weights.quantise_state(state, config())


def test_a_weight_that_is_not_finite_is_named():
    """A training that ended in NaN is not packed."""
    state = random_state(config())
    state["model.norm.weight"][3] = np.nan

    with pytest.raises(ValueError, match=r"'model\.norm\.weight' has values that are not finite"):
        weights.quantise_state(state, config())


def test_the_file_keeps_order_numbers_and_types(tmp_path):
    """What is written is read back, in the written order, from the place that the layout names."""
    path = tmp_path / "w.safetensors"
    tensors = {
        "z": np.arange(6, dtype=np.float32).reshape(2, 3),
        "a": np.array([[-127, 127]], np.int8),
        "m": np.array([1.5], np.float16),
    }
    weights.write_tensors(tensors, path, {"format": "pt"})

    layout, read = weights.read_layout(path), weights.read_tensors(path)

    assert list(layout) == ["z", "a", "m"]
    assert layout["z"].offset_bytes % weights.ALIGNMENT_BYTES == 0
    for name, array in tensors.items():
        np.testing.assert_array_equal(read[name], array)
        place = layout[name]
        assert (
            path.read_bytes()[place.offset_bytes : place.offset_bytes + place.length_bytes]
            == array.tobytes()
        )


def test_the_reference_library_reads_the_file(tmp_path):
    """The safetensors library reads what we write, int8 and metadata included."""
    safetensors = pytest.importorskip("safetensors")
    path = tmp_path / "w.safetensors"
    stored = weights.quantise_state(random_state(config()), config())
    weights.write_tensors(stored, path, {"format": "pt"})

    with safetensors.safe_open(path, "np") as file:
        assert file.metadata() == {"format": "pt"}
        assert set(file.keys()) == set(stored)
        for name, array in stored.items():
            np.testing.assert_array_equal(file.get_tensor(name), array)


def test_projections_of_one_input_lie_side_by_side(tmp_path):
    """q, k, v and gate, up follow each other in the file, with their scales and biases: graphs read them as one."""
    path = tmp_path / "w.safetensors"
    weights.write_tensors(weights.quantise_state(random_state(config()), config()), path)
    layout = weights.read_layout(path)

    for group, ends in (
        ("model.layers.1.self_attn.{}_proj", ("weight", "weight_scale", "bias")),
        ("visual.blocks.2.mlp.{}_proj", ("weight", "weight_scale", "bias")),
    ):
        parts = "qkv" if "attn" in group else ("gate", "up")
        for end in ends:
            places = [layout[f"{group.format(part)}.{end}"] for part in parts]
            for before, after in itertools.pairwise(places):
                assert before.offset_bytes + before.length_bytes == after.offset_bytes


@pytest.mark.parametrize("kept_bytes", [0, 4, 100, -1])
def test_a_damaged_file_is_refused(tmp_path, kept_bytes):
    """A file that was cut off says so instead of giving wrong numbers."""
    path = tmp_path / "w.safetensors"
    weights.write_tensors({"a": np.arange(100, dtype=np.float32)}, path)
    path.write_bytes(path.read_bytes()[:kept_bytes])

    with pytest.raises(ValueError, match=r"not a safetensors file|damaged"):
        weights.read_layout(path)


def test_a_header_of_another_format_is_refused(tmp_path):
    """A zip or a pickle under this name is refused, not read as a header of exabytes."""
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"PK\x03\x04" * 100)

    with pytest.raises(ValueError, match="not a safetensors file"):
        weights.read_layout(path)


def test_float_state_has_the_tied_head(tmp_path):
    """torch gets the embedding under both of its names, and every name that transformers has in memory."""
    stored = weights.quantise_state(random_state(config()), config())
    weights.write_tensors(stored, tmp_path / weights.WEIGHTS_FILE)

    state = weights.float_state(tmp_path)

    assert state["lm_head.weight"] is state["model.language_model.embed_tokens.weight"]
    assert {weights.stock_name(name) for name in state} == {
        *weights.stock_names(config()),
        "lm_head.weight",
    }
    assert json.dumps(sorted(str(array.dtype) for array in state.values())).count("float32") == len(
        state
    )
