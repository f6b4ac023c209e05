"""The steps of `geo-r1 doctor`, in order; each returns what it saw and raises when something is not as it should be."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from geo_r1_backend.config import MODELS_VARIABLE, package_folder, version
from geo_r1_backend.engines.base import Engine
from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.errors import GeoR1Error, ModelFailed
from geo_r1_backend.geo.boxes import iou
from geo_r1_backend.grounding.ground import GroundOptions, Question, ground
from geo_r1_backend.grounding.images import open_image
from geo_r1_backend.models.registry import ModelFolder, choose_model, embedded_folder
from geo_r1_backend.running import connect, wait_for_running
from geo_r1_backend.wire import WIRE_VERSION, ErrorEvent, ResultEvent, ServerFile

NEEDED_IOU = 0.5
SERVICE_STARTS_WITHIN_S = 30.0
ANSWER_WITHIN_S = 120.0
PACKAGES = ("onnxruntime", "tokenizers", "numpy", "pillow", "fastapi", "uvicorn")

Known = TypeVar("Known")


class StepFailed(Exception):
    """A step does not do what it should; the message says what was found."""


@dataclass
class Examination:
    """What the steps hand to one another."""

    data_folder: Path
    model_id: str | None
    threads: int | None
    model: ModelFolder | None = None
    engine: Engine | None = None
    image_path: Path | None = None
    question: dict[str, Any] = field(default_factory=dict)
    result: ResultEvent | None = None


def _package(_: Examination) -> str:
    found = [f"geo-r1 {version()}", f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError as error:
            message = f"the package {package} is not installed"
            raise StepFailed(message) from error
    return ", ".join(found)


def _model(state: Examination) -> str:
    state.model = choose_model(state.data_folder, state.model_id)
    if state.model.kind == "broken":
        raise ModelFailed(model=state.model.id, reason=state.model.note)
    return f"{state.model.title} in {state.model.folder}"


def _files(state: Examination) -> str:
    from geo_r1_backend.models.manifest import check_manifest

    folder = _known(state.model).folder
    if not (folder / "manifest.json").is_file():
        if folder == embedded_folder():
            message = "manifest.json of the embedded model is missing"
            raise StepFailed(message)
        return "no manifest.json, nothing to compare"
    check_manifest(folder)
    return "every file is the one of the manifest"


def _engine(state: Examination) -> str:
    state.engine, selection = load_engine(
        _known(state.model),
        threads=state.threads,
        device="auto",
        kept=state.data_folder / "engines",
    )
    status = state.engine.status()
    refused = "".join(f"; no {name}: {reason}" for name, reason in selection.refused.items())
    chosen = status.facts.get("chosen", "")
    soon = f"; {status.facts['soon']}" if "soon" in status.facts else ""
    return f"{status.name} on {status.device}{f' ({chosen})' if chosen else ''}{soon}{refused}"


def _endpoints(state: Examination) -> str:
    """Which of the servers that run the model can be used, and how each sees images."""
    engine = _known(state.engine)
    facts = engine.status().facts
    return f"{len(facts)} named: " + "; ".join(f"{url}: {fact}" for url, fact in facts.items())


def _tokenizer(state: Examination) -> str:
    from tokenizers import Tokenizer

    path = _known(state.model).folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    text = '<think>(34,560)</think><answer>{"bbox_2d":[1,20,300,999],"label":"größte"}</answer>'
    back = tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False)
    if back.strip() != text:
        message = f"“{text}” comes back as “{back}”"
        raise StepFailed(message)
    return f"{tokenizer.get_vocab_size()} tokens, text comes back unchanged"


def _image(state: Examination) -> str:
    """The picture lies beside the model; another model is asked about the embedded one's."""
    places = [_known(state.model).folder, embedded_folder()]
    for place in places:
        if place and (place / "doctor.png").is_file() and (place / "doctor.json").is_file():
            state.image_path = place / "doctor.png"
            state.question = json.loads((place / "doctor.json").read_text(encoding="utf-8"))
            image = open_image(state.image_path)
            missing = {"query", "task", "box_px"} - set(state.question)
            if missing:
                message = f"doctor.json lacks {', '.join(sorted(missing))}"
                raise StepFailed(message)
            return f"{image.width} × {image.height} px, “{state.question['query']}”"
    message = "doctor.png and doctor.json are not beside the model"
    raise StepFailed(message)


def _answer(state: Examination) -> str:
    path = _known(state.image_path)
    ask = Question(
        "doctor", state.question["task"], state.question["query"], lambda: open_image(path)
    )
    events = list(ground([ask], _known(state.engine), GroundOptions(), lambda: False))
    last = events[-1] if events else None
    if isinstance(last, ErrorEvent):
        raise StepFailed(last.error.message)
    if not isinstance(last, ResultEvent):
        message = "the engine ended without an answer"
        raise StepFailed(message)
    state.result = last
    timings = last.timings
    return f"{timings.tokens} tokens, the first after {timings.first_token_ms:.0f} ms"


