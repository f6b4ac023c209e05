"""The plugin zip is what the plugin repository takes, the same tree gives the same bytes, and the gate finds faults."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

PACKAGE = "geo_r1_qgis"


@pytest.fixture(scope="module")
def gate(project_folder):
    """`scripts/check_zip.py` as a module."""
    path = project_folder / "scripts" / "check_zip.py"
    found = importlib.util.spec_from_file_location("check_zip", path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def build(script, out, **environment):
    """A zip, built in another process."""
    subprocess.run(
        [sys.executable, script, "--zip", "--out", out],
        check=True,
        capture_output=True,
        env={**os.environ, **environment},
    )
    (path,) = out.glob("*.zip")
    return path


@pytest.fixture(scope="module")
def good_zip(project_folder, tmp_path_factory):
    """The zip of this clone."""
    return build(project_folder / "scripts" / "build_plugin.py", tmp_path_factory.mktemp("good"))


def test_zip_is_reproducible(good_zip, project_folder, tmp_path):
    """A copy of the clone in another folder, with other times, permissions, umask, locale and time zone: the same SHA-256."""
    clone = tmp_path / "another place ü"
    clone.mkdir()
    for name in ("geo_r1_qgis", "resources", "scripts"):
        shutil.copytree(
            project_folder / name,
            clone / name,
            copy_function=shutil.copyfile,
            ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"),
        )
    for name in ("metadata.txt", "LICENSE", "CHANGELOG.md"):
        shutil.copyfile(project_folder / name, clone / name)
    for path in clone.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        if path.is_file():
            path.chmod(0o700)
    (clone / "out").mkdir()
    before = os.umask(0o077)
    try:
        other = build(
            clone / "scripts" / "build_plugin.py",
            clone / "out",
            LC_ALL="C",
            TZ="Asia/Kathmandu",
            PYTHONHASHSEED="7",
            SOURCE_DATE_EPOCH="0",
        )
    finally:
        os.umask(before)

    sums = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (good_zip, other)}
    assert len(sums) == 1


@pytest.mark.slow
def test_zip_passes_the_checks_of_the_repository(good_zip, gate):
    """Layout, files, size, metadata, bandit, detect-secrets and flake8 find nothing at all."""
    assert gate.check(good_zip) == []


def repack(good_zip, target, *, change=None, without=(), more=()):
    """The good zip with something planted in it."""
    with zipfile.ZipFile(good_zip) as source, zipfile.ZipFile(target, "w") as archive:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.partition("/")[2] not in without:
                archive.writestr(entry, change(entry, content) if change else content)
        for name, content, mode in more:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return target


@pytest.mark.parametrize(
    ("name", "content", "mode", "word"),
    [
        ("other/x.py", b"", 0o100644, "outside"),
        (f"{PACKAGE}/../x.py", b"", 0o100644, "leads out"),
        (f"{PACKAGE}/C:x.py", b"", 0o100644, "leads out"),
        (f"{PACKAGE}/a\\b.py", b"", 0o100644, "leads out"),
        ("/etc/x.py", b"", 0o100644, "leads out"),
        (f"{PACKAGE}/__pycache__/x.py", b"", 0o100644, "must not"),
        ("__MACOSX/x", b"", 0o100644, "must not"),
        (f"{PACKAGE}/.git/config", b"", 0o100644, "must not"),
        (f"{PACKAGE}/.bandit", b"", 0o100644, "hidden"),
        (f"{PACKAGE}/.secrets.baseline", b"", 0o100644, "hidden"),
        (f"{PACKAGE}/x.pyc", b"", 0o100644, "binary"),
        (f"{PACKAGE}/lib.SO", b"", 0o100644, "binary"),
        (f"{PACKAGE}/m.onnx", b"", 0o100644, "binary"),
        (f"{PACKAGE}/data.txt", b"\x7fELF\x02", 0o100644, "begins like"),
        (f"{PACKAGE}/readme.txt", b"MZ\x90", 0o100644, "begins like"),
        (f"{PACKAGE}/run.txt", b"#!/bin/sh\n", 0o100644, "begins like"),
        (f"{PACKAGE}/run.sh", b"ls\n", 0o100644, "shell"),
        (f"{PACKAGE}/run.bat", b"dir\n", 0o100644, "shell"),
        (f"{PACKAGE}/x.py", b"", 0o100755, "permissions 0755"),
        (f"{PACKAGE}/x.py", b"", 0o100666, "permissions 0666"),
        (f"{PACKAGE}/x.py", b"", 0o104644, "permissions 4644"),
        (f"{PACKAGE}/link.py", b"/etc/passwd", 0o120777, "a link"),
        (f"{PACKAGE}/license", b"", 0o100644, "case"),
    ],
)
def test_the_gate_finds_files_that_do_not_belong(
    gate, good_zip, tmp_path, name, content, mode, word
):
    """Each kind of file that the repository refuses, or only warns of, is a fault."""
    planted = repack(good_zip, tmp_path / "planted.zip", more=[(name, content, mode)])

    faults = gate.check(planted)

    assert any(word in fault for fault in faults), faults


@pytest.mark.parametrize("name", ["LICENSE", "metadata.txt", "__init__.py"])
def test_the_gate_misses_what_is_missing(gate, good_zip, tmp_path, name):
    """Licence, metadata and package file must be there."""
    planted = repack(good_zip, tmp_path / "planted.zip", without=(name,))

    assert f"{PACKAGE}/{name}: missing" in gate.check(planted)


def test_the_gate_finds_damage_size_and_doubles(gate, good_zip, tmp_path, monkeypatch):
    """A broken zip, one that is too large, and a name that is in it twice."""
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"no zip")
    data = bytearray(good_zip.read_bytes())
    data[120] ^= 0xFF
    flipped = tmp_path / "flipped.zip"
    flipped.write_bytes(bytes(data))
    twice = tmp_path / "twice.zip"
    with pytest.warns(UserWarning, match="Duplicate name"):
        repack(good_zip, twice, more=[(f"{PACKAGE}/plugin.py", b"", 0o100644)])

    assert gate.check(broken) == ["broken.zip: not a zip"]
    assert "damaged" in gate.check(flipped)[0]
    assert any("twice" in fault for fault in gate.check(twice))
    monkeypatch.setattr(gate, "MAX_ZIP_BYTES", 1000)
    assert "the limit is 1,000" in gate.check(good_zip)[0]


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("version=0", "version=v0", "not plain numbers"),
        ("name=Geo-R1", "name=Geo-R1 plugin", "repeats the word"),
        ("author=", "author=a/", "slash"),
        ("email=geo-r1@", "email=geo-r1.", "email"),
        ("email=", "mail=", "email is missing"),
        ("tracker=https://", "tracker=http://", "not a public https address"),
        ("repository=https://geo-r1.example.org", "repository=https://localhost", "not a public"),
        ("homepage=https://", "homepage=", "not a public"),
        ("qgisMaximumVersion=4.99", "qgisMaximumVersion=3.99", "4.99"),
        ("qgisMinimumVersion=3.22", "qgisMinimumVersion=three", "not plain numbers"),
        ("icon=resources/icon.svg", "icon=icon.png", "icon is not in the zip"),
        ("hasProcessingProvider=", "hasProcessingProvider=perhaps", "neither yes nor no"),
        ("hasProcessingProvider=", "other=", "neither yes nor no"),
        ("about=", "about=100 %% of 5% and ", "cannot read"),
        ("changelog=", "changes=", "changelog is empty"),
        ("[general]", "[special]", "cannot read"),
    ],
)
def test_the_gate_reads_the_metadata(gate, good_zip, old, new, word):
    """Every rule of metadata.txt, among them that a percent sign breaks the repository's own reader."""
    with zipfile.ZipFile(good_zip) as archive:
        names = archive.namelist()
        text = archive.read(f"{PACKAGE}/metadata.txt").decode()
        has_provider = b"def initProcessing" in archive.read(f"{PACKAGE}/plugin.py")
    assert gate.metadata_faults(text, names, has_provider) == []
    assert old in text

    faults = gate.metadata_faults(text.replace(old, new, 1), names, has_provider)

    assert any(word in fault for fault in faults), faults
    assert gate.metadata_faults(text, names, not has_provider) != []


