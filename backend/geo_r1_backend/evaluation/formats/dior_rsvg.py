"""DIOR-RSVG: VOC xml with a referring sentence per object.

``Annotations/*.xml`` (``filename``; per ``object``: ``name``, ``bndbox`` with ``xmin, ymin, xmax, ymax``, ``description``),
``JPEGImages/``, and `test.txt` with one number per line: the position of an object when all objects of all files are counted.

Verified: two public loaders of the set (the order of the children, the counting over files, the split files). Not verified: the
authors' own loader counts in the order in which the file system lists the files; here, as in later loaders, they are counted
in the order of their names, which is the order of an unpacked archive on most file systems. The box is taken as it stands (the
loaders do the same), not as VOC's inclusive one. Whether a target is the only one of its class is not in the files.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation.formats.needed import four_numbers, needed, opener
from geo_r1_backend.evaluation.sample import Sample

CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_dior_rsvg(data: Path, split: str = "test") -> list[Sample]:
    """The referring sentences of a split.

    Raises:
        ConfigError: naming what is missing, or the file that cannot be read.
    """
    folder = needed(data / "Annotations", what="The folder Annotations")
    pictures = needed(data / "JPEGImages", what="The folder JPEGImages")
    wanted = None if split == "all" else _numbers(needed(data / f"{split}.txt"))
    samples: list[Sample] = []
    count = 0
    for path in sorted(folder.rglob("*.xml")):
        root = _parsed(path)
        name = root.findtext("filename") or f"{path.stem}.jpg"
        for item in root.findall("object"):
            if wanted is None or count in wanted:
                samples.append(_sample(item, pictures / name, f"object {count} in {path.name}"))
            count += 1
    if wanted is not None and wanted and max(wanted) >= count:
        raise ConfigError(
            f"{split}.txt names object {max(wanted)}, but Annotations/ has {count} objects.",
            hint="Some xml files are missing; unpack the whole archive.",
        )
    return samples


def _sample(item: ElementTree.Element, picture: Path, where: str) -> Sample:
    corners = [item.findtext(f"bndbox/{corner}") for corner in CORNERS]
    query = (item.findtext("description") or "").strip()
    if not query:
        raise ConfigError(f"{where} has no description.", hint="Is this DIOR-RSVG, or plain DIOR?")
    return Sample(
        id=where,
        picture=picture.name,
        task="rec",
        query=query,
        read_image=opener(picture),
        kind=(item.findtext("name") or "").strip(),
        truth_px=(four_numbers(corners, f"{where}, bndbox"),),
    )


def _numbers(path: Path) -> set[int]:
    try:
        return {int(word) for word in path.read_text(encoding="utf-8").split()}
    except ValueError as error:
        raise ConfigError(
            f"{path} should have one number per line: {error}.", hint="Fetch the file again."
        ) from error


def _parsed(path: Path) -> ElementTree.Element:
    text = path.read_text(encoding="utf-8")
    if "<!ENTITY" in text or "<!DOCTYPE" in text:
        # a few lines of entities grow into gigabytes
        raise ConfigError(f"{path} declares entities; no file of the set does.", hint="Remove it.")
    try:
        return ElementTree.fromstring(text)  # noqa: S314 - files with entities were refused above
    except ElementTree.ParseError as error:
        raise ConfigError(f"{path} is not XML: {error}.", hint="Fetch it again.") from error
