#!/usr/bin/env python3
"""The user's proof, end to end: 20 roofs on two CPU cores, trained from the dock of real QGIS, asked about 150 others before and after.

    GEO_R1_DATA=… python scripts/proof/run.py [--seeds 0 1 2] [--out build/proof] [--table]

For each seed other roofs are drawn; the tab keeps its defaults. The questions go to the service that the dock has started,
over HTTP. One JSON row per seed in OUT/rows.jsonl, written when the seed is finished; finished seeds are not run again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import psutil
import roofs
from table import table

from geo_r1_backend.storage.atomic import read_server_file
from geo_r1_backend.training.rewards.said import Said
from geo_r1_backend.training.scores import Row, row_of, verdict_of
from geo_r1_backend.training_wire import Sample

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 600
"""The promise: so long may training from the dock take on two free cores."""
PATIENCE = 4
"""On a busy machine a run may take so many times as long before it is given up; seconds of the processor are measured beside."""
TOGETHER = 16
"""Questions of one request."""
VIEWS = 5


def main() -> None:
    """Run the seeds that are missing, then print the table."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    command.add_argument("--out", type=Path, default=ROOT / "build" / "proof")
    command.add_argument("--steps", type=int, default=0, help="0 = the tab's default")
    command.add_argument("--table", action="store_true", help="only print what is there")
    given = command.parse_args()
    out = given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    rows_file = out / "rows.jsonl"
    rows = read_rows(rows_file)
    if not given.table:
        data = Path(os.environ.get("GEO_R1_DATA", ""))
        if not (data / "fair-oam-buildings").is_dir():
            raise SystemExit("GEO_R1_DATA names no folder with the real images")
        questions = roofs.questions(data)
        print(f"{len(questions)} roofs to ask about, {len({q.place for q in questions})} places")
        for seed in given.seeds:
            if not any(row["seed"] == seed and row["steps_asked"] == given.steps for row in rows):
                row = prove(data, out / f"seed-{seed}", seed, questions, given.steps)
                with rows_file.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                rows.append(row)
                print(table([row]), flush=True)
    text = table(rows)
    (out / "table.md").write_text(text + "\n")
    print(text)
    if not rows or not all(row["passed"] for row in rows):
        raise SystemExit("The proof does not hold for every seed.")


def prove(
    data: Path, out: Path, seed: int, questions: Sequence[roofs.Question], steps: int
) -> dict[str, Any]:
    """One seed: QGIS from its start to the GeoPackage, then the questions.

    Raises:
        SystemExit: where QGIS left no report, or a step in it failed.
    """
    out.mkdir(parents=True, exist_ok=True)
    for old in ("report.json", "proof_geo-r1.gpkg"):
        (out / old).unlink(missing_ok=True)
    labels = out / "polygons.geojson"
    labels.write_text(json.dumps(roofs.draw(data, seed)))
    raster, views = roofs.views(data, VIEWS)
    plan = {
        "raster": str(roofs.raster_path(data)), "labels": str(labels), "query": roofs.QUERY, "steps": steps,
        "limit_s": LIMIT_S * PATIENCE, "asked": {"raster": str(raster), "views": views},
    }  # fmt: skip
    (out / "plan.json").write_text(json.dumps(plan))
    load = os.getloadavg()[0]
    report, processor_s = in_qgis(out)
    server = read_server_file(out / "qgis" / "geo-r1")
    if server is None:
        raise SystemExit("the service that QGIS started has left no address")
    headers = {"Authorization": f"Bearer {server.token}"}
    try:
        with httpx.Client(
            base_url=server.url, headers=headers, timeout=600, trust_env=False
        ) as client:
            run = client.get("/v1/runs").json()["runs"][0]
            before = remembered(
                out.parent / "before.json", lambda: answers(client, questions, None)
            )
            after = answers(client, questions, run["adapter"])
    finally:
        psutil.Process(server.pid).terminate()
    verdict = verdict_of(before, after)
    gain_holds = verdict.gain >= 0.15 and verdict.gain_low > 0
    return {
        "seed": seed, "steps_asked": steps, "passed": bool(report["passed"] and gain_holds), "asked": asdict(verdict),
        "places": len({q.place for q in questions}), "train_s": report["train_s"], "runner_cpu_s": processor_s,
        "load": [round(load, 1), round(os.getloadavg()[0], 1)], "tab": run, "report": report,
        "right": {"before": [r.right for r in before], "after": [r.right for r in after]},
        "config": config_of(out / "qgis" / "geo-r1", run["id"]),
    }  # fmt: skip


