"""Newer QGIS in a folder: who may not make one is told so in a sentence, and nothing is left half made."""

import os
import subprocess

import pytest


def run(project_folder, tmp_path, *arguments, **programs):
    """The script, with programs of ours in front of the machine's."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in programs.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "GEO_R1_CHROOTS": str(tmp_path / "chroots"),
    }
    return subprocess.run(
        [project_folder / "scripts" / "qgis_chroot.sh", *arguments],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


NOBODY = 'case "$1" in -u) echo 1000;; *) echo ada;; esac'
ROOT = "echo 0"


@pytest.mark.parametrize("action", ["make", "run", "test"])
def test_without_root_there_is_a_sentence(project_folder, tmp_path, action):
    """Who, why, and two ways out."""
    told = run(project_folder, tmp_path, action, "trixie", id=NOBODY)

    assert told.returncode == 1
    assert "you are ada" in told.stderr
    assert "sudo make test-qgis-new" in told.stderr
    assert "make test-qgis tests in this machine's QGIS" in told.stderr
    assert not (tmp_path / "chroots").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["make", "woody"], "unknown suite woody; known are: trixie trixie-backports"),
        (["make"], "usage:"),
        (["burn", "trixie"], "unknown action burn"),
    ],
)
def test_what_it_does_not_know_is_said(project_folder, tmp_path, arguments, words):
    """A wrong word is answered with the right ones."""
    told = run(project_folder, tmp_path, *arguments)

    assert (told.returncode, words in told.stderr) == (1, True), told.stderr


def test_a_system_without_debian_packages_is_said(project_folder, tmp_path):
    """Where apt knows no source for Debian, nothing is begun."""
    told = run(
        project_folder, tmp_path, "make", "trixie",
        **{"id": ROOT, "apt-get": "exit 0", "mmdebstrap": "echo must not run >&2; exit 9"},
    )  # fmt: skip

    assert told.returncode == 1
    assert "apt on this machine names no Debian package source" in told.stderr
    assert "must not run" not in told.stderr
    assert not (tmp_path / "chroots" / "trixie").exists()


def test_a_build_that_fails_leaves_nothing(project_folder, tmp_path):
    """mmdebstrap's last words are shown, and no folder is taken for a whole one next time."""
    told = run(
        project_folder, tmp_path, "make", "trixie-backports",
        **{
            "id": ROOT,
            "apt-get": f"echo \"$(. /etc/os-release; echo $VERSION_CODENAME) file:{tmp_path}\"",
            "mmdebstrap": "echo E: no route to the mirror >&2; exit 25",
        },
    )  # fmt: skip

    assert told.returncode == 1
    assert "E: no route to the mirror" in told.stderr
    assert "build/log/trixie-backports.log" in told.stderr
    assert list((tmp_path / "chroots").iterdir()) == []
