"""Tiers of tests run two at once; what each wrote is printed whole, and one failure fails all."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def run_tiers(project_folder, tmp_path):
    """The script with a `make` of ours, which is a line of shell for each tier."""
    make = tmp_path / "tools" / "make"
    make.parent.mkdir()

    def run(*arguments, alone=(), **tiers):
        cases = "\n".join(f"tier-{name}) {text} ;;" for name, text in tiers.items())
        make.write_text(f'#!/bin/sh\ncd "{tmp_path}"\ncase "$1" in\n{cases}\nesac\n')
        make.chmod(0o755)
        return subprocess.run(
            [sys.executable, project_folder / "scripts" / "run_tiers.py",
             "--logs", tmp_path / "logs", *arguments, *(name for name in tiers if name not in alone),
             "--alone", *alone],
            env={**os.environ, "PATH": f"{make.parent}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    return run


UNTIL = "until [ -e {0} ]; do sleep 0.01; done"


def test_two_run_at_once_and_are_printed_in_their_order(run_tiers):
    """Each waits for a sign of the other; the output of the first stands first, though it ends last."""
    told = run_tiers(
        long=f"touch long; {UNTIL.format('short')}; echo of the long",
        short=f"{UNTIL.format('long')}; echo of the short; touch short",
    )

    assert told.returncode == 0, told.stderr
    lines = [line.split(":")[0] for line in told.stdout.splitlines()]
    assert lines == ["of the long", "tier long", "of the short", "tier short"]


def test_no_more_run_at_once_than_there_are_lanes(run_tiers):
    """With one lane the second begins when the first has ended, in the order given."""
    told = run_tiers(
        "--lanes", "1", first="[ ! -e second ] && touch first", second="touch second; [ -e first ]"
    )

    assert told.returncode == 0, told.stdout


def test_what_measures_time_runs_when_nothing_else_does(run_tiers):
    """Tiers that are named alone begin when all others have ended, though there is a lane for them."""
    told = run_tiers(
        "--lanes", "4", one=f"{UNTIL.format('other')}; touch one", other="touch other",
        clock="[ -e one ] && sleep 0.1 && [ ! -e late ]", late="[ -e one ] && touch late", alone=("clock", "late"),
    )  # fmt: skip

    assert told.returncode == 0, told.stdout


def test_one_failure_fails_all_and_stops_none(run_tiers):
    """The others run to their end; errors are printed with the rest."""
    told = run_tiers("--lanes", "1", bad="echo it broke >&2; exit 3", good="echo well")

    assert told.returncode == 1
    assert "it broke" in told.stdout
    assert "well" in told.stdout


def test_processor_time_is_that_of_all_processes(run_tiers):
    """Time is told as it passed and as processors worked, so that a busy machine is known for one."""
    busy = f"{sys.executable} -c 'import time\nwhile time.process_time() < 1: pass'"
    told = run_tiers(busy=busy)

    words = told.stdout.splitlines()[-1].split()
    assert words[:2] == ["tier", "busy:"]
    assert 1 <= int(words[4]) <= 3
