"""The plugin zip is what the plugin repository takes, and the same tree gives the same bytes."""

import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def zips(project_folder, tmp_path_factory):
    """The zip, built twice."""
    built = []
    for name in ("first", "second"):
        folder = tmp_path_factory.mktemp(name)
        script = project_folder / "scripts" / "build_plugin.py"
        subprocess.run(
            [sys.executable, script, "--zip", "--out", folder], check=True, capture_output=True
        )
        (path,) = folder.glob("*.zip")
        built.append(path)
    return built


def test_zip_is_reproducible(zips):
    """Two builds of one tree are the same bytes."""
    first, second = zips

    assert first.read_bytes() == second.read_bytes()


@pytest.mark.slow
def test_zip_passes_the_checks_of_the_repository(zips, project_folder):
    """Layout, metadata, bandit, detect-secrets and flake8 find nothing that would block an upload."""
    checked = subprocess.run(
        [sys.executable, project_folder / "scripts" / "check_zip.py", zips[0]],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
