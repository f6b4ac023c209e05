"""`pipx install geo-r1-backend` is enough: the wheel answers away from the clone."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def _run(*command, **options):
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(project_folder, tmp_path_factory):
    """The wheel, built by way of the sdist as for a release, with the builder of this environment."""
    folder = tmp_path_factory.mktemp("dist")
    builder = [sys.executable, "-m", "hatchling", "build", "--directory", folder]
    _run(*builder, "--target", "sdist", cwd=project_folder / "backend")
    (sdist,) = folder.glob("*.tar.gz")
    _run("tar", "-xzf", sdist, "-C", folder)
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    _run(*builder, "--target", "wheel", cwd=unpacked)
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_carries_the_models(wheel, project_folder):
    """Every file of the embedded model and of the embedded segmenter is in the wheel, byte for byte."""
    models = project_folder / "resources" / "models"
    with zipfile.ZipFile(wheel) as archive:
        inside = {
            name.split("/_models/")[1]: archive.read(name)
            for name in archive.namelist()
            if "/_models/" in name
        }

    assert {
        path.relative_to(models).as_posix(): path.read_bytes()
        for path in models.rglob("*")
        if path.is_file()
    } == inside
    assert "geo-r1-nano/config.json" in inside


def test_wheel_says_the_version_of_metadata(wheel, project_folder):
    """A wheel that was built from the sdist has the version that metadata.txt names."""
    version = next(
        line.split("=")[1]
        for line in (project_folder / "metadata.txt").read_text(encoding="utf-8").splitlines()
        if line.startswith("version=")
    )

    assert wheel.name.startswith(f"geo_r1_backend-{version}-")


def test_doctor_is_content_in_an_empty_environment(wheel, tmp_path):
    """Installed away from the clone, with an empty home and no torch, the known question gets its known answer.

    The packages that the wheel needs are lent by this environment, one by one: no network, and torch stays out.
    """
    environment = tmp_path / "env"
    _run(sys.executable, "-m", "venv", environment)
    python = environment / "bin" / "python"
    _run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        wheel,
    )
    site = next((environment / "lib").glob("python*/site-packages"))
    for source in _needed_files():
        target = site / source.name
        if not target.exists():
            target.symlink_to(source)
    home = tmp_path / "home"
    home.mkdir()
    clean = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "GEO_R1_HOME": str(home / "geo-r1"),
    }

    told = _run(environment / "bin" / "geo-r1", "doctor", cwd=home, env=clean)
    has_torch = _run(
        python,
        "-c",
        "import importlib.util as u; print(u.find_spec('torch') is not None)",
        env=clean,
    )

    assert told.splitlines()[-1] == "All is well."
    assert has_torch.strip() == "False"
    where = _run(
        python, "-c", "import geo_r1_backend; print(geo_r1_backend.__file__)", cwd=home, env=clean
    )
    assert Path(where.strip()).is_relative_to(environment)


def _needed_files():
    """Top-level files of the core dependencies in this environment, and of what those need in turn."""
    from importlib.metadata import distribution

    from packaging.requirements import Requirement

    seen, files = set(), set()
    open_names = ["geo-r1-backend"]
    while open_names:
        name = open_names.pop()
        if name.lower() in seen:
            continue
        seen.add(name.lower())
        found = distribution(name)
        for text in found.requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                open_names.append(requirement.name)
        if name != "geo-r1-backend":
            tops = {
                Path(file.parts[0])
                for file in found.files or []
                if file.parts[0] not in {"..", "__pycache__"}
            }
            files |= {Path(found.locate_file(top)) for top in tops}
    return sorted(files)
