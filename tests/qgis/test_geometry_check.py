"""After an answer on a view the geometry is computed again, in metres, written down, and shown."""

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from qgis.core import QgsProject, QgsRasterLayer, QgsSettings

from geo_r1_qgis import classFactory
from geo_r1_qgis.core.ask_state import Stage
from geo_r1_qgis.core.frame import Frame
from geo_r1_qgis.core.plane import overlap_share
from geo_r1_qgis.crs.flat import FlatFrame
from tests.qgis.person import type_question, wait_for_end
from tests.qgis.stub_service import a_detection, detection, result, started, token
from tests.qgis.window import Window

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = ROOT / ".venv" / "bin" / "geo-r1"
CHAIN = "Find tanks: white [100,40,150,90], gray [10,10,30,30], white [200,200,240,240]. Largest: [100,40,150,90]."
QUESTIONS = 8
DRAW = f"""
import json, pathlib, sys
import cv2
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.examiner import Examiner
from geo_r1_backend.pretraining.scenes import SceneRecipe, draw_scene
folder, asked, seed = pathlib.Path(sys.argv[1]), [], 5000
while len(asked) < {QUESTIONS}:
    seed += 1
    scene = draw_scene(seed, SceneRecipe(), view_px=(448, 448))
    examiner = Examiner(scene, Dice(seed))
    found = [q for f in ("size", "extreme", "ordinal", "relation") if (q := examiner.ask(f)) and 3 <= len(q.candidates) <= 8]
    if len(found) < 2:
        continue
    cv2.imwrite(str(folder / f"{{seed}}.png"), scene.image[:, :, ::-1])
    (folder / f"{{seed}}.pgw").write_text("0.3\\n0\\n0\\n-0.3\\n500000.15\\n5399999.85\\n")
    asked += [(f"{{seed}}.png", q.query, q.answers[0].box_px) for q in found]
(folder / "asked.json").write_text(json.dumps(asked[:{QUESTIONS}]))
"""


def checks_in(folder):
    """`geometry_check` of all features, in their order."""
    (path,) = folder.glob("*.gpkg")
    with closing(sqlite3.connect(path)) as connection:
        return [
            row[0]
            for row in connection.execute("SELECT geometry_check FROM detections ORDER BY fid")
        ]


def below(row):
    """The line across the columns below a question, or ""."""
    lines = [
        row.child(index).text(0)
        for index in range(row.childCount())
        if row.child(index).isFirstColumnSpanned()
    ]
    return lines[0] if lines else ""


def script(box, chain=CHAIN):
    """What the service says: a chain and one box."""
    return [
        started(),
        token(chain),
        detection(box=box),
        result([a_detection(box=box)], reasoning=chain),
    ]


@pytest.mark.parametrize(
    ("box", "chain", "word", "words"),
    [
        ((100, 40, 150, 90), CHAIN, "agrees", "largest of 3: agrees"),
        ((200, 200, 240, 240), CHAIN, "disagrees", "⚠ largest of 3: disagrees (number 2)"),
        ((100, 40, 150, 90), "", None, ""),  # no thinking: no candidates, no verdict
        ((100, 40, 150, 90), "Find tanks: white [100,40,150,90].", None, ""),  # the largest of one
    ],
)  # fmt: skip
def test_the_verdict_is_kept_and_shown(
    qtbot, plugin, dock, stub, tmp_path, box, chain, word, words
):
    """The feature says agrees, disagrees or nothing; the list says of how many."""
    stub.scripts = [script(box, chain)]
    type_question(dock)
    wait_for_end(qtbot, plugin)
    row = dock.answers.tree.topLevelItem(0)
    qtbot.waitUntil(lambda: row.childCount() == (2 if words else 1))

    assert row.text(1) == "1 found"
    assert below(row) == words
    dock.answers.tree.selectAll()
    assert len(dock.answers.chosen_uids()) == 1  # the line is no answer
    dock.answers.tree.judged.emit("accepted")
    assert plugin.services.store.flush(5)
    assert checks_in(tmp_path) == [word]


