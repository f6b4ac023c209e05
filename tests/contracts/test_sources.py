"""Rules that hold for every file of the project."""

import ast
import re
import subprocess

import pytest

MAX_LINES = 350
"""A module that is longer can no longer be read at once."""

FORBIDDEN = [
    (r"(^|[^A-Za-z0-9_.~$])/(work|farm|root)/", "a path of one machine"),
    (r"pypi-more|/opt/(pypi|wheels)", "a package index of one machine"),
    (r"\.library\b", "a tool of one workplace"),
    (r"<{7} |>{7} ", "a merge marker"),
    (r"\b(TODO|FIXME|XXX)\b(?!\()", "unfinished work without a name and an issue"),
]
OPEN_DATABASE = re.compile(r"with sqlite3\.connect\(")
THIS_FILE = "tests/contracts/test_sources.py"
TEXT = {".py", ".md", ".toml", ".txt", ".sh", ".json", ".yaml", ".yml", ".cfg", ".qml", ".svg", ""}


@pytest.fixture(scope="session")
def tracked_files(project_folder):
    """Files that git knows, and new ones that it does not ignore."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=project_folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (project_folder / name).is_file()]


@pytest.mark.parametrize(
    ("pattern", "meaning"), FORBIDDEN, ids=[meaning for _, meaning in FORBIDDEN]
)
def test_no_forbidden_text(project_folder, tracked_files, pattern, meaning):
    """No file carries what belongs to one machine or to an unfinished change."""
    found = []
    for name in tracked_files:
        path = project_folder / name
        if name == THIS_FILE or path.suffix not in TEXT or path.stat().st_size > 2_000_000:
            continue
        for number, line in enumerate(
            path.read_text(encoding="utf-8", errors="replace").splitlines(), 1
        ):
            if re.search(pattern, line):
                found.append(f"{name}:{number}: {line.strip()[:100]}")

    assert found == [], meaning


def test_databases_are_closed(project_folder, tracked_files):
    """`with sqlite3.connect(…)` ends a transaction and leaves the file open; `contextlib.closing` closes it."""
    left_open = [
        name
        for name in tracked_files
        if name.endswith(".py")
        and name != THIS_FILE
        and OPEN_DATABASE.search((project_folder / name).read_text(encoding="utf-8"))
    ]

    assert left_open == []


def test_modules_can_be_read_at_once(project_folder, tracked_files):
    """No module is longer than 350 lines."""
    lengths = {
        name: len((project_folder / name).read_text(encoding="utf-8").splitlines())
        for name in tracked_files
        if name.endswith(".py") and not name.startswith("tests/")  # tables of cases may be long
    }

    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_plugin_is_python_3_9(project_folder, tracked_files):
    """QGIS 3.22 runs on Python 3.9 on Windows, so the plugin uses no newer syntax."""
    faults = []
    for name in tracked_files:
        if name.startswith("geo_r1_qgis/") and name.endswith(".py"):
            text = (project_folder / name).read_text(encoding="utf-8")
            try:
                tree = ast.parse(text, filename=name, feature_version=(3, 9))
            except SyntaxError as error:
                faults.append(f"{name}:{error.lineno}: {error.msg}")
                continue
            faults += [
                f"{name}:{node.lineno}: match"
                for node in ast.walk(tree)
                if type(node).__name__ == "Match"
            ]
            faults += [f"{name}:{line}: X | Y is evaluated" for line in _evaluated_unions(tree)]

    assert faults == []


def _evaluated_unions(tree):
    """Lines with ``X | None`` or ``X | Y`` of builtin types outside annotations that stay text."""
    postponed = any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and "annotations" in {a.name for a in node.names}
        for node in tree.body
    )
    annotations = set()
    if postponed:
        for node in ast.walk(tree):
            for field in ("annotation", "returns"):
                part = getattr(node, field, None)
                if part is not None:
                    annotations |= {id(inner) for inner in ast.walk(part)}
    types = {"int", "float", "str", "bytes", "bool", "list", "dict", "tuple", "set", "object"}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.BitOr)
            and id(node) not in annotations
        ):
            sides = (node.left, node.right)
            is_none = any(isinstance(side, ast.Constant) and side.value is None for side in sides)
            if is_none or any(isinstance(side, ast.Name) and side.id in types for side in sides):
                yield node.lineno


def test_every_test_has_its_sentence(project_folder, tracked_files):
    """Every test says in one docstring what it specifies."""
    silent = []
    for name in tracked_files:
        if not (name.startswith("tests/") and name.endswith(".py")):
            continue
        tree = ast.parse((project_folder / name).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            is_test = isinstance(
                node, (ast.FunctionDef, ast.AsyncFunctionDef)
            ) and node.name.startswith("test_")
            if is_test and not ast.get_docstring(node):
                silent.append(f"{name}:{node.lineno}: {node.name}")

    assert silent == []


def test_version_is_typed_once(project_folder, tracked_files):
    """The version stands in metadata.txt; code and packaging read it from there."""
    version = re.search(
        r"(?m)^version=(.+)$", (project_folder / "metadata.txt").read_text(encoding="utf-8")
    )[1]
    quoted = re.compile(rf"""["']{re.escape(version)}["']""")
    typed = [
        name
        for name in tracked_files
        if name.endswith((".py", ".toml"))
        and not name.startswith("tests/")
        and quoted.search((project_folder / name).read_text(encoding="utf-8"))
    ]

    assert typed == []


def test_changelog_tells_this_version(project_folder):
    """The changelog has a dated section for the version in metadata.txt."""
    version = re.search(
        r"(?m)^version=(.+)$", (project_folder / "metadata.txt").read_text(encoding="utf-8")
    )[1]
    changelog = (project_folder / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.search(rf"(?m)^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog)
