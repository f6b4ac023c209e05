"""Bad input gets a code, the value, the limit and a hint; never a 500, never more memory than the limit."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import struct
import zlib
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from geo_r1_backend.wire import WIRE_VERSION
from tests.backend.conftest import TOKEN, png

A_CHIP = "0" * 64


def jpeg(width_px=64, height_px=64):
    stream = io.BytesIO()
    Image.effect_noise((width_px, height_px), 60).save(stream, "JPEG")
    return stream.getvalue()


def webp(width_px=64, height_px=64):
    stream = io.BytesIO()
    Image.effect_noise((width_px, height_px), 60).convert("RGB").save(stream, "WEBP", lossless=True)
    return stream.getvalue()


def noise_png():
    stream = io.BytesIO()
    Image.effect_noise((64, 64), 60).save(stream, "PNG")
    return stream.getvalue()


def png_that_claims(width_px, height_px, bit_depth=8):
    """A PNG whose header claims a size that its few bytes of data do not have (a decompression bomb's shape)."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width_px, height_px, bit_depth, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


def damaged(content):
    return content[:60] + b"\0" * 40 + content[100:]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "chip-unreadable"),  # no image at all
        (b"hello, this is no image", 422, "chip-unreadable"),
        (b"II*\x00" + b"\0" * 100, 422, "chip-unreadable"),  # a TIFF: said so
        (b"GIF89a" + b"\0" * 100, 422, "chip-unreadable"),
        (png(64, 64)[:20], 422, "chip-truncated"),  # inside of the header
        (noise_png()[:-1000], 422, "chip-truncated"),
        (noise_png()[:-12], 422, "chip-truncated"),  # all pixels, no end
        (jpeg()[:300], 422, "chip-truncated"),
        (jpeg()[:-2], 422, "chip-truncated"),
        (webp()[:200], 422, "chip-truncated"),
        (webp()[:9], 422, "chip-truncated"),
        (damaged(noise_png()), 422, "chip-unreadable"),
        (png(1, 1), 422, "image-too-small"),
        (png(7, 100), 422, "image-too-small"),
        (png(40_000, 10), 422, "image-aspect"),
        (png(10, 40_000), 422, "image-aspect"),
        (png_that_claims(60_000, 60_000), 413, "image-too-large"),  # a bomb: refused by its header
        (png(1001, 1000), 413, "image-too-large"),
        (png_that_claims(64, 64, bit_depth=16), 422, "chip-unreadable"),  # nobody chose its stretch
        (noise_png() + noise_png() * 100, 413, "body-too-large"),
    ],
)
def test_bad_image_is_refused_by_name(service, content, status, code):
    """Every kind of bad image has its own code, with a hint and the limit where there is one."""
    reply = service.put(content)

    body = reply.json()
    assert (reply.status_code, body["code"]) == (status, code)
    assert body["hint"]
    assert body["message"]
    assert body["request_id"] == reply.headers["x-request-id"]
    if "too" in code and code != "chip-unreadable":
        assert any(name.startswith("limit") for name in body["parameters"])


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("RGBA", (255, 0, 0, 0), (127, 127, 127)),  # transparent: grey, not the colour underneath
        ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("LA", (10, 255), (10, 10, 10)),
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("P", 0, None),
    ],
)
def test_every_8_bit_image_becomes_rgb(mode, colour, expected):
    """Grey, palette and transparent images are taken; transparency is flattened."""
    from geo_r1_backend.grounding.images import open_image

    image = open_image(png(16, 16, colour, mode))

    assert image.mode == "RGB"
    if expected:
        assert image.getpixel((3, 3)) == expected


def test_orientation_tag_is_not_applied():
    """Pixels are taken as they lie in the file: boxes come back in the pixels that were sent."""
    from geo_r1_backend.grounding.images import open_image

    image = Image.new("RGB", (60, 30))
    exif = image.getexif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    image.save(stream, "JPEG", exif=exif)

    assert open_image(stream.getvalue()).size == (60, 30)


