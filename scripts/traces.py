"""What a plugin may leave behind in QGIS: objects, threads, file handles, connections, entries in menus. Counts them.

Used by `tests/qgis/test_reload.py` and, inside the desktop, by `reload.py`. Take a snapshot, do something, take another;
`grown` names what there is more of. Classes are not counted: a reload makes each of them anew, and the caches of Python's
own `typing` module keep the last 128 types that were written somewhere (such as `List[Detection]`) with their modules.
"""

import contextlib
import gc
import logging
import os
import re
import threading
from collections import Counter

from qgis.core import QgsApplication, QgsProject
from qgis.gui import QgsMapCanvas
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QTranslator
from qgis.PyQt.QtWidgets import QApplication, QMainWindow

PACKAGE = "geo_r1_qgis"
PROJECT_SIGNALS = ("cleared", "readProject", "layersRemoved", "layersAdded", "writeProject")
CANVAS_SIGNALS = ("extentsChanged", "rotationChanged", "destinationCrsChanged", "layersChanged")


def snapshot(window: QMainWindow, canvas: QgsMapCanvas) -> Counter:
    """Counts of everything, each under a name that says what it is."""
    gc.collect()
    found = Counter()
    for root, name in ((window, "window"), (canvas, "canvas"), (QgsProject.instance(), "project")):
        children = [each for each in root.findChildren(QObject) if not _is_indicator(each)]
        found.update(f"{name} child {type(each).__name__}" for each in children)
    found.update(f"top level {type(each).__name__}" for each in QApplication.topLevelWidgets())
    found.update(f"scene item {type(each).__name__}" for each in canvas.scene().items())
    found.update(f"thread {thread.name}" for thread in threading.enumerate() if _is_ours(thread))
    found.update(_files())
    for each in gc.get_objects():
        with contextlib.suppress(Exception):  # proxies of others may raise whatever they like
            kind = type(each)
            if kind.__module__.startswith(PACKAGE):
                is_gone = isinstance(each, sip.simplewrapper) and sip.isdeleted(each)
                found[f"Python object {kind.__name__}{' (deleted in C++)' if is_gone else ''}"] += 1
            elif kind is QTranslator:
                found["translator"] += 1
    project = QgsProject.instance()
    for owner, signals in ((project, PROJECT_SIGNALS), (canvas, CANVAS_SIGNALS)):
        for name in signals:
            found[f"receivers of {name}"] = owner.receivers(getattr(owner, name))
    found["log handlers"] = len(logging.getLogger(PACKAGE).handlers)
    found["active tasks"] = QgsApplication.taskManager().countActiveTasks()
    return found


def grown(before: Counter, after: Counter) -> dict:
    """What there is more of, with both counts."""
    return {
        name: (before[name], count) for name, count in sorted(after.items()) if count > before[name]
    }


def _is_indicator(each: QObject) -> bool:
    """QGIS's mark beside a layer whose file lies in the folder for temporary files, as those of a test do.

    QGIS 3.22 never deletes one; it takes it again if the next layer's node happens to get the same address, so that the
    count grows at random when projects are opened, without any plugin too.
    """
    return each.metaObject().className() == "QgsLayerTreeViewIndicator"


def _is_ours(thread: threading.Thread) -> bool:
    """Not one in which a server of the test itself answers a request."""
    return "process_request_thread" not in thread.name


def native_threads() -> int:
    """Threads of the process, those of C++ too; a pool keeps idle ones for half a minute."""
    return len(os.listdir("/proc/self/task"))  # noqa: PTH208


def _files() -> Counter:
    """Open file handles by what they are of."""
    found = Counter()
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with contextlib.suppress(OSError):  # the one of the listing itself
            target = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115
            # eventfd: one per native thread with an event loop; see `native_threads`.
            # _styles.db: of QGIS 3.40 and later, made once for the styles of a project
            if "eventfd" not in target and not target.endswith("_styles.db"):
                found[f"file {re.sub(r'[0-9]+', '#', target)}"] += 1
    return found
