"""Program: one run over a whole raster, through a service that is there; prints what it took as one line of JSON.

A process of its own, because the highest memory of a process is what is measured, and because one is to be killed.
"""

import json
import sys
import time
from pathlib import Path

from qgis.core import QgsApplication, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QEventLoop

from geo_r1_qgis.capture.scene_plan import plan_scene
from geo_r1_qgis.core.scene_records import SceneOptions
from geo_r1_qgis.core.settings import Settings
from geo_r1_qgis.layers.scene_journal import SceneJournal
from geo_r1_qgis.network import main_thread
from geo_r1_qgis.network.access import AccessKeeper
from geo_r1_qgis.network.blocking import BlockingService
from geo_r1_qgis.tasks.outcome import Done
from geo_r1_qgis.tasks.scene_run import SceneRun
from geo_r1_qgis.tasks.scene_worker import SceneWorker
from tests.qgis.measure_capture import resident_mb

WARM_LOOKS = 40
"""After so many, everything that a run needs once is there; what comes on top of it is growth."""


def main(raster: str, file: str, tile_px: int, levels: int, query: str) -> None:
    """Run it."""
    application = QgsApplication([], False)
    application.initQgis()
    main_thread.begin()
    context = QgsProject.instance().transformContext()
    layer = QgsRasterLayer(raster, "measured")
    plan = plan_scene(layer, context=context, tile_px=tile_px, levels=levels)
    journal = SceneJournal.at(file, crs_wkt=plan.frame.crs_wkt, context=context)
    run = SceneRun(plan, SceneOptions(query), journal=journal)
    worker = SceneWorker(
        run, lambda leave: BlockingService(Settings(start_service=False), AccessKeeper(), wants_to_leave=leave)
    )  # fmt: skip
    told = {"outcome": None, "warm_mb": 0.0, "longest_ms": 0.0}
    loop = QEventLoop()

    def progressed(done, _total, _left):
        if done >= WARM_LOOKS and not told["warm_mb"]:
            told["warm_mb"] = resident_mb("VmHWM")

    def ended(outcome):
        told["outcome"] = outcome
        loop.quit()

    worker.progressed.connect(progressed)
    worker.ended.connect(ended)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    loaded_mb, began = resident_mb("VmRSS"), time.perf_counter()
    worker.start()
    loop.exec()
    worker.wait(10)
    if not isinstance(told["outcome"], Done):
        raise SystemExit(f"no result: {told['outcome']}")
    result, most_mb = told["outcome"].value, resident_mb("VmHWM")
    figures = {
        "grown_mb": most_mb - loaded_mb,
        "after_warm_mb": most_mb - (told["warm_mb"] or most_mb),
        "seconds": time.perf_counter() - began,
        "tiles": result.tiles.answered,
        "count": result.count,
        "file_mb": Path(file).stat().st_size / 2**20,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
