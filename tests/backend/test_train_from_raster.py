"""`geo-r1 train` from polygons and a raster: every problem with its row and its mend, parts that never touch, a run in the terminal."""

from __future__ import annotations

import argparse
import io
import itertools
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

from geo_r1_backend.cli import main
from geo_r1_backend.errors import ConfigError, RunActive, RunComplete
from geo_r1_backend.evaluation.masks import box_mask, polygon_mask
from geo_r1_backend.geo.raster import read_raster
from geo_r1_backend.storage.run_claim import claim_run
from geo_r1_backend.storage.runs import RunStore
from geo_r1_backend.training import cli
from geo_r1_backend.training.from_raster import Source, build, read_labels
from geo_r1_backend.training.sample_checks import check_samples
from tests.backend.make_labelled_raster import outline, scattered, write_labels, write_raster
from tests.backend.training import FAKE_RUNNER, wait_for


@pytest.fixture(scope="module")
def field_of_heaps(tmp_path_factory):
    """A raster with sixteen heaps far from each other, and their outlines in longitude and latitude."""
    folder = tmp_path_factory.mktemp("heaps")
    boxes = scattered(16)
    raster = write_raster(folder / "ortho.tif", heaps_px=boxes)
    shapes = [outline(box) for box in boxes]
    labels = write_labels(
        folder / "labels.gpkg", shapes, ["the heap of tyres"] * 16, crs="EPSG:4326"
    )
    return raster, labels


@pytest.fixture(scope="module")
def built(field_of_heaps):
    """Samples of all sixteen."""
    return built_from(Source(*field_of_heaps, field="what"))


def built_from(source):
    check, whole = read_labels(source)
    assert not check.blocks, check.problems
    return build(source, check, whole)


def dark_box(image):
    """Where the heap lies in a chip."""
    dark = np.argwhere(np.asarray(image).astype(int)[..., 0] < 80)
    (top, left), (bottom, right) = dark.min(0), dark.max(0) + 1
    return [left, top, right, bottom]


def test_boxes_lie_on_the_objects(built):
    """From map units of another CRS to pixels of a chip: every box lies on its object, to a pixel."""
    assert len(built.samples) > 16
    for sample in built.samples:
        image = Image.open(io.BytesIO(built.chips[sample.chip]))
        assert np.abs(np.subtract(sample.boxes_px[0], dark_box(image))).max() < 1
        assert image.size == built.sizes_px[sample.chip]
        assert 300 * 0.7 <= image.width <= 448 * 1.5
    check_samples(built.samples, built.sizes_px)


def test_chips_have_context_and_jitter(built):
    """The object is not always in the middle of its chip, and never cut by its edge."""
    middles = []
    for sample in built.samples:
        width, height = built.sizes_px[sample.chip]
        left, top, right, bottom = sample.boxes_px[0]
        assert left >= 0
        assert bottom <= height
        middles.append(((left + right) / 2 / width, (top + bottom) / 2 / height))

    assert np.std(middles, axis=0).min() > 0.1


def check_no_ground_twice(built):
    """No ground is in chips of two parts."""
    for (part, first), (other, second) in itertools.combinations(built.ground, 2):
        across = min(first[2], second[2]) - max(first[0], second[0])
        down = min(first[3], second[3]) - max(first[1], second[1])
        assert part == other or across <= 0 or down <= 0


def test_parts_never_touch(built):
    """All three parts are there, places are in one part, and no ground is in chips of two parts."""
    by_place = {}
    for sample in built.samples:
        by_place.setdefault(sample.place, set()).add(sample.part)

    assert {part for parts in by_place.values() for part in parts} == {
        "train",
        "validation",
        "held_out",
    }
    assert all(len(parts) == 1 for parts in by_place.values())
    check_no_ground_twice(built)


@pytest.mark.parametrize(("share", "labels"), [(0.0, 0), (0.35, 6), (None, 2)])
def test_share_of_the_held_out(field_of_heaps, share, labels):
    """As many labels are held out as were asked for; without a wish, a few of few."""
    built = built_from(Source(*field_of_heaps, field="what", held_out=share))

    assert built.split.count("held_out") == labels
    assert built.split.count("train") >= 8


