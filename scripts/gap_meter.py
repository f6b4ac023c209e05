"""How long a window does not react: a heartbeat in Qt's event loop, and a watchdog that says what held it up.

The heart beats every 5 ms. What is longer between two beats was work, or waiting, on the GUI thread: a *gap*. While a gap
lasts, a second thread notes where the GUI thread's Python is, so that a failed test names the culprit. Time in which the
machine gave the thread no processor (other programs ran) is known to Linux and is not counted; elsewhere it is.

Used by the tests (`tests/qgis/test_window_alive_*.py`) and inside the desktop (`person.py`).
"""

import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from qgis.PyQt.QtCore import Qt, QTimer

LIMIT_MS = 50.0
"""What the product promises."""

BEAT_MS = 5
LOOK_MS = 10
SUSPECT_MS = 25.0
"""From here on the watchdog looks: half of the limit, so that the place is known before the limit is reached."""

SCHEDSTAT = Path("/proc/thread-self/schedstat")
SHOWN_FRAMES = 6


@dataclass
class Gap:
    """One stretch without a turn of the event loop."""

    ms: float
    """Longer than a beat by this much, without the time that other programs had the processor."""
    starved_ms: float
    """The time that other programs had it."""
    places: list = field(default_factory=list)
    """Stacks of the GUI thread that the watchdog saw, innermost call last."""

    @property
    def culprit(self) -> str:
        """The last calls of Python in the last stack that was seen; none when all of it was in C++."""
        if not self.places:
            return "too short to be seen, or one call that lets no other Python run"
        frames = [frame for frame in self.places[-1] if not frame.filename.endswith("gap_meter.py")]
        return " > ".join(
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in frames[-SHOWN_FRAMES:]
        )

    def __str__(self) -> str:
        return f"{self.ms:.0f} ms (starved {self.starved_ms:.0f} ms) in {self.culprit}"


class GapMeter:
    """Measures between `start` and `stop`, or as a context manager, on the thread that runs the event loop."""

    def __init__(self) -> None:
        self.longest = Gap(0.0, 0.0)
        self.beats = 0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self._places: list = []
        self._gui = 0
        self._over = threading.Event()
        self._watchdog: threading.Thread = None

    @property
    def longest_ms(self) -> float:
        """The longest gap."""
        return self.longest.ms

    @property
    def worst(self) -> str:
        """The longest gap in words."""
        return str(self.longest)

    def start(self) -> None:
        """Measure from now on; what comes before the first turn of the event loop counts."""
        self._gui = threading.get_ident()
        self._last_s, self._last_starved_s = time.perf_counter(), starved_s()
        self._over.clear()
        self._watchdog = threading.Thread(target=self._watch, name="gap-watchdog", daemon=True)
        self._watchdog.start()
        self._timer.start()

    def stop(self) -> None:
        """Measure no longer; what has not come back to the event loop yet counts."""
        if self._watchdog is None:
            return
        self._beat()
        self._timer.stop()
        self._over.set()
        self._watchdog.join()
        self._watchdog = None

    def __enter__(self) -> "GapMeter":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _beat(self) -> None:
        now_s, now_starved_s = time.perf_counter(), starved_s()
        starved_ms = (now_starved_s - self._last_starved_s) * 1000
        ms = (now_s - self._last_s) * 1000 - BEAT_MS - starved_ms
        places, self._places = self._places, []
        self._last_s, self._last_starved_s = now_s, now_starved_s
        self.beats += 1
        if ms > self.longest.ms:
            self.longest = Gap(ms, starved_ms, places)

    def _watch(self) -> None:
        while not self._over.wait(LOOK_MS / 1000):
            if (time.perf_counter() - self._last_s) * 1000 > SUSPECT_MS:
                frame = sys._current_frames().get(self._gui)
                if frame is not None:
                    walk = traceback.walk_stack(frame)
                    stack = traceback.StackSummary.extract(walk, lookup_lines=False)
                    self._places.append(list(reversed(stack)))


def starved_s() -> float:
    """Seconds that this thread was ready to run and the machine ran something else; 0 where that is not known."""
    try:
        return int(SCHEDSTAT.read_bytes().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):  # not Linux, or a kernel without these numbers
        return 0.0
