"""The default engine: the embedded model on the CPU through onnxruntime, without torch.

Text in, text out, a few items side by side. An image that was asked about before is not looked at twice: what stands
before the question is kept for the last few images. The numbers are `onnx_model.py`.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import onnxruntime

from geo_r1_backend.engines.base import EngineItem, EngineStatus, GenerationOptions, Piece
from geo_r1_backend.engines.guesses import TYPICAL_ANSWERS, Guesser
from geo_r1_backend.engines.onnx_answer import Answer, Chooser
from geo_r1_backend.engines.onnx_model import RUNTIME_ERRORS, Cache, OnnxModel
from geo_r1_backend.engines.onnx_together import Together
from geo_r1_backend.engines.profiles import read_profile
from geo_r1_backend.errors import EngineFailed, ModelFailed
from geo_r1_backend.models import pixels
from geo_r1_backend.models.arithmetic import Arithmetic
from geo_r1_backend.models.manifest import check_manifest
from geo_r1_backend.models.positions import Floats
from geo_r1_backend.models.tokens import TOKENIZER_FILE, ChatTokens, TextStream

if TYPE_CHECKING:
    from PIL.Image import Image

KEPT_BYTES = 64 * 1024 * 1024
"""Of images that were looked at; about 2 MB each for 256 tokens, so that a view with its 25 windows is looked at once."""
WIDTH = {"float32": 4, "int8": 1, "float16": 4}
"""Answers that grow side by side. float32: what more would gain by reading the weights less often, they lose by looking past
each other. int8: next to nothing is gained, and rounding depends on who stands beside (docs/experiments.md)."""
GUESSES = {"float32": 3, "int8": 6, "float16": 7}
"""How many tokens ahead: what one more costs in a step, against how often it is right (docs/experiments.md)."""
PREFILL_TOKENS = (
    256  # longest stretch between two looks at should_stop; also bounds the memory of attention
)
LOAD_ERRORS: tuple[type[Exception], ...] = (OSError, ValueError, TypeError, *RUNTIME_ERRORS)
RUN_ERRORS: tuple[type[Exception], ...] = (ValueError, MemoryError, *RUNTIME_ERRORS)


class _StoppedError(Exception):
    """Whoever asked has left."""


class OnnxEngine:
    """Engine over a model folder with ONNX graphs.

    One request at a time: the service's queue sees to that.

    Args:
        folder: see docs/adr/0005-one-set-of-weights.md for what lies in it.
        threads: of the CPU; the usable cores, at most four, when left out.
        arithmetic: how matrices are multiplied.
        guesses: tokens guessed ahead of the model; 0 = none, the same answer in more steps.
        device: `cpu` or `cuda`.

    Raises:
        ModelFailed: if a file is missing, is not the one of the manifest, or cannot be used.
    """

    nests = True

    def __init__(
        self,
        folder: Path,
        threads: int | None = None,
        arithmetic: Arithmetic = "float32",
        guesses: int | None = None,
        device: str = "cpu",
    ) -> None:
        check_manifest(folder)
        self.chosen = ""
        """Beside which others this way of running the model was chosen, with their times."""
        self._arithmetic = arithmetic
        self.best_batch = WIDTH[arithmetic]
        self._guesses = GUESSES[arithmetic] if guesses is None else guesses
        try:
            self.profile = read_profile(folder)
            self._model = OnnxModel(folder, threads, arithmetic, device)
            self._tokens = ChatTokens(folder / TOKENIZER_FILE)
            self._image_prefix = self._tokens.image_prefix_ids()
            # the same before every image
            _, self._before_image = self._model.with_tokens(
                self._model.empty_cache(), self._image_prefix
            )
            self._typical = [self._tokens.answer_ids(answer) for answer in TYPICAL_ANSWERS]
            self._stop_ids = {
                self._model.config.eos_token_id,
                self._tokens.control_id("<|endoftext|>"),
            }
        except LOAD_ERRORS as error:
            raise ModelFailed(model=folder.name, reason=str(error)) from error
        self._kept: OrderedDict[bytes, Cache] = OrderedDict()

    def status(self) -> EngineStatus:
        """Name and device of this engine."""
        return EngineStatus(
            name="onnx",
            device=self._model.device,
            resident_bytes=_resident_bytes(),
            facts={
                "onnxruntime": onnxruntime.__version__,
                "precision": f"int8 weights, {self._arithmetic} arithmetic",
                "threads": str(self._model.threads),
                **({"chosen": self.chosen} if self.chosen else {}),
            },
        )

    def generate(
        self,
        items: Sequence[EngineItem],
        options: GenerationOptions,
        should_stop: Callable[[], bool],
    ) -> Iterator[Piece]:
        """See :class:`geo_r1_backend.engines.base.Engine`."""

        def go_on() -> None:
            if should_stop():
                raise _StoppedError

        answers = self._answer_one if len(items) == 1 else self._answer_many
        try:
            for piece in answers(items, options, go_on):
                go_on()
                yield piece
        except _StoppedError:
            return
        except RUN_ERRORS as error:
            raise EngineFailed(str(error) or type(error).__name__, engine="onnx") from error

    def close(self) -> None:
        """Free the sessions and what is kept of images."""
        self._kept.clear()
        del self._model

    def _answer_one(
        self, items: Sequence[EngineItem], options: GenerationOptions, go_on: Callable[[], None]
    ) -> Iterator[Piece]:
        answer, logits, cache = self._begun(0, items[0], options, go_on)
        yield from answer.begin(logits)
        while not answer.is_over:
            go_on()
            many, cache = self._model.with_guesses(cache, answer.next_ids(self._guesses))
            yield from answer.read(many)
            cache = cache.without_last(answer.wrong)

    def _answer_many(
        self, items: Sequence[EngineItem], options: GenerationOptions, go_on: Callable[[], None]
    ) -> Iterator[Piece]:
        """At most `best_batch` at a time; whoever ends makes room for the next."""
        for item in items:  # before anything is said of any
            self._room(item, len(self._tokens.prompt_ids(item.prompt)))
        waiting = deque(enumerate(items))
        answers: dict[int, Answer] = {}
        together = Together(self._model)
        while waiting or answers:
            if waiting and len(answers) < self.best_batch:
                index, item = waiting.popleft()
                answer, logits, cache = self._begun(index, item, options, go_on)
                yield from answer.begin(logits)
                if not answer.is_over:
                    together.join(index, cache)
                    answers[index] = answer
                continue
            go_on()
            many = together.step({i: a.next_ids(self._guesses) for i, a in answers.items()})
            for index, answer in list(answers.items()):
                yield from answer.read(many[index])
                if answer.is_over:
                    together.leave(index)
                    del answers[index]
                else:
                    together.without_last(index, answer.wrong)

    def _begun(
        self, index: int, item: EngineItem, options: GenerationOptions, go_on: Callable[[], None]
    ) -> tuple[Answer, Floats, Cache]:
        """An answer that has said nothing, with the logits of its first token and the sequence so far."""
        go_on()
        prompt = self._tokens.prompt_ids(item.prompt)
        room = self._room(item, len(prompt))
        cache = self._seen(item.image, go_on)
        for start in range(0, len(prompt), PREFILL_TOKENS):
            go_on()
            logits, cache = self._model.with_tokens(cache, prompt[start : start + PREFILL_TOKENS])
        answer = Answer(
            index,
            Chooser(options, index),
            Guesser(self._tokens.shape_of, self._typical),
            TextStream(self._tokens),
            stop_ids=self._stop_ids,
            limit=min(options.max_new_tokens, room),
        )
        return answer, logits, cache

    def _room(self, item: EngineItem, prompt: int) -> int:
        """How many tokens an answer may have.

        Raises:
            EngineFailed: if image and prompt leave no room for one.
        """
        rows, columns = pixels.token_grid(self._model.config.vision, item.image)
        before = len(self._image_prefix) + rows * columns
        limit = self._model.config.text.max_positions
        if before + prompt >= limit:
            raise EngineFailed(
                f"the prompt has {prompt:,} tokens and the image {before:,}; the model has {limit:,} positions",
                engine="onnx",
                hint="Ask one thing in one sentence.",
            )
        return limit - before - prompt

    def _seen(self, image: Image, go_on: Callable[[], None]) -> Cache:
        """The sequence up to the image's last token, from memory if these very pixels were seen lately."""
        rows, columns = pixels.token_grid(self._model.config.vision, image)
        image = image.convert("RGB")
        key = hashlib.blake2b(
            image.tobytes(), salt=rows.to_bytes(8, "little"), digest_size=16
        ).digest()
        if key not in self._kept:
            features = self._model.visual_tokens(image)
            go_on()
            self._kept[key] = self._model.with_image(self._before_image, features, rows, columns)
            while len(self._kept) > 1 and self._kept_bytes() > KEPT_BYTES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _kept_bytes(self) -> int:
        return sum(len(kept.counts) for kept in self._kept.values()) * self._model.position_bytes


def _resident_bytes() -> int | None:
    """Memory of this process, where the system says so in /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * 4096
