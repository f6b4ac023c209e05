"""`make bench-gpu-service`: `geo-r1 serve` with a 3B Qwen2.5-VL on a GPU, driven over HTTP; what was asked and answered, as a page in Markdown.

    python scripts/bench/gpu_service.py [--geometry tiny] [--work FOLDER] [--out FILE.md]

The weights are random, drawn on the device and saved as a folder of transformers, so everything else is what a published checkpoint
meets: the loading code, the worker process, the loop, the stream. Random weights never say their end, so every answer is as long as it may
be. It needs no network; `PYTHONPATH=backend` where the service is not installed. The page is written part by part.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(Path(__file__).resolve().parent), str(ROOT / "backend")]
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT / "backend"), *filter(None, [os.environ.get("PYTHONPATH")])]
)

import numpy as np  # noqa: E402
import psutil  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from qwen_size import CHAT, GEOMETRIES, make_model, make_processor, make_tokenizer  # noqa: E402
from service import ServiceProcess  # noqa: E402

MODEL = "qwen-random"
ADAPTERS = ("20261126-010203-0a0a", "20261126-010204-0b0b")
RANK = 16
READY_LIMIT_S = 240.0
GB = 1e9


class Page:
    """What is written, as it comes."""

    def __init__(self, path: Path) -> None:
        self._path, self._said = path, ""
        path.parent.mkdir(parents=True, exist_ok=True)

    def say(self, text: str = "") -> None:
        """A paragraph."""
        self._said += text + "\n"
        self._path.write_text(self._said, encoding="utf-8")
        print(text, flush=True)

    def block(self, text: str, kind: str = "") -> None:
        """Something quoted."""
        self.say(f"\n```{kind}\n{text}\n```\n")

    @contextmanager
    def part(self, title: str) -> Iterator[None]:
        """A heading; what fails below it is written and the next part goes on."""
        self.say(f"\n## {title}\n")
        began = time.perf_counter()
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            self.say(f"**Failed:** {type(error).__name__}: {str(error)[:600]}")
        self.say(f"({time.perf_counter() - began:.1f} s)")


def save_folder(given: argparse.Namespace, folder: Path) -> str:
    """A model folder as `save_pretrained` writes it; what it holds."""
    tokenizer = make_tokenizer(GEOMETRIES[given.geometry].vocabulary)
    # random weights repeat the last token they have read; a line break would show nothing
    tokenizer.chat_template = CHAT.replace("assistant\n", "assistant:")
    model = make_model(given.geometry, given.device, tokenizer)
    model.save_pretrained(folder)
    processor = make_processor(tokenizer)
    processor.chat_template = tokenizer.chat_template
    processor.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    side = given.side_px
    profile = {"title": "Random weights", "tasks": ["rec", "ovd"], "max_pixels": side * side}
    (folder / "profile.json").write_text(json.dumps(profile), encoding="utf-8")
    numbers = sum(p.numel() for p in model.parameters())
    sizes = sum(p.stat().st_size for p in folder.iterdir())
    return f"{numbers / 1e9:.2f} billion numbers in {model.dtype}, {sizes / GB:.2f} GB on the disk"


def save_adapter(given: argparse.Namespace, home: Path, run: str, seed: int) -> None:
    """What a finished run leaves, with random numbers that matter."""
    from safetensors.torch import save_file

    of, source = GEOMETRIES[given.geometry], torch.Generator().manual_seed(seed)
    wide = of.hidden
    stored = {}
    for layer in range(of.layers):
        for name, outputs, inputs in (
            ("self_attn.q_proj", wide, wide),
            ("mlp.down_proj", wide, of.intermediate),
        ):
            key = f"base_model.model.model.language_model.layers.{layer}.{name}"
            stored[f"{key}.lora_A.weight"] = 0.3 * torch.randn(RANK, inputs, generator=source)
            stored[f"{key}.lora_B.weight"] = 0.3 * torch.randn(outputs, RANK, generator=source)
    folder = home / "runs" / run / "adapter"
    folder.mkdir(parents=True)
    save_file(stored, folder / "adapter_model.safetensors")
    about = {"run": run, "name": f"Adapter {seed}", "base": MODEL, "adaptation": "lora"}
    about |= {"rank": RANK, "alpha": 2.0 * RANK}
    (folder / "adapter.json").write_text(json.dumps(about), encoding="utf-8")


class Client:
    """Asks a running service."""

    def __init__(self, service: ServiceProcess, side_px: int) -> None:
        self._service, self._side_px = service, side_px
        self._random = np.random.default_rng(0)

    def chip(self) -> str:
        """A new picture, sent; its name."""
        size = (self._side_px, self._side_px, 3)
        stream = io.BytesIO()
        Image.fromarray(self._random.integers(0, 255, size, dtype=np.uint8)).save(
            stream, "PNG", compress_level=0
        )
        name = hashlib.sha256(stream.getvalue()).hexdigest()
        self._service.client.put(f"/v1/chips/{name}", content=stream.getvalue()).raise_for_status()
        return name

    def ask(self, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """All events of one request with their times, in seconds behind it."""
        events: list[tuple[float, dict[str, Any]]] = []
        began = time.perf_counter()
        body = {"items": items, **more}
        with self._service.client.stream("POST", "/v1/ground", json=body, timeout=600) as reply:
            reply.raise_for_status()
            for line in reply.iter_lines():
                events.append((time.perf_counter() - began, json.loads(line)))
        ends = [e for _, e in events if e["event"] in ("result", "error")]
        tokens = [at for at, e in events if e["event"] == "token"]
        return {
            "events": events,
            "ends": ends,
            "errors": [e for e in ends if e["event"] == "error"],
            "first_token_s": tokens[0] if tokens else 0.0,
            "whole_s": events[-1][0],
            "tokens": sum(e["timings"]["tokens"] for e in ends if e["event"] == "result"),
        }

    def one(self, chip: str, query: str, tokens: int, model: str = MODEL) -> dict[str, Any]:
        """One question."""
        item = {"item": "a", "chip": chip, "query": query, "task": "rec", "detail": "view"}
        return self.ask([item], model=model, max_new_tokens=tokens)


def shortened(events: list[tuple[float, dict[str, Any]]], most: int = 8) -> str:
    """Some of a stream's lines, each with its time."""
    lines = []
    for at, event in events:
        text = json.dumps(event, ensure_ascii=False)
        lines.append(f"{at:7.3f} s  {text if len(text) < 230 else text[:230] + ' …'}")
    if len(lines) > most:
        left = len(lines) - most
        lines = [*lines[: most - 2], f"          … {left} lines …", *lines[-2:]]
    return "\n".join(lines)


