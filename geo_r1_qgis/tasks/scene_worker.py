"""A run over a whole raster on a thread of its own, for the dock: signals come on the GUI thread, Stop is heeded at once.

Not a QgsTask: a run takes minutes or days, and the tasks' pool draws the map.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from typing import Any, Callable, List, Optional

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..core.errors import GeoR1Error, Unexpected, without_frames
from ..core.scene_records import SceneFind
from ..network.blocking import Left
from .outcome import Cancelled, Done, Failed, Outcome
from .scene_run import SceneRun

log = logging.getLogger(__name__)

TELL_S = 0.1
"""Between two signals: a service may answer a hundred looks a second, and the window has other things to do."""

OpenService = Callable[[Callable[[], bool]], Any]
"""Makes the `BlockingService` of the thread that it is called on; it is given what asks whether to leave."""


class SceneWorker(QObject):
    """`start` it once; `ended` comes once, also after `stop`. Lives on the GUI thread."""

    progressed = pyqtSignal(int, int, object)
    """Looks that are done, looks in all, seconds that are left or none."""
    found = pyqtSignal(object)
    """A list of `SceneFind`."""
    ended = pyqtSignal(object)
    """`Done` with a `SceneResult` (also where it was stopped), `Failed`, or `Cancelled` before it had begun."""

    def __init__(
        self, run: SceneRun, open_service: OpenService, parent: Optional[QObject] = None
    ) -> None:
        super().__init__(parent)
        self._run = run
        self._open_service = open_service
        self._wants_to_leave = threading.Event()
        self._finds: List[SceneFind] = []
        self._told_s = 0.0
        self._thread = threading.Thread(target=self._work, name="geo-r1-scene", daemon=True)

    def start(self) -> None:
        """Begin and return at once."""
        # Python's collector of garbage holds up every thread, the window's too, while it goes through all of QGIS's
        # and its plugins' objects (0.1 s), again and again as a run makes new ones: the old ones are left out meanwhile.
        gc.freeze()
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; within a second it does, with what it has."""
        self._wants_to_leave.set()
        self._run.cancel_reading()

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end, whether or not `ended` was heard yet, and let go of the layer; whether it has ended."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        has_ended = not self._thread.is_alive()
        if has_ended:
            gc.unfreeze()
            self._run.close()
        return has_ended

    def _work(self) -> None:
        outcome: Outcome
        is_cancelled = self._wants_to_leave.is_set
        try:
            with self._open_service(is_cancelled) as service:
                result = self._run.run(
                    service, progress=self._tell, found=self._find, is_cancelled=is_cancelled
                )
            outcome = Done(result)
        except Left:
            outcome = Cancelled()
        except GeoR1Error as error:
            outcome = Failed(without_frames(error))
        except Exception as error:  # border: an exception here would end the thread without a word
            log.exception("scene run")
            outcome = Failed(without_frames(Unexpected(error)))
        self._tell_finds()
        self.ended.emit(outcome)

    def _tell(self, done: int, total: int, seconds_left: Optional[float]) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s < TELL_S and done < total:
            return
        self._told_s = now_s
        self._tell_finds()
        self.progressed.emit(done, total, seconds_left)

    def _find(self, find: SceneFind) -> None:
        self._finds.append(find)

    def _tell_finds(self) -> None:
        finds, self._finds = self._finds, []
        if finds:
            self.found.emit(finds)
