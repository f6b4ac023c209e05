"""RRSIS-D: referring sentences with masks, in the layout of RefCOCO's `refer`.

``rrsisd/refs(unc).p`` (pickle: a list of ``{ref_id, ann_id, image_id, split, category_id, file_name, sentences: [{raw, sent, ...}]}``),
``rrsisd/instances.json`` (COCO: images, annotations, categories; ``segmentation`` is a list of RLE ``{size, counts}``, or of polygons), and the
pictures in ``images/rrsisd/JPEGImages/``. Verified: SegEarth-R1's loader (places, the first sentence's ``raw``), a public converter
(``segmentation[0]`` is RLE), and `refer`'s own mask reader (several pieces are one mask). Not verified on the files; boxes of
``instances.json`` are not used, as loaders disagree on what they mean.

A pickle can run code when it is read. This one is read with everything but plain values forbidden.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation.formats.needed import field, needed, opener, read_json
from geo_r1_backend.evaluation.masks import Mask, polygon_mask
from geo_r1_backend.evaluation.sample import Sample

REFS = "refs(unc).p"


class _PlainValues(pickle.Unpickler):
    """Lists, dictionaries, text and numbers: all that the file needs."""

    def find_class(self, module: str, name: str) -> Any:
        raise ConfigError(
            f"{REFS} wants to load {module}.{name}; the published file has plain values only.",
            hint="Do not use this file; fetch the set from its authors.",
        )


def read_rrsis_d(data: Path, split: str = "test") -> list[Sample]:
    """The first sentence of every reference of a split.

    Raises:
        ConfigError: naming what is missing, or a file that cannot be read.
    """
    refs_path = needed(data / "rrsisd" / REFS, data / REFS)
    instances_path = needed(data / "rrsisd" / "instances.json", data / "instances.json")
    pictures = needed(
        data / "images" / "rrsisd" / "JPEGImages",
        data / "JPEGImages",
        what="The folder images/rrsisd/JPEGImages",
    )
    instances = read_json(instances_path)
    notes = {note["id"]: note for note in field(instances, "annotations", instances_path.name)}
    images = {image["id"]: image for image in field(instances, "images", instances_path.name)}
    kinds = {c["id"]: str(c["name"]) for c in field(instances, "categories", instances_path.name)}
    samples = []
    for ref in sorted(_references(refs_path), key=lambda one: int(one["ref_id"])):
        if split not in ("all", field(ref, "split", REFS)):
            continue
        where = f"reference {ref['ref_id']} of {REFS}"
        note = notes.get(field(ref, "ann_id", where))
        image = images.get(field(ref, "image_id", where))
        if note is None or image is None:
            raise ConfigError(
                f"{where} names an annotation or image that {instances_path.name} does not have.",
                hint="The two files are of different editions; fetch both again.",
            )
        name = str(image.get("file_name") or ref.get("file_name"))
        first = field(ref, "sentences", where)[0]
        samples.append(
            Sample(
                id=str(ref["ref_id"]),
                picture=name,
                task="gres",
                query=str(first.get("raw") or first.get("sent") or "").strip(),
                read_image=opener(pictures / name),
                kind=kinds.get(ref.get("category_id"), ""),
                read_mask=_mask_reader(
                    field(note, "segmentation", where), int(image["height"]), int(image["width"])
                ),
            )
        )
    return samples


def _references(path: Path) -> list[dict[str, Any]]:
    try:
        # latin1: the file may have been written by Python 2
        refs = _PlainValues(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except ConfigError:
        raise
    except Exception as error:  # border: a damaged pickle fails in many ways
        raise ConfigError(
            f"{path} cannot be read: {type(error).__name__}: {error}.", hint="Fetch it again."
        ) from error
    if not isinstance(refs, list):
        raise ConfigError(f"{path} is not a list of references.", hint="Fetch it again.")
    return refs


def _mask_reader(pieces: Any, height_px: int, width_px: int) -> Callable[[], Mask]:
    def read() -> Mask:
        mask = np.zeros((height_px, width_px), bool)
        for piece in pieces if isinstance(pieces, list) else [pieces]:
            if isinstance(piece, dict):
                mask |= _run_lengths(piece)
            else:
                ring = np.asarray(piece, float).reshape(-1, 2).tolist()
                mask |= polygon_mask([[ring]], height_px, width_px)
        return mask

    return read


def _run_lengths(piece: dict[str, Any]) -> Mask:
    """COCO's RLE, column by column from the top left: how many pixels are out, then in, then out."""
    height, width = (int(n) for n in field(piece, "size", "a segmentation"))
    counts = field(piece, "counts", "a segmentation")
    runs = counts if isinstance(counts, list) else _unpacked(counts)
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, np.asarray(runs, int))
    if flat.size != width * height:
        raise ConfigError(
            f"A mask of {width} × {height} px has runs over {flat.size} px.",
            hint="instances.json is damaged; fetch it again.",
        )
    return flat.reshape((width, height)).T


def _unpacked(text: str | bytes) -> list[int]:
    """COCO's packed counts: five bits a character, the sixth says that more follow.

    From the fourth on, counts are differences to the one before the last.
    """
    runs: list[int] = []
    value, shift = 0, 0
    for code in text.encode("ascii") if isinstance(text, str) else text:
        bits = code - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value, shift = 0, 0
    return runs
