"""Data sets over the wire: kept whole with their chips, refused with the sample that is wrong, deleted when nobody needs them."""

from __future__ import annotations

import hashlib
import json

import pytest

from geo_r1_backend.training.sample_checks import check_samples
from geo_r1_backend.training_wire import MAX_SAMPLES, Sample
from tests.backend.conftest import png
from tests.backend.training import make_dataset, sample, start_run, wait_for_step

RING = [[10, 20], [60, 20], [60, 80], [10, 20]]


def test_dataset_is_kept_with_its_chips(start_service, tmp_path):
    """A data set has counts by part, and its chips can be seen again after the chip store has forgotten them."""
    running = start_service()
    image = png(200, 100, "olive")
    chip = running.put(image).json()["sha256"]
    other = running.put_chip(colour="teal")

    info = make_dataset(
        running,
        sample(chip, place="a"),
        sample(chip, place="a", query="a crane", boxes_px=[], label="crane"),
        sample(other, part="held_out", place="b", task="ovd", boxes_px=[[1, 1, 9, 9], [20, 20, 40, 44]]),
    )  # fmt: skip
    running.service.chips.clear()
    seen = running.client.get(f"/v1/datasets/{info['id']}/chips/{chip}")

    assert info["samples"] == {"train": 2, "held_out": 1}
    assert info["objects"] == {"train": 1, "held_out": 2}
    assert info["tasks"] == ["ovd", "rec"]
    assert info["chips"] == 2
    assert (seen.content, seen.headers["content-type"]) == (image, "image/png")
    assert running.client.get("/v1/datasets").json() == {"datasets": [info]}
    assert running.client.get(f"/v1/datasets/{info['id']}").json() == info
    manifest = json.loads((tmp_path / "data/datasets" / info["id"] / "manifest.json").read_text())
    assert manifest["samples"][0]["boxes_px"] == [[10, 20, 60, 80]]
    assert manifest["created"] == info["created"]


def test_same_samples_are_the_same_dataset(start_service):
    """A data set that is sent again, under any name, is the one that is there; another sample makes another."""
    running = start_service()
    chip = running.put_chip()

    first = make_dataset(running, sample(chip))
    again = make_dataset(running, sample(chip), name="the same")
    other = make_dataset(running, sample(chip, query="tyres"))

    assert again == first
    assert other["id"] != first["id"]


@pytest.mark.parametrize(
    ("changed", "code", "parameters"),
    [
        ({"boxes_px": [[10, 20, 60, 101]]}, "box-outside-chip", {"sample": 1, "box": 0}),
        ({"boxes_px": [[-1, 20, 60, 80]]}, "box-outside-chip", {"height_px": 100}),
        ({"boxes_px": [[60, 20, 10, 80]]}, "box-outside-chip", {}),  # corners swapped
        ({"boxes_px": [[10, 20, 60]]}, "box-outside-chip", {}),  # three numbers
        ({"boxes_px": [[10, 20, 10, 80]]}, "box-outside-chip", {}),  # no area
        ({"boxes_px": [[1, 1, 9, 9], [20, 20, 40, 44]]}, "sample-invalid", {"field": "boxes_px"}),  # rec is about one
        ({"task": "gres"}, "sample-invalid", {"field": "polygons_px"}),  # masks need outlines
        ({"task": "gres", "polygons_px": [[RING[:-1]]]}, "sample-invalid", {}),  # not closed
        ({"task": "gres", "polygons_px": [[[[0, 0], [300, 0], [9, 9], [0, 0]]]]}, "sample-invalid", {}),  # outside
        ({"task": "gres", "polygons_px": [[]]}, "sample-invalid", {}),
        ({"query": "  "}, "sample-invalid", {"field": "query"}),
        ({"label": "\t"}, "sample-invalid", {"field": "label"}),
        ({"query": ""}, "query-empty", {}),
        ({"chip": "f" * 64}, "chip-unknown", {"sha256": "f" * 64, "missing": 1}),
        ({"chip": "../../etc/passwd"}, "body-invalid", {}),
        ({"part": "test"}, "body-invalid", {}),
        ({"boxes_px": [[1, 2, 3, 4]] * 61}, "body-invalid", {"max_length": 60}),
        ({"colour": "red"}, "unknown-field", {"field": "samples[1].colour"}),
        ({"place": "a", "part": "held_out"}, "place-in-two-parts", {"place": "a", "sample": 1}),
    ],
)  # fmt: skip
def test_wrong_samples_are_named(service, changed, code, parameters):
    """A sample that cannot be learned from is refused with its number and its values, and nothing is kept."""
    running = service
    chip, other = running.put_chip(), running.put_chip(colour="teal")
    samples = [sample(chip, place="a"), {**sample(other), **changed}]

    reply = running.client.post("/v1/datasets", json={"name": "x", "samples": samples})

    assert reply.status_code in (404, 422), reply.text
    assert reply.json()["code"] == code
    assert parameters.items() <= reply.json()["parameters"].items()
    assert running.client.get("/v1/datasets").json() == {"datasets": []}
    assert not list(running.service.config.data_folder.glob("datasets/*"))


def test_same_chip_is_not_learned_and_tested(service):
    """A chip in two parts is refused even where the places have no names."""
    running = service
    chip = running.put_chip()

    reply = running.client.post(
        "/v1/datasets", json={"name": "x", "samples": [sample(chip), sample(chip, part="held_out")]}
    )

    assert reply.json()["code"] == "place-in-two-parts"
    assert reply.json()["parameters"]["what"] == "chip"


