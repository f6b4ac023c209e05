"""Program: take the picture of a part and of the whole of a raster, and print what that took as one line of JSON.

A process of its own, because the highest memory of a process is what is measured.
"""

import json
import sys
import time
from pathlib import Path

from qgis.core import QgsApplication, QgsRasterLayer

from geo_r1_qgis.capture.plan import plan_view
from geo_r1_qgis.tasks.capture_task import CaptureTask
from geo_r1_qgis.tasks.outcome import Done
from tests.qgis.test_capture_render import settings_over

STATUS = Path("/proc/self/status")


def resident_mb(kind: str) -> float:
    """Resident memory of this process: `VmRSS` now, `VmHWM` at most. Not `getrusage`: that begins with the parent's."""
    return int(STATUS.read_text(encoding="ascii").split(f"{kind}:")[1].split()[0]) / 1024


def main(path: str, part: float) -> None:
    """Measure both views."""
    application = QgsApplication([], False)
    application.initQgis()
    layer = QgsRasterLayer(path, "measured")
    # QGIS reads a sample of the file when it loads a layer; the highest memory is counted from here on.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    loaded_mb = resident_mb("VmRSS")
    began = time.perf_counter()
    for zoom in (1 / part, 1.0):
        task = CaptureTask(plan_view(settings_over(layer, zoom=zoom, size=(1000, 1000)), layer))
        task.run()
        if not isinstance(task.outcome, Done):
            raise SystemExit(f"no picture: {task.outcome}")
        task.finished(True)
    grown_mb = resident_mb("VmHWM") - loaded_mb
    sys.stdout.write(json.dumps({"grown_mb": grown_mb, "seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
