"""The documentation tells the truth where a machine can check it."""

import re
import subprocess
import sys

import pytest

from geo_r1_backend import errors
from geo_r1_qgis.core.sentences import SENTENCES

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _headings(text):
    return re.findall(r"(?m)^#{2,4} `?([a-z0-9-]+)`?\s*$", text)


def _all_codes(error_class):
    """Codes of an error class and of everything below it."""
    own = {error_class.code} if error_class.__dict__.get("code") else set()
    return own.union(*(_all_codes(child) for child in error_class.__subclasses__()))


def test_every_error_has_a_heading(project_folder):
    """Each code that the service can send is explained under its own heading, and no heading is out of date."""
    page = (project_folder / "docs" / "errors.md").read_text(encoding="utf-8")
    documented = _headings(page.split("## In the plugin")[0])

    assert sorted(_all_codes(errors.GeoR1Error)) == sorted(documented)


def test_every_sentence_of_the_plugin_has_a_heading(project_folder):
    """Each code for which the plugin has words of its own is explained."""
    documented = _headings((project_folder / "docs" / "errors.md").read_text(encoding="utf-8"))

    assert set(SENTENCES) - set(documented) == set()


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_readme_names_its_two_commands(project_folder, command):
    """The README shows the two commands, each as a line of its own to copy."""
    readme = (project_folder / "README.md").read_text(encoding="utf-8")

    assert re.search(rf"(?m)^\s*(\$ )?{command}\b", readme)


def test_relative_links_exist(project_folder):
    """Every relative link in every Markdown file leads to a file."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=project_folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    broken = []
    for name in listed.stdout.splitlines():
        page = project_folder / name
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            path = target.split("#")[0]
            if (
                path
                and "://" not in target
                and not target.startswith("mailto:")
                and not (page.parent / path).exists()
            ):
                broken.append(f"{name}: {target}")

    assert broken == []


def test_commands_of_the_guide_exist(project_folder):
    """Every `geo-r1 …` subcommand that the documentation shows is one that the program knows."""
    shown = set()
    for page in [project_folder / "README.md", *sorted((project_folder / "docs").glob("*.md"))]:
        shown |= set(re.findall(r"geo-r1 ([a-z]+)\b", page.read_text(encoding="utf-8")))
    told = subprocess.run(
        [sys.executable, "-m", "geo_r1_backend", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    known = set(re.findall(r"\b[a-z]+\b", told.stdout))

    assert told.returncode == 0, told.stderr
    assert shown - known == set()


def test_make_targets_of_the_documentation_exist(project_folder):
    """Every `make …` in the documentation is a target of the Makefile."""
    makefile = (project_folder / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?m)^([a-z][a-z0-9-]*):", makefile))
    shown = set()
    for page in [project_folder / "README.md", *sorted((project_folder / "docs").rglob("*.md"))]:
        shown |= set(
            re.findall(
                r"(?:`|^\s*\$ )make ([a-z][a-z0-9-]*)", page.read_text(encoding="utf-8"), re.M
            )
        )

    assert shown - targets == set()
