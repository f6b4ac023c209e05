#!/usr/bin/env python3
"""Pictures of the Train tab for the documentation, cut out of the windows of a real run of the proof.

    python scripts/proof/pictures.py build/proof/seed-0 docs/images

Each file stays below 100 KB.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PIL import Image

LIMIT_BYTES = 100_000
COLOURS = 128
DOCK = ("checked", "running", "verdict")


def main(run: Path, folder: Path) -> None:
    """Write `train-NAME` for each picture of the run: the dock alone, for the photographs are others' property."""
    left, top, width, height = json.loads((run / "report.json").read_text())["dock_px"]
    for name in DOCK:
        picture = Image.open(run / f"{name}.png").convert("RGB")
        picture = picture.crop((left, top, left + width, top + height))
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(folder / f"train-{name}.png")
    for path in sorted(folder.glob("train-*")):
        print(path, path.stat().st_size, "bytes")
        if path.stat().st_size > LIMIT_BYTES:
            raise SystemExit(f"{path.name} is larger than {LIMIT_BYTES} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
