"""From the weights of a run to the folder that ships: graph, float16 weights, description, manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from geo_r1_backend.engines.crop_segmenter import FORMAT
from geo_r1_backend.engines.segmenter import CROPS_FILE
from geo_r1_backend.errors import ConfigError
from geo_r1_backend.models.manifest import write_manifest
from geo_r1_backend.models.registry import EMBEDDED_MASKS_ID
from geo_r1_backend.models.weights import read_tensors
from geo_r1_backend.segmentation.graph import write_graph
from geo_r1_backend.segmentation.settings import CONTEXT, SMALLEST_PX, NetConfig

GRAPH_FILE = "segmenter.onnx"
RESULT = "segmenter.safetensors"


def package(run: Path, target: Path) -> None:
    """Write the folder of a run; a README.md (model card) already in ``target`` enters the manifest.

    Args:
        run: folder with `segmenter.safetensors` and `settings.json`.
        target: made if absent.

    Raises:
        ConfigError: naming the file that is missing.
    """
    for name in (RESULT, "settings.json"):
        if not (run / name).is_file():
            raise ConfigError(
                f"{run} has no {name}.", hint="Name the folder of a finished run with --out."
            )
    net = net_config(json.loads((run / "settings.json").read_text(encoding="utf-8"))["net"])
    target.mkdir(parents=True, exist_ok=True)
    write_graph(read_tensors(run / RESULT), net, target, GRAPH_FILE)
    document = {
        "format": FORMAT,
        "name": EMBEDDED_MASKS_ID,
        "graph": GRAPH_FILE,
        "side_px": net.side_px,
        "context": CONTEXT,
        "smallest_px": SMALLEST_PX,
    }
    (target / CROPS_FILE).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    write_manifest(target)


def net_config(described: dict[str, Any]) -> NetConfig:
    """The sizes of a net as `settings.json` tells them."""
    values: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in described.items()}
    return NetConfig(**values)
