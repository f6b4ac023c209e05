"""Which precision a large model is loaded in, by the memory that is free."""

from __future__ import annotations

import json
import struct

import pytest

from geo_r1_backend.engines.fitting import (
    GB,
    Counts,
    DoesNotFitError,
    choose_precision,
    count_weights,
)

THREE_B = Counts(linear=2_774_000_000, other=981_000_000)


@pytest.mark.parametrize(
    ("free_gb", "on_gpu", "bitsandbytes", "chosen"),
    [
        (80.0, True, False, "bfloat16"),
        (10.0, True, True, "bfloat16"),
        (6.0, True, True, "4-bit"),  # 7.5 GB of weights do not fit, 3.5 do
        (64.0, False, False, "float32"),
        (12.0, False, False, "bfloat16"),  # slow, but it answers
        (None, True, False, "bfloat16"),  # unknown: nothing is refused
    ],
)
def test_the_best_form_that_fits_is_chosen(free_gb, on_gpu, bitsandbytes, chosen):
    """The choice is said with what it needs and what is free."""
    free = None if free_gb is None else int(free_gb * GB)
    found = choose_precision(THREE_B, free, on_gpu=on_gpu, has_bitsandbytes=bitsandbytes)

    assert found.precision == chosen
    assert "needs" in found.words


@pytest.mark.parametrize(
    ("free_gb", "on_gpu", "bitsandbytes", "words"),
    [
        (
            6.0,
            True,
            False,
            r"needs 9\.0 GB on the GPU in bfloat16, 6\.0 GB are free; in 4-bit it would need 5\.0 GB and fit: install",
        ),
        (2.0, True, True, r"smallest form \(4-bit\) needs 5\.0 GB; close other programs"),
        (
            4.0,
            False,
            False,
            r"needs 16\.0 GB of memory in float32, 4\.0 GB are free; the smallest form \(bfloat16\) needs 8\.5 GB",
        ),
    ],
)
def test_a_refusal_says_what_would_fit(free_gb, on_gpu, bitsandbytes, words):
    """Figures of need and room, and the way out."""
    with pytest.raises(DoesNotFitError, match=words):
        choose_precision(THREE_B, int(free_gb * GB), on_gpu=on_gpu, has_bitsandbytes=bitsandbytes)


def test_a_wanted_form_is_taken_or_refused():
    """Whoever names a form gets that one or an error, never another one."""
    free = 80 * GB
    found = choose_precision(THREE_B, free, on_gpu=True, has_bitsandbytes=True, wanted="4-bit")

    assert found.precision == "4-bit"
    with pytest.raises(DoesNotFitError):
        choose_precision(THREE_B, free, on_gpu=True, has_bitsandbytes=False, wanted="4-bit")


def test_float32_is_for_a_gpu_too():
    """Nobody chooses it there for a large model, but who asks for it gets it: the embedded model answers in it."""
    small = Counts(linear=20_000_000, other=9_000_000)
    found = choose_precision(small, 83 * GB, on_gpu=True, has_bitsandbytes=False, wanted="float32")

    assert found.precision == "float32"
    assert found.words == "float32: needs 1.6 GB, 83.0 GB free"


@pytest.mark.parametrize(
    ("wanted", "free_gb", "on_gpu", "bitsandbytes", "words"),
    [
        ("float32", 12.0, True, True, r"^it needs 16\.5 GB on the GPU in float32, 12\.0 GB are free; in bfloat16 it would need 9\.0 GB and fit$"),
        ("float32", 6.0, True, True, r"in float32, 6\.0 GB are free; in 4-bit it would need 5\.0 GB and fit$"),
        ("float32", 6.0, True, False, r"in 4-bit it would need 5\.0 GB and fit: install the package bitsandbytes$"),
        ("float32", 10.0, False, False, r"^it needs 16\.0 GB of memory in float32, 10\.0 GB are free; in bfloat16 it would need 8\.5 GB and fit$"),
        ("bfloat16", 3.0, True, True, r"in bfloat16, 3\.0 GB are free; the smallest form \(4-bit\) needs 5\.0 GB; close other"),
        ("4-bit", 80.0, True, False, r"^4-bit needs the package bitsandbytes: install it; in bfloat16 it would need 9\.0 GB and fit$"),
        ("4-bit", 80.0, False, True, r"^4-bit is for GPUs; in float32 it would need 16\.0 GB and fit$"),
    ],
)  # fmt: skip
def test_a_refusal_is_of_the_form_that_was_wanted(wanted, free_gb, on_gpu, bitsandbytes, words):
    """Its own figures, and the best other form that would fit."""
    with pytest.raises(DoesNotFitError, match=words):
        choose_precision(
            THREE_B,
            int(free_gb * GB),
            on_gpu=on_gpu,
            has_bitsandbytes=bitsandbytes,
            wanted=wanted,
        )


def test_weights_are_counted_without_reading_them(tmp_path):
    """Shapes stand in the header of each file; a cut file is named."""
    header = {
        "model.layers.0.self_attn.q_proj.weight": {"shape": [4, 8]},
        "model.layers.0.mlp.down_proj.weight": {"shape": [2, 3]},
        "visual.blocks.0.attn.qkv.weight": {"shape": [5, 5]},
        "__metadata__": {"format": "pt"},
    }
    text = json.dumps(header).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)

    assert count_weights(tmp_path) == Counts(linear=38, other=25)

    (tmp_path / "b.safetensors").write_bytes(b"\x00\x01")
    with pytest.raises(ValueError, match=r"b\.safetensors is no safetensors file"):
        count_weights(tmp_path)
