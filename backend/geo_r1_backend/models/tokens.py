"""Text to token ids and back: the prompt around an image, and text that streams out as tokens come.

Control tokens enter by id only. Whatever a user types, `<|im_end|>` or `<think>` included, becomes ordinary text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

TOKENIZER_FILE = "tokenizer.json"
ANSWER_TAGS = ("<think>", "</think>", "<answer>", "</answer>")
"""They open and close the parts of an answer; a vocabulary may hold them as single tokens."""
HELD_TOKENS_LIMIT = (
    8  # a character has at most four bytes; its last token may hold the beginning of the next one
)
REPLACEMENT = (
    "\N{REPLACEMENT CHARACTER}"  # what decoding gives for bytes that are no character, or not yet
)


NUMBER, WORD = -1, -2
"""Shapes of tokens, beside their ids: any whole number, any word."""


class ChatTokens:
    """The tokenizer of a model folder, for one user turn with one image."""

    def __init__(self, path: Path) -> None:
        self.tokenizer = Tokenizer.from_file(str(path))
        # Control tokens spelled out in the text are then split like any other text.
        self.tokenizer.encode_special_tokens = True
        tags = [self.tokenizer.token_to_id(tag) for tag in ANSWER_TAGS]
        self._tag_ids = {tag for tag in tags if tag is not None}
        self._shapes: dict[int, int] = {}

    def control_id(self, token: str) -> int:
        """Id of a control token.

        Raises:
            ValueError: if the vocabulary has no such token.
        """
        found = self.tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"the tokenizer has no token {token!r}")
        return int(found)

    def shape_of(self, token: int) -> int:
        """`NUMBER`, `WORD`, or the id itself for whatever else a token is."""
        if token not in self._shapes:
            text = self.text([token]).strip()
            kind = NUMBER if text.isdecimal() else WORD if text.isalpha() else token
            self._shapes[token] = kind
        return self._shapes[token]

    def image_prefix_ids(self) -> list[int]:
        r"""``<|im_start|>user\n<|vision_start|>``: what stands before every image."""
        return [
            self.control_id("<|im_start|>"),
            *self.text_ids("user\n"),
            self.control_id("<|vision_start|>"),
        ]

    def prompt_ids(self, prompt: str) -> list[int]:
        r"""``<|vision_end|>{prompt}<|im_end|>\n<|im_start|>assistant\n``: what stands after the image."""
        return [
            self.control_id("<|vision_end|>"),
            *self.text_ids(prompt),
            self.control_id("<|im_end|>"),
            *self.text_ids("\n"),
            self.control_id("<|im_start|>"),
            *self.text_ids("assistant\n"),
        ]

    def text_ids(self, text: str) -> list[int]:
        """Ids of text that may hold anything; never a control token, never an answer's tag.

        The paper's prompts name the tags inside sentences that the embedded model's vocabulary holds whole, so a tag
        that comes out alone was typed. It is taken apart: `<t` and `hink>`.
        """
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        if self._tag_ids.isdisjoint(encoding.ids):
            return list(encoding.ids)
        ids, done = [], 0
        for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            if token in self._tag_ids:
                for part in (text[done:start], text[start : start + 2], text[start + 2 : end]):
                    ids += self.tokenizer.encode(part, add_special_tokens=False).ids
                done = end
        return ids + list(self.tokenizer.encode(text[done:], add_special_tokens=False).ids)

    def answer_ids(self, text: str) -> list[int]:
        """Ids of an answer of the model's own, in which a tag is a tag."""
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def text(self, ids: Sequence[int]) -> str:
        """Text of ids, without control tokens."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))


class TextStream:
    """Text of an answer, token by token, in whole characters.

    Bytes that are not yet a character are held back until they are, or until they can no longer become one.
    """

    def __init__(self, tokens: ChatTokens) -> None:
        self._tokens = tokens
        self._context: list[int] = []
        """Tokens of the piece before: some decoders treat the first token of a text differently."""
        self._held: list[int] = []

    def push(self, token: int) -> tuple[str, int]:
        """Text that has become certain, and how many tokens it took; ``("", 0)`` while bytes are held back."""
        self._held.append(token)
        text = self._new_text()
        if text.endswith(REPLACEMENT) and len(self._held) < HELD_TOKENS_LIMIT:
            return "", 0
        return self._released(text)

    def flush(self) -> tuple[str, int]:
        """Whatever is held back, as the answer ends here."""
        return self._released(self._new_text())

    def _new_text(self) -> str:
        before = self._tokens.text(self._context)
        return self._tokens.text(self._context + self._held)[len(before) :]

    def _released(self, text: str) -> tuple[str, int]:
        count = len(self._held)
        # After bytes that are no character a context would swallow the next one.
        self._context, self._held = [] if REPLACEMENT in text else self._held, []
        return text, count
