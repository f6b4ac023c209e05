"""Child processes for tests of faults: started with a home of their own, told when to go, never left behind."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Asker:
    """A QGIS of its own, see `asker.py`."""

    def __init__(self, project, home, *arguments, user=None):
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(home)}
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "QGIS_CUSTOM_CONFIG_PATH"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "asker.py"), str(project), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            user=user,
            cwd="/",
        )
        self.lines = []

    def wait_for(self, word):
        """Read until it says `word`; that line."""
        while True:
            line = self.process.stdout.readline()
            assert line, f"it ended before it said {word!r}: {self.lines}"
            self.lines.append(json.loads(line))
            if self.lines[-1][0] == word:
                return self.lines[-1]

    def go(self):
        """Let it begin."""
        self.process.stdin.write(b"go\n")
        self.process.stdin.close()

    def finish(self):
        """Read on until it ends; the exit code."""
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):  # cut by a kill
                self.lines.append(json.loads(line))
        return self.process.wait(30)

    def said(self, word):
        """What came after `word`, once per line."""
        return [line[1:] for line in self.lines if line[0] == word]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        self.process.wait(10)


def ask_once(project, home, *arguments, user=None):
    """One such QGIS from its start to its end; what it said."""
    with Asker(project, home, *arguments, user=user) as asker:
        asker.wait_for("ready")
        asker.go()
        asker.finish()
        return asker
