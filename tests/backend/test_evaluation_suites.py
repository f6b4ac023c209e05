"""`geo-r1 evaluate` on published sets and own data: figures, files, and a page that a model cannot write into."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

pytest.importorskip("cv2", reason="the evaluation's package needs opencv")

from geo_r1_backend.cli import main
from geo_r1_backend.engines.base import ModelProfile
from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation import suites
from geo_r1_backend.evaluation.published import command
from geo_r1_backend.evaluation.segmenting.grabcut import FilledBox
from geo_r1_backend.grounding.masks import no_segmenter
from tests.backend.fixed_engine import PROFILE, FixedEngine
from tests.pure import published_samples as made

SCRIPT = "<script>alert(1)</script>"
TRUE_BOX = '{"bbox_2d":[126,202,166,302],"label":"vehicle"}'
"""The true box of the first VRSBench question, as Qwen writes it: in pixels of the 504 that it sees of 512."""


def answering(monkeypatch, text, **profile):
    """All suites ask an engine that always gives this text (or what a function makes of the item)."""
    engine = FixedEngine(text, step=400, profile=ModelProfile(**{**PROFILE.__dict__, **profile}))
    monkeypatch.setattr(command, "start_engine", lambda arguments, folder: engine)
    return engine


def evaluate(tmp_path, suite, *options):
    """Run the command; its JSON and its page."""
    out, page = tmp_path / "figures.json", tmp_path / "report.html"
    code = main(["evaluate", "--suite", suite, "--data", str(tmp_path), "--out", str(out), "--report", str(page), *options])  # fmt: skip

    assert code == 0
    return json.loads(out.read_text()), page.read_text(encoding="utf-8")


def value(document, name, part="figures"):
    """One figure of the JSON."""
    return next(f["value"] for f in document[part] if f["name"] == name)


def test_both_protocols_stand_side_by_side(tmp_path, monkeypatch, capsys):
    """An answer in the model's pixels is right when it is rescaled; the paper's reading of the same words is 8 px off."""
    made.vrsbench_json(tmp_path)
    answering(monkeypatch, f"<think>There.</think><answer>{TRUE_BOX}</answer>")

    document, _ = evaluate(tmp_path, "vrsbench", "--paper")

    first = document["rows"][0]
    assert first["rescaled"]["iou"] > 0.97
    assert 0.5 < first["paper_style"]["iou"] < 0.92
    assert value(document, "Acc@0.5, unique") == 1.0
    assert value(document, "Acc@0.5, non-unique") == 0.0
    assert value(document, "Acc@0.5, all") == 0.5
    assert value(document, "Acc@0.5, all", "paper_style") == 0.5
    assert document["facts"]["reasoning"] == "think"
    assert document["facts"]["seed"] == "0"
    assert document["facts"]["engine"].startswith("fixed on cpu")
    said = capsys.readouterr().out
    assert re.search(r"Geo-R1 DAPO, 10 shots\s+59\.5\s+37\.1\s+47\.9\s+28\.1\s+52\.7\s+31\.8", said)
    assert re.search(r"this model, rescaled\s+100\.0\s+100\.0\s+0\.0\s+0\.0\s+50\.0\s+50\.0", said)
    assert "paper-style" in said


def test_no_think_asks_for_the_answer_alone(tmp_path, monkeypatch):
    """The prompt has no word of reasoning, and the result says so."""
    made.vrsbench_json(tmp_path)
    engine = answering(monkeypatch, f"<answer>{TRUE_BOX}</answer>")

    document, _ = evaluate(tmp_path, "vrsbench", "--no-think", "--seed", "7")

    assert all("<think>" not in item.prompt for item in engine.seen)
    assert (document["facts"]["reasoning"], document["facts"]["seed"]) == ("no think", "7")


def test_a_model_that_writes_thousandths_has_no_paper_style(tmp_path, monkeypatch):
    """What the paper's scripts would make of thousandths says nothing; the note says why there is no column."""
    made.vrsbench_json(tmp_path)
    text = '<answer>{"bbox_2d":[250,400,330,600],"label":"vehicle"}</answer>'
    answering(monkeypatch, text, convention="per_mille")

    document, page = evaluate(tmp_path, "vrsbench")

    assert value(document, "Acc@0.7, unique") == 1.0
    assert document["paper_style"] == []
    assert "thousandths, not pixels" in page


def test_every_class_is_asked_for_and_false_alarms_count(tmp_path, monkeypatch):
    """A model that draws the same box for every class of NWPU finds one airplane and pays for five false alarms."""
    pytest.importorskip("pycocotools", reason="the extra “evaluate” is not installed")
    made.nwpu(tmp_path)
    engine = answering(monkeypatch, '<answer>[{"bbox_2d":[5,5,24,25],"label":"x"}]</answer>')

    document, page = evaluate(tmp_path, "nwpu")

    assert len(engine.seen) == 6
    assert value(document, "F1@0.5, all classes asked for") == pytest.approx(2 / (6 + 3))
    assert value(document, "none recognised") == 0.0
    assert 0 < value(document, "AP@0.5") <= 0.5
    assert "Precision and recall" in page


