"""The child process of one run: ``python -m geo_r1_backend.training.runner RUN_FOLDER [--resume]``.

It claims the run before it imports torch, trains, and says in `run.sqlite` how it ended: `finished`, `stopped` or `failed` with an
error. A killed process says nothing; its supervisor does, and ``--resume`` goes on from the last checkpoint.

Several processes, on one machine or more, share the prompts of each step where torchrun starts them:
``torchrun --standalone --nproc_per_node 4 -m geo_r1_backend.training.runner RUN_FOLDER``. The first one writes.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
from pathlib import Path

from geo_r1_backend.errors import GeoR1Error, RunCrashed, RunOutOfMemory
from geo_r1_backend.models.registry import describe
from geo_r1_backend.storage.lock import LockHeld
from geo_r1_backend.storage.run_claim import claim_run
from geo_r1_backend.storage.run_database import RunDatabase
from geo_r1_backend.training.config import CONFIG_FILE, TrainingConfig, make_config, read_config
from geo_r1_backend.training_wire import RunRequest

log = logging.getLogger(__name__)

CLAIMED_BY_ANOTHER = 5
REQUEST_FILE = "request.json"
NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "bad_alloc")
"""What torch's allocators say in a RuntimeError."""


def main(arguments: list[str] | None = None) -> int:
    """Train the run in a folder; the exit code is 0 where the run says itself how it ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    folder: Path = given.folder.resolve()
    if int(os.environ.get("RANK", "0")) > 0:
        _help(folder, resume=given.resume)
        return 0
    with RunDatabase(folder) as database:
        try:
            with claim_run(folder, database):
                said = _train(folder, database, resume=given.resume)
        except LockHeld:
            log.warning("another process trains this run")
            return CLAIMED_BY_ANOTHER
    alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    return 0 if said or alone else 1  # torchrun ends the others


def _help(folder: Path, *, resume: bool) -> None:
    """Be one of the further processes of a run; what this one would write is thrown away."""
    config = read_config(folder)
    from geo_r1_backend.training.session import run_session

    with (
        tempfile.TemporaryDirectory() as nowhere,
        RunDatabase(Path(nowhere), create=True) as database,
    ):
        run_session(config, folder, database, resume=resume)


def _train(folder: Path, database: RunDatabase, *, resume: bool) -> bool:
    """Train, and write down how it ended, whatever happens; false if it failed."""
    if database.values().get("state") != "stopping":
        database.change_state("running")
    try:
        config = _config_of(folder)
        # before torch is imported: idle threads must not keep the cores of a laptop busy
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        os.environ.setdefault("OMP_NUM_THREADS", str(config.threads))
        from geo_r1_backend.training.session import run_session

        finished = run_session(config, folder, database, resume=resume)
    except GeoR1Error as error:
        log.exception("the run failed")
        database.change_state("failed", error=error.to_body())
        return False
    except Exception as error:  # border: whatever it is, the run must say it
        log.exception("the run failed")
        database.change_state("failed", error=_in_words(error).to_body())
        return False
    database.change_state("finished" if finished else "stopped")
    return True


def _config_of(folder: Path) -> TrainingConfig:
    """The run's settings; made from the request where the service has left that to us."""
    if (folder / CONFIG_FILE).is_file():
        return read_config(folder)
    told = json.loads((folder / REQUEST_FILE).read_text(encoding="utf-8"))
    model = describe(Path(told["model"]["folder"]))
    if model is None:
        raise FileNotFoundError(told["model"]["folder"])
    config = make_config(
        RunRequest(**told["request"]),
        run_id=told["id"],
        model=model,
        dataset_folder=Path(told["dataset_folder"]),
        created=told["created"],
    )
    config.write(folder)
    return config


def _in_words(error: Exception) -> GeoR1Error:
    """Any exception as one of our errors."""
    said = str(error).strip() or type(error).__name__
    if isinstance(error, MemoryError) or any(sign in said.lower() for sign in NO_MEMORY):
        return RunOutOfMemory(how=said.splitlines()[0][:200])
    return RunCrashed(how=type(error).__name__, words=said.splitlines()[0][:300])


if __name__ == "__main__":
    sys.exit(main())
