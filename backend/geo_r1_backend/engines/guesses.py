"""What an answer will probably say next, so that the model can check several tokens in one step instead of one by one.

An answer in the paper's format is full of tokens that follow from the ones before: the comma after a coordinate, the
brackets, the label, and in the end the numbers of a box that the reasoning has named. Guessing them costs nothing;
the model reads the guesses in one step and keeps those that it would have said itself. So the answer is the same,
token for token, and only the number of steps is smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from geo_r1_backend.models.tokens import NUMBER

LONGEST_PATTERN = 10
"""A box has seven tokens between its brackets: with ten the fourth number is told from the third."""
SHORTEST_BEFORE_NUMBER = 2
"""A number is only guessed where at least two tokens before it were said in the same order."""
TYPICAL_ANSWERS = (
    "<think>Find objects: white [1,2,3,4], white [1,2,3,4]. Largest: [1,2,3,4].</think>"
    '<answer>{"bbox_2d":[1,2,3,4],"label":"object"}</answer>',
    "<think>Find objects: (1,2) white, (1,2) white.</think>"
    '<answer>[{"bbox_2d":[1,2,3,4],"label":"object"},{"bbox_2d":[1,2,3,4],"label":"object"}]</answer>',
)
"""The form of answers, so that the first one is guessed at as well as the fourth; a model with another form only gains less."""


class Guesser:
    """Follows one answer.

    Args:
        shape_of: `NUMBER`, `WORD`, or the token itself where it is part of the form of an answer.
        typical: token ids of answers of the usual form, known before the first token.
    """

    def __init__(
        self, shape_of: Callable[[int], int], typical: Sequence[Sequence[int]] = ()
    ) -> None:
        self._shape_of = shape_of
        self._forms: dict[tuple[int, ...], int] = {}
        """What shape followed a pattern of shapes."""
        self._copies: dict[tuple[int, ...], int] = {}
        """What token followed the very tokens, in this answer."""
        self._ids: list[int] = []
        self._shapes: list[int] = []
        for answer in typical:
            for token in answer:
                self.add(token)
            self._ids, self._shapes = [], []
        self._copies = {}

    def add(self, token: int) -> None:
        """The answer's next token, as the model said it."""
        shape = self._shape_of(token)
        for length in range(1, min(LONGEST_PATTERN, len(self._ids)) + 1):
            self._forms[tuple(self._shapes[-length:])] = shape
            self._copies[tuple(self._ids[-length:])] = token
        self._ids.append(token)
        self._shapes.append(shape)

    def guess(self, limit: int) -> list[int]:
        """At most so many tokens that probably follow; none where nothing is known."""
        ids, shapes = self._ids[-LONGEST_PATTERN:], self._shapes[-LONGEST_PATTERN:]
        found: list[int] = []
        while len(found) < limit:
            token = self._next(ids, shapes)
            if token is None:
                break
            found.append(token)
            ids = [*ids[1 - LONGEST_PATTERN :], token]
            shapes = [*shapes[1 - LONGEST_PATTERN :], self._shape_of(token)]
        return found

    def _next(self, ids: list[int], shapes: list[int]) -> int | None:
        """The token after the longest known pattern; a number or a word only where it can be copied."""
        form = _after_longest(self._forms, shapes, 1)
        if form is None or form >= 0:
            return form
        copy = _after_longest(self._copies, ids, SHORTEST_BEFORE_NUMBER if form == NUMBER else 1)
        return copy if copy is not None and self._shape_of(copy) == form else None


def _after_longest(
    known: dict[tuple[int, ...], int], before: list[int], shortest: int
) -> int | None:
    for length in range(len(before), shortest - 1, -1):
        found = known.get(tuple(before[-length:]))
        if found is not None:
            return found
    return None
