"""Names of Qt in the plugin's source, asked of PyQt6's own classes."""

import pytest

from tests.plugin_names import SHIM, fault_of, numbers_of_enums, uses_in, uses_of_plugin

QT = ("qgis.PyQt",)


def test_every_name_of_qt_is_in_qt_6(project_folder):
    """Each class, enum and member that the plugin names exists in PyQt6, where enums are scoped and QAction has moved."""
    uses = uses_of_plugin(project_folder, QT)
    assert len(uses) > 200

    assert sorted({fault_of(use) for use in uses} - {""}) == []


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ("from qgis.PyQt.QtCore import Qt\nQt.AlignLeft", "there is no"),
        ("from qgis.PyQt.QtWidgets import QFrame\nQFrame.HLine", "there is no"),
        ("from qgis.PyQt.QtWidgets import QAction", "there is no"),
        ("from qgis.PyQt.QtWidgets import QDialog\nQDialog.exec_", "there is no"),
        ("from qgis.PyQt.QtCore import QRegExp", "there is no"),
        (
            "from qgis.PyQt.QtWidgets import QDialogButtonBox\nb = QDialogButtonBox\nb.Ok",
            "there is no",
        ),
        ("from qgis.PyQt.QtCore import Qt\nQt.AlignmentFlag.AlignLeft", ""),
        ("from qgis.PyQt.QtCore import Qt\nk = Qt.Key\nk.Key_None", "there is no"),
    ],
)
def test_the_check_finds_what_it_should(lines, word):
    """Names of Qt 5 alone are told; names of both are not."""
    faults = [fault_of(use) for use in uses_in(lines, "x.py", QT)]

    assert any(word in fault for fault in faults) if word else not any(faults)


def test_no_call_that_qt_6_lost(project_folder):
    """No exec_(), and no number is made of an enum but in the one module that knows both kinds."""
    faults = []
    for path in sorted((project_folder / "geo_r1_qgis").rglob("*.py")):
        if path.as_posix().endswith(SHIM):
            continue
        source = path.read_text(encoding="utf-8")
        faults += [f"{path.name}: exec_"] * (".exec_(" in source)
        faults += numbers_of_enums(source, path.name)

    assert faults == []


def test_numbers_of_enums_are_found():
    """`int()` of a Qt enum is told, also inside an expression; other numbers are not."""
    source = (
        "from qgis.PyQt.QtCore import Qt\nint(Qt.Key.Key_Up)\nint(Qt.Key.Key_A | 1)\nint('3')\n"
    )

    assert numbers_of_enums(source, "x") == ["x:2", "x:3"]
