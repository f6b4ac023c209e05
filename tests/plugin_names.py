"""Every name of Qt and QGIS that the plugin's source uses, as written: for tests that ask real classes for them."""

import ast
import importlib
from dataclasses import dataclass

SHIM = "gui/qt_names.py"
"""The one module that may name what only one of Qt 5 and Qt 6 has."""


@dataclass(frozen=True)
class Use:
    """A dotted name in the source: `Qt.Key.Key_Up` is ("qgis.PyQt.QtCore", ("Qt", "Key", "Key_Up"))."""

    place: str
    module: str
    names: tuple

    @property
    def text(self):
        """As a person finds it."""
        return f"{self.place}: {'.'.join(self.names)}"


def uses_in(source, place, prefixes=("qgis.",)):
    """Uses of names that are imported from modules below `prefixes`, through local aliases too."""
    tree = ast.parse(source)
    roots = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(prefixes):
            for name in node.names:
                roots[name.asname or name.name] = (node.module, (name.name,))
    for node in ast.walk(tree):  # buttons = QDialogButtonBox.StandardButton
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, found = node.targets[0], _chain(node.value, roots)
            if isinstance(target, ast.Name) and found:
                roots.setdefault(target.id, found)
    asked = _asked_for(tree, roots)
    uses = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Attribute, ast.Name)):
            found = _chain(node, roots)
            if found and found not in asked:
                uses.append(Use(f"{place}:{node.lineno}", *found))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(prefixes):
            uses += [Use(f"{place}:{node.lineno}", node.module, (n.name,)) for n in node.names]
    return uses


def _asked_for(tree, roots):
    """Names that stand in a hasattr(QgsMapSettings.Flag, "New"): used only where they are there."""
    asked = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "hasattr":
            found, name = _chain(node.args[0], roots), node.args[1]
            if found and isinstance(name, ast.Constant):
                asked.add((found[0], (*found[1], name.value)))
    return asked


def _chain(node, roots):
    """Module and names of `A.B.C`, where A was imported; None for anything else."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in roots:
        return None
    module, first = roots[node.id]
    return module, first + tuple(reversed(names))


def uses_of_plugin(project_folder, prefixes=("qgis.",)):
    """Of every module of the plugin but the shim."""
    folder = project_folder / "geo_r1_qgis"
    return [
        use
        for path in sorted(folder.rglob("*.py"))
        if not path.as_posix().endswith(SHIM)
        for use in uses_in(
            path.read_text(encoding="utf-8"), path.relative_to(folder).as_posix(), prefixes
        )
    ]


def fault_of(use):
    """Why a use does not work with the classes that are installed here; empty if it does."""
    try:
        value = importlib.import_module(use.module)
    except ImportError as error:
        return f"{use.text}: {error}"
    owner = None
    for depth, name in enumerate(use.names):
        try:
            owner, value = value, getattr(value, name)
        except AttributeError:
            try:  # a submodule: from qgis.PyQt import QtGui
                owner, value = (
                    value,
                    importlib.import_module(".".join((use.module, *use.names[: depth + 1]))),
                )
            except ImportError:
                return f"{use.text}: there is no {'.'.join(use.names[: depth + 1])}"
        if not isinstance(value, type) and not hasattr(value, "__path__") and depth > 0:
            break  # methods, signals and members of enums have no further names of Qt
    if isinstance(owner, type) and _is_member_of(value, owner):
        return f"{use.text}: not scoped, it is {type(value).__qualname__}"
    return ""


def _is_member_of(value, owner):
    """Whether an enum's member is taken from the class around its enum, as only Qt 5 allows."""
    kind = type(value)
    return kind is not owner and any(
        each is kind for parent in owner.__mro__ for each in vars(parent).values()
    )


def numbers_of_enums(source, place):
    """Places where `int()` is made of a name of Qt: PyQt6's enums refuse."""
    tree = ast.parse(source)
    roots = {
        name.asname or name.name: (node.module, (name.name,))
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qgis.")
        for name in node.names
    }
    return [
        f"{place}:{node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "int"
        and any(
            _chain(part, roots)
            for arg in node.args
            for part in ast.walk(arg)
            if isinstance(part, ast.Attribute)
        )
    ]
