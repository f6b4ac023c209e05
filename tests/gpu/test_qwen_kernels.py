"""Triton's kernels beside plain torch: on a GPU, or anywhere with TRITON_INTERPRET=1 (`make test-kernels`)."""

from __future__ import annotations

import importlib.util
import os

import pytest
import torch

from geo_r1_backend.models.qwen.decode import APART, ONCE

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"

pytestmark = [
    pytest.mark.gpu,
    # Triton's interpreter with numpy before 2.4
    pytest.mark.filterwarnings("ignore:Conversion of an array with ndim:DeprecationWarning"),
    # a gate that is shut: exp of a large number is infinite there, as on a GPU
    pytest.mark.filterwarnings("ignore:overflow encountered in exp:RuntimeWarning"),
    pytest.mark.skipif(
        importlib.util.find_spec("triton") is None
        or not (INTERPRETED or torch.cuda.is_available()),
        reason="needs Triton, and a CUDA device or TRITON_INTERPRET=1",
    ),
]
# the interpreter multiplies bfloat16 matrices as if they were integers (Triton 3.6)
DTYPES = [torch.float32] if INTERPRETED else [torch.float32, torch.bfloat16]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_kernel_is_its_twin(dtype):
    """Each kernel gives what plain torch gives, to rounding, at sizes of a 3B and a 7B model and at odd ones."""
    from geo_r1_backend.models.qwen.choice import TOLERANCE, differences
    from geo_r1_backend.models.qwen.fused import CHECKED, FusedOperations

    found = dict(differences(FusedOperations(), DEVICE, dtype))

    assert list(found) == list(CHECKED)
    for name, apart in found.items():
        assert not isinstance(apart, Exception), f"{name}: {apart!r}"
        assert apart <= TOLERANCE[dtype], name


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_vector_product_is_its_twin(dtype):
    """Products of one or two rows with norm, bias, gate and sum give what plain torch gives, in either type."""
    from geo_r1_backend.models.qwen.choice import TOLERANCE, differences
    from geo_r1_backend.models.qwen.fused import FusedOperations

    products = ("norm_linear", "norm_gated", "linear_add")
    for name, apart in differences(FusedOperations(), DEVICE, dtype, only=products):
        assert not isinstance(apart, Exception), f"{name}: {apart!r}"
        assert apart <= TOLERANCE[dtype], name


@pytest.mark.parametrize(("parts", "few"), [(1, 8), (4, 0), (4, 8), (16, 8)])
def test_attention_never_reads_behind_a_row(parts, few, monkeypatch):
    """Slots from a row's newest on hold NaN and change nothing, whatever part of the row they would fall into; counters end at zero."""
    from geo_r1_backend.models.qwen import fused
    from geo_r1_backend.models.qwen.layout import Shape
    from geo_r1_backend.models.qwen.operations import Operations

    monkeypatch.setattr(fused, "FEW_ROWS", few)
    for number in (True, False):
        blocks = {"SPLITS": parts, "BLOCK": 32}
        monkeypatch.setitem(fused.ATTEND, number, fused.ATTEND[number] | blocks)
    shape = Shape(6, 2, 32, 1e-6)
    tables = torch.randn(2, 300, 16, device=DEVICE)
    arrivals = torch.zeros(2, dtype=torch.int32, device=DEVICE)
    for length in (1, 2, 32, 33, 34, 64, 65, 130):
        kept = torch.randn(2, 1, 2, 256, 32, device=DEVICE)
        kept[:, :, :, length - 1 :] = 0.0
        mine = kept.clone()
        mine[:, :, :, length - 1 :] = float("nan")
        new = torch.randn(1, 10 * 32, device=DEVICE)
        at = torch.tensor([length - 1], device=DEVICE)
        given = (new, (tables[0], tables[1]), at + 7, at)
        expected = Operations().attend_new(*given, kept[0], kept[1], shape, arrivals)

        found = fused.FusedOperations().attend_new(*given, mine[0], mine[1], shape, arrivals)

        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(mine[:, :, :, :length], kept[:, :, :, :length])
        assert not arrivals.any()


@pytest.mark.parametrize("way", [APART, ONCE])
def test_a_whole_step_by_kernels_says_what_plain_torch_says(tmp_path, way, monkeypatch):
    """Vision, prompt and two decoded tokens of a tiny model, every small operation by its kernel, as the loop calls them."""
    from geo_r1_backend.models.qwen.fused import FusedOperations
    from tests.backend.test_qwen_runtime import ASKED, runtime, told
    from tests.backend.tiny_model import write_tiny_model

    if not INTERPRETED:
        pytest.skip("tests/gpu/test_qwen_on_gpu.py does it with graphs")
    from geo_r1_backend.models.export import export_stock_folder

    export_stock_folder(write_tiny_model(tmp_path / "tiny", max_positions=2048), tmp_path / "stock")
    expected = told(runtime(tmp_path / "stock"), ASKED[:2], 3)
    made = runtime(tmp_path / "stock", operations=FusedOperations())
    step = made.decoder.step
    monkeypatch.setattr(
        made.decoder, "step", lambda *given, **named: step(*given, **named, way=way)
    )

    assert told(made, ASKED[:2], 3) == expected


def test_a_refused_kernel_is_plain_torch():
    """What does not work on a device is done by its twin there, and the engine says which."""
    from geo_r1_backend.models.qwen.fused import FusedOperations

    made = FusedOperations({"swiglu": "differs by 1e-1", "linear_add": "CompilationError"})
    rows = torch.randn(2, 8)

    torch.testing.assert_close(
        made.swiglu(rows), torch.nn.functional.silu(rows[:, :4]) * rows[:, 4:]
    )
    assert "swiglu: differs by 1e-1" in made.name
    assert not made.reads_once(1)
