"""Plugin and service agree on places without asking each other: both compute them."""

import pytest
import tomllib
from hypothesis import example, given
from hypothesis import strategies as st

from geo_r1_backend.config import data_folder_on
from geo_r1_qgis.core import places

HOMES = {
    "linux": "/home/jörg ž",
    "darwin": "/Users/Zoë Ann",
    "win32": "C:\\Users\\Jörg Ž",
}
DEEP = "C:\\" + "\\".join(["ein sehr langer Ordnername"] * 9)
SHARE = "\\\\fileserver\\people\\Jörg Ž"


@pytest.mark.parametrize(
    ("system", "env", "folder"),
    [
        ("linux", {}, "/home/jörg ž/.local/share/geo-r1"),
        ("linux", {"GEO_R1_HOME": "/data/r1/"}, "/data/r1"),
        ("linux", {"GEO_R1_HOME": " ~/r 1 "}, "/home/jörg ž/r 1"),
        ("linux", {"GEO_R1_HOME": "~"}, "/home/jörg ž"),
        ("linux", {"GEO_R1_HOME": "~\\r1"}, "/home/jörg ž/~\\r1"),  # a file name like any other
        ("linux", {"GEO_R1_HOME": "r1/here"}, "/home/jörg ž/r1/here"),  # relative: below home
        ("linux", {"GEO_R1_HOME": "/data/./x/../r1"}, "/data/r1"),
        ("linux", {"GEO_R1_HOME": "  "}, "/home/jörg ž/.local/share/geo-r1"),
        ("darwin", {}, "/Users/Zoë Ann/Library/Application Support/geo-r1"),
        ("darwin", {"LOCALAPPDATA": "C:\\x"}, "/Users/Zoë Ann/Library/Application Support/geo-r1"),
        ("win32", {}, "C:\\Users\\Jörg Ž\\AppData\\Local\\geo-r1"),
        ("win32", {"LOCALAPPDATA": "D:\\Local "}, "D:\\Local\\geo-r1"),
        ("win32", {"LOCALAPPDATA": " "}, "C:\\Users\\Jörg Ž\\AppData\\Local\\geo-r1"),
        ("win32", {"LOCALAPPDATA": SHARE}, SHARE + "\\geo-r1"),  # a profile on a file server
        ("win32", {"GEO_R1_HOME": "~\\r1"}, "C:\\Users\\Jörg Ž\\r1"),
        ("win32", {"GEO_R1_HOME": "~/r1"}, "C:\\Users\\Jörg Ž\\r1"),
        ("win32", {"GEO_R1_HOME": "r1"}, "C:\\Users\\Jörg Ž\\r1"),
        ("win32", {"GEO_R1_HOME": "E:/geo/r1"}, "E:\\geo\\r1"),
        ("win32", {"GEO_R1_HOME": DEEP}, "\\\\?\\" + DEEP),  # beyond 260 with our file names
        ("win32", {"LOCALAPPDATA": DEEP}, "\\\\?\\" + DEEP + "\\geo-r1"),
        ("win32", {"GEO_R1_HOME": "\\\\?\\" + DEEP}, "\\\\?\\" + DEEP),  # said so already
        (
            "win32",
            {"GEO_R1_HOME": SHARE + "\\" + "x" * 200},
            "\\\\?\\UNC" + SHARE[1:] + "\\" + "x" * 200,
        ),
    ],
)
def test_both_sides_compute_the_same_folder(system, env, folder):
    """The plugin looks for `server.json` where the service writes it, on every platform and with every setting."""
    assert folder == places.data_folder(system, env, HOMES[system])
    assert folder == data_folder_on(system, env, HOMES[system])


@given(
    system=st.sampled_from(sorted(HOMES)),
    chosen=st.text(st.sampled_from("~/\\.: aŽ?"), max_size=12),
    local=st.text(st.sampled_from("/\\.: CŽ"), max_size=8),
)
@example(system="win32", chosen="\\\\?\\C:\\x", local="")
def test_both_sides_agree_on_nonsense(system, chosen, local):
    """Whatever stands in the variables, the two answers are one."""
    env = {"GEO_R1_HOME": chosen, "LOCALAPPDATA": local}

    assert places.data_folder(system, env, HOMES[system]) == data_folder_on(
        system, env, HOMES[system]
    )


def test_programs_have_the_names_that_the_plugin_looks_for(project_folder):
    """The wheel installs `geo-r1`, and `geo-r1-service` as a program without a console."""
    project = tomllib.loads((project_folder / "backend" / "pyproject.toml").read_text("utf-8"))[
        "project"
    ]

    assert places.COMMAND in project["scripts"]
    assert places.WINDOWLESS in project["gui-scripts"]
    assert project["name"] == places.PACKAGE
