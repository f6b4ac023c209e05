"""``geo-r1 pretrain-segmenter``: makes the embedded segmenter from nothing, or packs the result of a run.

Where nothing can be installed: ``PYTHONPATH=backend python3 -m geo_r1_backend.segmentation.cli --seconds ... --out DIR``.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geo_r1_backend.segmentation.settings import NetConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    data = os.environ.get("GEO_R1_DATA")
    parser.add_argument(
        "--seconds", type=float, help="length of the run; the learning rate ends with it"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the run; resumed if it has a checkpoint"
    )
    parser.add_argument(
        "--pack",
        type=Path,
        metavar="FOLDER",
        help="write the folder that ships from the run in --out; without --seconds nothing is trained",
    )
    parser.add_argument(
        "--backgrounds",
        type=Path,
        default=Path(data, "naip-backgrounds") if data else None,
        help="folder of real tiles (default: GEO_R1_DATA/naip-backgrounds); without it all ground is generated",
    )
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument(
        "--pool", type=int, default=40_000, help="crops kept and shown several times"
    )
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--warmup-steps", type=int, default=100)
    parser.add_argument(
        "--averaging", type=float, default=0.998, help="of the weights; less for short runs"
    )
    parser.add_argument(
        "--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1), help="loader processes"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-steps", type=int, default=0)
    parser.add_argument("--start-from", type=Path, help="folder of a run to go on from")
    sizes = parser.add_argument_group("sizes of the net")
    sizes.add_argument("--side-px", type=int, help="of a crop")
    sizes.add_argument("--widths", type=int, nargs="+", metavar="N", help="channels of the stages")
    sizes.add_argument("--depths", type=int, nargs="+", metavar="N", help="blocks of the stages")


def run(arguments: argparse.Namespace) -> int:
    """Train, pack, or both; returns the exit code.

    Raises:
        ConfigError: if there is nothing to do, or no run to pack.
    """
    from geo_r1_backend.errors import ConfigError

    if arguments.seconds is None and arguments.pack is None:
        raise ConfigError(
            "There is nothing to do.", hint="Give --seconds to train, --pack to pack a run."
        )
    if arguments.seconds is not None:
        from geo_r1_backend.segmentation.settings import SegmenterSettings
        from geo_r1_backend.segmentation.train import train

        names = {field.name for field in fields(SegmenterSettings)}
        given: Any = {k: v for k, v in vars(arguments).items() if k in names}
        train(SegmenterSettings(**given, net=_net(arguments)))
    if arguments.pack is not None:
        from geo_r1_backend.segmentation.package import package

        package(arguments.out, arguments.pack)
    return 0


def _net(arguments: argparse.Namespace) -> NetConfig:
    """The sizes that were asked for.

    Raises:
        ConfigError: if they do not fit together.
    """
    from geo_r1_backend.errors import ConfigError
    from geo_r1_backend.segmentation.settings import NetConfig

    plain = NetConfig()
    net = NetConfig(
        side_px=arguments.side_px or plain.side_px,
        widths=tuple(arguments.widths or plain.widths),
        depths=tuple(arguments.depths or plain.depths),
    )
    if len(net.widths) != len(net.depths):
        raise ConfigError(
            f"--widths has {len(net.widths)} stages, --depths {len(net.depths)}.",
            hint="Give as many of one as of the other.",
        )
    if net.side_px % 2 ** len(net.widths):
        raise ConfigError(
            f"--side-px is {net.side_px}, which cannot be halved {len(net.widths)} times.",
            hint=f"Take a multiple of {2 ** len(net.widths)}.",
        )
    return net


if __name__ == "__main__":
    command = argparse.ArgumentParser(description=__doc__)
    add_arguments(command)
    raise SystemExit(run(command.parse_args()))
