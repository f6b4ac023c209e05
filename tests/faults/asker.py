"""A QGIS without a window that writes detections and says, line by line, what its store says. Run as a child process.

    asker.py PROJECT [--detections N] [--every-ms MS] [--limit-bytes N] [--leave MANNER]

Lines are JSON lists: ["stored", uid], ["failed", code, sentence], ["remarked", text], ["told", title, text], ["done"].
"""

import argparse
import json
import os
import resource
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "build"), str(HERE.parent.parent)]

from qgis.core import QgsApplication, QgsProject  # noqa: E402

application = QgsApplication([], False)
application.setOrganizationName("Geo-R1 tests")
application.initQgis()

from geo_r1_qgis.layers.store import DetectionStore  # noqa: E402
from tests.qgis.test_layers_store import UTM33, found, frame_in, result_of, run_in  # noqa: E402


def say(*words):
    """One line; whole even if this process is killed just after it."""
    os.write(1, (json.dumps(words) + "\n").encode())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("project")
    parser.add_argument("--detections", type=int, default=3)
    parser.add_argument("--east", type=float, default=500_100.0)
    parser.add_argument("--limit-bytes", type=int, default=0)
    parser.add_argument("--leave", choices=("well", "in the middle"), default="well")
    chosen = parser.parse_args()
    if chosen.limit_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (chosen.limit_bytes, resource.RLIM_INFINITY))
    project = QgsProject.instance()
    project.setCrs(UTM33)
    project.setFileName(chosen.project)
    store = DetectionStore(project)
    store.stored.connect(lambda uid: say("stored", uid))
    store.failed.connect(lambda error: say("failed", error.code, str(error)))
    store.remarked.connect(lambda text: say("remarked", text))
    store.told.connect(lambda title, text: say("told", title, text))
    store.look_back()
    say("ready")
    sys.stdin.readline()  # all begin at the same moment
    frame = frame_in(centre=(chosen.east, 5_400_100.0))
    run = store.begin_run(run_in(frame))
    for rank in range(chosen.detections):
        store.add(run, found(rank), frame, "thinking")
        application.processEvents()
    if chosen.leave == "well":
        store.finish_run(run, result_of([]))
    while not store.flush(0.05):
        application.processEvents()
    application.processEvents()
    say("done")
    if chosen.leave == "in the middle":
        os.kill(os.getpid(), 9)
    store.close()
    application.processEvents()


main()
