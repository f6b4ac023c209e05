"""The result file while something is wrong with it: locked, on a full disk, read-only, taken away, shared, half made."""

import contextlib
import os
import resource
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsVectorLayer

from geo_r1_qgis.core.errors import LayerError
from geo_r1_qgis.layers import creation, geopackage
from geo_r1_qgis.layers.schema import RUNS
from tests.faults.children import Asker, ask_once
from tests.qgis.person import type_question, wait_for_end
from tests.qgis.stub_service import CLOSE, HANG, detection, failure, started, token
from tests.qgis.test_layers_store import (
    UTM33,
    ask,
    found,
    frame_in,
    result_of,
    rows,
    run_in,
)

NOBODY = 65534
LONG_S = 4.0
"""Longer than a write waits by itself."""


@contextlib.contextmanager
def locked(path):
    """Another program in the middle of a transaction."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as blocker:
        blocker.execute("BEGIN EXCLUSIVE")
        yield
        blocker.execute("ROLLBACK")


def is_sound(path):
    """SQLite finds no fault, and OGR opens it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return verdict == "ok" and QgsVectorLayer(f"{path}|layername=detections", "x", "ogr").isValid()


def uids_in(path):
    """Detections that are on disk."""
    return {row["uid"] for row in rows(path, "detections")}


# ---- locked ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("since", ["before the file is opened", "in the middle of a run"])
def test_a_long_lock_is_said_and_waited_for(qtbot, store, tmp_path, since):
    """Said within seconds with a sentence of its own; no second file; written, and said, when the lock is gone."""
    (first,) = ask(store, qtbot, frame_in())
    run = store.begin_run(run_in(frame_in()))
    if since == "in the middle of a run":
        with qtbot.waitSignal(store.stored, timeout=8000):
            store.add(run, found(0), frame_in(), "")
        store.flush(5)
    # the layer reads the file anew first: QGIS does so on the window's thread, and its provider waits 5 s for each lock
    qtbot.waitUntil(lambda: not store._shown._refresh.isActive(), timeout=8000)
    qtbot.wait(150)

    with locked(store.path):
        began = time.monotonic()
        second = store.add(run, found(1), frame_in(), "")
        qtbot.waitUntil(lambda: bool(store.errors), timeout=20_000)
        said_after_s = time.monotonic() - began
        while time.monotonic() < began + LONG_S:
            qtbot.wait(50)
    qtbot.waitUntil(lambda: bool(store.recoveries), timeout=20_000)

    (error,) = store.errors
    assert error.code == "layer-locked"
    assert store.path in str(error)
    assert said_after_s < 15
    assert {first, second} <= uids_in(store.path)
    assert [path.name for path in tmp_path.glob("*.gpkg")] == ["harbour_geo-r1.gpkg"]


def test_closing_with_a_locked_file_writes_elsewhere_and_the_next_start_says_so(
    qtbot, open_store, tmp_path
):
    """QGIS is closed while another program holds the file: the detection is in the user's own folder."""
    store = open_store()
    ask(store, qtbot, frame_in())
    with locked(store.path):
        run = store.begin_run(run_in(frame_in(), "asked while it was locked"))
        uid = store.add(run, found(), frame_in(), "")
        store.break_off_run(run, "stopped", "so far")
        began = time.monotonic()
        store.close()
        took_s = time.monotonic() - began
    elsewhere = tmp_path / "own" / "harbour_geo-r1.gpkg"
    following = open_store()
    following.look_back()

    assert uids_in(elsewhere) == {uid}
    assert [(run["query"], run["outcome"]) for run in rows(elsewhere, "runs")] == [
        ("asked while it was locked", "stopped")
    ]
    assert took_s < 12
    (told,) = following.told_texts
    assert str(elsewhere) in told
    following.look_back()
    assert len(following.told_texts) == 1


def test_a_lock_in_the_middle_of_opening_is_a_lock(tmp_path, monkeypatch):
    """Another program takes the file after its first page was read: it is locked, not of an unknown kind, and said so soon."""
    path = tmp_path / "harbour_geo-r1.gpkg"
    geopackage.create(str(path), crs_wkt=UTM33.toWkt(), program="test")
    read_head = geopackage.ResultFile._read_head
    with contextlib.ExitStack() as stack:

        def read_late(file):
            stack.enter_context(locked(path))
            return read_head(file)

        monkeypatch.setattr(geopackage.ResultFile, "_read_head", read_late)
        began = time.monotonic()
        with pytest.raises(LayerError) as refusal:
            geopackage.ResultFile(str(path))
        took_s = time.monotonic() - began

    assert refusal.value.code == "layer-locked"
    assert took_s < 15  # OGR's own patience is half a minute


