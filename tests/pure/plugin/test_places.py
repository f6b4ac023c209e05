"""Where `geo-r1` may lie and where its files are, on three systems."""

import pytest

from geo_r1_qgis.core.places import (
    clean_environment,
    command_candidates,
    data_folder,
    find_command,
    windowless,
)

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
        ("linux", {"PIPX_HOME": "/p"}, "/p/venvs/geo-r1-backend/bin/geo-r1"),
        ("linux", {"UV_TOOL_DIR": "/u"}, "/u/geo-r1-backend/bin/geo-r1"),
        ("linux", {"XDG_DATA_HOME": "/d"}, "/d/uv/tools/geo-r1-backend/bin/geo-r1"),
        ("linux", {"XDG_DATA_HOME": "/d"}, "/d/pipx/venvs/geo-r1-backend/bin/geo-r1"),
        ("linux", {"MAMBA_ROOT_PREFIX": "/m"}, "/m/envs/geo-r1/bin/geo-r1"),
        ("linux", {}, "/home/jörg ž/micromamba/envs/geo-r1/bin/geo-r1"),
        ("linux", {}, "/opt/conda/envs/geo-r1/bin/geo-r1"),  # images with conda
        ("linux", {}, "/opt/pipx/venvs/geo-r1-backend/bin/geo-r1"),  # pipx --global
        ("darwin", {}, "/Users/ann/.local/bin/geo-r1"),
        ("darwin", {}, "/Users/ann/.local/pipx/venvs/geo-r1-backend/bin/geo-r1"),
        (
            "darwin",
            {},
            "/Users/ann/Library/Application Support/pipx/venvs/geo-r1-backend/bin/geo-r1",
        ),
        ("darwin", {}, "/opt/homebrew/Caskroom/miniforge/base/envs/geo-r1/bin/geo-r1"),
        ("darwin", {}, "/usr/local/Caskroom/miniconda/base/bin/geo-r1"),  # Homebrew on Intel
        ("darwin", {}, "/Users/ann/Library/Python/3.12/bin/geo-r1"),  # pip --user
        ("darwin", {}, "/Library/Frameworks/Python.framework/Versions/3.13/bin/geo-r1"),
        ("win32", {"PIPX_HOME": r"E:\p"}, r"E:\p\venvs\geo-r1-backend\Scripts\geo-r1.exe"),
        ("win32", {"UV_TOOL_DIR": r"E:\u"}, r"E:\u\geo-r1-backend\Scripts\geo-r1.exe"),
        (
            "win32",
            {},
            r"C:\Users\Jörg Ž\AppData\Local\pipx\pipx\venvs\geo-r1-backend\Scripts\geo-r1.exe",
        ),
        (
            "win32",
            {},
            r"C:\Users\Jörg Ž\AppData\Roaming\uv\data\tools\geo-r1-backend\Scripts\geo-r1.exe",
        ),
        (
            "win32",
            {"LOCALAPPDATA": r"D:\L"},
            r"D:\L\miniconda3\envs\geo-r1\Scripts\geo-r1.exe",
        ),
        ("win32", {}, r"C:\ProgramData\anaconda3\envs\geo-r1\Scripts\geo-r1.exe"),  # for all users
        ("win32", {"PROGRAMDATA": r"D:\P"}, r"D:\P\miniforge3\Scripts\geo-r1.exe"),
        ("win32", {}, r"C:\Users\Jörg Ž\micromamba\envs\geo-r1\Scripts\geo-r1.exe"),
        (
            "win32",
            {},
            r"C:\Users\Jörg Ž\AppData\Local\Programs\Python\Python311\Scripts\geo-r1.exe",
        ),  # the installer of python.org
        (
            "win32",
            {},
            r"C:\Users\Jörg Ž\AppData\Local\Packages\PythonSoftwareFoundation.Python.3.12_qbz5n2kfra8p0"
            r"\LocalCache\local-packages\Python312\Scripts\geo-r1.exe",
        ),  # the Store's Python
        (
            "win32",
            {"PATH": r"\\server\tools\bin;;C:\x"},
            r"\\server\tools\bin\geo-r1.exe",
        ),  # a share
        (
            "win32",
            {"PATH": "\\\\?\\C:\\" + "long\\" * 60},
            "\\\\?\\C:\\" + "long\\" * 60 + "geo-r1.exe",
        ),  # beyond 260 characters
    ],
)
def test_usual_places_are_looked_at(system, env, place):
    """Each usual way to install a command ends in a place that is looked at."""
    assert place in command_candidates(system, env, HOMES[system])


