#!/usr/bin/env python3
"""Checks the plugin zip as the plugin repository will: layout, size, metadata, then scanners on the unpacked tree.

    scripts/check_zip.py build/geo_r1_qgis-VERSION.zip

Run it with the Python that has bandit, detect-secrets and flake8 (`make zip-check` does).
"""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

PACKAGE = "geo_r1_qgis"
MAX_ZIP_BYTES = 25 * 1024 * 1024  # plugins.qgis.org, docs/publish
REQUIRED_KEYS = (  # plugins.qgis.org, validator.py
    "name", "description", "version", "qgisMinimumVersion", "author", "email", "about", "tracker", "repository",
)  # fmt: skip
FORBIDDEN_PARTS = {"__pycache__", ".git", "__MACOSX", ".."}
BINARY_SUFFIXES = {".pyc", ".pyd", ".so", ".dll", ".dylib", ".exe", ".onnx", ".safetensors"}
FLAKE8 = ["--max-line-length=120", "--extend-ignore=E203,E501,QGS105,QGS2,W503"]
"""The repository's line length does not block; QGS105 objects to `iface` as an argument; QGS2 guesses class names;
E203 and W503 contradict the formatter."""


def layout_faults(archive: zipfile.ZipFile) -> list[str]:
    """What is wrong with the names in the zip."""
    faults = []
    names = archive.namelist()
    for name in names:
        parts = PurePosixPath(name).parts
        if parts[0] != PACKAGE or "\\" in name or ":" in name or FORBIDDEN_PARTS & set(parts):
            faults.append(f"{name}: must not be in the zip")
        if PurePosixPath(name).suffix in BINARY_SUFFIXES:
            faults.append(f"{name}: binary files are not allowed")
    required = (f"{PACKAGE}/{name}" for name in ("__init__.py", "metadata.txt", "LICENSE"))
    return faults + [f"{name}: missing" for name in required if name not in names]


def metadata_faults(text: str) -> list[str]:
    """What is wrong with metadata.txt."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read_string(text)
    values = parser["general"]
    faults = [
        f"metadata.txt: {key} is missing or empty"
        for key in REQUIRED_KEYS
        if not values.get(key, "").strip()
    ]
    if not all(part.isdigit() for part in values["version"].split(".")):
        faults.append(f"metadata.txt: version {values['version']} is not plain numbers and dots")
    if "/" in values["author"]:
        faults.append("metadata.txt: author must not contain a slash")
    for key in ("homepage", "repository", "tracker"):
        if "example.org" in values.get(key, ""):
            print(
                f"note: metadata.txt: {key} is a placeholder; the repository refuses an upload with it"
            )
    return faults


def scanner_faults(tree: Path) -> list[str]:
    """Findings of bandit, detect-secrets and flake8; the first two block an upload."""
    faults = []
    bandit = subprocess.run(
        [sys.executable, "-m", "bandit", "-q", "-r", "-f", "json", str(tree)],
        capture_output=True,
        text=True,
        check=False,
    )
    for found in json.loads(bandit.stdout)["results"]:
        faults.append(
            f"bandit {found['test_id']} {found['filename']}:{found['line_number']}: {found['issue_text']}"
        )
    # it ends with 0 whatever it finds: its report is the verdict; --all-files, because the tree is in no git
    secrets = subprocess.run(
        [sys.executable, "-m", "detect_secrets", "scan", "--all-files", "."],
        capture_output=True, text=True, check=True, cwd=tree,
    )  # fmt: skip
    for name, findings in json.loads(secrets.stdout)["results"].items():
        faults += [f"detect-secrets {name}:{one['line_number']}: {one['type']}" for one in findings]
    flake8 = subprocess.run(
        [sys.executable, "-m", "flake8", *FLAKE8, str(tree)],
        capture_output=True,
        text=True,
        check=False,
    )
    return faults + (flake8.stdout + flake8.stderr).splitlines()


def main() -> int:
    """Print every fault; 1 if there was one."""
    path = Path(sys.argv[1])
    size_bytes = path.stat().st_size
    faults = (
        [f"{size_bytes:,} bytes; the limit is {MAX_ZIP_BYTES:,}"]
        if size_bytes > MAX_ZIP_BYTES
        else []
    )
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
        faults += layout_faults(archive)
        count = len(archive.namelist())
        archive.extractall(folder)
        faults += metadata_faults(
            (Path(folder) / PACKAGE / "metadata.txt").read_text(encoding="utf-8")
        )
        faults += [
            fault.replace(f"{folder}/", "") for fault in scanner_faults(Path(folder) / PACKAGE)
        ]
    for fault in faults:
        print(fault)
    print(f"{path.name}: {count} files, {size_bytes / 1024:.0f} KiB, {len(faults)} fault(s)")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
