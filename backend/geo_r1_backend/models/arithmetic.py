"""How the matrices of the ONNX graphs are multiplied, and which graphs do it which way."""

from __future__ import annotations

from typing import Literal

Arithmetic = Literal["float32", "int8", "float16"]
"""`float32`: the int8 weights become float32 once, at the start. `int8`: they stay int8, and activations are rounded to
int8 as well, 32 at a time with a scale of their own. `float16`: on a GPU, which the service chooses by itself. All read the same weights."""
WAYS: tuple[Arithmetic, ...] = ("float32", "int8")
"""On a processor."""
GRAPH_FILES: dict[Arithmetic, tuple[str, str]] = {
    "float32": ("vision.onnx", "decoder.onnx"),
    "int8": ("vision-int8.onnx", "decoder-int8.onnx"),
}
"""Vision tower and language model."""
