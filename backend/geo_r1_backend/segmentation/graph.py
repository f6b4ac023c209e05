"""The net as an ONNX graph: batch norms folded into their convolutions, weights float16 in a safetensors file beside it.

Nothing here needs torch: the weights are arrays. Sessions widen the weights to float32 once, when they start.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from geo_r1_backend.engines.crop_segmenter import CHANNELS, INPUT, OUTPUT
from geo_r1_backend.models.weights import WEIGHTS_FILE, StoredTensor, read_layout, write_tensors
from geo_r1_backend.segmentation.settings import NetConfig

OPSET = 18
IR_VERSION = 9
NORM_EPSILON = 1e-5  # torch's default

Arrays = Mapping[str, np.ndarray]


def folded(state: Arrays) -> dict[str, np.ndarray]:
    """Convolutions with biases, float16, that do what convolution and batch norm of ``state`` did.

    Args:
        state: arrays named as in ``SegmenterNet.state_dict()``.

    Raises:
        ValueError: if a number is not finite, or too large for float16; the message names its tensor.
    """
    out: dict[str, np.ndarray] = {}
    for name, kernel in state.items():
        if name.endswith(".conv.weight"):
            module = name.removesuffix(".conv.weight")
            scale = state[f"{module}.norm.weight"] / np.sqrt(
                state[f"{module}.norm.running_var"] + NORM_EPSILON
            )
            out[f"{module}.weight"] = kernel * scale[:, None, None, None]
            out[f"{module}.bias"] = (
                state[f"{module}.norm.bias"] - state[f"{module}.norm.running_mean"] * scale
            )
        elif name.startswith("head."):
            out[name] = kernel
    for name, array in out.items():
        if not np.isfinite(array).all() or np.abs(array).max() > 6e4:
            message = f"{name!r} has values that are not finite or too large for float16"
            raise ValueError(message)
    return {name: array.astype(np.float16) for name, array in out.items()}


def write_graph(state: Arrays, config: NetConfig, folder: Path, graph_file: str) -> None:
    """Write the weights file and the graph of a trained net into ``folder``."""
    write_tensors(folded(state), folder / WEIGHTS_FILE)
    graph = build(config, read_layout(folder / WEIGHTS_FILE))
    (folder / graph_file).write_bytes(graph.SerializeToString(deterministic=True))


def build(config: NetConfig, layout: Mapping[str, StoredTensor]) -> onnx.ModelProto:
    """The graph over the tensors of a weights file; the same walk as ``SegmenterNet.forward``."""
    g = _Graph(layout)
    widths, side = config.widths, config.side_px
    x = g.centred(INPUT)
    fine = g.relu(g.conv("fine", x, 3))
    x = g.relu(g.conv("stem", x, 4, 2))
    skips = []
    for index, depth in enumerate(config.depths):
        if index:
            x = g.conv(f"down.{index - 1}", x, 2, 2)
        for block in range(depth):
            x = g.block(f"encoder.{index}.{block}", x, config.kernel, widths[index])
        skips.append(x)
    for index in reversed(range(len(widths) - 1)):
        x = g.op("Add", skips[index], g.doubled(g.conv(f"up.{index}", x, 1)))
        for block in range(config.decoder_depth):
            x = g.block(f"decoder.{index}.{block}", x, config.kernel, widths[index])
    x = g.relu(g.op("Add", fine, g.doubled(g.conv("last_up", x, 1))))
    x = g.relu(g.conv("mix", x, 3))
    g.conv("head", x, 3, name=OUTPUT)
    return g.model(side)


class _Graph:
    """Nodes and initializers in the making; every method returns the name of the value it made."""

    def __init__(self, layout: Mapping[str, StoredTensor]) -> None:
        self._layout = layout
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, TensorProto] = {}

    def op(self, kind: str, *inputs: str, name: str = "", **attributes: object) -> str:
        at = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name or at], at, **attributes))
        return name or at

    def constant(self, name: str, values: np.ndarray) -> str:
        self._initializers[name] = numpy_helper.from_array(values, name)
        return name

    def centred(self, x: str) -> str:
        """Colours from 0..1 to -2..2; marks as they are."""
        gain = np.array([4, 4, 4, 1, 1], np.float32).reshape(1, 5, 1, 1)
        shift = np.array([-2, -2, -2, 0, 0], np.float32).reshape(1, 5, 1, 1)
        scaled = self.op("Mul", x, self.constant("gain", gain))
        return self.op("Add", scaled, self.constant("shift", shift))

    def conv(
        self, module: str, x: str, kernel: int, stride: int = 1, *, groups: int = 1, name: str = ""
    ) -> str:
        padding = (kernel - 1) // 2
        return self.op(
            "Conv",
            x,
            self._stored(f"{module}.weight"),
            self._stored(f"{module}.bias"),
            name=name,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[padding] * 4,
            group=groups,
        )

    def block(self, module: str, x: str, kernel: int, width: int) -> str:
        inner = self.conv(f"{module}.depthwise", x, kernel, groups=width)
        inner = self.relu(self.conv(f"{module}.wide", inner, 1))
        return self.op("Add", x, self.conv(f"{module}.narrow", inner, 1))

    def relu(self, x: str) -> str:
        return self.op("Relu", x)

    def doubled(self, x: str) -> str:
        scales = self.constant("twice", np.array([1, 1, 2, 2], np.float32))
        return self.op(
            "Resize", x, "", scales, mode="linear", coordinate_transformation_mode="half_pixel"
        )

    def _stored(self, name: str) -> str:
        """A tensor of the weights file, widened to float32."""
        part = self._layout[name]
        tensor = TensorProto(
            name=name,
            data_type=TensorProto.FLOAT16,
            dims=part.shape,
            data_location=TensorProto.EXTERNAL,
        )
        for key, value in (
            ("location", WEIGHTS_FILE),
            ("offset", part.offset_bytes),
            ("length", part.length_bytes),
        ):
            tensor.external_data.add(key=key, value=str(value))
        self._initializers[name] = tensor
        return self.op("Cast", name, to=TensorProto.FLOAT)

    def model(self, side: int) -> onnx.ModelProto:
        def value(name: str, channels: int) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(
                name, TensorProto.FLOAT, ["n", channels, side, side]
            )

        graph = helper.make_graph(
            self._nodes,
            "segmenter",
            [value(INPUT, CHANNELS)],
            [value(OUTPUT, 1)],
            list(self._initializers.values()),
            doc_string="Mask of the object in the box, see engines/crop_segmenter.py.",
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="geo-r1",
        )
