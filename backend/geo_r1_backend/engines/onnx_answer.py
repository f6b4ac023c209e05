"""One answer of the default engine in the making: which token comes next, what is guessed after it, what is said.

It knows token ids and logits; where the logits come from, for one sequence or several at once, is `onnx.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from geo_r1_backend.engines.base import GenerationOptions, Piece
from geo_r1_backend.engines.guesses import Guesser
from geo_r1_backend.models.positions import Floats
from geo_r1_backend.models.tokens import TextStream


class Answer:
    """What one item says.

    Guesses are read together with the last token; they hold as far as the model would have said the same. So the text
    is what the model would say one token at a time, in fewer steps.

    Args:
        index: which item of the batch.
        choose: picks tokens.
        guesser: follows the answer.
        stream: makes text of tokens.
        stop_ids: tokens that end an answer.
        limit: of tokens.
    """

    def __init__(
        self,
        index: int,
        choose: Chooser,
        guesser: Guesser,
        stream: TextStream,
        *,
        stop_ids: set[int],
        limit: int,
    ) -> None:
        self._index = index
        self._choose = choose
        self._guesser = guesser
        self._stream = stream
        self._stop_ids = stop_ids
        self._limit = limit
        self._count = 0
        self._last = -1
        self._guessed: list[int] = []
        self.is_over = False
        self.wrong = 0
        """How many of the last guesses the model would not have said."""

    def begin(self, logits: Floats) -> Iterator[Piece]:
        """The first token, from the logits ``(vocabulary,)`` after the prompt."""
        yield from self._say(self._choose(logits))

    def next_ids(self, guesses: int) -> list[int]:
        """What the model should read next: the last token and at most so many guesses."""
        ahead = min(guesses, self._limit - self._count - 1) if self._choose.is_greedy else 0
        self._guessed = self._guesser.guess(ahead)
        return [self._last, *self._guessed]

    def read(self, logits: Floats) -> Iterator[Piece]:
        """Go on by the logits ``(ids, vocabulary)`` after each of `next_ids`."""
        self.wrong = 0
        for right, guess in enumerate(self._guessed):
            token = self._choose(logits[right])
            if token != guess:
                self.wrong = len(self._guessed) - right
                yield from self._say(token)
                return
            yield from self._say(guess)
            if self.is_over:
                return
        yield from self._say(self._choose(logits[-1]))

    def _say(self, token: int) -> Iterator[Piece]:
        self._count += 1
        if token in self._stop_ids:
            self.is_over = True
            text, tokens = self._stream.flush()
            yield Piece(self._index, text, tokens + 1, "stop")
            return
        text, tokens = self._stream.push(token)
        if text:
            yield Piece(self._index, text, tokens)
        if self._count >= self._limit:
            self.is_over = True
            text, tokens = self._stream.flush()
            yield Piece(self._index, text, tokens, "length")
            return
        self._last = token
        self._guesser.add(token)


class Chooser:
    """Picks the next token: the likeliest, or by chance with a seed that belongs to the item."""

    def __init__(self, options: GenerationOptions, index: int) -> None:
        self._temperature = options.temperature
        self._random = np.random.default_rng([options.seed, index])

    @property
    def is_greedy(self) -> bool:
        """Whether the same logits always give the same token."""
        return self._temperature <= 0

    def __call__(self, logits: Floats) -> int:
        """The token after logits ``(vocabulary,)``."""
        if self._temperature <= 0:
            return int(logits.argmax())
        weights = np.exp((logits - logits.max()).astype(np.float64) / self._temperature)
        return int(self._random.choice(len(weights), p=weights / weights.sum()))
