"""NWPU VHR-10 as COCO json: every class is asked for in every picture, whether it is there or not.

`annotations.json` (or `annotations_test_set.json` and `annotations_test_set_new.json`, as the paper's script names its splits), the
pictures anywhere below the folder (published: `positive image set/`). Verified: the COCO edition with polygons, read by
`real/labels.py`; the names of the split files by Geo-R1's `test_ovd_nwpu_eval.py`, which takes plain COCO. The paper's own list of
test pictures is not at hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geo_r1_backend.evaluation.formats.needed import (
    IMAGE_SUFFIXES,
    field,
    four_numbers,
    needed,
    opener,
    read_json,
)
from geo_r1_backend.evaluation.sample import Sample
from geo_r1_backend.geo.boxes import Box

NAMES = (
    "annotations_test_set_new.json",
    "annotations_test_set.json",
    "annotations.json",
)


def read_nwpu_coco(data: Path, split: str = "test") -> list[Sample]:
    """One question per picture and class.

    Args:
        data: folder of the set.
        split: `test` takes a split file where there is one; `all` takes `annotations.json`.

    Raises:
        ConfigError: naming what is missing.
    """
    names = NAMES if split == "test" else NAMES[-1:]
    path = needed(*(data / name for name in names), what=NAMES[-1])
    document = read_json(path)
    kinds = {
        field(c, "id", "a category"): str(field(c, "name", "a category")).replace("_", " ")
        for c in field(document, "categories", path.name)
    }
    truth: dict[tuple[Any, Any], list[Box]] = {}
    for note in field(document, "annotations", path.name):
        x, y, width, height = four_numbers(field(note, "bbox", "an annotation"), "bbox")
        key = (
            field(note, "image_id", "an annotation"),
            field(note, "category_id", "an annotation"),
        )
        truth.setdefault(key, []).append((x, y, x + width, y + height))
    usual = data / "positive image set"
    found = {p.name: p for p in data.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES}
    samples = []
    for image in sorted(field(document, "images", path.name), key=lambda i: str(i["file_name"])):
        name = Path(str(field(image, "file_name", "an image"))).name
        picture = found[name] if name in found else needed(usual / name, data / name)
        samples += [
            Sample(
                id=f"{name}, {kind}",
                picture=name,
                task="ovd",
                query=kind,
                read_image=opener(picture),
                kind=kind,
                truth_px=tuple(truth.get((image["id"], number), ())),
            )
            for number, kind in sorted(kinds.items(), key=lambda item: item[1])
        ]
    return samples
