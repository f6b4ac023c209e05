#!/usr/bin/env python3
"""Draw the scene of the demo with the generator that made the model's training pictures; commit the outcome.

Needs the service's environment with the `pretrain` extra. The picture is kept in the repository and not drawn by
`make demo`, so that the demo needs no OpenCV and stays the same when the generator changes.
"""

import json
import sys
from pathlib import Path

from PIL import Image

from geo_r1_backend.pretraining.scenes import SceneRecipe, draw_scene

SEED = 21562
WIDTH_PX, HEIGHT_PX = 768, 600
RECIPE = SceneRecipe(
    first_kinds=("storage tank",),
    group_sizes=((6, 1.0), (7, 1.0), (8, 1.0)),
    further_groups=((3, 1.0), (4, 1.0)),
    small_share=0,
)
FOLDER = Path(__file__).resolve().parent.parent / "resources" / "demo"


def main() -> None:
    """Write the picture and what is in it."""
    scene = draw_scene(SEED, RECIPE, view_px=(WIDTH_PX, HEIGHT_PX))
    FOLDER.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene.image).save(FOLDER / "tank-farm.png", optimize=True)
    objects = [
        {
            "kind": item.kind,
            "colour": item.colour,
            "box_px": [int(n) for n in item.box_px],
            "area_px": round(item.area_px),
        }
        for item in scene.objects
    ]
    truth = {
        "seed": SEED,
        "objects": sorted(objects, key=lambda item: (item["kind"], item["box_px"])),
    }
    (FOLDER / "tank-farm.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    print(f"{len(objects)} objects, {(FOLDER / 'tank-farm.png').stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
