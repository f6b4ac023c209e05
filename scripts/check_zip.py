#!/usr/bin/env python3
"""Checks the plugin zip as the plugin repository will: layout, files, size, metadata, then scanners on the unpacked tree.

    scripts/check_zip.py build/geo_r1_qgis-VERSION.zip

Run it with the Python that has bandit, detect-secrets and flake8 (`make zip-check` does). Where the repository only
warns (permissions, suspicious files, flake8) this refuses as well, and nothing can be excused by a comment.
"""

from __future__ import annotations

import ast
import configparser
import json
import re
import stat
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

PACKAGE = "geo_r1_qgis"
MAX_ZIP_BYTES = 25_000_000  # plugins.qgis.org, PLUGIN_MAX_UPLOAD_SIZE
REQUIRED_KEYS = (  # plugins.qgis.org, validator.py
    "name", "description", "version", "qgisMinimumVersion", "author", "email", "about", "tracker", "repository",
)  # fmt: skip
URL_KEYS = ("homepage", "repository", "tracker")
BOOLEANS = ("experimental", "deprecated", "server", "supportsQt6", "hasProcessingProvider")
FORBIDDEN_PARTS = {"__pycache__", ".git", "__MACOSX"}
BINARY_SUFFIXES = {
    ".pyc", ".pyo", ".pyd", ".so", ".dll", ".dylib", ".exe", ".bin", ".onnx", ".safetensors", ".whl", ".zip", ".jar",
}  # fmt: skip
SUSPICIOUS_SUFFIXES = {".bat", ".sh", ".ps1", ".cmd", ".com", ".vbs", ".scr", ".msi"}
BINARY_STARTS = (b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"PK\x03\x04", b"#!")
"""Programs and archives, whatever they are called."""
EXCUSES = re.compile(r"#\s*nosec|pragma:\s*allowlist\s+secret|#\s*flake8:\s*noqa", re.IGNORECASE)
BANDIT = ["-q", "-r", "-f", "json", "--ignore-nosec", "-s", "B404"]
"""Every rule that is mandatory or enabled in the repository; B404 alone is disabled there."""
FLAKE8 = ["--isolated", "--max-line-length=120", "--extend-ignore=E203,E501,QGS105,QGS2,W503"]
"""The repository's line length does not block; QGS105 objects to `iface` as an argument; QGS2 guesses class names;
E203 and W503 contradict the formatter."""


def layout_faults(archive: zipfile.ZipFile) -> list[str]:
    """What is wrong with the names, permissions and kinds of the files in the zip."""
    faults = []
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    damaged = archive.testzip()
    if damaged is not None:
        return [f"{damaged}: damaged"]
    for entry in entries:
        faults += [f"{entry.filename}: {fault}" for fault in _entry_faults(archive, entry)]
    faults += [f"{name}: twice in the zip" for name in sorted(set(names)) if names.count(name) > 1]
    lower = [name.lower() for name in set(names)]
    faults += [f"{name}: differs in case alone" for name in set(lower) if lower.count(name) > 1]
    required = (f"{PACKAGE}/{name}" for name in ("__init__.py", "metadata.txt", "LICENSE"))
    return faults + [f"{name}: missing" for name in required if name not in names]


