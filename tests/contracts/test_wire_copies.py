"""The wire, and the rules by which labels become samples, are files that lie in two places each."""

import ast
import sys

import pytest

FILES = (
    "wire.py",
    "training_wire.py",
    "models_wire.py",
    "chance.py",
    "label_check.py",
    "chip_windows.py",
    "split.py",
)
OURS = {"wire", "training_wire", "label_check", "chance"}
"""What they may import of each other."""


@pytest.mark.parametrize("name", FILES)
def test_copies_are_identical(project_folder, name):
    """Plugin and service speak from byte-identical files; `make wire` copies."""
    plugin = project_folder / "geo_r1_qgis" / "core" / name
    service = project_folder / "backend" / "geo_r1_backend" / name

    assert plugin.read_bytes() == service.read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_wire_imports_the_standard_library_only(project_folder, name):
    """The wire can be read by QGIS's Python, which has none of the service's packages."""
    tree = ast.parse((project_folder / "geo_r1_qgis" / "core" / name).read_text(encoding="utf-8"))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    imported |= {
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not (node.level == 1 and node.module in OURS)
    }

    assert {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names} == set()
