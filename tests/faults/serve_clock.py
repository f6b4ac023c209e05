"""The service of `serve_fixed.py` under a wall clock that jumps back by a day every time somebody looks at it for a while."""

import runpy
import sys
import time
from pathlib import Path

DAY_S = 86_400.0
EVERY_S = 0.7
_real = time.time
_began_s = time.monotonic()


def jumping():
    """A day less with each `EVERY_S` that has gone."""
    return _real() - DAY_S * int((time.monotonic() - _began_s) / EVERY_S)


time.time = jumping
sys.argv[0] = str(Path(__file__).with_name("serve_fixed.py"))
runpy.run_path(sys.argv[0], run_name="__main__")