def test_same_seed_same_dataset(field_of_heaps, built):
    """The same seed gives the same bytes, another one other chips."""
    again, other = (built_from(Source(*field_of_heaps, field="what", seed=seed)) for seed in (0, 6))

    assert (built.samples, built.chips) == (again.samples, again.chips)
    assert set(built.chips) != set(other.chips)


def test_every_problem_has_its_row_and_its_mend(tmp_path):
    """Empty, collapsed, outside, doubled, too small, without text: each is named with its row; what crosses itself is mended."""
    boxes = scattered(6)
    raster = write_raster(tmp_path / "ortho.tif", heaps_px=boxes)
    good = [outline(box) for box in boxes]
    x, y = good[0].centroid.coords[0]
    bow = shapely.Polygon([(x, y), (x + 20, y + 20), (x + 20, y), (x, y + 20)])
    shapes = [
        *good,
        None,
        shapely.Point(x, y),
        outline((-900, -900, -800, -800)),
        good[1],
        shapely.box(x + 60, y + 60, x + 61, y + 61),
        outline((700, 1900, 730, 1930)),
        bow,
    ]
    texts = ["heap"] * 6 + ["heap"] * 5 + ["  ", "bow"]
    labels = write_labels(tmp_path / "labels.gpkg", shapes, texts)

    check, _ = read_labels(Source(raster, labels, field="what"))
    found = {problem.fid: problem.code for problem in check.problems if problem.fid is not None}
    lines = [cli.problem_line(problem) for problem in check.problems]

    assert found == {
        7: "empty-geometry",
        8: "no-area",
        9: "outside",
        10: "duplicate",
        11: "too-small",
        12: "no-expression",
        13: "mended-geometry",
    }
    assert len(check.labels) == 7
    assert "Row 10 is the same as row 2. It is left out. Delete one of the two." in lines
    assert all(len(line) > 20 and "{" not in line for line in lines)


def test_too_few_begin_nothing(tmp_path, capsys):
    """Two polygons are too few: nothing is started, and it is said how many it takes."""
    boxes = scattered(2)
    raster = write_raster(tmp_path / "ortho.tif", heaps_px=boxes)
    labels = write_labels(tmp_path / "l.gpkg", [outline(box) for box in boxes], ["heap"] * 2)

    code = main(["train", "--raster", str(raster), "--labels", str(labels), "--expression", "heap",
                 "--data-dir", str(tmp_path / "home")])  # fmt: skip

    told = capsys.readouterr()
    assert code == 1
    assert "2 polygons can be used; 3 are the least" in told.out
    assert "Nothing was started" in told.err
    assert not (tmp_path / "home" / "runs").exists()


def test_neighbours_are_one_place(tmp_path):
    """Objects that can be seen in one chip never lie in two parts."""
    boxes = [(x, y, x + 20, y + 20) for x in range(300, 2100, 60) for y in (300, 1200, 2000)]
    raster = write_raster(tmp_path / "ortho.tif", heaps_px=boxes)
    labels = write_labels(tmp_path / "l.gpkg", [outline(b) for b in boxes], ["heaps"] * len(boxes))

    built = built_from(Source(raster, labels, field="what", task="ovd"))
    check_no_ground_twice(built)
    assert {part for part, _ in built.ground} == {"train", "validation", "held_out"}
    assert any(len(sample.boxes_px) > 1 for sample in built.samples)
    check_samples(built.samples, built.sizes_px)


