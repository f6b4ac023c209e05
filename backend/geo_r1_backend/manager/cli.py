"""`geo-r1 models`: list, plan, fetch, import, remove, export."""

from __future__ import annotations

import argparse
import json
import sys
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote

from geo_r1_backend.config import ServerConfig, data_folder
from geo_r1_backend.engines.select import select_engine
from geo_r1_backend.errors import (
    Cancelled,
    ConfigError,
    GeoR1Error,
    ModelFailed,
    ModelUnknown,
    RunActive,
    gigabytes,
)
from geo_r1_backend.manager.fetch import fetch, plan
from geo_r1_backend.manager.hub_access import Relayed, find_access
from geo_r1_backend.manager.intake import import_folder
from geo_r1_backend.manager.parts import ID, Parts, all_parts
from geo_r1_backend.manager.removal import check_removable, remove
from geo_r1_backend.manager.words import plan_lines, progress_line
from geo_r1_backend.models.disk import model_bytes
from geo_r1_backend.models.registry import choose_model, find_models
from geo_r1_backend.models_wire import FetchPlan, FetchProgressEvent, FetchRequest, PlanRequest
from geo_r1_backend.running import connect, wait_for_running
from geo_r1_backend.storage.run_database import FINAL_STATES
from geo_r1_backend.storage.run_info import run_info
from geo_r1_backend.storage.runs import RunStore
from geo_r1_backend.wire import ServerFile

ASK_SERVICE_S = 60.0


