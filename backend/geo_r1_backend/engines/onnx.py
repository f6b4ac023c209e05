"""The default engine: the embedded model on the CPU through onnxruntime, without torch.

Text in, text out, one item after another. An image that was asked about before is not looked at twice: what stands
before the question is kept for the last few images. The numbers are `onnx_model.py`.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from geo_r1_backend.engines.base import EngineItem, EngineStatus, GenerationOptions, Piece
from geo_r1_backend.engines.guesses import TYPICAL_ANSWERS, Guesser
from geo_r1_backend.engines.onnx_model import RUNTIME_ERRORS, Cache, OnnxModel
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
GUESSES = {"float32": 3, "int8": 6}
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

    Raises:
        ModelFailed: if a file is missing, is not the one of the manifest, or cannot be used.
    """

    best_batch = 1
    nests = True

    def __init__(
        self,
        folder: Path,
        threads: int | None = None,
        arithmetic: Arithmetic = "float32",
        guesses: int | None = None,
    ) -> None:
        check_manifest(folder)
        self._arithmetic = arithmetic
        self._guesses = GUESSES[arithmetic] if guesses is None else guesses
        try:
            self.profile = read_profile(folder)
            self._model = OnnxModel(folder, threads, arithmetic)
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
            device="cpu",
            resident_bytes=_resident_bytes(),
            facts={
                "onnxruntime": onnxruntime.__version__,
                "precision": f"int8 weights, {self._arithmetic} arithmetic",
                "threads": str(self._model.threads),
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

        for index, item in enumerate(items):
            try:
                yield from self._answer(index, item, options, go_on)
            except _StoppedError:
                return
            except RUN_ERRORS as error:
                raise EngineFailed(str(error) or type(error).__name__, engine="onnx") from error

    def close(self) -> None:
        """Free the sessions and what is kept of images."""
        self._kept.clear()
        del self._model

    def _answer(
        self, index: int, item: EngineItem, options: GenerationOptions, go_on: Callable[[], None]
    ) -> Iterator[Piece]:
        go_on()
        rows, columns = pixels.token_grid(self._model.config.vision, item.image)
        prompt = self._tokens.prompt_ids(item.prompt)
        room = self._room(len(self._image_prefix) + rows * columns, len(prompt))
        cache = self._seen(item.image, rows, columns, go_on)
        for start in range(0, len(prompt), PREFILL_TOKENS):
            go_on()
            logits, cache = self._model.with_tokens(cache, prompt[start : start + PREFILL_TOKENS])
        choose = _Chooser(options, index)
        stream = TextStream(self._tokens)
        for token in self._said(cache, logits, choose, min(options.max_new_tokens, room)):
            go_on()
            if token in self._stop_ids:
                text, tokens = stream.flush()
                yield Piece(index, text, tokens + 1, "stop")
                return
            text, tokens = stream.push(token)
            if text:
                yield Piece(index, text, tokens)
        text, tokens = stream.flush()
        yield Piece(index, text, tokens, "length")

    def _said(self, cache: Cache, logits: Floats, choose: _Chooser, limit: int) -> Iterator[int]:
        """At most ``limit`` tokens that follow: what the model would say one by one, in fewer steps.

        Guesses are read together with the last token; they hold as far as the model would have said the same.
        """
        guesser = Guesser(self._tokens.shape_of, self._typical)
        token = choose(logits)
        count = 0
        while True:
            yield token
            count += 1
            if count >= limit:
                return
            guesser.add(token)
            ahead = min(self._guesses, limit - count - 1) if choose.is_greedy else 0
            guessed = guesser.guess(ahead)
            many, cache = self._model.with_guesses(cache, [token, *guessed])
            for right, guess in enumerate(guessed):
                if choose(many[right]) != guess:
                    cache = cache.without_last(len(guessed) - right)
                    token = choose(many[right])
                    break
                yield guess
                count += 1
                guesser.add(guess)
            else:
                token = choose(many[-1])

    def _room(self, before: int, prompt: int) -> int:
        """How many tokens an answer may have.

        Raises:
            EngineFailed: if image and prompt leave no room for one.
        """
        limit = self._model.config.text.max_positions
        if before + prompt >= limit:
            raise EngineFailed(
                f"the prompt has {prompt:,} tokens and the image {before:,}; the model has {limit:,} positions",
                engine="onnx",
                hint="Ask one thing in one sentence.",
            )
        return limit - before - prompt

    def _seen(self, image: Image, rows: int, columns: int, go_on: Callable[[], None]) -> Cache:
        """The sequence up to the image's last token, from memory if these very pixels were seen lately."""
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


class _Chooser:
    """Picks the next token: the likeliest, or by chance with a seed that belongs to the item."""

    def __init__(self, options: GenerationOptions, index: int) -> None:
        self._temperature = options.temperature
        self._random = np.random.default_rng([options.seed, index])

    @property
    def is_greedy(self) -> bool:
        """Whether the same logits always give the same token."""
        return self._temperature <= 0

    def __call__(self, logits: Floats) -> int:
        if self._temperature <= 0:
            return int(logits.argmax())
        weights = np.exp((logits - logits.max()).astype(np.float64) / self._temperature)
        return int(self._random.choice(len(weights), p=weights / weights.sum()))


def _resident_bytes() -> int | None:
    """Memory of this process, where the system says so in /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * 4096
