"""Have something done on the main thread, from any other one.

Sockets are objects that C++ makes and Python wraps, and those belong to the main thread: PyQt5 keeps all of them in one
set without a lock (`PyQtMonitor`), adds to it on the thread that wraps one and takes away on the main thread, later and
by address. With wrapped replies on a worker thread, heaps were damaged and living replies were called deleted
(QGIS 3.22, 3.44; three of sixty runs). This module is imported on the main thread, with the plugin.
"""

from __future__ import annotations

import logging
import threading
from typing import Callable, Optional

from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal, pyqtSlot

log = logging.getLogger(__name__)

Errand = Callable[[], object]


class _Errands(QObject):
    posted = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.posted.connect(self.do, Qt.ConnectionType.QueuedConnection)

    @pyqtSlot(object)
    def do(self, errand: Errand) -> None:
        try:
            errand()
        except Exception:  # border: an exception in a slot would end QGIS
            log.exception("on the main thread")


_thread_ident = threading.get_ident()
_errands: Optional[_Errands] = None


def is_here() -> bool:
    """Whether this is the main thread."""
    return threading.get_ident() == _thread_ident


def do_there(errand: Errand) -> bool:
    """Do it now on the main thread, or, from another one, when the event loop there has its turn; never waits.

    Returns:
        Whether it is or will be done: from another thread nothing is, before `begin` and after `close`.
    """
    errands = _errands
    if is_here():
        errand()
    elif errands is None:
        return False
    else:
        errands.posted.emit(errand)
    return True


def begin() -> None:
    """The plugin is there: called on the main thread."""
    global _errands  # noqa: PLW0603 - one for the whole plugin, as there is one main thread
    if _errands is None:
        _errands = _Errands()


def close() -> None:
    """The plugin goes: nothing is done there for it any more."""
    global _errands
    errands, _errands = _errands, None
    if errands is not None:
        errands.deleteLater()
