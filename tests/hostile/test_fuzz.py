"""More than ten thousand requests made from the service's own OpenAPI document, right and wrong ones, over real sockets.

The engine answers from a fixed text, so that it is the service that is tried and not a model. Whatever is asked, the
answer is what the document promises: a body of its schema, or an error with a code that docs/errors.md knows and the
request id of the answer's header; never a 500, and never later than a moment.
"""

import hashlib
import json
import re
from collections import Counter
from urllib.parse import urlencode

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.backend.conftest import png
from tests.hostile.make_bombs import jpeg

REQUESTS = {
    ("/v1/chips/{sha256}", "PUT"): 3000,
    ("/v1/chips/{sha256}", "GET"): 1700,
    ("/v1/models/{model_id}/load", "POST"): 1500,
    ("/v1/ground", "POST"): 3300,
    ("/v1/health", "GET"): 300,
    ("/v1/models", "GET"): 300,
    ("/v1/models/{model_id}", "DELETE"): 200,
    ("/v1/models/{model_id}/unload", "POST"): 60,
    ("/v1/models/plan", "POST"): 100,
    ("/v1/models/fetch", "POST"): 60,
    ("/v1/models/fetches", "GET"): 20,
    ("/v1/models/fetches/{fetch_id}/stop", "POST"): 40,
    ("/v1/models/fetches/{fetch_id}", "DELETE"): 40,
    ("/v1/datasets", "POST"): 120,
    ("/v1/datasets", "GET"): 20,
    ("/v1/datasets/{dataset_id}", "GET"): 200,
    ("/v1/datasets/{dataset_id}", "DELETE"): 200,
    ("/v1/datasets/{dataset_id}/chips/{sha256}", "GET"): 300,
    ("/v1/runs", "POST"): 600,
    ("/v1/runs", "GET"): 20,
    ("/v1/runs/{run_id}", "GET"): 200,
    ("/v1/runs/{run_id}", "DELETE"): 200,
    ("/v1/runs/{run_id}/events", "GET"): 300,
    ("/v1/runs/{run_id}/stop", "POST"): 200,
    ("/v1/runs/{run_id}/resume", "POST"): 200,
}
EXAMPLES = {"/v1/ground": 0.6}
"""Examples per request, where one makes several: thinking them out takes ten times as long as sending them."""
BODIES = ("/v1/ground", "/v1/datasets", "/v1/runs", "/v1/models/plan", "/v1/models/fetch")
NO_HUB = "hub-unreachable"
"""What a right plan is answered with here: HF_HUB_OFFLINE is set, so that nobody is asked."""
LATE_S = 10.0
"""On a machine that does other things too; the usual answer takes two milliseconds."""
SAMPLES = [png(40, 30), png(40, 30, (1, 2, 3, 4), "RGBA"), jpeg(40, 30)]
STRANGE_HEADERS = [
    "Accept",
    "Content-Encoding",
    "Range",
    "If-None-Match",
    "X-Request-Id",
    "X-Geo-R1-Wire",
    "Cookie",
    "TE",
]


def test_no_address_is_left_out(promises):
    """Every address of the document is tried."""
    there = {
        (path, method.upper())
        for path, operations in promises.document["paths"].items()
        for method in operations
    }

    assert there == set(REQUESTS)


def test_there_are_enough():
    """The requests of this file are ten thousand and more."""
    assert sum(REQUESTS.values()) >= 10_000


@pytest.fixture(scope="module")
def promises(service, project_folder):
    """The document as the service serves it, as something that answers can be held against."""
    document = service.client.get("/v1/openapi.json").json()
    codes = set(
        re.findall(
            r"(?m)^### `([a-z0-9-]+)`", (project_folder / "docs/errors.md").read_text("utf-8")
        )
    )
    return Promises(document, codes)


class Promises:
    """What the document says of each answer."""

    def __init__(self, document, codes):
        self.document, self.codes = document, codes
        self.schema = schemathesis.openapi.from_dict(document)
        self._validators = {}
        self.seen = Counter()

    def operation(self, path, method):
        """One address and method, as schemathesis sees it."""
        return self.schema[path][method]

    def check(self, path, method, reply):
        """Hold an answer against the document."""
        self.seen[reply.status_code] += 1
        assert reply.elapsed.total_seconds() < LATE_S
        is_offline = reply.status_code == 502 and reply.json()["code"] == NO_HUB
        assert reply.status_code < 500 or is_offline, (
            reply.request.url,
            reply.request.content[:500],
            reply.text[:500],
        )
        assert reply.headers["x-geo-r1-wire"]
        kind = reply.headers["content-type"]
        if reply.status_code >= 400:
            body = reply.json()
            self._hold("default", path, method, "application/json", body)
            assert body["code"] in self.codes
            assert body["request_id"] == reply.headers["x-request-id"]
            assert body["message"]
            assert len(reply.content) < 4000, "an error repeats what was sent"
        elif kind.startswith("image/"):
            assert reply.content
        elif kind.startswith("application/x-ndjson"):
            for line in reply.text.splitlines():
                self._hold("200", path, method, kind, json.loads(line))
        else:
            self._hold(str(reply.status_code), path, method, kind, reply.json())

    def _hold(self, status, path, method, kind, value):
        key = (status, path, method, kind)
        if key not in self._validators:
            answers = (
                self.document["paths"].get(path, {}).get(method.lower(), {}).get("responses", {})
            )
            schema = answers.get(status, {}).get("content", {}).get(kind, {}).get("schema")
            if schema is None:
                assert status == "default", (
                    f"{status} {kind} of {method} {path} is not in the document"
                )
                schema = {"$ref": "#/components/schemas/ErrorBody"}
            whole = {**schema, "components": self.document["components"]}
            self._validators[key] = jsonschema_rs.validator_for(whole)
        self._validators[key].validate(value)


