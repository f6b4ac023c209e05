"""The embedded model's tokenizer: byte-level BPE with whole numbers, answer pieces and prompt sentences as one token.

A box costs nine tokens in a chain and eight in an answer (one token per digit: seventeen). Any other text falls back
to bytes, so nothing a user types is lost. The vocabulary can never change without voiding every adapter: it is built
once, kept in the model's folder, and padded with reserved rows.

Source: numbers as single tokens follow Pix2Seq's coordinate bins (arXiv 2109.10852, section 3.1).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from geo_r1_backend.engines import prompts
from geo_r1_backend.pretraining import phrases
from geo_r1_backend.pretraining.catalogue import CLASSES, COLOURS
from geo_r1_backend.pretraining.dice import Dice

VOCABULARY_SIZE = 4096
SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
"""Qwen2.5-VL's names, so that templates and processors of that family work unchanged."""

ANSWER_PIECES = (
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    '{"bbox_2d":[',
    '{"bbox_2d": [',
    '],"label":"',
    '], "label": "',
    '"}',
    '"},{"bbox_2d":[',
    "```json",
    "```",
)


def prompt_pieces() -> tuple[str, ...]:
    """The fixed sentences of the paper's prompts, without the spaces that join them to a query."""
    whole = (
        prompts.rec("\0", True),
        prompts.rec("\0", False),
        prompts.ovd("\0", True),
        prompts.ovd("\0", False),
        prompts.gres("\0"),
    )
    pieces = {part.strip(" ") for text in whole for part in text.split("\0")}
    return tuple(sorted((p for p in pieces if p), key=lambda p: (-len(p), p)))


def build_tokenizer() -> Tokenizer:
    """The tokenizer, equal on every machine."""
    # Runs of digits fall apart into groups of three, each of which is one token.
    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d{1,3}"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = split
    numbers = [str(n) for n in range(10, 1000)]
    fixed = len(SPECIAL_TOKENS) + len(ANSWER_PIECES) + len(prompt_pieces()) + len(numbers)
    learner.train_from_iterator(
        _corpus(),
        trainers.BpeTrainer(
            vocab_size=VOCABULARY_SIZE - fixed - 64,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    learned = json.loads(learner.to_str())["model"]
    vocabulary = dict(learned["vocab"])
    merges = [tuple(m) for m in learned["merges"]]
    # Both ways of splitting three digits: "660" may first become 66+0 or 6+60.
    merges += [(n[:-1], n[-1]) for n in numbers] + [
        (n[0], n[1:]) for n in numbers if len(n) == 3 and n[1] != "0"
    ]
    for number in numbers:
        vocabulary[number] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken(t, special=True, normalized=False) for t in SPECIAL_TOKENS]
    )
    tokenizer.add_tokens(
        [AddedToken(t, normalized=False) for t in (*prompt_pieces(), *ANSWER_PIECES)]
    )
    if tokenizer.get_vocab_size() > VOCABULARY_SIZE:
        msg = f"The vocabulary has {tokenizer.get_vocab_size()} tokens; the model has rows for {VOCABULARY_SIZE}."
        raise ValueError(msg)
    return tokenizer


def _corpus() -> Iterator[str]:
    """Words of the trade and the grammar's own sentences; digits never appear."""
    lexicon = (
        resources.files(__package__).joinpath("lexicon.txt").read_text(encoding="utf-8").split()
    )
    for word in lexicon:
        for form in (word, f" {word}", word.capitalize(), f" {word}s"):
            yield from (form,) * 12
    dice = Dice(0)
    for kind in CLASSES:
        for one, many in ((kind.name, kind.plural), *kind.synonyms):
            for colour in ("", *COLOURS):
                spelled = phrases.coloured(dice, colour, (one, many))
                for templates in phrases.ONE.values():
                    for template in templates:
                        for nth in ("second", "third", "fourth"):
                            yield " " + template.format(
                                one=spelled[0], many=spelled[1], nth=nth, anchor="ship"
                            )
                yield f"Find {kind.plural}: none. Find {kind.plural} from the left: {colour} ["
                yield f" {spelled[1]}: ( , ), ( , ) {colour}, ]. ], ] ) ), ). No {colour} one. Only one. {colour}: ["
    for name in (
        "Largest",
        "Smallest",
        "Leftmost",
        "Rightmost",
        "Topmost",
        "Bottommost",
        "Nearest to it",
        "Farthest from it",
        "Left of it",
        "Right of it",
        "Above it",
        "Below it",
        "Second from the left",
        "Third from the right",
        "Fourth from the top",
        "Second from the bottom",
        "Second largest",
    ):
        yield from (f". {name}: [ ], [ ].",) * 300
    yield from ("],", "].", "),", ").", ")", " [", " (", "]") * 2000
    yield from ("\n", "user", "assistant", "user\n", "assistant\n", "system\n") * 50
