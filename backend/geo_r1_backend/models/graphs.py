"""Builds `vision.onnx` and `decoder.onnx`: small graphs of standard operators whose numbers stay in the weights file.

The graphs hold no weights: each tensor is external data at an offset inside `weights.safetensors`, int8 matrices go
through DequantizeLinear. A session that folds constants (see `engines/onnx.py`) has float matrices before its first run.
`vision-int8.onnx` and `decoder-int8.onnx` are the same graphs over the same numbers, multiplied as int8.
What positions, windows and masks mean is `positions.py`; the graphs only take the tables.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from geo_r1_backend.models.arithmetic import GRAPH_FILES, Arithmetic
from geo_r1_backend.models.config import ModelConfig, VisionConfig, read_config
from geo_r1_backend.models.weights import SCALE_SUFFIX, WEIGHTS_FILE, StoredTensor, read_layout

OPSET = 23  # the first with RMSNormalization, RotaryEmbedding and Attention
IR_VERSION = 11
MICROSOFT = "com.microsoft"
BLOCK = 32  # activations that share a scale: 16 and 64 were tried as well, see docs/experiments.md
VISION_RMS_EPS = 1e-6  # fixed in transformers, not a field of its config

_TYPES = {"F32": TensorProto.FLOAT, "I8": TensorProto.INT8}


def write_graphs(folder: Path) -> None:
    """Write the graphs beside the `config.json` and `weights.safetensors` in ``folder``."""
    config, layout = read_config(folder), read_layout(folder / WEIGHTS_FILE)
    for arithmetic, (vision_file, decoder_file) in GRAPH_FILES.items():
        vision = vision_graph(config.vision, layout, arithmetic)
        (folder / vision_file).write_bytes(vision.SerializeToString(deterministic=True))
        decoder = decoder_graph(config, layout, arithmetic)
        (folder / decoder_file).write_bytes(decoder.SerializeToString(deterministic=True))


class Graph:
    """Nodes and initializers in the making; every method returns the name of the value it made."""

    kept_type = TensorProto.FLOAT
    """Of keys and values."""

    def __init__(self, layout: Mapping[str, StoredTensor], arithmetic: Arithmetic) -> None:
        self._layout = layout
        self._arithmetic = arithmetic
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, TensorProto] = {}

    def op(self, kind: str, *inputs: str, **attributes: object) -> str:
        """A node with one output."""
        return self.op_many(kind, inputs, 1, **attributes)[0]

    def op_many(
        self, kind: str, inputs: Sequence[str], outputs: int | Sequence[str], **attributes: object
    ) -> list[str]:
        """A node with several outputs: how many, or their names. ``domain`` names operators beside the standard's."""
        at = f"{kind}_{len(self._nodes)}"
        names = [f"{at}.{i}" for i in range(outputs)] if isinstance(outputs, int) else list(outputs)
        self._nodes.append(helper.make_node(kind, list(inputs), names, at, **attributes))
        return names

    def number(self, value: float) -> str:
        """A constant float32."""
        name = f"number_{value}"
        self._initializers[name] = numpy_helper.from_array(np.array(value, np.float32), name)
        return name

    def integers(self, *values: int) -> str:
        """A constant list of int64, such as a shape."""
        name = "int_" + "_".join(map(str, values))
        self._initializers[name] = numpy_helper.from_array(np.array(values, np.int64), name)
        return name

    def byte(self, value: int) -> str:
        """A constant uint8."""
        name = f"byte_{value}"
        self._initializers[name] = numpy_helper.from_array(np.array(value, np.uint8), name)
        return name

    def stored(self, names: Sequence[str], *shape: int, unsigned: bool = False) -> str:
        """A tensor of the weights file, or several that follow each other there, seen as one of ``shape`` (int8 as bytes if ``unsigned``)."""
        parts = [self._layout[name] for name in names]
        for before, after in itertools.pairwise(parts):
            if before.offset_bytes + before.length_bytes != after.offset_bytes:
                message = f"{', '.join(names)} do not follow each other in {WEIGHTS_FILE}"
                raise ValueError(message)
        name = "+".join(names)
        tensor = TensorProto(
            name=name,
            data_type=TensorProto.UINT8 if unsigned else _TYPES[parts[0].dtype],
            dims=shape,
            data_location=TensorProto.EXTERNAL,
        )
        length = sum(part.length_bytes for part in parts)
        for key, value in (
            ("location", WEIGHTS_FILE),
            ("offset", parts[0].offset_bytes),
            ("length", length),
        ):
            tensor.external_data.add(key=key, value=str(value))
        self._initializers[name] = tensor
        return name

    def linear(self, x: str, modules: Sequence[str], *, bias: bool = True) -> str:
        """``(n, in)`` -> ``(n, out)`` through one matrix, or through several that share their input."""
        weights = [f"{module}.weight" for module in modules]
        wide = int(np.prod(self._layout[weights[0]].shape[1:]))
        out = sum(self._layout[weight].shape[0] for weight in weights)
        scale = self.stored([weight + SCALE_SUFFIX for weight in weights], out)
        if self._arithmetic == "int8" and wide % BLOCK == 0:
            biases = [f"{module}.bias" for module in modules] if bias else []
            return self._int8_linear(x, weights, scale, biases, out, wide)
        matrix, added = self.matrix(modules, bias=bias)
        return self.op("Gemm", x, matrix, *added, transB=1)

    def matrix(self, modules: Sequence[str], *, bias: bool) -> tuple[str, list[str]]:
        """``(out, in)`` in float32, and its bias where there is one."""
        weights = [f"{module}.weight" for module in modules]
        wide = int(np.prod(self._layout[weights[0]].shape[1:]))
        out = sum(self._layout[weight].shape[0] for weight in weights)
        scale = self.stored([weight + SCALE_SUFFIX for weight in weights], out)
        found = self.op("DequantizeLinear", self.stored(weights, out, wide), scale, axis=0)
        return found, [self.stored([f"{module}.bias" for module in modules], out)] if bias else []

    def _int8_linear(
        self, x: str, weights: Sequence[str], scale: str, biases: Sequence[str], out: int, wide: int
    ) -> str:
        """The same product in int8: each row of ``x`` is rounded in blocks, each with a scale of its own.

        The operator wants unsigned weights around 128 and a scale per block; a session makes both from the stored
        ones once, when it starts.
        """
        blocks = wide // BLOCK
        stored = self.stored(weights, out, blocks, BLOCK, unsigned=True)
        unsigned = self.op("BitwiseXor", stored, self.byte(128))  # -127..127 becomes 1..255
        scales = self.op(
            "Expand", self.op("Unsqueeze", scale, self.integers(1)), self.integers(1, blocks)
        )
        return self.op(
            "MatMulNBits",
            x,
            unsigned,
            scales,
            *(["", "", self.stored(biases, out)] if biases else []),
            domain=MICROSOFT,
            K=wide,
            N=out,
            bits=8,
            block_size=BLOCK,
            accuracy_level=4,
        )

    def rms_norm(self, x: str, module: str, width: int, epsilon: float) -> str:
        """``(n, width)`` normalised to a root mean square of the stored weight."""
        return self.op(
            "RMSNormalization",
            x,
            self.stored([f"{module}.weight"], width),
            axis=-1,
            epsilon=epsilon,
        )

    def gated_mlp(self, x: str, module: str, *, bias: bool) -> str:
        """SwiGLU: ``down(silu(gate(x)) * up(x))``."""
        both = self.linear(x, [f"{module}.gate_proj", f"{module}.up_proj"], bias=bias)
        gate, up = self.op_many("Split", [both], 2, axis=-1, num_outputs=2)
        silu = self.op("Mul", gate, self.op("Sigmoid", gate))
        return self.linear(self.op("Mul", silu, up), [f"{module}.down_proj"], bias=bias)

    def given(self, name: str) -> str:
        """An input, in the type in which is calculated."""
        return name

    def result(self, x: str, name: str) -> None:
        """An output."""
        self.op_many("Identity", [x], [name])

    def attention(self, q: str, k: str, v: str, heads: int, head_dim: int) -> str:
        """All positions of each of some sequences look at all: ``(b, n, heads * d)``."""
        return self.op("Attention", q, k, v, q_num_heads=heads, kv_num_heads=heads)

    def cached_attention(
        self,
        new: tuple[str, str, str],
        past: Sequence[str],
        present: Sequence[str],
        heads: int,
        kv_heads: int,
        head_dim: int,
    ) -> str:
        """New positions look at those before and at each other as far as `visible` says; names the longer keys and values."""
        mixed = present[0].replace("key", "mixed")
        self.op_many(
            "Attention",
            [*new, "visible", *past],
            [mixed, *present],
            q_num_heads=heads,
            kv_num_heads=kv_heads,
        )
        return mixed

    def last(self, x: str, norm: str, width: int, epsilon: float, head: str) -> None:
        """Logits of some positions."""
        self.result(
            self.linear(self.rms_norm(x, norm, width, epsilon), [head], bias=False), "logits"
        )

    def rotated(self, x: str, cos: str, sin: str, heads: int) -> str:
        """``(1, n, heads * d)`` turned by the angles whose tables ``(1, n, d / 2)`` are given."""
        return self.op("RotaryEmbedding", x, cos, sin, num_heads=heads)

    def model(
        self,
        name: str,
        doc: str,
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Sequence[onnx.ValueInfoProto],
    ) -> onnx.ModelProto:
        """The finished graph."""
        graph = helper.make_graph(
            self._nodes, name, inputs, outputs, list(self._initializers.values()), doc_string=doc
        )
        int8 = self._arithmetic == "int8"
        microsoft = [helper.make_opsetid(MICROSOFT, 1)] if int8 else []
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET), *microsoft],
            ir_version=IR_VERSION,
            producer_name="geo-r1",
        )