def requests_of(operation, path):
    """Requests of the document, those that break it, and those in which a part is as it should be."""
    right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if not operation.path_parameters and path not in BODIES:
        return right
    return st.one_of(right, operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))


@st.composite
def image_bytes(draw):
    """An image, an image with some bytes changed, or bytes of any kind."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.binary(max_size=300))
    content = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(0, 3))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content)


header_values = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)
strange_headers = st.dictionaries(st.sampled_from(STRANGE_HEADERS), header_values, max_size=2)


def send(service, method, target, body, headers):
    """One request, its target as it is: no client's tidying in between."""
    request = service.client.build_request(method, "/", content=body, headers=headers)
    request.url = request.url.copy_with(raw_path=target.encode("ascii"))
    return service.client.send(request)


def in_words(case):
    """Target and body of a case, however strange its values are."""
    made = case.as_transport_kwargs(base_url="http://h")
    target = made["url"].removeprefix("http://h")
    query = urlencode(made.get("params") or {}, errors="replace")
    target = "".join(
        c if "!" <= c <= "~" else f"%{ord(c) & 255:02X}"
        for c in f"{target}{'?' + query if query else ''}"
    )
    body = made.get("data")
    if "json" in made:
        body = json.dumps(made["json"]).encode()
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    return target, body if isinstance(body, bytes) else (
        json.dumps(body, default=str).encode() if body else b""
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("path", "method"), REQUESTS, ids=[f"{m} {p}" for p, m in REQUESTS])
def test_every_answer_is_what_the_document_promises(service, promises, path, method):
    """Requests made from the document, within its bounds and beyond them, have only answers that it promises."""
    operation = promises.operation(path, method)
    chips = [service.put_chip(40 + i, 40) for i in range(3)]
    sent = 0

    @settings(
        max_examples=round(REQUESTS[path, method] * EXAMPLES.get(path, 1)), derandomize=True, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        requests_of(operation, path),
        strange_headers,
        image_bytes(),
        st.integers(0, 3),
        st.sampled_from(chips),
    )
    def one_request(case, headers, image, how, chip):
        nonlocal sent
        target, body = in_words(case)
        if method == "PUT" and how:  # an image under its right name, or under a wrong one
            body = image
            if how > 1:
                target = "/v1/chips/" + hashlib.sha256(image).hexdigest()
        if method == "GET" and how > 1 and path.startswith("/v1/chips/"):
            target = f"/v1/chips/{chip}"
        if method == "POST" and how > 1 and path == "/v1/datasets":
            body = about_chip(body, chip)
        bodies = [body]
        if method == "POST" and path == "/v1/ground":
            # also about an image that was sent before: many are answered then
            bodies = list(dict.fromkeys([body, with_chip(body, chip)]))
        for each in bodies:
            promises.check(path, method, send(service, method, target, each, headers))
            sent += 1

    one_request()

    assert sent >= REQUESTS[path, method]


def with_chip(body, chip):
    """The question, asked about an image that is here."""
    try:
        value = json.loads(body)
        for item in value["items"]:
            item["chip"] = chip
        value["model"] = None
        return json.dumps(value).encode()
    except (ValueError, TypeError, KeyError):
        return body


def about_chip(body, chip):
    """The data set, its samples about an image that is here."""
    try:
        value = json.loads(body)
        for one in value["samples"]:
            one["chip"] = chip
        return json.dumps(value).encode()
    except (ValueError, TypeError, KeyError):
        return body


@settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(st.tuples(
    st.sampled_from(["put", "put damaged", "look", "ask", "ask about nothing", "ask twice", "load"]), st.integers(0, 5)
), min_size=2, max_size=8))  # fmt: skip
def test_any_order_of_steps_is_sound(service, promises, steps):
    """Send, look, ask and load in any order: a chip is known exactly from its sending on, and a question about it ends."""
    known = set()
    for step, number in steps:
        image = png(30 + number, 30, (number, *service_mark(steps)))
        name = hashlib.sha256(image).hexdigest()
        if step.startswith("put"):
            body = image[:-7] if "damaged" in step else image
            reply = service.client.put(f"/v1/chips/{name}", content=body)
            promises.check("/v1/chips/{sha256}", "PUT", reply)
            assert reply.status_code == (422 if "damaged" in step else 200)
            known |= {name} if reply.status_code == 200 else set()
        elif step == "look":
            reply = service.client.get(f"/v1/chips/{name}")
            promises.check("/v1/chips/{sha256}", "GET", reply)
            assert reply.status_code == (200 if name in known else 404)
        elif step == "load":
            promises.check(
                "/v1/models/{model_id}/load", "POST", service.client.post("/v1/models/fixed/load")
            )
        else:
            chip = "0" * 64 if "nothing" in step else name
            items = [
                {"item": str(i), "chip": chip, "query": "tanks"}
                for i in range(2 if "twice" in step else 1)
            ]
            reply = service.client.post("/v1/ground", json={"items": items})
            promises.check("/v1/ground", "POST", reply)
            assert reply.status_code == (200 if chip in known else 404)
            if reply.status_code == 200:
                kinds = Counter(json.loads(line)["event"] for line in reply.text.splitlines())
                assert kinds["result"] == len(items)


def service_mark(steps):
    """A colour that belongs to one run of steps, so that runs do not know each other's chips."""
    digest = hashlib.sha256(repr(steps).encode()).digest()
    return digest[0], digest[1]