def in_qgis(out: Path) -> tuple[dict[str, Any], float]:
    """The report of a QGIS that was driven, and processor seconds of the run that it started."""
    environment = {
        **os.environ, "GEO_R1_PROOF_OUT": str(out), "GEO_R1_SCRIPTS": str(ROOT / "scripts"), "GEO_R1_SCREEN": "xvfb",
        "GDAL_PAM_ENABLED": "NO",
    }  # fmt: skip
    script = ROOT / "scripts" / "proof" / "in_qgis.py"
    command = [str(ROOT / "scripts" / "qgis.sh"), str(out / "qgis"), "--code", str(script)]
    spent: dict[int, float] = {}
    with (out / "qgis.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        deadline_s = time.monotonic() + LIMIT_S * (PATIENCE + 1)
        while process.poll() is None and time.monotonic() < deadline_s:
            measure(out, spent)
            time.sleep(1)
        if process.poll() is None:
            for each in psutil.Process(process.pid).children(recursive=True):
                each.kill()
            process.kill()
    try:
        report: dict[str, Any] = json.loads((out / "report.json").read_text())
    except FileNotFoundError:
        tail = (out / "qgis.log").read_text(errors="replace")[-2000:]
        raise SystemExit(f"QGIS left no report:\n{tail}") from None
    if not report["passed"]:
        errors = [step["error"] for step in report["steps"] if step["error"]]
        raise SystemExit("\n".join([*errors, *report["uncaught"]]))
    return report, round(sum(spent.values()), 1)


def measure(out: Path, spent: dict[int, float]) -> None:
    """Note how long the processor has worked for the process that trains."""
    for process in psutil.process_iter(["pid", "cmdline"]):
        words = process.info["cmdline"] or []
        if "geo_r1_backend.training.runner" in words and any(str(out) in word for word in words):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            spent[process.pid] = times.user + times.system


def answers(
    client: httpx.Client, questions: Sequence[roofs.Question], model: str | None
) -> list[Row]:
    """Every question, asked once over HTTP; the first box counts."""
    names = []
    for one in questions:
        names.append(hashlib.sha256(one.png).hexdigest())
        client.put(f"/v1/chips/{names[-1]}", content=one.png).raise_for_status()
    found: dict[int, Row] = {}
    for first in range(0, len(questions), TOGETHER):
        items = [
            {"item": str(index), "chip": names[index], "query": roofs.QUERY, "task": "rec"}
            for index in range(first, min(first + TOGETHER, len(questions)))
        ]
        body = {"items": items, **({"model": model} if model else {})}
        with client.stream("POST", "/v1/ground", json=body) as reply:
            reply.raise_for_status()
            for line in reply.iter_lines():
                event = json.loads(line)
                if event["event"] == "error":
                    raise SystemExit(f"the service says {event}")
                if event["event"] == "result":
                    index = int(event["item"])
                    found[index] = judged(index, questions[index], event)
    return [found[index] for index in range(len(questions))]


def remembered(path: Path, ask: Callable[[], list[Row]]) -> list[Row]:
    """Answers of the untrained model: the same for every seed, so they are asked for once."""
    if path.is_file():
        return [Row(**row) for row in json.loads(path.read_text())]
    rows = ask()
    path.write_text(json.dumps([asdict(row) for row in rows]))
    return rows


def judged(index: int, question: roofs.Question, result: dict[str, Any]) -> Row:
    """One answer beside the truth."""
    ranked = sorted(result["detections"], key=lambda one: int(one["rank"]))
    boxes = tuple(tuple(one["box_px"]) for one in ranked)
    sample = Sample(
        "0" * 64, roofs.QUERY, "rec", [question.box_px], "roof", "held_out", question.place
    )
    said = Said(boxes, tuple(() for _ in boxes), 0, says_none=not boxes, well_formed=True)
    return row_of(index, sample, said)


def config_of(home: Path, run: str) -> dict[str, Any]:
    """What the run was made with."""
    config: dict[str, Any] = json.loads((home / "runs" / run / "config.json").read_text())
    return config


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Finished seeds."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


if __name__ == "__main__":
    main()
