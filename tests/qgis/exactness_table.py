"""The table of what the exactness tests measured: ``make exactness``. A pytest plugin that only prints."""

from tests.qgis.exact_chain import MEASURED


def pytest_terminal_summary(terminalreporter):
    """Markdown, largest error of each group's cases in pixels of the picture that was sent."""
    terminalreporter.section("largest distance between a side of the polygon and its object")
    for group, cases in MEASURED.items():
        terminalreporter.write_line(f"| {group} | largest error, px |\n|---|---|")
        for case, worst_px in cases.items():
            terminalreporter.write_line(f"| {case} | {worst_px:.2f} |")
        terminalreporter.write_line("")
