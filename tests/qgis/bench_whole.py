"""Program of `make bench-whole`: memory and time of runs over rasters of 1 Mpx to 1 Gpx, with a service that answers at once.

The service answers every tile with the same two boxes and keeps no picture, so that what is measured is the plugin.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path

from tests.qgis.make_big_raster import BigRaster
from tests.qgis.stub_service import StubService

SIDES_PX = (1_024, 4_096, 8_192, 16_384, 31_744)
"""1 Mpx, 17, 67, 268, and 1,008 Mpx."""
TILE_PX = 448


class Few(dict):
    """The last pictures that were sent: a service forgets them, too."""

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        while len(self) > 64:
            del self[next(iter(self))]


def fixed(_item, _image):
    """Two small objects in every tile."""
    return [
        {"rank": 0, "label": "tank", "box_px": [150.0, 160.0, 190.0, 200.0]},
        {"rank": 1, "label": "tank", "box_px": [250.0, 260.0, 280.0, 290.0]},
    ]


def measured(folder, side_px, tile_px=TILE_PX, levels=1):
    """Figures of one run in a process of its own."""
    raster = BigRaster(side_px).write(folder / f"{side_px}.tif", with_overviews=True)
    with StubService(chips=Few(), requests=deque(maxlen=8), answer_items=fixed) as stub:
        stub.write_server_file(folder)
        environment = {
            **os.environ,
            "GEO_R1_HOME": str(folder),
            "GEO_R1_COMMAND": "/nowhere/geo-r1",
        }
        arguments = [
            str(raster),
            str(folder / f"{side_px}.gpkg"),
            str(tile_px),
            str(levels),
            "all tanks",
        ]
        done = subprocess.run(
            [sys.executable, "-m", "tests.qgis.measure_scene", *arguments],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print the table."""
    say("| raster | tiles | objects | time | per tile | memory | after the first 40 tiles | file |")
    say("|---|---|---|---|---|---|---|---|")
    for side_px in SIDES_PX:
        with tempfile.TemporaryDirectory(prefix="geo-r1-whole-") as folder:
            f = measured(Path(folder), side_px)
        say(
            f"| {side_px**2 / 1e6:,.0f} Mpx | {f['tiles']:,} | {f['count']:,} | {f['seconds']:.0f} s "
            f"| {1000 * f['seconds'] / max(1, f['tiles']):.0f} ms | {f['grown_mb']:.0f} MB "
            f"| {f['after_warm_mb']:.0f} MB | {f['file_mb']:.1f} MB |"
        )


def say(line):
    """A line of the table, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