def test_wrong_hash_is_refused(service):
    """Bytes under a name that is not theirs are refused, and the right name is said."""
    content = png(32, 32)

    reply = service.put(content, sha256="f" * 64)

    assert reply.json()["code"] == "chip-hash-mismatch"
    assert reply.json()["parameters"]["given"] == hashlib.sha256(content).hexdigest()
    assert service.client.get("/v1/chips/" + "f" * 64).json()["code"] == "chip-unknown"


@pytest.mark.parametrize("name", ["abc", "F" * 64, "g" * 64, "0" * 65, "..%2f..%2fetc"])
def test_chip_name_must_be_a_hash(service, name):
    """Whatever is not a SHA-256 in lower case is refused before a byte is read."""
    reply = service.client.get(f"/v1/chips/{name}")

    assert reply.status_code in (404, 422)
    assert reply.json()["code"] in ("body-invalid", "not-found")


def test_body_that_lies_about_its_length_is_cut_at_the_limit(service):
    """A chunked upload without a length is refused as soon as the limit is passed."""

    def endless():
        for _ in range(100):
            yield b"x" * 10_000

    reply = service.client.put(f"/v1/chips/{A_CHIP}", content=endless())

    assert reply.status_code == 413
    assert reply.json()["code"] == "body-too-large"
    assert reply.json()["parameters"]["limit_bytes"] == 200_000


def test_json_body_over_the_limit_is_refused(service):
    """The JSON of a request has a limit of its own, with and without a declared length."""
    big = json.dumps({"items": [{"item": "a", "chip": A_CHIP, "query": "x" * 400_000}]}).encode()

    declared = service.client.post("/v1/ground", content=big)
    chunked = service.client.post("/v1/ground", content=iter([big[:200_000], big[200_000:]]))

    assert [declared.status_code, chunked.status_code] == [413, 413]
    assert [r.json()["code"] for r in (declared, chunked)] == ["body-too-large"] * 2


ITEM = {"item": "a", "chip": A_CHIP, "query": "tank"}


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"items": [{**ITEM, "query": ""}]}, "query-empty", "items[0].query"),
        ({"items": [{**ITEM, "query": " \n\t "}]}, "query-empty", "items[0].query"),
        ({"items": [{**ITEM, "query": "x" * 10_000}]}, "query-too-long", "items[0].query"),
        ({"items": [{**ITEM, "colour": "red"}]}, "unknown-field", "items[0].colour"),
        ({"items": [ITEM], "temperature": 1}, "unknown-field", "temperature"),
        ({"items": []}, "body-invalid", "items"),
        ({"items": [ITEM] * 300}, "body-invalid", "items"),
        ({"items": [ITEM, ITEM]}, "body-invalid", "items[1].item"),  # one name, two questions
        ({}, "body-invalid", "items"),
        ({"items": "all"}, "body-invalid", "items"),
        ({"items": [ITEM], "max_new_tokens": 0}, "body-invalid", "max_new_tokens"),
        ({"items": [ITEM], "max_new_tokens": 10**9}, "body-invalid", "max_new_tokens"),
        ({"items": [ITEM], "seed": -1}, "body-invalid", "seed"),
        ({"items": [ITEM], "seed": None}, "body-invalid", "seed"),
        ({"items": [{**ITEM, "chip": "zz"}]}, "body-invalid", "items[0].chip"),
        ({"items": [{**ITEM, "task": "draw"}]}, "body-invalid", "items[0].task"),
        ({"items": [{**ITEM, "query": 7}]}, "body-invalid", "items[0].query"),
        ({"items": [ITEM], "model": "no-such-model"}, "model-unknown", None),
        ({"items": [ITEM], "model": "../../etc/passwd"}, "model-unknown", None),
        ({"items": [ITEM]}, "chip-unknown", None),
        ([1, 2], "body-invalid", ""),
        ("text", "body-invalid", ""),
        (None, "body-invalid", ""),
    ],
)
def test_bad_question_is_refused_by_name(service, body, code, field):
    """Every bad field is named, with its code; nothing unknown is silently ignored."""
    reply = service.client.post("/v1/ground", json=body)

    answer = reply.json()
    assert 400 <= reply.status_code < 500
    assert answer["code"] == code
    assert answer["hint"]
    if field is not None:
        assert answer["parameters"]["field"] == field


