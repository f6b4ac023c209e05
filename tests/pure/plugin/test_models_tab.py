"""The Models tab without its window: groups, what can be done, and what a service says made harmless."""

from dataclasses import replace

import pytest

from geo_r1_qgis.core import models_wire as mw
from geo_r1_qgis.core import wire
from geo_r1_qgis.core.codec import decode_fetch_event, encode
from geo_r1_qgis.core.errors import ProtocolError
from geo_r1_qgis.core.harmless_models import harmless_fetch_event, harmless_fetching
from geo_r1_qgis.core.model_groups import can_manage, chosen_id, group_of, grouped, offer

COMMIT = 40 * "a"
PLAN = mw.FetchPlan(
    "a/b", "main", COMMIT, "b", "https://hub", [mw.PlannedFile("x", 1, "a/b")], 1, 0, 9
)
INFO = mw.FetchInfo("a-b.aaaaaaaaaaaa", "a/b", "main", COMMIT, "stopped", 5, 9)


def model(name="m", **more):
    return wire.ModelInfo(name, name, "torch", ["rec"], **{"state": "available", **more})


GROUPS = [
    ({"origin": "embedded"}, "embedded"),
    ({"origin": "hub"}, "hub"),
    ({"origin": "import"}, "folder"),
    ({"origin": "folder"}, "folder"),
    ({"origin": "run", "run": "r"}, "run"),
    ({"origin": "remote"}, "remote"),
    ({"origin": "moon"}, "folder"),  # what a newer service invents
    ({"is_default": True}, "embedded"),  # an older service
    ({}, "folder"),
    ({"run": "r"}, "run"),
]


@pytest.mark.parametrize(("fields", "group"), GROUPS)
def test_group_of_a_model(fields, group):
    """Where a model is from decides its group, for services of every version."""
    assert group_of(model(**fields)) == group


def test_groups_keep_every_model_once():
    """No model is lost or shown twice, and groups come in one order whatever the service's is."""
    models = [model(str(i), **fields) for i, (fields, _) in enumerate(GROUPS)]
    shown = grouped(models)

    assert sorted(m.id for _, members in shown for m in members) == sorted(m.id for m in models)
    assert [group for group, _ in shown] == ["embedded", "hub", "folder", "run", "remote"]


def test_chosen_model():
    """The model of the settings where it is listed, else the service's own choice, else the first."""
    models = [model("a"), model("b", is_default=True)]

    assert [chosen_id(models, wanted) for wanted in ("a", "gone", "")] == ["a", "b", "b"]
    assert (chosen_id([model("a")], ""), chosen_id([], "x")) == ("a", None)


OFFERS = [
    ({}, "use load"),
    ({"state": "loaded"}, "use unload"),
    ({"state": "loading"}, "use"),
    ({"state": "failed", "can_delete": True}, "delete"),
    ({"can_delete": True}, "use load delete"),
    ({"state": "loaded", "can_delete": True}, "use unload"),  # not while it is loaded
    ({"origin": "remote"}, "use"),
]


@pytest.mark.parametrize(("fields", "offered"), OFFERS)
def test_offer_follows_the_state(fields, offered):
    """What can be done about a model follows from its state; nothing that the service would refuse."""
    can = offer(model(**fields), is_chosen=False, can_manage=True)

    assert [
        name for name in ("use", "load", "unload", "delete") if getattr(can, name)
    ] == offered.split()


def test_old_service_is_offered_less():
    """Before 1.3 a service neither unloads nor deletes; versions that are none count as old."""
    can = offer(model(state="loaded", can_delete=True), is_chosen=True, can_manage=False)

    assert {can.use, can.unload, can.delete} == {False}
    assert [can_manage(v) for v in ("1.2", "1.3", "1.10", "2.0", "", "1", "x.y")] == [
        False, True, True, True, False, False, False
    ]  # fmt: skip


def test_consent_repeats_the_plan():
    """What is sent to go on with a download is what was agreed to first."""
    assert INFO.consent == mw.FetchRequest("a/b", COMMIT, 9, "main", None)
    assert PLAN.fits
    assert not replace(PLAN, size_bytes=10).fits
    assert replace(PLAN, size_bytes=10, there_bytes=1).fits


@pytest.mark.parametrize(
    "value",
    [
        replace(PLAN, commit="main"),
        replace(PLAN, base_commit="x"),
        replace(PLAN, installed_commit="../.."),
        replace(INFO, id="../x"),
        replace(INFO, id=".."),
        replace(INFO, commit=""),
        mw.FetchList([INFO, replace(INFO, id="a/b")]),
    ],
)
def test_ids_that_are_none_are_refused(value):
    """What is sent back as an id or a commit must be one."""
    with pytest.raises(ProtocolError):
        harmless_fetching(value)


def test_texts_and_numbers_have_limits():
    """Texts are visible, on one line and cut; sizes are of this world; lists end."""
    plan = harmless_fetching(
        replace(
            PLAN,
            licence="a\n\u202eb" + "x" * 999,
            size_bytes=-5,
            free_bytes=2**80,
            files=PLAN.files * 5000,
        )
    )
    progress = harmless_fetch_event(
        mw.FetchProgressEvent(-1, 2**80, "downloading", "y" * 999, -3.0, 1e300)
    )

    assert "\n" not in plan.licence
    assert len(plan.licence) <= 240
    assert (plan.size_bytes, plan.free_bytes, len(plan.files)) == (0, 2**53, 2000)
    assert (progress.done_bytes, progress.size_bytes, progress.bytes_per_s) == (0, 2**53, 0.0)
    assert len(progress.file) <= 120
    assert progress.remaining_s <= 1e9
    assert len(harmless_fetching(mw.FetchList([INFO] * 500)).fetches) == 100
    with pytest.raises(ProtocolError):
        harmless_fetch_event(mw.FetchResultEvent("a model"))


def test_events_survive_the_wire():
    """Each kind of event is read as it was written; a kind that a newer service invented is none."""
    error = wire.ErrorBody("hub-gated", "m")
    for event in (
        mw.FetchProgressEvent(1, 2, "checking", "f", 3.0, None),
        mw.FetchHeartbeatEvent(1.0),
        mw.FetchResultEvent("m"),
        mw.FetchStoppedEvent(7),
        mw.FetchErrorEvent(error),
    ):
        assert decode_fetch_event(encode(event)) == event
    assert decode_fetch_event(b'{"event": "moon"}') is None
    with pytest.raises(ProtocolError):
        decode_fetch_event(b'{"event": 3}')
