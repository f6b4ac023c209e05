"""`geo-r1`: the command line and composition root. Imports of each command happen when it is chosen, not before."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from geo_r1_backend.config import ServerConfig, data_folder, version
from geo_r1_backend.errors import ConfigError, GeoR1Error
from geo_r1_backend.models.arithmetic import WAYS

if TYPE_CHECKING:
    from geo_r1_backend.models.remote import RemoteConfig

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(given)
    options = parser.parse_args(given)
    try:
        return int(options.run(options))
    except GeoR1Error as error:
        _say_error(f"geo-r1: {error.message}")
        if error.hint:
            _say_error(f"        {error.hint}")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # the reader of a pipe (head, less) has seen enough; Python would complain once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="geo-r1",
        description="Reasons about an aerial or satellite image and answers with boxes.",
    )
    parser.add_argument("--version", action="version", version=f"geo-r1 {version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_serve(commands)
    _add_ask(commands)
    _add_doctor(commands)
    chosen = next((word for word in given if not word.startswith("-")), "")
    _add_models(commands, chosen)
    _add_training(commands, chosen)
    _add_other(commands, "evaluate", "measure a model by the frozen recipe", chosen)
    _add_other(commands, "pretrain", "make the embedded model from nothing", chosen)
    _add_other(commands, "pretrain-segmenter", "make the embedded segmenter from nothing", chosen)
    return parser


def _add_serve(commands: Commands) -> None:
    parser = commands.add_parser("serve", help="start the local service, or say where it runs")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port (default: any free one)")
    parser.add_argument("--model", metavar="ID", help="default model, see “geo-r1 models list”")
    parser.add_argument("--threads", type=int, metavar="N", help="threads of the engine")
    parser.add_argument(
        "--arithmetic",
        choices=WAYS,
        default="float32",
        help="of the embedded model on a processor: int8 is faster; now and then a box moves by more than a pixel (docs/performance.md)",
    )
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where the embedded model runs (default: where it answers soonest, measured once)",
    )
    parser.add_argument(
        "--nice", type=int, default=5, help="how far it steps back behind other programs, 0 to 19"
    )
    parser.add_argument("--idle-minutes", type=float, default=15.0, metavar="MINUTES")
    parser.add_argument("--data-dir", type=Path, metavar="FOLDER", help="where its files lie")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name under which clients may ask; --host itself is allowed",
    )
    parser.add_argument("--allow-origin", action="append", default=[], metavar="ORIGIN")
    parser.add_argument(
        "--allow-downloads",
        action="store_true",
        help="fetch models for clients on other machines too (on this machine they always may)",
    )
    parser.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="keep one token across starts; made if it is not there (default: a new one each start)",
    )
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate chain, PEM")
    parser.add_argument(
        "--tls-key", type=Path, metavar="FILE", help="its key, if not in the same file"
    )
    _add_remote(parser)
    parser.set_defaults(run=_serve)


def _add_remote(parser: argparse.ArgumentParser) -> None:
    """A model that other servers run, without a folder for it; docs/remote.md."""
    group = parser.add_argument_group("a model that other servers run (vLLM, SGLang, …)")
    group.add_argument(
        "--remote", action="append", default=[], metavar="URL", help="its address; may be repeated"
    )
    group.add_argument("--remote-model", default="", metavar="NAME", help="what they call it")
    group.add_argument("--remote-key-env", default="", metavar="NAME", help="variable with the key")
    group.add_argument(
        "--remote-key-file", type=Path, metavar="FILE", help="file (mode 600) with it"
    )
    group.add_argument(
        "--remote-plain-http",
        action="store_true",
        help="allow http to another machine: whoever listens reads views, questions and the key",
    )


def _remote(options: argparse.Namespace) -> RemoteConfig | None:
    from geo_r1_backend.models.remote import RemoteConfig, as_address

    if not options.remote:
        given = [options.remote_model, options.remote_key_env, options.remote_key_file]
        if any(given):
            raise ConfigError(
                "--remote-model and --remote-key-… were given without --remote.",
                hint="Give the address of the server: --remote http://127.0.0.1:8000",
            )
        return None
    config = RemoteConfig(
        endpoints=tuple(as_address(url) for url in options.remote),
        model=options.remote_model,
        key_env=options.remote_key_env,
        key_file=options.remote_key_file,
        allow_plain_http=options.remote_plain_http,
    )
    config.key()
    return config


def _serve(options: argparse.Namespace) -> int:
    from geo_r1_backend.serve import serve

    if hasattr(os, "nice"):
        # The engine uses every core: without this the window of QGIS stutters while an answer is made.
        os.nice(options.nice)
    config = ServerConfig(
        data_folder=_data_folder(options),
        host=options.host,
        port=options.port,
        model=options.model,
        threads=options.threads,
        arithmetic=options.arithmetic,
        device=options.device,
        idle_minutes=options.idle_minutes,
        allowed_hosts=tuple(options.allow_host),
        allowed_origins=tuple(options.allow_origin),
        allow_downloads=options.allow_downloads,
        token_file=options.token_file,
        tls_cert=options.tls_cert,
        tls_key=options.tls_key,
        remote=_remote(options),
    )
    return serve(config, _say)


def _add_ask(commands: Commands) -> None:
    parser = commands.add_parser("ask", help="ask about one image from the command line")
    parser.add_argument("image", type=Path, help="PNG, JPEG, WebP or GeoTIFF")
    parser.add_argument("query", help="for example “the largest storage tank”")
    parser.add_argument("--task", choices=("rec", "ovd", "gres"), default="rec")
    parser.add_argument("--all", action="store_true", help="the same as --task ovd")
    parser.add_argument(
        "--detail",
        choices=("auto", "view", "windows"),
        default="auto",
        help="with --all: the whole view in one look, or overlapping windows as well (default: by the image's size)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help=".gpkg or .geojson to write")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it is there")
    parser.add_argument("--model", metavar="ID")
    parser.add_argument("--threads", type=int, metavar="N")
    parser.add_argument("--no-think", action="store_true", help="answer without reasoning")
    parser.add_argument("--json", action="store_true", help="print events as lines of JSON")
    parser.add_argument("--data-dir", type=Path, metavar="FOLDER")
    parser.set_defaults(run=_ask)


def _ask(options: argparse.Namespace) -> int:
    from geo_r1_backend.ask import AskOptions, ask

    return ask(
        AskOptions(
            image=options.image,
            query=options.query,
            task="ovd" if options.all else options.task,
            detail=options.detail,
            out=options.out,
            overwrite=options.overwrite,
            model=options.model,
            think=not options.no_think,
            as_json=options.json,
            threads=options.threads,
            data_folder=_data_folder(options),
        ),
        lambda text: print(text, end="", flush=True),
    )


def _add_doctor(commands: Commands) -> None:
    parser = commands.add_parser("doctor", help="try every step and say which is broken")
    parser.add_argument("--model", metavar="ID")
    parser.add_argument("--threads", type=int, metavar="N")
    parser.add_argument("--json", action="store_true", help="one line of JSON per event")
    parser.add_argument("--data-dir", type=Path, metavar="FOLDER")
    parser.set_defaults(run=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    import signal

    from geo_r1_backend.doctor import examine

    # told to stop, it ends its own service first
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(INTERRUPTED))
    return examine(
        _say,
        data_folder=_data_folder(options),
        model=options.model,
        threads=options.threads,
        as_json=options.json,
    )


def _add_models(commands: Commands, chosen: str) -> None:
    """`geo-r1 models`, whose arguments live elsewhere; imported only when it is chosen."""
    help_text = "list, fetch, import, remove and export models"
    parser = commands.add_parser("models", help=help_text)
    if chosen == "models":
        from geo_r1_backend.manager.cli import add_models

        add_models(parser)


def _add_other(commands: Commands, name: str, help_text: str, chosen: str) -> None:
    """A command whose arguments live elsewhere; its module is imported only when it is chosen."""
    parser = commands.add_parser(name, help=help_text)
    if chosen != name:
        return
    folder = {
        "evaluate": "evaluation",
        "pretrain": "pretraining",
        "pretrain-segmenter": "segmentation",
    }[name]
    other = importlib.import_module(f"geo_r1_backend.{folder}.cli")
    other.add_arguments(parser)
    parser.set_defaults(run=other.run)


TRAINING = {
    "train": "fine-tune a model from polygons and the raster they were drawn on",
    "runs": "list, show, stop, resume and delete training runs",
    "datasets": "list and delete data sets of training",
}


def _add_training(commands: Commands, chosen: str) -> None:
    """Commands of training, whose arguments live elsewhere; imported only when one is chosen."""
    for name, help_text in TRAINING.items():
        parser = commands.add_parser(name, help=help_text)
        if chosen == name:
            from geo_r1_backend.training import cli

            getattr(cli, f"add_{name}")(parser)


def _data_folder(options: argparse.Namespace) -> Path:
    chosen: Path = options.data_dir or data_folder()
    folder = chosen.expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise ConfigError(
            f"The data folder {folder} is a file.", hint="Choose another one with --data-dir."
        )
    return folder


def _say(line: str) -> None:
    """A line for whoever started the command; a closed terminal (a detached start) is no failure."""
    try:
        print(line, flush=True)
    except (OSError, ValueError, AttributeError):
        return


def _say_error(line: str) -> None:
    try:
        print(line, file=sys.stderr, flush=True)
    except (OSError, ValueError, AttributeError):
        return