def add_models(parser: argparse.ArgumentParser) -> None:
    """Actions of `geo-r1 models`."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="which models there are, and what runs them")
    listing.set_defaults(run=list_models)
    planning = actions.add_parser("plan", help="what a download would bring; fetches nothing")
    planning.set_defaults(run=show_plan)
    fetching = actions.add_parser("fetch", help="fetch a model from the hub, or go on with it")
    fetching.add_argument(
        "--agree",
        metavar="COMMIT:BYTES",
        help="agree to a plan without being asked; “plan” prints it",
    )
    fetching.set_defaults(run=fetch_model)
    for one in (planning, fetching):
        one.add_argument("repository", metavar="OWNER/NAME")
        one.add_argument("--revision", default="main", help="branch, tag or commit")
        one.add_argument("--base", metavar="OWNER/NAME", help="where a missing processor is from")
    taking = actions.add_parser("import", help="take a folder that lies on this machine")
    taking.add_argument("folder", type=Path, help="of the model, or a repository of a hub's cache")
    taking.add_argument("--name", default="", help="under which it is listed")
    taking.add_argument("--base", type=Path, metavar="FOLDER", help="lends a missing processor")
    taking.add_argument("--link", action="store_true", help="leave the weights where they are")
    taking.set_defaults(run=import_model)
    removing = actions.add_parser("remove", help="delete a model, or what has come of a download")
    removing.add_argument("id", help="see “geo-r1 models list”")
    removing.add_argument("--yes", action="store_true", help="do not ask")
    removing.set_defaults(run=remove_model)
    exporting = actions.add_parser("export", help="write a stock folder for transformers")
    exporting.add_argument("target", type=Path, help="folder to make")
    exporting.add_argument("--model", metavar="ID", help="default: the embedded one")
    exporting.set_defaults(run=export_model)
    for one in (listing, planning, fetching, taking, removing, exporting):
        one.add_argument("--data-dir", type=Path, metavar="FOLDER")


def say(line: str, end: str = "\n") -> None:
    """A line for whoever started the command."""
    print(line, end=end, flush=True)


def list_models(options: argparse.Namespace) -> int:
    """All models, then downloads that were cut off."""
    home = _home(options)
    found = find_models(home)
    for model in found:
        try:
            engine = select_engine(model).engine
        except GeoR1Error as error:
            engine = f"cannot run: {error.parameters.get('reason', error.message)}"
        size = gigabytes(model_bytes(model))
        columns = (model.id, model.title, ", ".join(model.tasks), engine, size, model.licence)
        say("\t".join((*columns, model.remote.shown if model.remote else str(model.folder))))
    if not found:
        say(
            f"No models. “geo-r1 models fetch” gets one; folders may be put into {home / 'models'}."
        )
    for parts in all_parts(home / "models"):
        info = parts.info(is_running=parts.is_held)
        how_far = f"{gigabytes(info.done_bytes)} of {gigabytes(info.size_bytes)}"
        doing = "is being fetched" if info.state == "running" else "was cut off"
        say(f"{info.id}\t{info.repository} {doing}: {how_far}")
    return 0


def show_plan(options: argparse.Namespace) -> int:
    """What a download would bring."""
    home = _home(options)
    made = plan(find_access(home), home, _question(options))
    for line in plan_lines(made, home):
        say(line)
    if made.installed_commit != made.commit:
        say(f"Fetch it: {_command(options, made)}")
    return 0


def fetch_model(options: argparse.Namespace) -> int:
    """Show the plan, ask, fetch."""
    home = _home(options)
    access, question = find_access(home), _question(options)
    if options.agree is not None:
        request = _agreed(options.agree, question)
    else:
        made = plan(access, home, question)
        for line in plan_lines(made, home):
            say(line)
        if made.installed_commit == made.commit:
            return 0
        if not sys.stdin.isatty():
            raise ConfigError(
                "Nobody is there to agree to this download.",
                hint=f"Agree in the command: {_command(options, made)}",
            )
        if not _yes("Fetch it?"):
            return 1
        request = FetchRequest(
            made.repository, made.commit, made.size_bytes, made.revision, question.base
        )
    width = 0

    def tell(progress: FetchProgressEvent) -> None:
        nonlocal width
        line = progress_line(progress)
        if sys.stdout.isatty():
            say("\r" + line.ljust(width), end="")
            width = len(line)
        elif progress.phase != "downloading" or not width:
            say(line)
            width = 1

    try:
        model = fetch(access, home, request, tell)
    finally:
        if sys.stdout.isatty():
            say("")
    say(f"It is here, whole and checked: --model {model}")
    return 0


def import_model(options: argparse.Namespace) -> int:
    """Take a folder."""
    home = _home(options)
    made = import_folder(
        options.folder.expanduser(),
        home,
        name=options.name,
        base=options.base,
        link=options.link,
    )
    if made.repaired:
        say(f"{made.repaired}: its base's config.json was taken instead.")
    say(
        "Every file was compared with the hash that came with it."
        if made.is_checked
        else "No hashes came with the folder: sizes and structure were checked."
    )
    say(f"It is here ({gigabytes(made.size_bytes)} written): --model {made.model}")
    return 0


def remove_model(options: argparse.Namespace) -> int:
    """Delete, through the service where one runs."""
    home = _home(options)
    is_download = bool(ID.fullmatch(options.id)) and Parts(home / "models", options.id).is_there
    if not is_download:
        model = next((m for m in find_models(home) if m.id == options.id), None)
        if model is None:
            raise ModelUnknown(model=options.id, known=[m.id for m in find_models(home)])
        size = gigabytes(model_bytes(model))
        if not options.yes and not _yes(f"Delete {model.title} ({size})?"):
            return 1
    server = wait_for_running(home, 0.0)
    if server is not None:
        place = "fetches/" if is_download else ""
        _delete_there(server, f"/v1/models/{place}{quote(options.id, safe='')}")
    elif is_download:
        parts = Parts(home / "models", options.id)
        with parts.held():
            pass
        parts.remove()
    else:
        _delete_here(home, options.id)
    say(f"{options.id} is gone.")
    return 0


def export_model(options: argparse.Namespace) -> int:
    """Write a stock folder."""
    from geo_r1_backend.models.export import export_stock_folder

    model = choose_model(_home(options), options.model)
    if model.remote is not None:
        raise ModelFailed(
            model=model.id,
            reason=f"its weights are at {model.remote.shown}",
            hint="Copy them from there.",
        )
    export_stock_folder(model.folder, options.target)
    say(f"{model.title} is in {options.target}, for transformers.")
    return 0


def _delete_here(home: Path, model_id: str) -> None:
    model = choose_model(home, model_id)
    runs = RunStore(home / "runs", limit=ServerConfig.max_runs)
    if model.run:
        if (state := run_info(runs, model.run).state) not in FINAL_STATES:
            raise RunActive(run=model.run, state=state)
        runs.delete_model(model.run)
        return
    check_removable(model, runs, is_loaded=False)
    remove(model, home)


def _delete_there(server: ServerFile, path: str) -> None:
    connection = connect(server.url, ASK_SERVICE_S)
    try:
        connection.request("DELETE", path, headers={"Authorization": f"Bearer {server.token}"})
        reply = connection.getresponse()
        body = reply.read()
    except (OSError, HTTPException) as error:
        raise ConfigError(
            "The service went away meanwhile.", hint="Look with “geo-r1 models list”."
        ) from error
    finally:
        connection.close()
    if reply.status != 200:
        said = json.loads(body)
        raise Relayed(said["code"], said["message"], said["hint"], reply.status, said["parameters"])


def _question(options: argparse.Namespace) -> PlanRequest:
    return PlanRequest(options.repository, options.revision, options.base)


def _agreed(text: str, question: PlanRequest) -> FetchRequest:
    commit, _, size = text.partition(":")
    if len(commit) != 40 or not size.isdigit():
        raise ConfigError(
            f"--agree is “{text}”; it is the commit (40 digits), a colon and the bytes.",
            hint="“geo-r1 models plan” prints the whole command.",
        )
    return FetchRequest(question.repository, commit, int(size), question.revision, question.base)


def _command(options: argparse.Namespace, made: FetchPlan) -> str:
    parts = ["geo-r1 models fetch", made.repository]
    if options.revision != "main":
        parts += ["--revision", options.revision]
    if options.base:
        parts += ["--base", options.base]
    if options.data_dir:
        parts += ["--data-dir", str(options.data_dir)]
    return " ".join([*parts, "--agree", f"{made.commit}:{made.size_bytes}"])


def _yes(question: str) -> bool:
    if not sys.stdin.isatty():
        raise ConfigError("Nobody is there to be asked.", hint="Say --yes.")
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        raise Cancelled from None


def _home(options: argparse.Namespace) -> Path:
    chosen: Path = options.data_dir or data_folder()
    folder = chosen.expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise ConfigError(
            f"The data folder {folder} is a file.", hint="Choose another one with --data-dir."
        )
    return folder