def _parse(state: Examination) -> str:
    result = _known(state.result)
    if result.outcome != "found":
        reasons = "; ".join(piece.reason for piece in result.dropped)
        message = f"outcome {result.outcome} ({reasons or 'nothing dropped'}): {result.raw_answer[:200]!r}"
        raise StepFailed(message)
    return f"{len(result.detections)} detection(s), reasoning of {len(result.reasoning)} characters"


def _box(state: Examination) -> str:
    box_px, true_px = _known(state.result).detections[0].box_px, state.question["box_px"]
    overlap = iou(box_px, true_px)
    if overlap < NEEDED_IOU:
        message = f"IoU {overlap:.2f} is below {NEEDED_IOU}: answered {box_px}, true {true_px}"
        raise StepFailed(message)
    return f"IoU {overlap:.2f} with the true box"


def _service(state: Examination) -> str:
    """The same question to a service of its own, over real HTTP."""
    model, expected = _known(state.model), _known(state.result).detections[0].box_px
    with tempfile.TemporaryDirectory(prefix="geo-r1-doctor-") as folder:
        data_folder = Path(folder)
        command = [sys.executable, "-m", "geo_r1_backend", "serve"]
        command += ["--data-dir", folder, "--idle-minutes", "2"]
        paths = [str(package_folder().parent), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            MODELS_VARIABLE: str(model.folder),
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        }
        process = subprocess.Popen(  # noqa: S603 - our own module
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            began_s = time.perf_counter()
            server = wait_for_running(data_folder, SERVICE_STARTS_WITHIN_S)
            if server is None:
                message = f"it did not answer within {SERVICE_STARTS_WITHIN_S:.0f} s"
                raise StepFailed(message)
            up_s = time.perf_counter() - began_s
            box_px = _ask_service(server, state, model)
        finally:
            process.terminate()
            process.wait(10)
    if box_px != expected:
        message = f"it answers {box_px}, the engine alone {expected}"
        raise StepFailed(message)
    return f"up after {up_s:.1f} s, same answer over HTTP"


def _ask_service(server: ServerFile, state: Examination, model: ModelFolder) -> list[float]:
    content = _known(state.image_path).read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    item = {"item": "doctor", "chip": sha256, **{k: state.question[k] for k in ("query", "task")}}
    _send(server, "PUT", f"/v1/chips/{sha256}", content)
    known = {m["id"] for m in json.loads(_send(server, "GET", "/v1/models", b""))["models"]}
    # this service may know the folder by another id, where it is not among its first
    asked = {"items": [item], **({"model": model.id} if model.id in known else {})}
    lines = _send(server, "POST", "/v1/ground", json.dumps(asked).encode()).splitlines()
    last = json.loads(lines[-1])
    if last["event"] != "result" or not last["detections"]:
        message = f"the stream ends with {last}"
        raise StepFailed(message)
    return [float(value) for value in last["detections"][0]["box_px"]]


def _send(server: ServerFile, method: str, path: str, body: bytes) -> bytes:
    connection = connect(server.url, ANSWER_WITHIN_S)
    headers = {"Authorization": f"Bearer {server.token}", "X-Geo-R1-Wire": WIRE_VERSION}
    try:
        connection.request(method, path, body=body, headers=headers)
        reply = connection.getresponse()
        content = reply.read()
    finally:
        connection.close()
    if reply.status != http.client.OK:
        message = f"{method} {path.split('/')[2]} answers {reply.status}: {content[:300]!r}"
        raise StepFailed(message)
    return content


def _known(value: Known | None) -> Known:
    """What an earlier step has found."""
    if value is None:
        message = "an earlier step found nothing"
        raise StepFailed(message)
    return value


STEPS: list[tuple[str, Callable[[Examination], str]]] = [
    ("package", _package),
    ("model", _model),
    ("files", _files),
    ("engine", _engine),
    ("tokenizer", _tokenizer),
    ("image", _image),
    ("answer", _answer),
    ("parse", _parse),
    ("box", _box),
    ("service", _service),
]

NOT_REMOTE = ("files", "tokenizer")
"""Steps about what lies on this machine."""


def steps_for(state: Examination) -> list[tuple[str, Callable[[Examination], str]]]:
    """The steps for the chosen model: one that other servers run has endpoints instead of files."""
    try:
        kind = choose_model(state.data_folder, state.model_id).kind
    except GeoR1Error:
        return STEPS  # the step that chooses it says why
    if kind != "remote":
        return STEPS
    steps = [step for step in STEPS if step[0] not in NOT_REMOTE]
    after = [name for name, _ in steps].index("engine") + 1
    return [*steps[:after], ("endpoints", _endpoints), *steps[after:]]