def row(name: str, found: dict[str, Any]) -> str:
    """A line of the table of questions."""
    rest = found["whole_s"] - found["first_token_s"]
    each = 1e3 * rest / max(1, found["tokens"] - 1)
    return f"| {name} | {1e3 * found['first_token_s']:.0f} | {found['whole_s']:.3f} | {found['tokens']} | {each:.2f} |"


def questions(page: Page, client: Client, given: argparse.Namespace) -> None:
    """One streamed, one more, a second about the same picture."""
    chip = client.chip()
    cold = client.one(chip, "the storage tank left of the road", given.tokens)
    page.block(shortened(cold["events"]), "text")
    page.say("| question | first token, ms | whole, s | tokens | ms a further token |")
    page.say("|---|---|---|---|---|")
    page.say(row("the first of all (graphs are recorded)", cold))
    client.one(client.chip(), "the largest roof", given.tokens)
    chip = client.chip()
    page.say(row("a new picture", client.one(chip, "the northernmost ship", given.tokens)))
    page.say(
        row("a second question about it", client.one(chip, "the longest bridge", given.tokens))
    )
    page.say(row("a third", client.one(chip, "the plane nearest to the hangar", given.tokens)))


def tiles(page: Page, client: Client, given: argparse.Namespace) -> None:
    """Many pictures in one request, twice."""
    page.say("| tiles in one request | s | tiles a second | tokens | errors |")
    page.say("|---|---|---|---|---|")
    for name in ("first", "new tiles", "new tiles"):
        items = [
            {
                "item": str(n),
                "chip": client.chip(),
                "query": "storage tank",
                "task": "ovd",
                "detail": "view",
            }
            for n in range(given.tiles)
        ]
        found = client.ask(items, model=MODEL, max_new_tokens=given.tile_tokens)
        page.say(
            f"| {len(items)}, {name} | {found['whole_s']:.2f} | {len(items) / found['whole_s']:.1f} | {found['tokens']} | {len(found['errors'])} |"
        )


def adapters(
    page: Page, client: Client, service: ServiceProcess, given: argparse.Namespace
) -> None:
    """Base and two adapters in turn, over one set of weights; what the base says before and behind them, token for token."""
    chips, words = (
        (client.chip(), client.chip()),
        ("the storage tank left of the road", "the largest roof"),
    )
    cases = [(chip, query) for chip in chips for query in words]

    def base() -> list[str]:
        found = [client.one(c, q, 48, MODEL)["ends"][0] for c, q in cases]
        return [str(end.get("raw_answer", end)) for end in found]

    before = base()
    chip = chips[0]
    page.say("| asked | first token, ms | whole, s | tokens | its answer begins |")
    page.say("|---|---|---|---|---|")
    answers: dict[str, set[str]] = {}
    for model in (MODEL, *(f"run-{run}" for run in ADAPTERS * 2), MODEL):
        found = client.one(chip, "the storage tank left of the road", 24, model)
        end = found["ends"][0]
        said = str(end.get("raw_answer", end))
        answers.setdefault(model, set()).add(said)
        page.say(
            f"| {model} | {1e3 * found['first_token_s']:.0f} | {found['whole_s']:.3f} | {found['tokens']} | {said[:60]!r} |"
        )
    same = all(len(one) == 1 for one in answers.values())
    apart = len({next(iter(one)) for one in answers.values()})
    workers = len(psutil.Process(service.pid).children())
    behind = base()
    equal = sum(a == b for a, b in zip(before, behind, strict=True))
    page.say(f"\nThe base before and behind the adapters, 2 questions about each of 2 pictures, 48 tokens each: {equal} of {len(cases)} the same.")  # fmt: skip
    for one, other in zip(before, behind, strict=True):
        if one != other:
            page.say(f"{one[:50]!r} became {other[:50]!r}")
    page.say(f"\nThe same answer each time: {same}; different answers of {len(answers)} models: {apart}; worker processes: {workers}.")  # fmt: skip


