"""Where `geo-r1` may lie and where its files are, on three systems."""

import pytest

from geo_r1_qgis.core.places import clean_environment, command_candidates, data_folder, find_command

HOMES = {"linux": "/home/jörg ž", "darwin": "/Users/ann", "win32": r"C:\Users\Jörg Ž"}


@pytest.mark.parametrize(
    ("system", "env", "folder"),
    [
        ("linux", {}, "/home/jörg ž/.local/share/geo-r1"),
        ("darwin", {}, "/Users/ann/Library/Application Support/geo-r1"),
        ("win32", {"LOCALAPPDATA": r"D:\Local"}, r"D:\Local\geo-r1"),
        ("win32", {}, r"C:\Users\Jörg Ž\AppData\Local\geo-r1"),
        ("linux", {"GEO_R1_HOME": "/data/r1"}, "/data/r1"),
        ("linux", {"GEO_R1_HOME": " ~/r1 "}, "/home/jörg ž/r1"),
    ],
)
def test_data_folder(system, env, folder):
    """The plugin looks where the service writes."""
    assert folder == data_folder(system, env, HOMES[system])


@pytest.mark.parametrize(
    ("system", "env", "place"),
    [
        ("linux", {"PATH": "/usr/bin:/opt/x/bin"}, "/opt/x/bin/geo-r1"),  # PATH
        ("linux", {}, "/home/jörg ž/.local/bin/geo-r1"),  # pip --user, pipx, uv
        (
            "linux",
            {},
            "/home/jörg ž/.local/share/pipx/venvs/geo-r1-backend/bin/geo-r1",
        ),  # pipx without ensurepath
        ("linux", {}, "/home/jörg ž/.local/share/uv/tools/geo-r1-backend/bin/geo-r1"),
        ("linux", {"PIPX_BIN_DIR": "/p"}, "/p/geo-r1"),
        ("linux", {"CONDA_PREFIX": "/c/envs/gis"}, "/c/envs/gis/bin/geo-r1"),
        ("linux", {}, "/home/jörg ž/miniforge3/envs/geo-r1/bin/geo-r1"),
        (
            "darwin",
            {},
            "/opt/homebrew/bin/geo-r1",
        ),  # not in the PATH of an application started from the Dock
        (
            "win32",
            {"Path": r"C:\Windows;D:\tools"},
            r"D:\tools\geo-r1.exe",
        ),  # Windows calls it Path
        (
            "win32",
            {"PATH": '"C:\\with space"'},
            r"C:\with space\geo-r1.exe",
        ),  # quoted, as Windows allows
        ("win32", {}, r"C:\Users\Jörg Ž\.local\bin\geo-r1.exe"),  # uv, pipx
        ("win32", {}, r"C:\Users\Jörg Ž\pipx\venvs\geo-r1-backend\Scripts\geo-r1.exe"),
        ("win32", {}, r"C:\Users\Jörg Ž\miniconda3\envs\geo-r1\Scripts\geo-r1.exe"),
        (
            "win32",
            {},
            r"C:\Users\Jörg Ž\AppData\Roaming\Python\Python312\Scripts\geo-r1.exe",
        ),  # pip --user
    ],
)
def test_usual_places_are_looked_at(system, env, place):
    """Each usual way to install a command ends in a place that is looked at."""
    assert place in command_candidates(system, env, HOMES[system])


def test_what_the_user_names_is_not_second_guessed():
    """A path in the settings is the only candidate, then the variable, then the usual places."""
    env = {"GEO_R1_COMMAND": "/from/env", "PATH": "/usr/bin"}

    assert command_candidates("linux", env, "/h", " /from/setting ") == ["/from/setting"]
    assert command_candidates("linux", env, "/h") == ["/from/env"]
    assert command_candidates("linux", {"PATH": "/usr/bin"}, "/h")[0] == "/usr/bin/geo-r1"


def test_no_place_is_looked_at_twice():
    """PATH and the usual places overlap."""
    candidates = command_candidates("linux", {"PATH": "/h/.local/bin:/usr/local/bin"}, "/h")

    assert len(candidates) == len(set(candidates))


def test_the_first_program_wins():
    """Order is preference; nothing runnable is none."""
    assert find_command(["/a", "/b", "/c"], lambda path: path in ("/b", "/c")) == "/b"
    assert find_command(["/a"], lambda path: False) is None


def test_the_service_does_not_inherit_qgis():
    """What QGIS sets for its own Python, PROJ, GDAL and Qt stays behind; all else goes along."""
    foreign = {
        "PYTHONHOME": "x", "PYTHONPATH": "x", "PROJ_LIB": "x", "PROJ_DATA": "x", "GDAL_DATA": "x", "QT_PLUGIN_PATH": "x",
        "LD_LIBRARY_PATH": "x", "DYLD_LIBRARY_PATH": "x", "VIRTUAL_ENV": "x", "OSGEO4W_ROOT": "x", "pythonpath": "x",
    }  # fmt: skip
    kept = {
        "HOME": "/h",
        "PATH": "/usr/bin",
        "GEO_R1_HOME": "/d",
        "CUDA_VISIBLE_DEVICES": "0",
        "HTTPS_PROXY": "p",
    }

    assert clean_environment({**foreign, **kept}) == kept