@pytest.mark.parametrize("system", HOMES)
def test_every_candidate_is_a_full_path(system):
    """No candidate depends on the folder that QGIS happens to be in, whatever variables are empty."""
    empty = dict.fromkeys(("PATH", "PIPX_HOME", "UV_TOOL_DIR", "CONDA_PREFIX", "PIPX_BIN_DIR"), "")
    ending = r"\geo-r1.exe" if system == "win32" else "/geo-r1"
    beginning = "C:\\" if system == "win32" else "/"
    candidates = command_candidates(system, empty, HOMES[system])

    assert len(candidates) > 20
    assert [c for c in candidates if not (c.startswith(beginning) and c.endswith(ending))] == []
    assert [c for c in candidates if "//" in c or "\\\\" in c] == []


@pytest.mark.parametrize(
    ("system", "command", "there", "started"),
    [
        ("win32", r"C:\Jörg Ž\geo-r1.exe", True, r"C:\Jörg Ž\geo-r1-service.exe"),
        ("win32", r"C:\Jörg Ž\GEO-R1", True, r"C:\Jörg Ž\geo-r1-service.exe"),
        ("win32", r"C:\x\geo-r1.exe", False, r"C:\x\geo-r1.exe"),  # an older service
        ("win32", r"C:\x\my-wrapper.bat", True, r"C:\x\my-wrapper.bat"),  # named by the user
        ("linux", "/x/geo-r1", True, "/x/geo-r1"),
        ("darwin", "/x/geo-r1", True, "/x/geo-r1"),
    ],
)
def test_no_console_window_on_windows(system, command, there, started):
    """On Windows the program without a console is started where it is installed; nothing else changes."""
    assert windowless(system, command, lambda _: there) == started


def test_certificates_of_the_user_stay():
    """A company's certificates go along; the file inside OSGeo4W, which may be older than the server, does not."""
    env = {"OSGEO4W_ROOT": r"C:\OSGeo4W", "SSL_CERT_FILE": r"c:/osgeo4w/bin/curl-ca-bundle.crt"}
    mine = {"SSL_CERT_FILE": r"C:\Company\ca.pem", "REQUESTS_CA_BUNDLE": r"C:\OSGeo4W2\ca.pem"}

    assert clean_environment(env) == {}
    assert clean_environment({**env, **mine}) == mine
    assert clean_environment({"SSL_CERT_FILE": "/etc/ca.pem"}) == {"SSL_CERT_FILE": "/etc/ca.pem"}


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
        "PYTHONSTARTUP": "x", "GDAL_DRIVER_PATH": "x", "OGR_DRIVER_PATH": "x", "VSI_CACHE": "x", "LD_PRELOAD": "x",
        "__PYVENV_LAUNCHER__": "x", "QGIS_PREFIX_PATH": "x", "CONDA_PREFIX": "x", "GISBASE": "x",
    }  # fmt: skip
    kept = {
        "HOME": "/h",
        "PATH": "/usr/bin",
        "GEO_R1_HOME": "/d",
        "CUDA_VISIBLE_DEVICES": "0",
        "HTTPS_PROXY": "p",
    }

    assert clean_environment({**foreign, **kept}) == kept
