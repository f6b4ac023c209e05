"""The token of a service that keeps it across starts: one line in a file that its user alone can read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.storage.atomic import write_private

MIN_CHARACTERS = 24
"""A guess a microsecond for a year does not find 24 characters of base64."""
MAX_CHARACTERS = 512
OTHERS = stat.S_IRWXG | stat.S_IRWXO
USABLE = re.compile(r"[!-~]+")  # what a header can carry


def read_or_make_token(path: Path, new_token: str, say: Callable[[str], None]) -> str:
    """The token in a file; where there is none, `new_token` is written into it.

    Raises:
        ConfigError: if others may read the file, it cannot be read or made, or what it holds is no token.
    """
    try:
        mode = path.stat().st_mode
        if os.name == "posix" and mode & OTHERS:
            raise ConfigError(
                f"The token file {path} may be read by others (mode {stat.S_IMODE(mode):04o}; 0600 is right).",
                hint=f"chmod 600 {path}, and a new token if others may have seen it.",
            )
        token = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return _make(path, new_token, say)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(
            f"The token file {path} cannot be read: {reason}.",
            hint="It holds one line; the user who runs the service must be able to read it.",
        ) from error
    if not MIN_CHARACTERS <= len(token) <= MAX_CHARACTERS or not USABLE.fullmatch(token):
        raise ConfigError(
            f"The token file {path} holds {len(token)} characters; a token is one line of {MIN_CHARACTERS} to "
            f"{MAX_CHARACTERS} letters, digits and signs, without spaces.",
            hint="Remove the file: the next start writes a good one.",
        )
    return token


def _make(path: Path, token: str, say: Callable[[str], None]) -> str:
    try:
        write_private(path, (token + "\n").encode())
    except OSError as error:
        raise ConfigError(
            f"The token file {path} cannot be made: {error.strerror}.",
            hint="Make its folder first, writable for the user who runs the service.",
        ) from error
    say(f"A new token was written to {path}; users of this server need it once.")
    return token