def a_box_where_it_is_light(item):
    """The target of the first EarthReason picture, as the model sees it; none where the picture is dark."""
    width, height = item.image.size
    if item.image.getpixel((width // 2, height // 2))[0] < 30:
        return "<answer>None</answer>"
    box = [round(5 * width / 60), round(10 * height / 40), round(35 * width / 60), round(30 * height / 40)]  # fmt: skip
    return f'<answer>[{{"bbox_2d":{box},"label":"x"}}]</answer>'


@pytest.mark.parametrize("segmenter", [None, FilledBox()])
def test_masks_under_both_conventions(tmp_path, monkeypatch, capsys, segmenter):
    """*None* about nothing is 0 or 1, as the convention has it; without a segmenter boxes are filled, and that is said."""
    made.earthreason(tmp_path)
    made.picture(tmp_path / "test" / "images" / "b.jpg", (60, 40), (10, 10, 10))
    find = no_segmenter if segmenter is None else lambda: segmenter
    monkeypatch.setattr(command, "start_segmenter", lambda arguments: find)
    answering(monkeypatch, a_box_where_it_is_light)

    document, page = evaluate(tmp_path, "earthreason", "--paper")

    good = document["rows"][0]["rescaled"]["overlap"]
    assert good["shared_px"] / good["union_px"] > 0.85
    low, high = (value(document, f"gIoU, empty answer about nothing = {n}") for n in (0, 1))
    assert high - low == pytest.approx(0.5)
    assert value(document, "none recognised") == 1.0
    assert document["paper_style"] == []
    assert ("scored filled" in page) == (segmenter is None)
    assert "masks were cut with rescaled coordinates" in page
    assert "table 4) are not known to this project" in capsys.readouterr().out


def test_pictures_through_windows_have_no_paper_style(tmp_path, monkeypatch):
    """The paper never cuts a picture into windows; one look at the same data has both columns."""
    pytest.importorskip("pycocotools", reason="the extra “evaluate” is not installed")
    made.nwpu(tmp_path)
    answering(monkeypatch, "<answer>None</answer>", view_sizes_px=((56, 56),), grid_px=28)

    through, page = evaluate(tmp_path, "nwpu", "--detail", "windows")
    once, _ = evaluate(tmp_path, "nwpu", "--detail", "view")

    assert through["paper_style"] == []
    assert "--detail view" in page
    assert value(once, "none recognised", "paper_style") == 1.0


def test_nothing_that_a_model_writes_becomes_part_of_the_page(tmp_path, monkeypatch):
    """Tags in the reasoning, the label and the question stand in the page as text; nothing is loaded, nothing runs."""
    made.vrsbench_json(tmp_path)
    path = tmp_path / "VRSBench_EVAL_referring.json"
    records = json.loads(path.read_text())
    records[0]["question"] = f'the "ship" {SCRIPT}'
    records[0]["obj_cls"] = '"><img src=x>'
    path.write_text(json.dumps(records))
    answering(monkeypatch, f'<think>{SCRIPT} & "quoted"</think><answer>{{"bbox_2d":[1,2,30,40],"label":"{SCRIPT}"}}</answer>')  # fmt: skip

    _, page = evaluate(tmp_path, "vrsbench")

    assert "<script" not in page
    assert "<img src=x" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3  # question and two reasonings
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count("data:image/jpeg;base64,") == 2


def test_own_data_end_to_end_with_the_shipped_model(tmp_path, capsys):
    """A GeoPackage and its raster: the embedded model is asked, and figures and page are there."""
    pytest.importorskip("pycocotools", reason="the extra “evaluate” is not installed")
    (tmp_path / "own").mkdir()
    made.geopackage(tmp_path / "own")
    page = tmp_path / "report.html"

    code = main(["evaluate", "--suite", "gpkg", "--data", str(tmp_path / "own"), "--window-px", "100", "--limit", "2",
                 "--report", str(page)])  # fmt: skip

    assert code == 0
    assert "F1@0.5, all classes asked for" in capsys.readouterr().out
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")


@pytest.mark.parametrize("suite", [name for name, s in suites.SUITES.items() if s.module == suites.PUBLISHED])  # fmt: skip
def test_a_published_suite_asks_for_its_folder(suite):
    """Without --data the command says what it needs."""
    with pytest.raises(ConfigError, match="needs its files") as caught:
        command.run(
            type("Options", (), {"suite": suite, "data": None})(),  # nothing else is read before
            None,
        )
    assert "--data" in caught.value.hint


def test_a_report_that_could_not_be_written_is_refused_before_asking(tmp_path, capsys):
    """A folder that is not there is said before an hour of questions, not after."""
    code = main(["evaluate", "--report", str(tmp_path / "no" / "report.html")])

    assert code != 0
    assert "does not exist" in capsys.readouterr().err


def test_every_suite_of_the_table_can_be_started():
    """Each line of the table names a module that has a `run`."""
    for suite in suites.SUITES.values():
        assert callable(suite.load())


def test_without_the_extra_the_command_says_what_to_install():
    """Where opencv is absent, one sentence names the extra; no traceback."""
    code = "import sys; sys.modules['cv2'] = None; from geo_r1_backend.cli import main; sys.exit(main(['evaluate']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "geo-r1-backend[evaluate]" in done.stderr
    assert "opencv-python-headless" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_suite_without_a_page_says_so(tmp_path, capsys):
    """--report is refused where there is none, not forgotten."""
    code = main(["evaluate", "--suite", "masks", "--report", str(tmp_path / "report.html")])

    assert code != 0
    assert "has no page" in capsys.readouterr().err
