"""``geo-r1 pretrain``: makes the embedded model from nothing.

Several GPUs: ``torchrun --nproc_per_node N -m geo_r1_backend.pretraining.cli --seconds ...``.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import fields
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    data = os.environ.get("GEO_R1_DATA")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="folder for weights, log and checkpoint; resumed if it has one",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        required=True,
        help="length of the run; the learning rate ends with it",
    )
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json (default: built anew)")
    parser.add_argument(
        "--backgrounds",
        type=Path,
        default=Path(data, "naip-backgrounds") if data else None,
        help="folder of real tiles (default: GEO_R1_DATA/naip-backgrounds); without it all ground is generated",
    )
    parser.add_argument(
        "--photographs",
        type=Path,
        help="folder of the sets that may enter shipped weights: adds photograph-like scenes and real photographs",
    )
    parser.add_argument(
        "--street-held-out", type=int, choices=(0, 1, 2), help="street scene to leave out"
    )
    parser.add_argument("--batch", type=int, default=128, help="pictures per GPU and step")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument(
        "--no-muon", dest="muon", action="store_false", help="AdamW for all parameters"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=max(1, (os.cpu_count() or 2) - 1),
        help="loader processes per GPU",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--start-from", type=Path, help="model folder to go on from instead of from nothing"
    )
    parser.add_argument(
        "--dense-weight", type=float, default=1.0, help="of the auxiliary head's loss"
    )
    parser.add_argument(
        "--freeze-vision", action="store_true", help="train the language model alone"
    )
    parser.add_argument("--warmup-steps", type=int, default=200)
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    parser.add_argument("--max-steps", type=int, default=0)


def run(arguments: argparse.Namespace) -> int:
    """Train; returns the exit code."""
    from geo_r1_backend.pretraining.settings import PretrainSettings
    from geo_r1_backend.pretraining.train import pretrain
    from geo_r1_backend.pretraining.vocabulary import build_tokenizer

    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.tokenizer is None:
        arguments.tokenizer = arguments.out / "tokenizer.json"
        if not arguments.tokenizer.exists():
            # Each rank may write it: the bytes are the same, and the rename is atomic.
            temporary = arguments.tokenizer.with_suffix(f".{os.getpid()}")
            temporary.write_text(build_tokenizer().to_str(), encoding="utf-8")
            temporary.replace(arguments.tokenizer)
    names = {field.name for field in fields(PretrainSettings)}
    pretrain(PretrainSettings(**{k: v for k, v in vars(arguments).items() if k in names}))
    return 0


if __name__ == "__main__":
    command = argparse.ArgumentParser(description=__doc__)
    add_arguments(command)
    raise SystemExit(run(command.parse_args()))
