"""A large raster of generated scenes side by side, for runs over whole layers: `.venv/bin/python scripts/make_mosaic.py FILE SIDE_PX [SEED]`.

A few dozen scenes of the frozen generator, laid again and again in a shuffled order; 0.3 m, EPSG:32633, tiled, with overviews.
"""

import random
import sys
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.transform import from_origin

from geo_r1_backend.pretraining.scenes import SceneRecipe, draw_scene

CELL_PX = 448
SCENES = 48
FIRST_SEED = 7_500_000


def main(path: Path, side_px: int, seed: int) -> None:
    """Write the file."""
    across = -(-side_px // CELL_PX)
    scenes = [
        np.asarray(draw_scene(FIRST_SEED + n, SceneRecipe(), view_px=(CELL_PX, CELL_PX)).image)[
            :CELL_PX, :CELL_PX, :3
        ]
        for n in range(SCENES)
    ]
    dice = random.Random(seed)  # noqa: S311 - reproducibility, not secrecy
    profile = {
        "driver": "GTiff", "width": across * CELL_PX, "height": across * CELL_PX, "count": 3, "dtype": "uint8",
        "crs": "EPSG:32633", "transform": from_origin(500_000.0, 5_400_000.0, 0.3, 0.3), "tiled": True,
        "blockxsize": 256, "blockysize": 256, "compress": "deflate", "predictor": 2, "photometric": "RGB",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        for row in range(across):
            for column in range(across):
                window = rasterio.windows.Window(column * CELL_PX, row * CELL_PX, CELL_PX, CELL_PX)
                file.write(np.moveaxis(dice.choice(scenes), 2, 0), window=window)
        file.build_overviews([2, 4, 8, 16], Resampling.average)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