def _entry_faults(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> list[str]:
    name, path = entry.filename, PurePosixPath(entry.filename)
    suffix, mode = path.suffix.lower(), entry.external_attr >> 16
    faults = []
    if not path.parts or path.parts[0] != PACKAGE:
        faults.append("outside of the plugin's folder")
    if ".." in name or "\\" in name or ":" in name or name.startswith("/"):
        faults.append("leads out of the folder")
    if FORBIDDEN_PARTS & set(path.parts):
        faults.append("must not be in the zip")
    if any(part.startswith(".") for part in path.parts):
        faults.append("hidden")
    if suffix in BINARY_SUFFIXES:
        faults.append("binary files are not allowed")
    if suffix in SUSPICIOUS_SUFFIXES:
        faults.append("a program for a shell")
    if stat.S_ISLNK(mode):
        faults.append("a link")
    elif mode & 0o7133:  # executable, writable by others, or set-id
        faults.append(f"permissions {stat.S_IMODE(mode):04o}")
    if not name.endswith("/") and archive.read(entry)[:4].startswith(BINARY_STARTS):
        faults.append("begins like a program or an archive")
    return faults


def metadata_faults(text: str, names: list[str], has_provider: bool) -> list[str]:
    """What is wrong with metadata.txt; `names` are those of the zip."""
    parser = configparser.ConfigParser()  # with interpolation, as the repository reads it
    parser.optionxform = str
    try:
        parser.read_string(text)
        values = dict(parser.items("general"))
    except configparser.Error as error:
        return [f"metadata.txt: the repository cannot read it: {error}"]
    faults = [
        f"{key} is missing or empty" for key in REQUIRED_KEYS if not values.get(key, "").strip()
    ]
    if not re.fullmatch(r"\d+(\.\d+){1,3}", values.get("version", "")):
        faults.append(f"version {values.get('version')} is not plain numbers and dots")
    for key in ("qgisMinimumVersion", "qgisMaximumVersion"):
        if not re.fullmatch(r"\d+\.\d+(\.\d+)?", values.get(key, "")):
            faults.append(f"{key} {values.get(key)} is not plain numbers and dots")
    if values.get("qgisMaximumVersion") != "4.99":
        faults.append("qgisMaximumVersion is not 4.99: QGIS 4 would not offer the plugin")
    if "/" in values.get("author", ""):
        faults.append("author must not contain a slash")
    if "plugin" in values.get("name", "").lower() or len(values.get("name", "")) > 50:
        faults.append("name is long or repeats the word plugin")
    if "@" not in values.get("email", ""):
        faults.append("email is none")
    faults += [f"{key}: {why}" for key in URL_KEYS for why in _url_faults(values.get(key, ""))]
    words = {"yes", "no", "true", "false"}
    faults += [
        f"{key} is neither yes nor no"
        for key in BOOLEANS
        if values.get(key, "").lower() not in words
    ]
    says_provider = values.get("hasProcessingProvider", "").lower() in ("yes", "true")
    if says_provider != has_provider:
        faults.append(f"hasProcessingProvider is {says_provider}, in the code it is {has_provider}")
    if f"{PACKAGE}/{values.get('icon')}" not in names:
        faults.append("icon is not in the zip")
    if not values.get("changelog", "").strip():
        faults.append("changelog is empty")
    return [f"metadata.txt: {fault}" for fault in faults]


def _url_faults(url: str) -> list[str]:
    parts = urlsplit(url)
    if parts.scheme != "https" or "." not in (parts.hostname or "") or " " in url:
        return [f"“{url}” is not a public https address"]
    return []


def source_faults(tree: Path) -> list[str]:
    """Comments that excuse findings, and files that are no text."""
    faults = []
    for path in sorted(tree.rglob("*.py")):
        for number, line in enumerate(
            path.read_text(encoding="utf-8", errors="replace").splitlines(), 1
        ):
            if EXCUSES.search(line):
                faults.append(f"{path.relative_to(tree.parent)}:{number}: excuses a finding")
    return faults


def defines_provider(tree: Path) -> bool:
    """Whether the plugin class has `initProcessing`, which `qgis_process` calls."""
    path = tree / "plugin.py"
    if not path.is_file():
        return False
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return any(
        isinstance(node, ast.FunctionDef) and node.name == "initProcessing" for node in nodes
    )


def scanner_faults(tree: Path) -> list[str]:
    """Findings of bandit, detect-secrets and flake8; the first two block an upload."""
    bandit = _start([sys.executable, "-m", "bandit", *BANDIT, str(tree)])
    # it ends with 0 whatever it finds: its report is the verdict; --all-files, because the tree is in no git
    secrets = _start([sys.executable, "-m", "detect_secrets", "scan", "--all-files", "."], cwd=tree)
    flake8 = _start([sys.executable, "-m", "flake8", *FLAKE8, str(tree)])
    report = json.loads(bandit.communicate()[0])
    faults = [f"bandit cannot read {one['filename']}: {one['reason']}" for one in report["errors"]]
    for found in report["results"]:
        faults.append(
            f"bandit {found['test_id']} {found['filename']}:{found['line_number']}: {found['issue_text']}"
        )
    for name, findings in json.loads(secrets.communicate()[0])["results"].items():
        faults += [f"detect-secrets {name}:{one['line_number']}: {one['type']}" for one in findings]
    faults += [f"flake8 {line}" for line in "".join(flake8.communicate()).splitlines()]
    return faults


def _start(command: list[str], cwd: Path | None = None) -> subprocess.Popen[str]:
    """The three scanners run side by side."""
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd
    )


def check(path: Path) -> list[str]:
    """Every fault of the zip; scanners run only on a zip that can be unpacked safely."""
    size_bytes = path.stat().st_size
    faults = []
    if size_bytes > MAX_ZIP_BYTES:
        faults.append(f"{size_bytes:,} bytes; the limit is {MAX_ZIP_BYTES:,}")
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        return [*faults, f"{path.name}: not a zip"]
    with archive, tempfile.TemporaryDirectory() as folder:
        faults += layout_faults(archive)
        if faults:
            return faults
        archive.extractall(folder)
        tree = Path(folder) / PACKAGE
        text = (tree / "metadata.txt").read_text(encoding="utf-8")
        faults += metadata_faults(text, archive.namelist(), defines_provider(tree))
        faults += source_faults(tree)
        faults += [fault.replace(f"{folder}/", "") for fault in scanner_faults(tree)]
    return faults


def main() -> int:
    """Print every fault; 1 if there was one."""
    path = Path(sys.argv[1])
    faults = check(path)
    for fault in faults:
        print(fault)
    with zipfile.ZipFile(path) as archive:
        count = len(archive.namelist())
        if b"example.org" in archive.read(f"{PACKAGE}/metadata.txt"):
            print(
                "note: metadata.txt: addresses are placeholders; the repository refuses an upload with them"
            )
    print(
        f"{path.name}: {count} files, {path.stat().st_size / 1024:.0f} KiB, {len(faults)} fault(s)"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