def test_masks_are_learned_from_outlines(tmp_path):
    """Asked for masks, every chip has the outlines of what it shows, on the object to a pixel, cut off at the chip's edge."""
    boxes = [(x, y, x + 60, y + 20) for x in range(300, 2100, 110) for y in (300, 1200, 2000)]
    raster = write_raster(tmp_path / "ortho.tif", heaps_px=boxes)
    labels = write_labels(tmp_path / "l.gpkg", [outline(b) for b in boxes], ["heaps"] * len(boxes))

    task = options_of("--raster", raster, "--labels", labels, "--expression", "h", "--task", "gres")
    built = built_from(Source(raster, labels, field="what", task=task.task))
    check_samples(built.samples, built.sizes_px)
    cut = 0
    for sample in built.samples:
        width, height = built.sizes_px[sample.chip]
        seen = np.asarray(Image.open(io.BytesIO(built.chips[sample.chip])))[..., 0] == 40
        said = polygon_mask(sample.polygons_px, height, width)
        cut += any(0 in point or width in point for p in sample.polygons_px for point in p[0])
        assert len(sample.polygons_px) == len(sample.boxes_px)
        assert (said & seen).sum() > 0.95 * said.sum()
        edge = box_mask(sample.boxes_px, height, width)
        assert (seen & edge & ~said).sum() < 0.05 * said.sum()
    assert cut


def test_one_object_means_one_answer(tmp_path):
    """Asked for one object, no chip shows two that the question fits."""
    boxes = scattered(12)
    boxes += [(box[0] + 90, box[1], box[2] + 90, box[3]) for box in boxes[:6]]
    raster = write_raster(tmp_path / "ortho.tif", heaps_px=boxes)
    labels = write_labels(tmp_path / "l.gpkg", [outline(b) for b in boxes], ["heap"] * len(boxes))

    built = built_from(Source(raster, labels, field="what"))

    assert built.samples
    assert {len(sample.boxes_px) for sample in built.samples} == {1}
    for sample in built.samples:
        image = Image.open(io.BytesIO(built.chips[sample.chip]))
        assert (np.asarray(image.crop(tuple(map(round, sample.boxes_px[0]))))[..., 0] == 40).all()


def test_all_chips_have_the_stretch_of_the_whole(tmp_path):
    """A raster of 16 bits is brought to 8 in the same way in every chip: a heap has one colour everywhere."""
    boxes = scattered(8)
    raster = write_raster(tmp_path / "ortho.tif", heaps_px=boxes, dtype="uint16")
    labels = write_labels(tmp_path / "l.gpkg", [outline(box) for box in boxes], ["heap"] * 8)

    built = built_from(Source(raster, labels, field="what"))
    whole = read_raster(raster, longest_side_px=2400)
    left, top, *_ = boxes[0]
    expected = whole.image.getpixel((left + 5, top + 5))
    colours = set()
    for sample in built.samples:
        image = Image.open(io.BytesIO(built.chips[sample.chip]))
        x, y = (int(value) for value in sample.boxes_px[0][:2])
        colours.add(image.getpixel((x + 5, y + 5)))

    assert len(colours) == 1
    assert np.abs(np.subtract(colours.pop(), expected)).max() <= 2


def test_wrong_field_names_those_that_are_there(field_of_heaps):
    """A field that is not there is refused with the names of those that are."""
    with pytest.raises(ConfigError, match="it has: what"):
        read_labels(Source(*field_of_heaps, field="class"))


def options_of(*words):
    parser = argparse.ArgumentParser()
    cli.add_train(parser)
    return parser.parse_args([str(word) for word in words])


def runs_options(action, *words):
    parser = argparse.ArgumentParser()
    cli.add_runs(parser)
    return parser.parse_args([action, *map(str, words)])