# ---- full --------------------------------------------------------------------------------------------------------------


def test_a_full_disk_loses_nothing(qtbot, store, project, small_disk):
    """Said in one short sentence; what waits is written by itself when there is room again; the file stays sound."""
    project.setFileName(str(small_disk.folder / "harbour.qgz"))
    (first,) = ask(store, qtbot, frame_in())
    run = store.begin_run(run_in(frame_in()))
    small_disk.fill()
    waiting = [store.add(run, found(rank), frame_in(), "why " * 1500) for rank in range(12)]
    qtbot.waitUntil(lambda: bool(store.errors), timeout=20_000)
    sound_while_full = is_sound(store.path)
    small_disk.empty()
    store.retry()
    qtbot.waitUntil(lambda: bool(store.recoveries), timeout=20_000)

    assert store.errors[0].code == ("layer-disk-full" if small_disk.is_mounted else "layer-file")
    assert store.path in str(store.errors[0])
    assert len(str(store.errors[0])) < 300
    assert sound_while_full
    assert is_sound(store.path)
    assert uids_in(store.path) == {first, *waiting}


def test_no_room_for_a_new_file_goes_to_another_disk(qtbot, store, project, small_disk, tmp_path):
    """Where the file cannot even be made it is made in the user's own folder, and that is said; nothing half made stays."""
    project.setFileName(str(small_disk.folder / "harbour.qgz"))
    if not small_disk.is_mounted:
        # a limit on the size of files is the same on every disk: then it waits
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        run = store.begin_run(run_in(frame_in()))
        uid = store.add(run, found(), frame_in(), "")
        qtbot.waitUntil(lambda: bool(store.errors), timeout=20_000)
        small_disk.empty()
        store.retry()
        qtbot.waitUntil(lambda: bool(store.recoveries), timeout=20_000)
        assert uids_in(store.path) == {uid}
        return
    small_disk.fill()

    (uid,) = ask(store, qtbot, frame_in())

    assert uids_in(tmp_path / "own" / "harbour_geo-r1.gpkg") == {uid}
    assert "full" in store.remarks[0]
    assert [path.name for path in small_disk.folder.iterdir()] == ["big"]


# ---- read-only ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def open_folder():
    """A folder that other users can reach, as a project's on a server; with a home for the one who works there."""
    folder = Path(tempfile.mkdtemp(prefix="geo-r1-faults-"))
    (folder / "home").mkdir()
    (folder / "project").mkdir()
    for path in (folder, folder / "home", folder / "project"):
        path.chmod(0o777)
    yield folder
    (folder / "project").chmod(0o777)
    shutil.rmtree(folder)


@pytest.mark.parametrize("what", ["the folder, with a file in it", "the folder, empty", "the file"])
def test_read_only_is_stepped_aside(open_folder, what):
    """A project on a read-only share: detections go to a place that can be written, which is said; the file is untouched."""
    user = NOBODY if os.geteuid() == 0 else None
    project = open_folder / "project" / "harbour.qgz"
    path = open_folder / "project" / "harbour_geo-r1.gpkg"
    if "empty" not in what:
        geopackage.create(str(path), crs_wkt=UTM33.toWkt(), program="test")
        path.chmod(0o444 if what == "the file" else 0o666)
    before = path.read_bytes() if path.exists() else b""
    if what != "the file":
        path.parent.chmod(0o555)

    asker = ask_once(project, open_folder / "home", user=user)

    (remark,) = (text for (text,) in asker.said("remarked"))
    (made,) = (
        each for each in open_folder.rglob("*geo-r1.gpkg") if each != path and each.is_file()
    )
    assert asker.said("failed") == []
    assert str(made) in remark
    assert uids_in(made) == {uid for (uid,) in asker.said("stored")}
    assert len(uids_in(made)) == 3
    assert (path.read_bytes() if path.exists() else b"") == before
    assert (made.parent == path.parent) == (what == "the file")


# ---- taken away --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["between questions", "in the middle of a run"])
def test_a_deleted_file_is_made_anew(qtbot, store, tmp_path, when):
    """What is found after somebody deleted the file is in a new one, with its question, and the layer shows it."""
    ask(store, qtbot, frame_in())
    run = store.begin_run(run_in(frame_in(), "the second"))
    if when == "in the middle of a run":
        with qtbot.waitSignal(store.stored, timeout=8000):
            store.add(run, found(0), frame_in(), "")
    store.flush(5)
    Path(store.path).unlink()

    with qtbot.waitSignal(store.stored, timeout=8000):
        uid = store.add(run, found(1), frame_in(), "")
    store.finish_run(run, result_of([]))
    store.flush(5)
    qtbot.wait(150)

    assert store.errors == []
    assert uids_in(store.path) == {uid}
    assert [(run["query"], run["outcome"]) for run in rows(store.path, "runs")] == [
        ("the second", "found")
    ]
    assert [feature["uid"] for feature in store.layer.getFeatures()] == [uid]


