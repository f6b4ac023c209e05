"""Models: found by folder, named by id, loaded when asked; chips: kept for a while, within a budget."""

from __future__ import annotations

import hashlib
import json
import threading

import pytest

from geo_r1_backend.engines.select import Selection, select_engine
from geo_r1_backend.errors import BodyTooLarge, ChipHashMismatch, ChipUnknown, ModelFailed
from geo_r1_backend.models.registry import find_models
from geo_r1_backend.storage.chips import ChipStore
from tests.backend.conftest import make_model_folder
from tests.backend.fixed_engine import FixedEngine


def make_stock_folder(folder, **config):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2_5_vl", **config}))
    (folder / "model.safetensors").touch()


def test_folders_become_ids(tmp_path, monkeypatch):
    """Models come from GEO_R1_MODELS and the data folder, with ids that fit into an address and are unique."""
    make_stock_folder(tmp_path / "one" / "Geo-R1 3B (GRPO)")
    make_stock_folder(tmp_path / "home" / "models" / "geo-r1-3b-grpo")
    make_stock_folder(tmp_path / "home" / "models" / "old", model_type="llava")
    (tmp_path / "home" / "models" / "no-model").mkdir()
    (tmp_path / "home" / "models" / "broken").mkdir()
    (tmp_path / "home" / "models" / "broken" / "config.json").write_text("{")
    monkeypatch.setenv("GEO_R1_MODELS", str(tmp_path / "one"))

    found = {
        model.id: model for model in find_models(tmp_path / "home") if model.id != "geo-r1-nano"
    }

    assert set(found) == {"geo-r1-3b-grpo", "geo-r1-3b-grpo-2", "old", "broken"}
    assert found["geo-r1-3b-grpo"].title == "Geo-R1 3B (GRPO)"
    assert found["old"].kind == found["broken"].kind == "broken"
    assert "llava" in found["old"].note


def test_missing_packages_are_reasons(tmp_path, monkeypatch):
    """An engine whose package is absent is refused with that reason, and the way to install it."""
    make_stock_folder(tmp_path / "models" / "big")
    monkeypatch.setattr(
        "geo_r1_backend.engines.select._installed", lambda package: package == "torch"
    )
    model = next(m for m in find_models(tmp_path) if m.id == "big")

    with pytest.raises(ModelFailed) as failure:
        select_engine(model)

    assert "transformers is not installed" in failure.value.parameters["reason"]
    assert "[torch]" in failure.value.hint


def test_models_are_listed_and_loaded(start_service, model_folder):
    """A folder that is put in place while the service runs is listed, loaded on demand, and answers by its id."""
    running = start_service()
    make_model_folder(model_folder.parent / "second")
    (model_folder.parent / "second" / "profile.json").write_text(
        '{"id": "second", "tasks": ["rec"]}'
    )

    before = {m["id"]: m for m in running.client.get("/v1/models").json()["models"]}
    loaded = running.client.post("/v1/models/second/load")
    after = {m["id"]: m for m in running.client.get("/v1/models").json()["models"]}

    assert (before["fixed"]["state"], before["fixed"]["is_default"]) == ("loaded", True)
    assert before["second"]["state"] == "available"
    assert before["second"]["tasks"] == ["rec", "gres"]  # masks come from the embedded segmenter
    assert (loaded.status_code, loaded.json()["state"]) == (200, "loaded")
    assert after["second"]["state"] == "loaded"


def test_failing_model_says_why_and_is_tried_again(start_service):
    """A default model that does not load is a failed health with the reason; asking tries again."""
    broken = threading.Event()
    broken.set()
    engine = FixedEngine()

    def load(folder):
        if broken.is_set():
            raise ModelFailed(model=folder.id, reason="weights.safetensors is damaged")
        return engine, Selection("fixed")

    running = start_service(load)
    chip = running.put_chip()

    health = running.client.get("/v1/health").json()
    refused = running.client.post("/v1/models/fixed/load")
    failed = running.ask(chip)
    broken.clear()
    answered = running.ask(chip)

    assert health["status"] == "failed"
    assert "damaged" in health["error"]["message"]
    assert (refused.status_code, refused.json()["code"]) == (503, "model-failed")
    assert failed[-1]["error"]["code"] == "model-failed"
    assert answered[-1]["event"] == "result"
    assert running.client.get("/v1/health").json()["status"] == "ready"


def test_service_without_any_model_still_answers_health(start_service, monkeypatch, model_folder):
    """No model is a state with a reason, not a crash."""
    monkeypatch.setattr("geo_r1_backend.api.service.find_models", lambda data_folder: [])
    running = start_service()

    health = running.client.get("/v1/health").json()

    assert health["status"] == "failed"
    assert health["error"]["code"] == "model-unknown"


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, clock):
    return ChipStore(tmp_path / "chips", budget_bytes=250, expiry_s=10, clock=clock)


def keep(store, name, size_bytes=100):
    content = name.encode().ljust(size_bytes)
    sha256 = hashlib.sha256(content).hexdigest()
    upload = store.begin(limit_bytes=1000)
    upload.write(content)
    upload.finish(sha256)
    return store.keep(upload, sha256=sha256, width_px=1, height_px=1).sha256


def test_least_recently_used_chip_goes_first(store):
    """Over budget, the chip that was not used for longest goes; using one keeps it."""
    first, second = keep(store, "a"), keep(store, "b")
    store.find(first)

    third = keep(store, "c")

    assert [store.find(sha256).sha256 for sha256 in (first, third)] == [first, third]
    with pytest.raises(ChipUnknown):
        store.find(second)


def test_chips_expire_and_use_renews(store, clock):
    """A chip goes some time after its last use, file included."""
    sha256 = keep(store, "a")
    clock.now_s = 9
    path = store.find(sha256).path
    clock.now_s = 18
    assert store.seconds_left(store.find(sha256)) == 10
    clock.now_s = 29

    with pytest.raises(ChipUnknown):
        store.find(sha256)
    assert not path.exists()


def test_held_chips_stay(store, clock):
    """What a waiting question needs stays over budget and beyond its time, until it is released."""
    sha256 = keep(store, "a")
    store.hold([sha256, sha256])
    for name in "bcd":
        keep(store, name)
    clock.now_s = 100

    assert store.find(sha256)
    clock.now_s = 200
    store.release([sha256, sha256])
    with pytest.raises(ChipUnknown):
        store.find(sha256)


def test_holding_names_what_is_missing(store):
    """When chips are missing the first is named, with how many there are."""
    sha256 = keep(store, "a")

    with pytest.raises(ChipUnknown) as missing:
        store.hold([sha256, "f" * 64, "e" * 64])

    assert missing.value.parameters == {"sha256": "f" * 64, "missing": 2}


def test_bad_uploads_leave_no_file(store, tmp_path):
    """Too long and wrongly named uploads leave nothing behind."""
    upload = store.begin(limit_bytes=10)
    with pytest.raises(BodyTooLarge):
        upload.write(b"x" * 11)
    upload.discard()
    upload = store.begin(limit_bytes=10)
    upload.write(b"x")
    with pytest.raises(ChipHashMismatch):
        upload.finish("0" * 64)
    upload.discard()

    assert list((tmp_path / "chips").iterdir()) == []


def test_new_store_forgets_what_a_killed_service_left(tmp_path):
    """Pixels of an earlier service that was killed are removed at start."""
    (tmp_path / "chips").mkdir()
    (tmp_path / "chips" / ("a" * 64)).write_bytes(b"old")

    ChipStore(tmp_path / "chips", budget_bytes=1, expiry_s=1)

    assert list((tmp_path / "chips").iterdir()) == []
