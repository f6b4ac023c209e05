"""The shipped weights keep what their card promises, at reduced n."""

from __future__ import annotations

import json

import pytest

from geo_r1_backend.engines.onnx import OnnxEngine
from geo_r1_backend.evaluation import answering, scoring
from geo_r1_backend.evaluation.recipe import frozen_questions
from geo_r1_backend.models.registry import embedded_folder

pytest.importorskip("cv2", reason="scenes are drawn with opencv")


@pytest.fixture(scope="module")
def questions():
    """Five questions of every family, one per view, on generated ground."""
    return list(frozen_questions(None, 5))


@pytest.fixture(scope="module")
def answers(questions):
    """What the shipped files say, through the service's own code."""
    engine = OnnxEngine(embedded_folder())
    said = list(answering.answer_by_engine(engine, questions))
    engine.close()
    return said


def test_the_shipped_model_is_as_good_as_its_card(questions, answers):
    """Figures at n = 35 lie above the floors of the first version."""
    rows = [scoring.score(q, a) for q, a in zip(questions, answers, strict=True)]
    figures = {f.name: f.value for f in scoring.summarise(rows)}

    assert figures["Acc@0.5, one object"] >= 0.85
    assert figures["F1@0.5, all"] >= 0.85
    assert figures["none recognised"] >= 0.8
    assert figures["false none, one object"] <= 0.05


def test_it_looks_at_the_picture(questions):
    """About a grey picture the same questions are not answered right."""
    engine = OnnxEngine(embedded_folder())
    grey = answering.blinded([q for q in questions if q.family != "none"][:8])
    rows = [
        scoring.score(q, a)
        for q, a in zip(grey, answering.answer_by_engine(engine, grey), strict=True)
    ]
    engine.close()

    assert sum(row.right for row in rows) <= 1


def test_torch_and_onnx_agree(questions, answers):
    """The float model in torch and the shipped graphs give the same boxes within a pixel."""
    pytest.importorskip("torch", reason="the torch extra is not installed")
    reference = answering.answer_by_reference(embedded_folder(), questions[:14])

    assert scoring.agreement(answers[:14], reference) >= 0.99


def test_a_wrong_answer_is_scored_as_wrong(questions):
    """No box, a shifted box and a "none" count as misses; the truth counts as right."""
    question = next(q for q in questions if q.family == "colour")
    x0, y0, x1, y1 = question.expression.answers[0].box_px
    shifted = (x0 + (x1 - x0), y0, x1 + (x1 - x0), y1)

    def right(*boxes):
        return scoring.score(question, answering.Answer(boxes, not boxes, "found")).right

    assert right((x0, y0, x1, y1))
    assert not right()
    assert not right(shifted)
    assert not scoring.score(question, answering.Answer((), True, "none")).right


def test_the_command_writes_every_row(tmp_path, monkeypatch, capsys):
    """`geo-r1 evaluate` prints the table, says that the photographs are missing, and leaves the rows as JSON and a page."""
    from geo_r1_backend.cli import main

    monkeypatch.delenv("GEO_R1_DATA", raising=False)
    out, page = tmp_path / "report.json", tmp_path / "report.html"

    code = main(["evaluate", "--per-family", "1", "--blind", "0", "--out", str(out), "--report", str(page)])  # fmt: skip

    said = capsys.readouterr()
    assert code in (0, None)
    assert "only the half on generated ground is asked" in said.err
    assert "Acc@0.5, one object" in said.out
    assert len(json.loads(out.read_text())["rows"]) == 7
    text = page.read_text(encoding="utf-8")
    assert "One object" in text
    assert "All objects of a kind" in text
    assert text.count('class="card"') <= 7