def test_a_replaced_file_keeps_its_own_rows(qtbot, store, tmp_path):
    """Another result file under the same name in the middle of a run: nothing of it is changed, the new rows join it."""
    other = tmp_path / "other.gpkg"
    geopackage.create(str(other), crs_wkt=UTM33.toWkt(), program="test")
    file = geopackage.ResultFile(str(other))
    file.write(RUNS, {"run_uid": "of somebody else", "query": "another question"})
    file.write("detections", {"uid": "of somebody else", "reasoning": "other reasons"})
    file.close()
    run = store.begin_run(run_in(frame_in(), "mine"))
    with qtbot.waitSignal(store.stored, timeout=8000):
        store.add(run, found(0), frame_in(), "")
    store.flush(5)
    other.replace(store.path)

    with qtbot.waitSignal(store.stored, timeout=8000):
        uid = store.add(run, found(1), frame_in(), "")
    store.finish_run(run, result_of([]))
    store.flush(5)

    runs = {row["query"]: row["outcome"] for row in rows(store.path, "runs")}
    reasons = {row["uid"]: row["reasoning"] for row in rows(store.path, "detections")}
    assert runs == {"another question": None, "mine": "found"}
    assert reasons["of somebody else"] == "other reasons"
    assert set(reasons) == {"of somebody else", uid}


def test_a_file_that_goes_away_while_it_is_open_is_noticed(qtbot, store):
    """Deleted between two rows of one burst: what is said to be stored is in a file that has the name."""
    ask(store, qtbot, frame_in())
    path = Path(store.path)
    run = store.begin_run(run_in(frame_in()))
    uids = [store.add(run, found(rank), frame_in(), "") for rank in range(30)]
    qtbot.waitUntil(lambda: len(store.uids) > 5, timeout=8000)
    gone = set(store.uids)
    path.unlink()
    assert store.flush(20)
    qtbot.wait(150)

    # a row whose commit was under way at that moment may be in either
    assert len(set(uids) - gone - uids_in(path)) <= 1
    assert is_sound(path)
    assert store.errors == []


# ---- shared ------------------------------------------------------------------------------------------------------------


def test_two_windows_make_one_file(tmp_path, monkeypatch):
    """The slower of two windows that make the same file finds the other's, with what is in it, and leaves it so."""
    path = tmp_path / "harbour_geo-r1.gpkg"
    make_tables = creation._create_tables

    def make_slowly(half_made, crs_wkt, program):
        make_tables(half_made, crs_wkt, program)
        monkeypatch.setattr(creation, "_create_tables", make_tables)
        geopackage.create(str(path), crs_wkt=crs_wkt, program="the other window")
        file = geopackage.ResultFile(str(path))
        file.write(RUNS, {"run_uid": "of the other window"})
        file.close()

    monkeypatch.setattr(creation, "_create_tables", make_slowly)
    geopackage.create(str(path), crs_wkt=UTM33.toWkt(), program="this window")

    assert [row["run_uid"] for row in rows(path, "runs")] == ["of the other window"]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_three_windows_write_at_once(tmp_path):
    """Three QGIS with one project begin at the same moment, the file not yet there: every detection is in one sound file."""
    with contextlib.ExitStack() as stack:
        askers = [
            stack.enter_context(
                Asker(
                    tmp_path / "harbour.qgz",
                    tmp_path,
                    *("--detections", 40, "--east", 500_100 + 1000 * number),
                )
            )
            for number in range(3)
        ]
        for asker in askers:
            asker.wait_for("ready")
        for asker in askers:
            asker.go()
        codes = [asker.finish() for asker in askers]

    path = tmp_path / "harbour_geo-r1.gpkg"
    stored = {uid for asker in askers for (uid,) in asker.said("stored")}
    layer = QgsVectorLayer(f"{path}|layername=detections", "all", "ogr")
    assert codes == [0, 0, 0]
    assert [asker.said("failed") for asker in askers] == [[], [], []]
    assert len(stored) == 120
    assert uids_in(path) == stored
    assert [row["outcome"] for row in rows(path, "runs")] == ["found"] * 3
    assert layer.featureCount() == 120
    assert layer.extent().width() > 2000  # the extent in the file's head is that of all three
    assert is_sound(path)
    assert [each.name for each in tmp_path.glob("*.gpkg")] == [path.name]
    assert list(tmp_path.glob(".*gpkg*")) == []


