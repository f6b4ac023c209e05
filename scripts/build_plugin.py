#!/usr/bin/env python3
"""Assembles the tree that QGIS loads, and packs exactly that tree into the plugin zip.

Standard library only, so that any Python can run it. What is in `build/geo_r1_qgis/` is what tests and the demo load.

    scripts/build_plugin.py           build/geo_r1_qgis/
    scripts/build_plugin.py --zip     the same, then build/geo_r1_qgis-VERSION.zip (same input, same bytes)
"""

from __future__ import annotations

import argparse
import configparser
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = "geo_r1_qgis"

SUFFIXES = {".py", ".svg", ".png", ".qml", ".ui", ".qm", ".json", ".txt", ".html", ".css"}
"""What may stand in the plugin; everything else (caches, sources of translations) stays behind."""

DOCTOR = ("doctor.png", "doctor.json")
"""The picture with a known answer lies beside the model; the plugin asks it through whatever service it has."""

LRELEASE = ("/usr/lib/qt5/bin/lrelease", "lrelease-qt5", "lrelease", "lrelease-qt6")
"""Names of Qt's translation compiler; Debian's own first, because the one on PATH may lead nowhere."""

ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip can hold: the same tree gives the same bytes."""


def read_version() -> str:
    """Version of plugin and backend, from metadata.txt."""
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(PROJECT / "metadata.txt", encoding="utf-8")
    return metadata["general"]["version"]


def newest_changes(version: str) -> str:
    """Section of CHANGELOG.md for this version, as one metadata value."""
    text = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    section = re.search(rf"^## \[{re.escape(version)}\].*?\n(.*?)(?=^## \[|\Z)", text, re.M | re.S)
    if not section:
        raise SystemExit(
            f"CHANGELOG.md has no section [{version}]; metadata.txt names that version."
        )
    lines = [
        line.strip().lstrip("# ") for line in section[1].splitlines() if line.strip()
    ]  # "#" would be a comment
    return "\n    ".join([version, *lines])


def compile_translations(tree: Path) -> None:
    """Turn every translation (`geo_r1_LL.ts`) into a .qm file inside the tree; without lrelease the plugin speaks English.

    `template.ts` holds every string and no translation: what a translator starts from (`make translations`).
    """
    sources = sorted((PROJECT / PACKAGE / "i18n").glob("geo_r1_*.ts"))
    if not sources:
        return
    lrelease = next(filter(None, map(shutil.which, LRELEASE)), None)
    if lrelease is None:
        print(f"lrelease was not found: {len(sources)} translation(s) are left out")
        return
    (tree / "i18n").mkdir(exist_ok=True)
    for source in sources:
        target = tree / "i18n" / f"{source.stem}.qm"
        done = subprocess.run([lrelease, "-silent", str(source), "-qm", str(target)], check=False)
        if done.returncode:  # qtchooser's lrelease without a Qt behind it
            print(f"{lrelease} failed: {source.name} is left out")


def assemble(tree: Path) -> None:
    """Make the folder `tree` anew; a QGIS that runs from the old one keeps its files until the last moment."""
    new = tree.with_name(f".{tree.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    for source in sorted((PROJECT / PACKAGE).rglob("*")):
        if source.is_file() and source.suffix in SUFFIXES and "__pycache__" not in source.parts:
            target = new / source.relative_to(PROJECT / PACKAGE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    shutil.copyfile(PROJECT / "LICENSE", new / "LICENSE")
    for name in DOCTOR:
        shutil.copyfile(PROJECT / "resources/models/geo-r1-nano" / name, new / "resources" / name)
    metadata = (PROJECT / "metadata.txt").read_text(encoding="utf-8").rstrip()
    changes = newest_changes(read_version())
    (new / "metadata.txt").write_text(f"{metadata}\nchangelog={changes}\n", encoding="utf-8")
    compile_translations(new)
    shutil.rmtree(tree, ignore_errors=True)
    new.rename(tree)


def pack(tree: Path, target: Path) -> None:
    """Pack the tree; names sorted, times and permissions fixed."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for source in sorted(path for path in tree.rglob("*") if path.is_file()):
            if source.suffix == ".pyc":  # QGIS may have run from this tree
                continue
            entry = zipfile.ZipInfo(source.relative_to(tree.parent).as_posix(), date_time=ZIP_TIME)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, source.read_bytes())


def main() -> None:
    """Build, and pack when asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zip", action="store_true", help="pack the tree as well")
    parser.add_argument(
        "--out", type=Path, default=PROJECT / "build", help="folder that takes tree and zip"
    )
    arguments = parser.parse_args()
    tree = arguments.out / PACKAGE
    arguments.out.mkdir(parents=True, exist_ok=True)
    assemble(tree)
    if arguments.zip:
        target = arguments.out / f"{PACKAGE}-{read_version()}.zip"
        pack(tree, target)
        print(f"{target}: {target.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
