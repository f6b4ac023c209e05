"""The graphs in float16, for a GPU: made in memory when an engine starts there, over the same stored int8 weights.

Norms, softmax and logits are calculated in float32, everything between them in float16. Attention is taken apart into standard
operators: which forms of the operator itself a GPU's provider knows differs from version to version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from onnx import TensorProto

from geo_r1_backend.models.config import read_config
from geo_r1_backend.models.graphs import Graph, decoder_graph, vision_graph
from geo_r1_backend.models.weights import WEIGHTS_FILE, StoredTensor, read_layout

NOT_VISIBLE = -1e9
"""Added to scores, which are float32 there."""


def half_graphs(folder: Path) -> tuple[bytes, bytes]:
    """Vision tower and language model of a folder, as a session reads them; the weights stay in the folder's file."""
    config, layout = read_config(folder), read_layout(folder / WEIGHTS_FILE)
    return (
        vision_graph(config.vision, layout, "float16", HalfGraph(layout)).SerializeToString(),
        decoder_graph(config, layout, "float16", HalfGraph(layout)).SerializeToString(),
    )


class HalfGraph(Graph):
    """Numbers between operators are float16; what comes in and goes out is float32, but for keys and values."""

    kept_type = TensorProto.FLOAT16

    def __init__(self, layout: Mapping[str, StoredTensor]) -> None:
        super().__init__(layout, "float16")
        self._cast: dict[str, str] = {}

    def given(self, name: str) -> str:
        """See the base."""
        return self._half(name)

    def result(self, x: str, name: str) -> None:
        """See the base."""
        self.op_many("Cast", [x], [name], to=TensorProto.FLOAT)

    def linear(self, x: str, modules: Sequence[str], *, bias: bool = True) -> str:
        """See the base; the float16 matrices are made once, when a session starts."""
        matrix, added = self.matrix(modules, bias=bias)
        return self.op("Gemm", x, self._half(matrix), *(self._half(one) for one in added), transB=1)

    def rms_norm(self, x: str, module: str, width: int, epsilon: float) -> str:
        """See the base; the operator calculates in float32 by itself (`stash_type`)."""
        weight = self._half(self.stored([f"{module}.weight"], width))
        return self.op("RMSNormalization", x, weight, axis=-1, epsilon=epsilon)

    def attention(self, q: str, k: str, v: str, heads: int, head_dim: int) -> str:
        """See the base."""
        apart = self.integers(0, 0, heads, head_dim)
        q, v = (
            self.op("Transpose", self.op("Reshape", x, apart), perm=[0, 2, 1, 3]) for x in (q, v)
        )
        k = self.op("Transpose", self.op("Reshape", k, apart), perm=[0, 2, 3, 1])
        mixed = self.op("MatMul", self._weights(self.op("MatMul", q, k), head_dim), v)
        return self.op(
            "Reshape", self.op("Transpose", mixed, perm=[0, 2, 1, 3]), self.integers(0, 0, -1)
        )

    def cached_attention(
        self,
        new: tuple[str, str, str],
        past: Sequence[str],
        present: Sequence[str],
        heads: int,
        kv_heads: int,
        head_dim: int,
    ) -> str:
        """See the base. Query heads that share keys stand in a dimension of their own, so nothing is expanded."""
        q = self.op("Reshape", new[0], self.integers(-1, kv_heads, heads // kv_heads, head_dim))
        q = self.op("Transpose", q, perm=[1, 2, 0, 3])  # (kv, shared, s, d)
        every = []
        for x, before, behind in zip(new[1:], past, present, strict=True):
            apart = self.op("Reshape", x, self.integers(1, -1, kv_heads, head_dim))
            turned = self.op("Transpose", apart, perm=[0, 2, 1, 3])
            self.op_many("Concat", [before, turned], [behind], axis=2)
            every.append(behind)  # (1, kv, p + s, d)
        k = self.op("Transpose", every[0], perm=[1, 0, 3, 2])  # (kv, 1, d, p + s)
        v = self.op("Transpose", every[1], perm=[1, 0, 2, 3])
        weights = self._weights(self.op("MatMul", q, k), head_dim, "visible")
        mixed = self.op("Transpose", self.op("MatMul", weights, v), perm=[2, 0, 1, 3])
        return self.op("Reshape", mixed, self.integers(1, -1, heads * head_dim))

    def last(self, x: str, norm: str, width: int, epsilon: float, head: str) -> None:
        """See the base; all of it in float32, of the few positions that are asked for."""
        x = self.op("Cast", x, to=TensorProto.FLOAT)
        x = super().rms_norm(x, norm, width, epsilon)
        matrix, _ = self.matrix([head], bias=False)
        self.op_many("Gemm", [x, matrix], ["logits"], transB=1)

    def _weights(self, scores: str, head_dim: int, visible: str = "") -> str:
        """Softmax of scores, float32 inside."""
        scores = self.op("Cast", scores, to=TensorProto.FLOAT)
        scores = self.op("Mul", scores, self.number(head_dim**-0.5))
        if visible:
            scores = self.op("Where", visible, scores, self.number(NOT_VISIBLE))
        return self.op("Cast", self.op("Softmax", scores, axis=-1), to=TensorProto.FLOAT16)

    def _half(self, name: str) -> str:
        """A value in float16, made once."""
        if name not in self._cast:
            self._cast[name] = self.op("Cast", name, to=TensorProto.FLOAT16)
        return self._cast[name]
