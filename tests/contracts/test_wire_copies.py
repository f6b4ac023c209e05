"""The wire is one file in two places."""

import ast
import sys


def test_copies_are_identical(project_folder):
    """Plugin and service speak from byte-identical files; `make wire` copies."""
    plugin = project_folder / "geo_r1_qgis" / "core" / "wire.py"
    service = project_folder / "backend" / "geo_r1_backend" / "wire.py"

    assert plugin.read_bytes() == service.read_bytes()


def test_wire_imports_the_standard_library_only(project_folder):
    """The wire can be read by QGIS's Python, which has none of the service's packages."""
    tree = ast.parse(
        (project_folder / "geo_r1_qgis" / "core" / "wire.py").read_text(encoding="utf-8")
    )
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names} == set()