def _value(name: str, *shape: int | str, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def vision_graph(
    vision: VisionConfig,
    layout: Mapping[str, StoredTensor],
    arithmetic: Arithmetic = "float32",
    graph: Graph | None = None,
) -> onnx.ModelProto:
    """One graph for all view sizes whose sides are multiples of the window.

    Patches come in window order, so that window attention is a batch of equal windows; features leave in that order.
    """
    graph, width = graph or Graph(layout, arithmetic), vision.hidden_size
    cos, sin = (
        graph.op("Unsqueeze", graph.given(name), graph.integers(0)) for name in ("cos", "sin")
    )
    x = graph.linear(graph.given("patches"), ["visual.patch_embed.proj"], bias=False)
    for index in range(vision.depth):
        block = f"visual.blocks.{index}"
        normed = graph.rms_norm(x, f"{block}.norm1", width, VISION_RMS_EPS)
        qkv = graph.op("Unsqueeze", graph.linear(normed, [f"{block}.attn.qkv"]), graph.integers(0))
        q, k, v = graph.op_many("Split", [qkv], 3, axis=-1, num_outputs=3)
        q, k = (graph.rotated(part, cos, sin, vision.heads) for part in (q, k))
        if index not in vision.full_attention_blocks:
            windows = graph.integers(-1, vision.window_patches, width)
            q, k, v = (graph.op("Reshape", part, windows) for part in (q, k, v))
        mixed = graph.attention(q, k, v, vision.heads, vision.head_dim)
        mixed = graph.op("Reshape", mixed, graph.integers(-1, width))
        x = graph.op("Add", x, graph.linear(mixed, [f"{block}.attn.proj"]))
        normed = graph.rms_norm(x, f"{block}.norm2", width, VISION_RMS_EPS)
        x = graph.op("Add", x, graph.gated_mlp(normed, f"{block}.mlp", bias=True))
    x = graph.rms_norm(x, "visual.merger.ln_q", width, VISION_RMS_EPS)
    x = graph.op("Reshape", x, graph.integers(-1, width * vision.merge**2))
    x = graph.op("Gelu", graph.linear(x, ["visual.merger.mlp.0"]))
    graph.result(graph.linear(x, ["visual.merger.mlp.2"]), "features")
    return graph.model(
        "vision",
        "Patches in window order, with the cos and sin of their places, to visual tokens in window order.",
        [
            _value("patches", "patches", vision.patch_values),
            _value("cos", "patches", vision.head_dim // 2),
            _value("sin", "patches", vision.head_dim // 2),
        ],
        [_value("features", "tokens", vision.out_hidden_size)],
    )


def decoder_graph(
    config: ModelConfig,
    layout: Mapping[str, StoredTensor],
    arithmetic: Arithmetic = "float32",
    graph: Graph | None = None,
) -> onnx.ModelProto:
    """The language model for ``s`` new positions after ``p`` cached ones, one sequence at a time.

    Only as many of the last positions as ``asked`` says get logits. Keys and values go in and out with the model's own number of key-value heads.
    """
    text = config.text
    graph, width, half = graph or Graph(layout, arithmetic), text.hidden_size, text.head_dim // 2
    cos, sin = (
        graph.op("Unsqueeze", graph.given(name), graph.integers(0)) for name in ("cos", "sin")
    )
    q_wide, kv_wide = text.heads * text.head_dim, text.kv_heads * text.head_dim
    parts = graph.integers(q_wide, kv_wide, kv_wide)
    inputs = [
        _value("embeddings", "s", width),
        _value("cos", "s", half),
        _value("sin", "s", half),
        _value("visible", "s", "p+s", kind=TensorProto.BOOL),
        _value("asked", 1, kind=TensorProto.INT64),
    ]
    outputs = [_value("logits", "a", text.vocab_size)]
    x = graph.given("embeddings")
    for index in range(text.layers):
        layer = f"model.layers.{index}"
        past, present = cache_names(index)
        kept = {"kind": graph.kept_type}
        inputs += [_value(name, 1, text.kv_heads, "p", text.head_dim, **kept) for name in past]
        outputs += [
            _value(name, 1, text.kv_heads, "p+s", text.head_dim, **kept) for name in present
        ]
        normed = graph.rms_norm(x, f"{layer}.input_layernorm", width, text.rms_norm_eps)
        qkv = graph.linear(normed, [f"{layer}.self_attn.{part}_proj" for part in "qkv"])
        q, k, v = graph.op_many(
            "Split", [graph.op("Unsqueeze", qkv, graph.integers(0)), parts], 3, axis=-1
        )
        q = graph.rotated(q, cos, sin, text.heads)
        k = graph.rotated(k, cos, sin, text.kv_heads)
        mixed = graph.cached_attention(
            (q, k, v), past, present, text.heads, text.kv_heads, text.head_dim
        )
        mixed = graph.op("Reshape", mixed, graph.integers(-1, q_wide))
        x = graph.op("Add", x, graph.linear(mixed, [f"{layer}.self_attn.o_proj"], bias=False))
        normed = graph.rms_norm(x, f"{layer}.post_attention_layernorm", width, text.rms_norm_eps)
        x = graph.op("Add", x, graph.gated_mlp(normed, f"{layer}.mlp", bias=False))
    first, end = graph.op("Neg", "asked"), graph.integers(np.iinfo(np.int64).max)
    last = graph.op("Slice", x, first, end, graph.integers(0))
    head = "model.embed_tokens" if config.tied_embeddings else "lm_head"
    graph.last(last, "model.norm", width, text.rms_norm_eps, head)
    return graph.model(
        "decoder",
        "Embeddings of s new positions, after p cached ones, to the logits of the last ones asked for; visible[i, j]: i attends to j.",
        inputs,
        outputs,
    )


def cache_names(layer: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """Names of a layer's cached keys and values: ``(past, present)``."""
    return (f"past_key_{layer}", f"past_value_{layer}"), (f"key_{layer}", f"value_{layer}")
