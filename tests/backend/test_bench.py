"""The bench of `make bench-cpu`, at the smallest n: every column is a real one, and the table is whole."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from geo_r1_backend.config import clone_folder
from geo_r1_backend.models.registry import embedded_folder

pytest.importorskip("cv2", reason="scenes are drawn with opencv")
pytest.importorskip("transformers", reason="the torch extra is not installed")
COLUMNS = {
    "ONNX int8",
    "ONNX float32",
    "ONNX float32, no guesses",
    "torch, own loop",
    "transformers generate",
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """What one small run prints and writes."""
    out = tmp_path_factory.mktemp("bench") / "cpu.json"
    command = [sys.executable, clone_folder() / "scripts" / "bench" / "cpu.py", "--out", out]
    small = ["--one", "2", "--all", "1", "--starts", "1", "--dock", "0", "--views", "3"]
    finished = subprocess.run(
        [*command, *small], capture_output=True, text=True, timeout=110, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout, json.loads(out.read_text())


@pytest.mark.slow
@pytest.mark.skipif(embedded_folder() is None, reason="the embedded model is not in this clone")
def test_the_columns_are_the_same_model(bench):
    """Each question goes to all columns, and their boxes are torch's within a pixel."""
    _, found = bench

    assert len(found["questions"]) == 3
    for row in found["questions"]:
        assert set(row["columns"]) == COLUMNS
        assert all(column["seconds"] > 0 for column in row["columns"].values())
        assert all(c["same_boxes"] for name, c in row["columns"].items() if name != "ONNX int8")


@pytest.mark.slow
@pytest.mark.skipif(embedded_folder() is None, reason="the embedded model is not in this clone")
def test_the_embedded_engine_is_the_fastest(bench):
    """Even at this n, and on a busy machine, ONNX is well ahead of `generate` on every question."""
    _, found = bench

    for row in found["questions"]:
        seconds = {name: column["seconds"] for name, column in row["columns"].items()}
        assert seconds["transformers generate"] > 1.5 * seconds["ONNX float32"]


@pytest.mark.slow
@pytest.mark.skipif(embedded_folder() is None, reason="the embedded model is not in this clone")
def test_the_table_says_what_it_was_measured_on(bench):
    """Processor, load, versions, n, start and memory stand in the printed table."""
    text, found = bench

    assert found["machine"]["cpu"] in text
    assert "2 one-object questions, 1 for all" in text
    for words in ("load", "onnxruntime 1.", "seed 0", "start of the process to ready", "resident"):
        assert words in text
    assert found["service"]["float32"]["resident_mib"] < 450
