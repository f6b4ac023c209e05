#!/usr/bin/python3
"""Print what the demo found and end with 0 only if every step passed.

scripts/show_report.py DEMO-OUTPUT
"""

import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
report_file = folder / "report.json"
if not report_file.exists():
    log = folder / "qgis.log"
    print(
        "\n".join(log.read_text(errors="replace").splitlines()[-20:]) if log.exists() else "",
        file=sys.stderr,
    )
    sys.exit(f"QGIS left no report (whole log: {log})")
report = json.loads(report_file.read_text())
print("\n".join(report["lines"]))
for step in report["steps"]:
    if step["error"]:
        print(f"\nFAILED: {step['name']}\n{step['error']}", file=sys.stderr)
for trace in report["uncaught"]:
    print(f"\nUNCAUGHT in QGIS:\n{trace}", file=sys.stderr)
sys.exit(0 if report["passed"] else 1)