@pytest.mark.parametrize(
    ("epsg", "affine", "expected_m"),
    [
        ("EPSG:32633", (0.5, 0.0, 500_000.0, 0.0, -0.5, 5_400_000.0), 0.5),
        ("EPSG:3857", (1.0, 0.0, 1_000_000.0, 0.0, -1.0, 8_399_738.0), 0.5),  # at 60° north a Mercator metre is half
        ("EPSG:4326", (1e-5, 0.0, 15.0, 0.0, -1e-5, 60.0), 0.558),  # a degree of longitude there
        ("", (2.0, 0.0, 0.0, 0.0, -2.0, 0.0), 2.0),  # no CRS: its units
    ],
)  # fmt: skip
def test_a_chip_lies_in_metres(qgis_app, epsg, affine, expected_m):
    """A pixel's breadth is that on the ground, up is north on a north-up view, and left is its opposite quarter."""
    size_m = expected_m if epsg else 0.0
    flat = FlatFrame(Frame(400, 400, affine, crs_authid=epsg, m_per_px=size_m))
    right, up = flat.axes.right, flat.axes.up

    assert flat.precision_m == pytest.approx(expected_m, rel=0.01)
    assert (right[0], up[1]) == (pytest.approx(1, abs=2e-3), pytest.approx(1, abs=2e-3))


def test_a_turned_view_has_its_own_left(qgis_app):
    """Where the canvas is turned by 90 degrees, the view's right is the map's south."""
    flat = FlatFrame(
        Frame(400, 400, (0.0, -0.5, 500_000.0, -0.5, 0.0, 5_400_000.0), crs_authid="EPSG:32633")
    )

    assert flat.axes.right[1] == pytest.approx(-1, abs=0.05)
    assert flat.axes.up[0] == pytest.approx(1, abs=0.05)


@pytest.fixture
def drawn(qtbot, qgis_app, tmp_path, monkeypatch):
    """(ask, asked): the plugin with the true service and the embedded model, over generated scenes with known answers."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'backend'}"}
    draw = [str(COMMAND.with_name("python")), "-c", DRAW, str(tmp_path)]
    subprocess.run(draw, check=True, env=environment, timeout=120)
    asked = json.loads((tmp_path / "asked.json").read_text())
    monkeypatch.setenv("GEO_R1_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GEO_R1_COMMAND", str(COMMAND))
    QgsSettings().remove("geo_r1")
    project = QgsProject.instance()
    project.clear()
    project.setFileName(str(tmp_path / "project.qgz"))
    window = Window()

    def show(name):
        project.removeAllMapLayers()
        layer = QgsRasterLayer(str(tmp_path / name), name)
        layer.setCrs(window.canvas.mapSettings().destinationCrs())
        window.show_raster(layer)

    show(asked[0][0])
    window.window.show()
    plugin = classFactory(window)
    plugin.initGui()
    plugin.services.dock.setUserVisible(True)
    qtbot.waitUntil(lambda: plugin.services.connection.standing.can_ask, timeout=30_000)

    def ask(name, query):
        show(name)
        type_question(plugin.services.dock, query)
        state = wait_for_end(qtbot, plugin, timeout=60_000)
        assert state.stage is Stage.DONE, plugin.services.dock.notice.text
        words = below(plugin.services.dock.answers.tree.topLevelItem(0))
        return state.detections, plugin.services.asking.frame, words

    yield ask, asked
    plugin.unload()
    server = tmp_path / "home" / "server.json"
    if server.exists():
        os.kill(json.loads(server.read_text())["pid"], 15)
    project.clear()
    window.window.close()


@pytest.mark.slow
@pytest.mark.skipif(not COMMAND.exists(), reason=f"{COMMAND} is not installed (make setup)")
def test_true_answers_of_the_embedded_model_agree(drawn):
    """Real window, real service, generated scenes: of the right answers nine of ten carry "agrees"."""
    ask, asked = drawn
    right, agreed, checked = 0, 0, 0
    for name, query, truth_px in asked:
        detections, frame, words = ask(name, query)
        checked += "agrees" in words
        corners = [
            (500_000 + 0.3 * x, 5_400_000 - 0.3 * y) for x, y in (truth_px[:2], truth_px[2:])
        ]
        (x0, y0), (x1, y1) = (frame.map_to_px(*corner) for corner in corners)
        shares = [overlap_share(tuple(each.box_px), (x0, y0, x1, y1)) for each in detections]
        if len(shares) == 1 and shares[0] >= 0.5:
            right += 1
            agreed += words.endswith(": agrees")

    assert checked >= 0.7 * len(asked), (checked, len(asked))
    assert right >= 4
    assert agreed >= 0.9 * right, (agreed, right)