@pytest.mark.slow
def test_the_gate_finds_what_the_scanners_are_for(gate, good_zip, tmp_path):
    """Planted in one file: each is found by its rule, and comments excuse nothing."""
    secret = "aws_key = 'AKIA" + "IOSFODNN7EXAMPL2'"
    source = "\n".join(
        [
            "import os, pickle, ssl, subprocess, hashlib, random, tempfile, urllib.request",
            "eval('1')",
            "exec('1')",
            "pickle.loads(b'')",
            "os.system('ls')",
            "subprocess.Popen('ls', shell=True)  # nosec",
            "subprocess.call(['ls'])",
            "ssl._create_unverified_context()",
            "urllib.request.urlopen('http://x')",
            "hashlib.md5(b'')",
            "random.random()",
            "assert True",
            "try:\n    pass\nexcept Exception:\n    pass",
            "query = 'select * from ' + str(1)",
            "password = 'correct horse'",
            "open('/tmp/x')",
            "os.chmod('x', 0o777)",
            secret,
            "from PyQt5.QtCore import QObject",
            "x = undefined_name",
        ]
    )
    path = f"{PACKAGE}/planted.py"
    planted = repack(good_zip, tmp_path / "p.zip", more=[(path, source.encode(), 0o100644)])

    faults = "\n".join(gate.check(planted))

    for rule in ("B307", "B102", "B301", "B605", "B602", "B603", "B323", "B310", "B324", "B311", "B101",
                 "B110", "B608", "B105", "B108", "B103"):  # fmt: skip
        assert f"bandit {rule} " in faults, rule
    assert "excuses a finding" in faults
    assert "detect-secrets planted.py" in faults
    assert "F821" in faults
    assert "QGS103" in faults
    assert "F401" in faults
