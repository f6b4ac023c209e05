"""Published data sets are read from files in their own formats, and what is missing is named with its place."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

pytest.importorskip("cv2", reason="the evaluation's package needs opencv")

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation.formats.dior_rsvg import read_dior_rsvg
from geo_r1_backend.evaluation.formats.earthreason import read_earthreason
from geo_r1_backend.evaluation.formats.geopackage import read_geopackage
from geo_r1_backend.evaluation.formats.nwpu import read_nwpu_coco
from geo_r1_backend.evaluation.formats.rrsis_d import read_rrsis_d
from geo_r1_backend.evaluation.formats.vrsbench import read_vrsbench
from tests.pure import published_samples as made


def test_vrsbench_hundredths_become_pixels(tmp_path):
    """Boxes of the published json are shares of the sides: of 512 px, <25> is 128."""
    made.vrsbench_json(tmp_path)
    first, second = read_vrsbench(tmp_path)

    assert first.query == "The small vehicle at the top-left"
    assert first.truth_in(first.read_image()) == ((128.0, 204.8, 168.96, 307.2),)
    assert (first.kind, first.unique, second.unique) == ("small-vehicle", True, False)
    assert first.picture == second.picture == "P0003_0002.png"
    assert first.read_image().size == (512, 512)


def test_vrsbench_of_the_papers_scripts(tmp_path):
    """Their json has pixels and the prompt's wrapper around the sentence, which is taken off."""
    made.vrsbench_scripts_json(tmp_path)
    (sample,) = read_vrsbench(tmp_path)

    assert sample.query == "the ship on the left"
    assert sample.truth_in(sample.read_image()) == ((10.0, 20.0, 60.0, 80.0),)
    assert sample.unique is True


@pytest.mark.parametrize("named", [True, False])
def test_vrsbench_parquet(tmp_path, named):
    """Pictures lie inside the parquet; rows about one picture share it, whether it has a name or not."""
    pytest.importorskip("pyarrow", reason="the extra “evaluate” is not installed")
    made.vrsbench_parquet(tmp_path, named=named)
    samples = read_vrsbench(tmp_path)

    assert [s.query for s in samples] == ["the ship", "the long ship", "the tank"]
    assert samples[0].truth_px == ((10.24, 20.48, 61.44, 81.92),)
    assert [s.unique for s in samples] == [True, False, None]
    assert samples[0].picture == samples[1].picture != samples[2].picture
    assert samples[2].read_image().getpixel((5, 5)) == (9, 9, 200)
    assert samples[0].read_image().size == (512, 512)


def test_dior_rsvg_counts_objects_over_all_files(tmp_path):
    """test.txt numbers the objects of all files in the order of their names."""
    made.dior_rsvg(tmp_path)
    samples = read_dior_rsvg(tmp_path)

    assert [s.query for s in samples] == ["The ship on the left", "A white tank"]
    assert samples[0].truth_px == ((30.0, 40.0, 90.0, 100.0),)
    assert [s.picture for s in samples] == ["00001.jpg", "00002.jpg"]
    assert samples[1].kind == "storagetank"
    assert len(read_dior_rsvg(tmp_path, "all")) == 3


def test_dior_rsvg_that_is_half_unpacked_is_refused(tmp_path):
    """A number beyond the last object means missing files, not fewer questions."""
    made.dior_rsvg(tmp_path)
    (tmp_path / "test.txt").write_text("0\n7\n")

    with pytest.raises(ConfigError, match="names object 7, but Annotations/ has 3"):
        read_dior_rsvg(tmp_path)


def test_xml_with_entities_is_refused(tmp_path):
    """A file that could grow into gigabytes while it is read is not read."""
    made.dior_rsvg(tmp_path)
    (tmp_path / "Annotations" / "00001.xml").write_text(
        '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>'
    )
    with pytest.raises(ConfigError, match="declares entities"):
        read_dior_rsvg(tmp_path)


def test_nwpu_asks_for_every_class_in_every_picture(tmp_path):
    """No oracle list: two pictures and three classes are six questions, four of them about nothing."""
    made.nwpu(tmp_path)
    samples = read_nwpu_coco(tmp_path)

    assert len(samples) == 6
    assert sum(not s.truth_px for s in samples) == 4
    tank = next(s for s in samples if s.truth_px and s.kind == "storage tank")
    assert tank.truth_px == ((10.0, 20.0, 40.0, 60.0), (50.0, 60.0, 57.0, 68.0))
    assert tank.read_image().size == (120, 100)


def test_earthreason_pairs_by_name_and_knows_empty_targets(tmp_path):
    """The first question of each file, its mask, and an empty mask where nothing is sought."""
    made.earthreason(tmp_path)
    first, empty = read_earthreason(tmp_path)

    assert first.query == "Where could ships find shelter?"
    assert (first.read_mask().sum(), empty.read_mask().sum()) == (600, 0)
    assert first.read_mask()[10:30, 5:35].all()


def test_earthreason_of_the_papers_script(tmp_path):
    """The jsonl names picture and mask by paths under the folder."""
    made.earthreason(tmp_path)
    record = {"id": "7", "category": "harbor", "image": "test/images/a.jpg", "mask": "test/labels/a.png",
              "problem": "Where?", "bbox_list": [[5, 10, 35, 30]]}  # fmt: skip
    (tmp_path / "test.jsonl").write_text(json.dumps(record) + "\n")
    (sample,) = read_earthreason(tmp_path)

    assert (sample.id, sample.kind, sample.query) == ("7", "harbor", "Where?")
    assert sample.read_mask().sum() == 600