# ---- left over ---------------------------------------------------------------------------------------------------------


def test_half_made_files_are_swept(qtbot, store, tmp_path):
    """What a killed QGIS left is swept when it is an hour old, also where the result file exists; a fresh one is not."""
    ask(store, qtbot, frame_in())
    old, fresh, future = (
        tmp_path / f".harbour_geo-r1-{name}.gpkg" for name in ("00000000", "11111111", "22222222")
    )
    for path in (old, fresh, future):
        path.write_bytes(b"half")
    journal = old.with_name(old.name + "-journal")
    journal.write_bytes(b"half")
    for path, hours in ((old, -2), (journal, -2), (future, 30)):
        moment = time.time() + hours * 3600
        os.utime(path, (moment, moment))

    ask(store, qtbot, frame_in())

    assert fresh.exists()
    assert [path.name for path in (old, journal, future) if path.exists()] == []


def test_an_interrupted_question_is_said_at_the_next_start(qtbot, open_store, tmp_path):
    """QGIS was killed in the middle: its detections are there, the run says so, and the user hears it once."""
    killed = ask_once(tmp_path / "harbour.qgz", tmp_path, "--leave", "in the middle")
    store = open_store()
    mine = store.begin_run(run_in(frame_in(), "still being answered"))
    with qtbot.waitSignal(store.stored, timeout=8000):
        store.add(mine, found(), frame_in(), "")

    store.look_back()
    qtbot.waitUntil(lambda: bool(store.told_texts), timeout=8000)
    again = open_store()
    again._runs = store._runs
    again.look_back()
    again._looking.wait(5)
    qtbot.wait(50)

    outcomes = {row["query"]: row["outcome"] for row in rows(store.path, "runs")}
    (told,) = store.told_texts
    assert outcomes == {"the largest storage tank": "interrupted", "still being answered": None}
    assert {uid for (uid,) in killed.said("stored")} <= uids_in(store.path)
    assert "“the largest storage tank”" in told
    assert store.path in told
    assert again.told_texts == []


def test_looking_back_makes_no_file(qtbot, store, tmp_path):
    """Where nothing was asked, or the file is not ours, looking leaves everything as it is."""
    store.look_back()
    path = tmp_path / "harbour_geo-r1.gpkg"
    path.write_bytes(b"my holiday pictures")
    store.look_back()
    store._looking.wait(5)
    qtbot.wait(50)

    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"my holiday pictures"
    assert (store.told_texts, store.errors) == ([], [])


# ---- one bad answer ----------------------------------------------------------------------------------------------------


def test_an_answer_without_a_place_does_not_hold_up_the_others(qtbot, store):
    """A detection that does not exist in the file's CRS is kept without a polygon; those behind it are written."""
    ask(store, qtbot, frame_in())
    mars = QgsCoordinateReferenceSystem.fromProj("+proj=longlat +a=3396190 +b=3376200 +no_defs")
    nowhere = frame_in(mars, centre=(137.4, -4.6), units_per_px=1e-5)
    run = store.begin_run(run_in(nowhere, "a crater"))
    lost = store.add(run, found(), nowhere, "")
    (following,) = ask(store, qtbot, frame_in())

    by_uid = {row["uid"]: row for row in rows(store.path, "detections")}
    assert by_uid[lost]["x_min_px"] == 100
    assert (by_uid[lost]["geom"] is None) == bool(store.errors)
    assert {error.code for error in store.errors} <= {"layer-transform"}
    assert by_uid[following]["geom"] is not None


@pytest.mark.parametrize(
    ("script", "stop", "outcome"),
    [
        ([started(), token("Find"), detection(), HANG], True, "stopped"),
        ([started(), token("Find"), detection(), 0.3, CLOSE], False, "failed"),
        ([started(), detection(), failure("engine-failed")], False, "failed"),
    ],
)
def test_how_a_question_ended_is_in_the_file(
    qtbot, plugin, dock, stub, tmp_path, script, stop, outcome
):
    """Stopped and failed questions say so in the table of runs: only a killed QGIS leaves a run without an end."""
    stub.scripts = [script]
    type_question(dock)
    qtbot.waitUntil(lambda: plugin.services.asking.state.detections != [], timeout=5000)
    if stop:
        plugin.services.asking.stop()
    wait_for_end(qtbot, plugin)

    (run,) = rows(tmp_path / "project_geo-r1.gpkg", "runs")
    assert (run["outcome"], bool(run["finished"])) == (outcome, True)
    assert len(uids_in(tmp_path / "project_geo-r1.gpkg")) == 1
