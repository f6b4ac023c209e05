#!/usr/bin/env python3
"""Adds up the reports of all tiers and prints one closing line in pytest's form.

    scripts/test_report.py build/test-results [--require qgis e2e]

A tier that is required fails the run when it is absent, empty, or skipped any test for another reason than missing real
images (GEO_R1_DATA): "green" must mean "ran in QGIS".
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree  # our own reports

NO_IMAGES = "GEO_R1_DATA"
"""Stands in the reason of every skip for want of real images, which are not part of the repository."""


@dataclass
class Tier:
    """Counts of one report."""

    name: str
    tests: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    seconds: float = 0.0
    skip_reasons: tuple[str, ...] = ()

    @property
    def passed(self) -> int:
        """Tests that ran to their end."""
        return self.tests - self.failed - self.errors - self.skipped

    @property
    def without_reason(self) -> list[str]:
        """Skips that are no fact of the machine."""
        return [reason for reason in self.skip_reasons if NO_IMAGES not in reason]


def read_tier(path: Path) -> Tier:
    """Counts in one junit file."""
    suite = ElementTree.parse(path).getroot().find("testsuite")  # noqa: S314  # our own reports
    if suite is None:
        return Tier(path.stem)
    reasons = (
        f"{case.get('name')}: {skip.get('message')}"
        for case in suite
        for skip in case.findall("skipped")
    )
    return Tier(
        path.stem,
        tests=int(suite.get("tests", 0)),
        failed=int(suite.get("failures", 0)),
        errors=int(suite.get("errors", 0)),
        skipped=int(suite.get("skipped", 0)),
        seconds=float(suite.get("time", 0)),
        skip_reasons=tuple(reasons),
    )


def main() -> int:
    """Print the sum; 1 if anything failed or a required tier did not run completely."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--require", nargs="*", default=[], help="tiers that must have run without a skip"
    )
    arguments = parser.parse_args()
    tiers = {path.stem: read_tier(path) for path in sorted(arguments.folder.glob("*.xml"))}
    for tier in tiers.values():
        print(
            f"{tier.name:8} {tier.passed:4} passed, {tier.skipped} skipped, {tier.failed + tier.errors} failed, {tier.seconds:.1f} s"
        )
        for reason in tier.without_reason:
            print(f"         skipped: {reason}")
        without_images = len(tier.skip_reasons) - len(tier.without_reason)
        if without_images:
            print(
                f"         skipped: {without_images} on real images, which are not on this machine"
            )
    faults = []
    for name in arguments.require:
        tier = tiers.get(name, Tier(name))
        if tier.passed == 0:
            faults.append(f"tier {name} did not run")
        if tier.without_reason:
            count = len(tier.without_reason)
            faults.append(f"tier {name} skipped {count} test(s), which counts as a failure here")
    for fault in faults:
        print(fault)
    counts = {
        "failed": sum(tier.failed for tier in tiers.values()) + len(faults),
        "passed": sum(tier.passed for tier in tiers.values()),
        "skipped": sum(tier.skipped for tier in tiers.values()),
        "errors": sum(tier.errors for tier in tiers.values()),
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "no tests ran"
    print(f"==== {told} in {sum(tier.seconds for tier in tiers.values()):.2f}s ====")
    return 1 if counts["failed"] or counts["errors"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