def too_little(page: Page, client: Client, service: ServiceProcess) -> None:
    """The model is put away, another program takes the memory, the question is refused; then it is answered again."""
    service.client.post(f"/v1/models/{MODEL}/unload").raise_for_status()
    until = time.monotonic() + 20
    while time.monotonic() < until and psutil.Process(service.pid).children():
        time.sleep(0.1)
    if not torch.cuda.is_available():
        page.say("No GPU here: nothing is taken away, so it loads and answers again.")
        found = client.one(client.chip(), "the largest roof", 8)
        page.block(shortened(found["events"]), "text")
        return
    free = torch.cuda.mem_get_info()[0]
    held = torch.empty(max(0, free - int(3 * GB)), dtype=torch.uint8, device="cuda")
    page.say(f"Another program holds {held.nbytes / GB:.1f} GB; {torch.cuda.mem_get_info()[0] / GB:.1f} GB are free.")  # fmt: skip
    page.block(shortened(client.one(client.chip(), "the largest roof", 8)["events"]), "text")
    if importlib.util.find_spec("bitsandbytes") is None:
        page.say("`bitsandbytes` is not installed here, so 4-bit was not tried.")
    else:
        del held
        torch.cuda.empty_cache()
        free = torch.cuda.mem_get_info()[0]
        held = torch.empty(max(0, free - int(7 * GB)), dtype=torch.uint8, device="cuda")
        page.say(f"{torch.cuda.mem_get_info()[0] / GB:.1f} GB are free: 4-bit.")
        found = client.one(client.chip(), "the largest roof", 60)
        page.block(shortened(found["events"]), "text")
        service.client.post(f"/v1/models/{MODEL}/unload").raise_for_status()
    del held
    torch.cuda.empty_cache()
    page.say("The memory is free again:")
    page.block(shortened(client.one(client.chip(), "the largest roof", 8)["events"]), "text")


def main() -> None:
    """Make the folder, start the service, ask."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--geometry", choices=sorted(GEOMETRIES), default="3b")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--tiles", type=int, default=64)
    parser.add_argument("--tile-tokens", type=int, default=120)
    parser.add_argument("--side-px", type=int, default=504)
    parser.add_argument("--work", type=Path, help="where the folder of weights is made")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench" / "gpu_service.md")
    given = parser.parse_args()
    page = Page(given.out)
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor()
    page.say(f"# The service with a {given.geometry} model\n\n{name or 'cpu'}, torch {torch.__version__}, Python {platform.python_version()}. Written by `scripts/bench/gpu_service.py`.")  # fmt: skip
    with tempfile.TemporaryDirectory(dir=given.work, prefix="geo-r1-gpu-") as place:
        home = Path(place) / "home"
        folder = home / "models" / MODEL
        folder.mkdir(parents=True)
        with page.part("A folder of transformers with random weights"):
            page.say(save_folder(given, folder))
            for seed, run in enumerate(ADAPTERS, 1):
                save_adapter(given, home, run, seed)
            page.block("\n".join(sorted(p.name for p in folder.iterdir())), "text")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        service: ServiceProcess | None = None
        with page.part("Start"):
            more = ["--model", MODEL]
            service = ServiceProcess(
                "float32", 4, home=home, more=more, ready_limit_s=READY_LIMIT_S
            )
            shown = " ".join(service.command).replace(str(home), "FOLDER")
            page.block(f"$ {shown}\n# ready after {service.ready_s:.1f} s\n$ curl …/v1/health\n{json.dumps(service.health, indent=1)}", "text")  # fmt: skip
        if service is None:
            sys.exit(1)
        try:
            client = Client(service, given.side_px)
            with page.part("Questions"):
                questions(page, client, given)
            with page.part("Many tiles"):
                tiles(page, client, given)
            with page.part("Adapters, exchanged for each question"):
                adapters(page, client, service, given)
            with page.part("Too little memory"):
                too_little(page, client, service)
        finally:
            service.stop()


if __name__ == "__main__":
    main()