def test_limits_are_said_in_numbers(service):
    """An error about a bound carries the value and the limit, the value shortened."""
    long = service.client.post(
        "/v1/ground", json={"items": [{**ITEM, "query": "x" * 10_000}]}
    ).json()
    tokens = service.client.post(
        "/v1/ground", json={"items": [ITEM], "max_new_tokens": 9999}
    ).json()
    name = service.client.post("/v1/ground", json={"items": [{**ITEM, "item": "n" * 5000}]}).json()

    assert long["parameters"]["given_characters"] == 10_000
    assert long["parameters"]["limit_characters"] == 1000
    assert tokens["parameters"]["given"] == "9999"
    assert tokens["parameters"]["le"] == 4096
    assert len(name["parameters"]["given"]) < 100


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"1" * 10_000,
        b'{"items": [{"item": "a", "chip": "' + b"0" * 64 + b'", "query": "\\ud800"}]}',
        b'{"items": NaN}',
        b"\x00" * 100,
    ],
)
def test_what_is_not_json_is_never_a_500(service, content):
    """Bodies that do not parse, or parse into something hostile, are refused as invalid."""
    reply = service.client.post(
        "/v1/ground", content=content, headers={"content-type": "application/json"}
    )

    assert reply.status_code in (404, 422)
    assert reply.json()["code"] in ("body-invalid", "chip-unknown")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 401, "unauthorized"),
        ({"Authorization": "Bearer wrong"}, 401, "unauthorized"),
        ({"Authorization": f"Basic {TOKEN}"}, 401, "unauthorized"),
        ({"Authorization": "Bearer \xe4\xf6\xfc"}, 401, "unauthorized"),
        ({"Host": "evil.example"}, 421, "host-not-allowed"),  # DNS rebinding
        ({"Host": "127.0.0.1.evil.example:80"}, 421, "host-not-allowed"),
        ({"Host": "[::1"}, 421, "host-not-allowed"),
        ({"Origin": "https://evil.example"}, 403, "origin-not-allowed"),
        ({"Origin": "null"}, 403, "origin-not-allowed"),
        ({"X-Geo-R1-Wire": "2.0"}, 426, "wire-version"),
        ({"X-Geo-R1-Wire": "banana"}, 426, "wire-version"),
        ({"X-Geo-R1-Wire": ""}, 426, "wire-version"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/health", "/v1/models", "/v1/nothing"])
def test_gate_refuses_strangers_everywhere(service, path, headers, status, code):
    """A wrong token, a foreign Host or Origin and another wire version are refused on every address."""
    sent = {"Authorization": f"Bearer {TOKEN}", "X-Geo-R1-Wire": "1.0", **headers}
    address = urlsplit(service.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=5)
    connection.putrequest("GET", path, skip_host="Host" in sent)
    for name, value in sent.items():
        connection.putheader(name, value.encode("latin-1"))
    connection.endheaders()
    reply = connection.getresponse()
    body = json.loads(reply.read())
    connection.close()

    assert (reply.status, body["code"]) == (status, code)
    assert TOKEN not in json.dumps(body)


@pytest.mark.parametrize("host", ["localhost:1234", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_own_names_are_let_in(service, host):
    """This machine's loopback names are welcome with any port; a newer minor version and no version as well."""
    for wire in ("1.0", "1.9"):
        reply = service.client.get("/v1/health", headers={"Host": host, "X-Geo-R1-Wire": wire})

        assert reply.status_code == 200
        assert reply.headers["x-geo-r1-wire"] == WIRE_VERSION
        assert reply.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not-found"),
        ("GET", "/v1/health/", 404, "not-found"),
        ("GET", "/docs", 404, "not-found"),
        ("DELETE", "/v1/health", 405, "method-not-allowed"),
        ("GET", "/v1/ground", 405, "method-not-allowed"),
        ("POST", "/v1/models/nope/load", 404, "model-unknown"),
    ],
)
def test_unknown_addresses_have_our_error_body(service, method, path, status, code):
    """The framework's own refusals come out in our form."""
    reply = service.client.request(method, path)

    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["x-geo-r1-wire"] == WIRE_VERSION


def test_request_id_of_the_client_is_kept(service):
    """A harmless id from the client comes back, any other is replaced."""
    kept = service.client.get("/v1/health", headers={"X-Request-Id": "abc-123"})
    replaced = service.client.get("/v1/health", headers={"X-Request-Id": 'x" {evil}'})

    assert kept.headers["x-request-id"] == "abc-123"
    assert replaced.headers["x-request-id"] != 'x" {evil}'


def test_good_chip_is_received_and_found_again(service):
    """A chip is answered with its size, is there afterwards, and may be sent twice."""
    content = jpeg(80, 40)

    first, second = service.put(content), service.put(content)
    found = service.client.get(f"/v1/chips/{first.json()['sha256']}")

    assert [first.status_code, second.status_code, found.status_code] == [200, 200, 200]
    assert (found.json()["width_px"], found.json()["height_px"]) == (80, 40)
    assert found.json()["size_bytes"] == len(content)
    assert found.json()["expires_s"] > 3000


def test_body_is_json_whatever_it_is_called(service):
    """curl calls every body a form; it is read as JSON all the same."""
    reply = service.client.post(
        "/v1/ground",
        content=json.dumps({"items": [ITEM]}),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert reply.json()["code"] == "chip-unknown"


def test_schema_of_the_interface_is_served(service):
    """openapi.json has every route, and the bounds of wire.py in it."""
    schema = service.client.get("/v1/openapi.json").json()

    item = schema["components"]["schemas"]["GroundItem"]
    assert set(schema["paths"]) == {
        "/v1/health",
        "/v1/models",
        "/v1/models/{model_id}/load",
        "/v1/models/{model_id}/unload",
        "/v1/models/plan",
        "/v1/models/fetch",
        "/v1/models/fetches",
        "/v1/models/fetches/{fetch_id}",
        "/v1/models/fetches/{fetch_id}/stop",
        "/v1/models/{model_id}",
        "/v1/chips/{sha256}",
        "/v1/ground",
        "/v1/datasets",
        "/v1/datasets/{dataset_id}",
        "/v1/datasets/{dataset_id}/chips/{sha256}",
        "/v1/runs",
        "/v1/runs/{run_id}",
        "/v1/runs/{run_id}/events",
        "/v1/runs/{run_id}/stop",
        "/v1/runs/{run_id}/resume",
    }
    assert item["additionalProperties"] is False
    assert item["properties"]["query"]["maxLength"] == 1000
    assert "ResultEvent" in schema["components"]["schemas"]


KEYS = st.sampled_from(
    ["items", "item", "chip", "query", "task", "model", "think", "seed", "max_new_tokens", "x"]
)
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(A_CHIP)
)
BODIES = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)


@given(BODIES)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_json_gets_a_code(service, body):
    """Whatever JSON is sent, the answer is a refusal of ours with a code and a hint."""
    reply = service.client.post("/v1/ground", content=json.dumps(body))

    assert 400 <= reply.status_code < 500
    assert reply.json()["code"] != "internal"
    assert reply.json()["hint"]


def test_many_hostile_requests_leave_the_service_well(service):
    """After all of the above the service is ready, and nothing waits."""
    health = service.client.get("/v1/health").json()

    assert health["status"] == "ready"
    assert health["queue_length"] == 0
