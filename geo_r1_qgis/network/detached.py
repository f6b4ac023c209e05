"""Start a program that outlives QGIS, without holding up the window. Knows nothing of what it is."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Mapping, Tuple

from qgis.PyQt.QtCore import QObject, QProcess, QProcessEnvironment

_SHELL = "/bin/sh"
_SCRIPT = 'cd "$1" || exit; errors=$2; shift 2; "$@" </dev/null >/dev/null 2>"$errors" & echo $!'
"""The shell puts the program into the background, says its number and ends: the program then belongs to nobody."""


def start_detached(
    program: str, argument: str, *, environment: Mapping[str, str], errors: str, parent: QObject
) -> Tuple[int, str]:
    """Start `program argument` in the home folder; what it says on stderr goes to the file `errors`.

    Returns:
        Its process id, and why it could not be started (then the id is 0).
    """
    if hasattr(os, "posix_spawn"):
        with suppress(NotImplementedError, OSError):  # then Qt tries, and says what is wrong
            return _spawn(program, argument, environment, errors), ""
    return _start_by_qt(program, argument, environment, errors, parent)


def _spawn(program: str, argument: str, environment: Mapping[str, str], errors: str) -> int:
    """Qt copies the memory map of QGIS twice, which takes 70 ms at 1.7 GB; this way nothing is copied."""
    try:
        Path(errors).write_bytes(b"")
    except OSError:  # a full disk: the service says so itself
        errors = os.devnull
    reading, writing = os.pipe()
    try:
        shell = os.posix_spawn(
            _SHELL,
            [_SHELL, "-c", _SCRIPT, _SHELL, str(Path.home()), errors, program, argument],
            dict(environment),
            file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)],
            setsid=True,
        )
    finally:
        os.close(writing)
    with os.fdopen(reading, "rb") as told:
        number = told.read().strip()
    with suppress(ChildProcessError):  # somebody else has taken notice of its end
        os.waitpid(shell, 0)
    if not number.isdigit():
        raise OSError(f"{program} was not started")
    return int(number)


def _start_by_qt(
    program: str, argument: str, environment: Mapping[str, str], errors: str, parent: QObject
) -> Tuple[int, str]:
    process = QProcess(parent)
    process.setProgram(program)
    process.setArguments([argument])
    process.setWorkingDirectory(str(Path.home()))
    given = QProcessEnvironment()
    for name, value in environment.items():
        given.insert(name, value)
    process.setProcessEnvironment(given)
    process.setStandardOutputFile(QProcess.nullDevice())
    process.setStandardErrorFile(errors)
    started, pid = process.startDetached()
    return (pid, "") if started else (0, process.errorString() or "it cannot be executed")
