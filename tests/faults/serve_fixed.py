"""`geo-r1 serve` with an engine that needs no model: the real service, its answers known. Run with the service's Python."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "backend"), str(ROOT)]

from geo_r1_backend.config import ServerConfig, data_folder  # noqa: E402
from geo_r1_backend.serve import serve  # noqa: E402
from tests.backend.fixed_engine import FixedEngine, loader  # noqa: E402

COUNT = 12
DELAY_S = float(os.environ.get("GEO_R1_FAULTS_DELAY_S", "0.008"))


def answer(_item):
    """A chain of reasoning and a dozen objects."""
    boxes = [[10 + 30 * number, 20, 30 + 30 * number, 60] for number in range(COUNT)]
    chain = " ".join(f"white [{box[0]},{box[1]},{box[2]},{box[3]}]" for box in boxes)
    objects = ",".join(
        f'{{"bbox_2d":[{box[0]},{box[1]},{box[2]},{box[3]}],"label":"tank"}}' for box in boxes
    )
    return f"<think>Find tanks: {chain}.</think><answer>[{objects}]</answer>"


def make_model(folder):
    """What the registry takes for a model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "qwen2_5_vl"}')
    (folder / "profile.json").write_text(
        '{"id": "fixed", "title": "Fixed", "tasks": ["rec", "ovd"]}'
    )
    for name in ("vision.onnx", "decoder.onnx"):
        (folder / name).touch()


def main():
    home = data_folder()
    make_model(home / "models" / "fixed")
    config = ServerConfig(data_folder=home, model="fixed", idle_minutes=2.0)
    return serve(
        config, lambda line: None, load=loader(FixedEngine(answer, delay_s=DELAY_S, step=9))
    )


sys.exit(main())