def test_a_run_in_the_terminal(field_of_heaps, tmp_path, capsys):
    """Samples, a line per step, the verdict with its interval, the model's id; then the run is listed, shown and deleted."""
    raster, labels = field_of_heaps
    home = tmp_path / "home"

    code = cli.train(
        options_of("--raster", raster, "--labels", labels, "--expression-field", "what",
                   "--name", "steps=4", "--data-dir", home),
        command=FAKE_RUNNER,
    )  # fmt: skip
    told = capsys.readouterr().out
    run = RunStore(home / "runs", limit=9).ids()[0]

    assert code == 0
    assert "The polygons come in EPSG:4326 and are transformed" in told
    assert "16 polygons, " in told
    assert [line.split()[1] for line in told.splitlines() if line.startswith("step ")] == [
        "1/4",
        "2/4",
        "3/4",
        "4/4",
    ]
    assert "gain    +40.0% (+30.0% to +50.0%), 95 %" in told
    assert "Better than before." in told
    assert f"--model run-{run}" in told
    assert main(["runs", "list", "--data-dir", str(home)]) == 0
    assert "20% → 60% (better)" in capsys.readouterr().out
    assert main(["runs", "show", run, "--data-dir", str(home)]) == 0
    assert "step 4/4" in capsys.readouterr().out
    assert main(["datasets", "list", "--data-dir", str(home)]) == 0
    dataset = capsys.readouterr().out.split("\t")[0]
    assert main(["runs", "delete", run, "--data-dir", str(home)]) == 0
    assert main(["datasets", "delete", dataset, "--data-dir", str(home)]) == 0
    assert main(["runs", "show", run, "--data-dir", str(home)]) == 1
    assert not list((home / "datasets").iterdir())


def test_a_crash_in_the_terminal_is_said(field_of_heaps, tmp_path, capsys):
    """A runner that breaks is a failed run with its last words, and resume goes on."""
    raster, labels = field_of_heaps
    home = tmp_path / "home"
    words = options_of("--raster", raster, "--labels", labels, "--expression", "heap", "--name", "steps=4 crash=3", "--data-dir", home)  # fmt: skip
    with pytest.raises(Exception, match="something broke"):
        cli.train(words, command=FAKE_RUNNER)
    run = RunStore(home / "runs", limit=9).ids()[0]

    code = cli.resume_run(runs_options("resume", run, "--data-dir", home), command=FAKE_RUNNER)
    told = capsys.readouterr().out

    assert code == 0
    assert "resumed after step 2" in told
    with pytest.raises(RunComplete):
        cli.resume_run(runs_options("resume", run, "--data-dir", home), command=FAKE_RUNNER)


def test_ctrl_c_saves_and_another_terminal_can_stop(field_of_heaps, tmp_path):
    """Ctrl+C saves, ends within a step and says how to go on; a run is not alone stopped by its own terminal."""
    raster, labels = field_of_heaps
    home = tmp_path / "home"
    words = ["--raster", str(raster), "--labels", str(labels), "--expression", "heap",
             "--name", "steps=500 step_s=0.05", "--data-dir", str(home)]  # fmt: skip
    code = textwrap.dedent(f"""
        import signal, sys
        from tests.backend.test_train_from_raster import cli, options_of
        # a shell without job control has its background jobs ignore Ctrl+C, and their children with them
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.exit(cli.train(options_of(*{words!r}), command={FAKE_RUNNER!r}))
    """)
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'backend'}"}
    store = RunStore(home / "runs", limit=9)

    def begin():
        before = len(store.ids())
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
        )
        run = wait_for(lambda: len(store.ids()) > before and store.ids()[0], "run")
        wait_for(lambda: _step(store, run) >= 2, "step")
        return child, run

    child, run = begin()
    with pytest.raises(RunActive):  # one at a time
        cli.check_nobody_trains(store)
    assert main(["runs", "delete", run, "--data-dir", str(home)]) == 1
    child.send_signal(signal.SIGINT)
    told, _ = child.communicate(timeout=30)
    assert child.returncode == 130
    assert f"geo-r1 runs resume {run}" in told

    child, run = begin()
    assert main(["runs", "stop", run, "--data-dir", str(home)]) == 0
    told, _ = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "stopped" in told


def _step(store, run):
    with store.open(run) as database:
        return int(database.values().get("step", 0))


def test_a_run_belongs_to_one_process(tmp_path):
    """A run that somebody trains is not trained by another process at the same time."""
    from geo_r1_backend.storage.lock import LockHeld
    from geo_r1_backend.training_wire import RunRequest

    store = RunStore(tmp_path / "runs", limit=9)
    run = store.create(RunRequest(dataset="0" * 16))
    with store.open(run) as database, claim_run(store.folder(run), database):
        with pytest.raises(LockHeld), claim_run(store.folder(run), database):
            pass
        assert int(database.values()["pid"]) == os.getpid()