def test_numbers_that_are_none_are_refused(service):
    """JSON of Python may say NaN and Infinity; no box may."""
    running = service
    for value in ("NaN", "Infinity", "-Infinity", "1e999"):
        body = json.dumps({"name": "x", "samples": [sample(running.put_chip())]})
        body = body.replace("[10, 20, 60, 80]", f"[10, 20, {value}, 80]")

        reply = running.client.post("/v1/datasets", content=body)

        assert reply.status_code == 422, value
        assert reply.json()["code"] in ("box-outside-chip", "body-invalid")


def test_nothing_to_learn_is_said(service):
    """A data set that can only be looked at is refused."""
    running = service
    samples = [sample(running.put_chip(), part="held_out")]

    reply = running.client.post("/v1/datasets", json={"name": "x", "samples": samples})

    assert reply.json()["code"] == "nothing-to-learn"


def test_limits_are_limits(start_service):
    """Number and bytes of all data sets have limits, which are named; deleting makes room."""
    running = start_service(max_datasets=2)
    infos = [make_dataset(running, sample(running.put_chip(), query=f"heap {n}")) for n in range(2)]
    body = {"name": "x", "samples": [sample(running.put_chip(), query="heap 3")]}

    full = running.client.post("/v1/datasets", json=body)
    running.client.delete(f"/v1/datasets/{infos[0]['id']}")
    room = running.client.post("/v1/datasets", json=body)

    assert (full.status_code, full.json()["code"]) == (409, "datasets-full")
    assert full.json()["parameters"] == {"what": "datasets", "there": 3, "limit": 2}
    assert room.status_code == 200


def test_bytes_are_limited(start_service):
    """Data sets that would take more room than they may are refused with both numbers."""
    running = start_service(dataset_budget_bytes=100)

    reply = running.client.post("/v1/datasets", json={"name": "x", "samples": [sample(running.put_chip())]})  # fmt: skip

    assert reply.json()["code"] == "datasets-full"
    assert reply.json()["parameters"]["limit"] == 100


def test_huge_body_is_refused_and_a_large_one_is_not(start_service):
    """The body of a data set has a limit of its own, above that of other requests."""
    running = start_service(max_json_bytes=1000, max_dataset_bytes=3_000_000)
    chip = running.put_chip()
    many = [sample(chip, query=f"heap {number}") for number in range(MAX_SAMPLES)]

    large = running.client.post("/v1/datasets", json={"name": "x", "samples": many})
    more = running.client.post("/v1/datasets", json={"name": "x", "samples": [*many, sample(chip)]})
    huge = running.client.post("/v1/datasets", content=b" " * 3_000_001)

    assert large.status_code == 200
    assert more.json()["parameters"]["max_length"] == MAX_SAMPLES
    assert huge.json()["code"] == "body-too-large"


@pytest.mark.parametrize("name", ["..", "%2e%2e", "0" * 16, "x" * 5000, "..%2f..%2fchips", "", "0" * 15 + "G"])  # fmt: skip
def test_ids_are_no_paths(start_service, name):
    """Whatever stands where an id belongs is unknown, and never a file."""
    running = start_service()
    make_dataset(running)
    for address in (f"/v1/datasets/{name}", f"/v1/datasets/{name}/chips/{'0' * 64}"):
        for method in ("GET", "DELETE"):
            request = running.client.build_request(method, "/")
            request.url = request.url.copy_with(raw_path=address.encode())

            reply = running.client.send(request)

            assert reply.status_code in (404, 405), (method, address)
            assert reply.json()["code"] in (
                "dataset-unknown", "chip-unknown", "not-found", "method-not-allowed",
            )  # fmt: skip
    assert len(running.client.get("/v1/datasets").json()["datasets"]) == 1


def test_chip_of_no_dataset_is_unknown(start_service):
    """Only chips of the data set are shown, by their right name."""
    running = start_service()
    info, other = make_dataset(running), running.put_chip(colour="red")
    for sha256 in (other, "manifest.json", "..%2fmanifest.json", "A" * 64):
        reply = running.client.get(f"/v1/datasets/{info['id']}/chips/{sha256}")

        assert reply.status_code == 404, sha256
        assert reply.json()["code"] in ("chip-unknown", "not-found")


def test_needed_dataset_stays(start_service):
    """A data set that a run needs is not deleted, until the run is over."""
    running = start_service()
    dataset = make_dataset(running)["id"]
    run = start_run(running, "steps=1000 step_s=0.05", dataset)
    wait_for_step(running, run["id"])

    refused = running.client.delete(f"/v1/datasets/{dataset}")
    running.client.post(f"/v1/runs/{run['id']}/stop")
    running.client.get(f"/v1/runs/{run['id']}/events")
    deleted = [running.client.delete(f"/v1/datasets/{dataset}") for _ in range(2)]

    assert (refused.status_code, refused.json()["code"]) == (409, "dataset-in-use")
    assert refused.json()["parameters"]["run"] == run["id"]
    assert [reply.status_code for reply in deleted] == [200, 404]


def test_cut_off_writing_is_swept(start_service, tmp_path):
    """What a service left that was killed while it wrote is removed by the next, and never listed."""
    left = tmp_path / "data" / "datasets" / ".0123456789abcdef.aabb.part"
    left.mkdir(parents=True)
    running = start_service()

    assert not left.exists()
    assert running.client.get("/v1/datasets").json() == {"datasets": []}


def test_rounding_is_forgiven():
    """A coordinate that is over the edge by less than a rounding is not refused."""
    one = Sample("a" * 64, "heap", "rec", [[-0.005, 0.0, 200.005, 100.0]], "heap")

    check_samples([one], {"a" * 64: (200, 100)})


def test_name_of_content_is_checked(start_service, tmp_path):
    """Chips of a data set have the bytes that their names say."""
    running = start_service()
    info = make_dataset(running)

    for path in (tmp_path / "data" / "datasets" / info["id"] / "chips").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
