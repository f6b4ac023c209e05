"""The process behind `torch_engine.py`: loads a folder of transformers and answers lines of JSON with lines of JSON.

In: ``{"op": "generate", "id", "items", "options", "adapter", "blobs"}`` and behind the line each item's pixels, ``{"op": "adapt", "id", "adapter"}`` (read an adapter now),
``{"op": "stop", "id"}``; the end of input is the end.
Out: ``loaded`` or ``failed`` once; for each request ``piece`` lines, then ``done`` (with ``slow``: why it took longer than it should) or
``error``.
Qwen2.5-VL runs in the own loop (`torch_own.py`), other architectures through transformers' `generate` (`torch_generate.py`).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import queue
import sys
import threading
from pathlib import Path
from typing import IO, Any, Protocol

log = logging.getLogger(__name__)

Message = dict[str, Any]

CPU_ROWS = 8
"""Questions answered together on a processor: it reads the weights once for all of them."""
GPU_ROWS = 64
KEPT_CPU_BYTES = 256 << 20
"""Of keys and values of pictures that were asked about lately."""
WARM_SIDE_PX = 896
"""Pictures of this side are the largest whose work is recorded."""
KEPT_GPU_SHARE = 0.1
"""The same on a GPU, of the memory that is free behind the weights; about 15 MB a picture for a 3B model."""


class Wire:
    """Standard input and output as messages; everything else that prints goes to standard error."""

    def __init__(self) -> None:
        # libraries print; their words on stdout would break the protocol
        self._out: IO[str] = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self.requests: queue.Queue[Message] = queue.Queue()
        self._stopped: set[int] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def say(self, **message: object) -> None:
        """One line out."""
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()

    def should_stop(self, request: int) -> bool:
        """Whether the service has lost interest in a request."""
        with self._lock:
            return request in self._stopped

    def _read(self) -> None:
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if "blobs" in message:
                message["blobs"] = [sys.stdin.buffer.read(size) for size in message["blobs"]]
            if message["op"] == "stop":
                with self._lock:
                    self._stopped.add(int(message["id"]))
            else:
                self.requests.put(message)
        # the service is gone, however it went; nothing here is worth keeping
        os._exit(0)


class Answers(Protocol):
    """What answers the items of a request."""

    best_batch: int

    def answer(self, items: list[Message], options: Message, *, say: Any, should_stop: Any) -> None:
        """Say pieces of every item."""
        ...


def load(arguments: argparse.Namespace) -> tuple[Answers, str, dict[str, str]]:
    """What answers, on which device, and the facts for the engine's status.

    Raises:
        DoesNotFitError: if there is not enough memory, with the figures.
        FileNotFoundError: if there is no tokenizer, with what to copy.
    """
    import torch
    import transformers

    from geo_r1_backend.engines import torch_loading as loading
    from geo_r1_backend.engines.torch_generate import GenerateAnswers

    transformers.logging.set_verbosity_error()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    folder: Path = arguments.folder
    threading.Thread(target=_warm, args=(arguments.device,), daemon=True).start()
    loaded = loading.load_model(folder, device=arguments.device, precision=arguments.precision)
    model = loaded.model
    if arguments.adapter is not None:
        loading.merge_adapter(model, arguments.adapter)
    facts = {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "dtype": str(model.dtype),
        "memory": loaded.choice.words,
        **loaded.notes,
    }
    kind = str(model.config.model_type)
    if kind != "qwen2_5_vl":
        facts["loop"] = f"transformers' generate: the own loop does not know {kind}"
        processor = loading.load_processor(folder, kind)
        return GenerateAnswers(model, processor), loaded.device, facts

    from geo_r1_backend.engines.torch_own import OwnAnswers
    from geo_r1_backend.models.qwen.choice import choose_operations
    from geo_r1_backend.models.qwen.runtime import QwenRuntime

    tokenizer, notes = loading.load_tokenizer(folder)
    on_gpu = loaded.device != "cpu"
    operations = choose_operations(loaded.device, model.dtype)
    free_bytes = loading.free_bytes(loaded.device) or 0
    runtime = QwenRuntime(
        model,
        tokenizer,
        operations=operations,
        way="modules" if loaded.choice.precision == "4-bit" else "in place",
        max_rows=GPU_ROWS if on_gpu else CPU_ROWS,
        kept_bytes=int(free_bytes * KEPT_GPU_SHARE) if on_gpu else KEPT_CPU_BYTES,
    )
    facts |= {"loop": f"own, kernels: {operations.name}", **notes}
    return OwnAnswers(runtime, tokenizer), loaded.device, facts


def _warm(device: str | None) -> None:
    """Try the kernels while the weights are read: the very first time on a machine they are compiled, which takes seconds."""
    import torch

    from geo_r1_backend.models.qwen.choice import choose_operations

    if device != "cpu" and torch.cuda.is_available():
        choose_operations("cuda", torch.bfloat16)


def warm(answers: Any, folder: Path) -> None:
    """Record what a first question needs: a second or two of loading on a GPU, which a user would wait for his first word otherwise."""
    from geo_r1_backend.engines.base import GenerationOptions
    from geo_r1_backend.engines.profiles import read_profile
    from geo_r1_backend.engines.prompts import prompt_for

    try:
        profile = read_profile(folder)
        side_px = min(WARM_SIDE_PX, int(profile.max_pixels**0.5))
        side_px -= side_px % profile.grid_px
        prompt = prompt_for("rec", "the largest white building", think=True)
        answers.warm(side_px, side_px, prompt, GenerationOptions().max_new_tokens)
    except Exception as error:  # border: the first question says what is wrong
        log.warning("not warmed: %s", reason_of(error))


def main() -> None:
    """Load, then answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--adapter", type=Path, help="merged into the weights while loading")
    parser.add_argument("--device", choices=("cpu", "cuda"))
    parser.add_argument("--precision", choices=("float32", "bfloat16", "4-bit"))
    arguments = parser.parse_args()
    wire = Wire()
    try:
        answers, device, facts = load(arguments)
    except Exception as error:
        wire.say(event="failed", reason=reason_of(error))
        return
    if device != "cpu" and hasattr(answers, "warm"):
        warm(answers, arguments.folder)
    wire.say(event="loaded", device=device, facts=facts, best_batch=answers.best_batch)
    while True:
        _answer(wire, wire.requests.get(), answers)


def reason_of(error: Exception) -> str:
    """Why, for people: sentences of ours as they are, others with their type."""
    from geo_r1_backend.engines.fitting import DoesNotFitError

    plain = isinstance(error, DoesNotFitError | FileNotFoundError)
    return str(error) if plain else f"{type(error).__name__}: {error}"


def _answer(wire: Wire, request: Message, answers: Answers) -> None:
    number = int(request["id"])
    try:
        adapter = Path(request["adapter"]) if request.get("adapter") else None
        if hasattr(answers, "adapt"):
            answers.adapt(adapter)
        elif adapter is not None:
            raise TypeError("this architecture takes no adapter beside its weights")  # noqa: TRY301
        if request["op"] == "generate":
            items = [
                {**item, "rgb": rgb}
                for item, rgb in zip(request["items"], request["blobs"], strict=True)
            ]
            answers.answer(
                items,
                request["options"],
                say=lambda **piece: wire.say(event="piece", id=number, **piece),
                should_stop=lambda: wire.should_stop(number),
            )
    except Exception as error:
        wire.say(event="error", id=number, reason=reason_of(error))
        return
    wire.say(event="done", id=number, slow=getattr(answers, "slow", ""))


if __name__ == "__main__":
    main()