@pytest.mark.parametrize("packed", [True, False])
def test_rrsis_d_masks(tmp_path, packed):
    """The first sentence of each reference of the split, with its mask from packed or plain run lengths."""
    if packed:
        # the packing side is COCO's own
        pytest.importorskip("pycocotools", reason="the extra “evaluate” is not installed")
    made.rrsis_d(tmp_path, packed=packed)
    (sample,) = read_rrsis_d(tmp_path)
    expected = np.zeros((40, 60), bool)
    expected[10:30, 5:35] = True

    assert (sample.query, sample.kind) == ("The ship on the Left", "ship")
    assert (sample.read_mask() == expected).all()
    assert len(read_rrsis_d(tmp_path, "train")) == 1


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    """refs(unc).p is read as plain values; anything else in it is an error, and nothing runs."""
    made.rrsis_d(tmp_path, packed=False)
    trace = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (open, (str(trace), "w"))

    (tmp_path / "rrsisd" / "refs(unc).p").write_bytes(pickle.dumps([Evil()]))
    with pytest.raises(ConfigError, match=r"wants to load (_?io|builtins)\.open"):
        read_rrsis_d(tmp_path)
    assert not trace.exists()


def test_a_damaged_pickle_is_named(tmp_path):
    """Half a file is one sentence with its path."""
    made.rrsis_d(tmp_path, packed=False)
    path = tmp_path / "rrsisd" / "refs(unc).p"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ConfigError, match=r"refs\(unc\)\.p cannot be read"):
        read_rrsis_d(tmp_path)


def test_geopackage_boxes_lie_on_the_pixels(tmp_path):
    """Polygons in another CRS than the raster's come out on the objects that they were drawn around."""
    made.geopackage(tmp_path)
    samples = read_geopackage(tmp_path, window_px=100)

    seen = 0
    for sample in samples:
        pixels = np.asarray(sample.read_image()).astype(int)
        for x0, y0, x1, y1 in sample.truth_px:
            inside = pixels[round(y0) + 1 : round(y1) - 1, round(x0) + 1 : round(x1) - 1]
            assert np.abs(inside - made.COLOURS[sample.query]).max() <= 2
            seen += 1
    assert seen == 3
    # every text in every window with data, except where an object is cut
    assert {(s.query, s.picture.split()[-1]) for s in samples if not s.truth_px} == {
        ("shed", "0,0"),
        ("tank", "100,0"),
        ("tank", "0,100"),
    }


def test_geopackage_masks_and_single_objects(tmp_path):
    """`gres` gives masks with the polygon's pixels, `rec` only windows where one object is meant."""
    made.geopackage(tmp_path)
    masks = read_geopackage(tmp_path, window_px=100, task="gres")
    single = read_geopackage(tmp_path, window_px=100, task="rec")

    by_text = {s.query: s for s in masks}
    assert by_text["shed"].read_mask().sum() == pytest.approx(20 * 15, abs=3)
    assert [s.query for s in single] == ["shed"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layer": "roads"}, "has no layer “roads”; there are: objects"),
        ({"text_field": "species"}, "has no field species; it has: query"),
    ],
)
def test_geopackage_without_what_was_named(tmp_path, options, said):
    """A layer or field that is not there is an error that lists those that are."""
    made.geopackage(tmp_path)
    with pytest.raises(ConfigError, match=said):
        read_geopackage(tmp_path, **options)


READERS = {
    "vrsbench": read_vrsbench,
    "dior-rsvg": read_dior_rsvg,
    "nwpu": read_nwpu_coco,
    "earthreason": read_earthreason,
    "rrsis-d": read_rrsis_d,
    "gpkg": read_geopackage,
}


@pytest.mark.parametrize("name", READERS)
def test_an_empty_folder_is_named_with_what_it_lacks(tmp_path, name):
    """The error says which file is missing and where it was expected."""
    with pytest.raises(ConfigError) as caught:
        READERS[name](tmp_path)
    assert str(tmp_path) in caught.value.message + caught.value.hint
    assert "expected" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("dior-rsvg", "test.txt"),
        ("nwpu", "2.jpg"),
        ("earthreason", "test/labels/a.png"),
        ("rrsis-d", "rrsisd/instances.json"),
    ],
)
def test_a_file_that_is_missing_in_the_middle_is_named(tmp_path, name, missing):
    """A set that is there but for one file says which, before a model is asked."""
    {"dior-rsvg": made.dior_rsvg, "nwpu": made.nwpu, "earthreason": made.earthreason,
     "rrsis-d": made.rrsis_d}[name](tmp_path)  # fmt: skip
    path = next(tmp_path.rglob(missing))
    path.unlink()
    with pytest.raises(ConfigError, match="is not there") as caught:
        READERS[name](tmp_path)
    assert path.name in caught.value.message
    assert str(path.parent) in caught.value.hint


def test_a_record_of_another_layout_is_named(tmp_path):
    """A json with other fields is an error that names the record, the field and what is there."""
    (tmp_path / "VRSBench_EVAL_referring.json").write_text('[{"image_id": "a.png", "text": "x"}]')
    with pytest.raises(
        ConfigError, match=r"record 0 .* has no “ground_truth”; it has: image_id, text"
    ):
        read_vrsbench(tmp_path)


def test_a_picture_that_is_missing_is_named(tmp_path):
    """Pictures are opened late; a missing one is still one sentence with its place."""
    made.vrsbench_json(tmp_path)
    (tmp_path / "Images_val" / "P0003_0002.png").unlink()
    with pytest.raises(ConfigError, match=r"P0003_0002\.png is not there"):
        read_vrsbench(tmp_path)[0].read_image()
