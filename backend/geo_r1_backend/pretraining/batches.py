r"""Scenes and questions as arrays: several questions about one picture share its visual tokens in one packed row.

Layout of a row: ``<|im_start|>user\\n<|vision_start|>`` image ``<|vision_end|>`` (segment 0), then one segment per
question. A segment sees segment 0 and itself, and its positions start where segment 0 ended, so every question is
computed exactly as if it stood alone, while the picture is encoded once (a test proves the equality).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from geo_r1_backend.engines import prompts
from geo_r1_backend.pretraining.backgrounds import RealBackgrounds
from geo_r1_backend.pretraining.catalogue import CLASSES, COLOURS
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.expressions import Expression
from geo_r1_backend.pretraining.photo.corpus import Corpus
from geo_r1_backend.pretraining.photo.mirror import turned
from geo_r1_backend.pretraining.scenes import Scene, SceneRecipe, draw_scene
from geo_r1_backend.pretraining.training_examiner import TrainingExaminer

IGNORED = -100
PATCH_PX = 14  # Qwen2.5-VL vision patch; the auxiliary head has one slot per patch
MERGED_PX = 28
QUESTIONS_PER_SCENE = 6
TEXT_TOKENS = 443
"""Room for questions in a row: with 5 fixed and 256, 240 or 192 visual tokens the row is a multiple of 8 long."""
DENSE_TEXT_TOKENS = 1275
"""Room in a row about a crowded view: 60 objects in one answer."""
DENSE_EVERY = 8
"""One batch in so many shows crowded views, with a quarter of the pictures."""
DENSE_VIEW_PX = (448, 448)
NO_THINK_SHARE = 0.1
FAMILY_WEIGHTS = (
    ("plain", 0.6),
    ("colour", 1.0),
    ("size", 1.3),
    ("extreme", 1.0),
    ("ordinal", 1.4),
    ("relation", 2.2),
    ("all", 1.5),
    ("none", 0.9),
    ("comparative", 1.0),
    ("ambiguous", 0.8),
)
NONE_ON_PHOTOGRAPHS = 2.6
"""Weight of *none* where nearly every mark is a mistake: a photograph holds few of the kinds and much that looks like them."""
REAL_FAMILY_WEIGHTS = tuple(
    (name, NONE_ON_PHOTOGRAPHS if name == "none" else weight) for name, weight in FAMILY_WEIGHTS
)
KIND_INDEX = {kind.name: 1 + k for k, kind in enumerate(CLASSES)}
COLOUR_INDEX = {"": 0, **{name: 1 + k for k, name in enumerate(COLOURS)}}


@dataclass
class Row:
    """One picture with its questions, as arrays."""

    image: np.ndarray
    """``(height, width, 3)`` uint8."""
    ids: np.ndarray
    """``(text tokens,)`` int64: the questions' tokens."""
    labels: np.ndarray
    """``(text tokens,)`` int64: next token where it is learned, else -100."""
    segments: np.ndarray
    """``(text tokens,)`` int64: 1, 2, ... per question; -1 = empty."""
    offsets: np.ndarray
    """``(text tokens,)`` int64: position behind segment 0."""
    slot_kind: np.ndarray
    """``(tokens, 4)`` int64: 0 = background, else 1 + class; slots are the four patches of a visual token."""
    slot_box: np.ndarray
    """``(tokens, 4, 4)`` float32: box in pixels of the view."""
    slot_colour: np.ndarray
    """``(tokens, 4)`` int64: -100 where there is no object."""
    background_kinds: np.ndarray
    """``(1 + classes,)`` bool: what a slot without a label may be (background, or a kind left unlabelled)."""
    asked: int
    left_out: int
    """Questions that did not fit; the longest are placed first, so length is not what is left out."""


class Encoder:
    """Questions to token ids."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        (self.end,) = tokenizer.encode("<|im_end|>").ids
        self.turn = tokenizer.encode("<|im_end|>\n<|im_start|>assistant\n").ids

    def question(self, expression: Expression, *, think: bool) -> tuple[list[int], list[int]]:
        """(prompt ids, completion ids) of one question, the end of the turn included."""
        text = prompts.prompt_for(expression.task, expression.query, think=think)
        completion = expression.completion if think else f"<answer>{expression.answer}</answer>"
        prompt = self.tokenizer.encode(text).ids + self.turn
        return prompt, [*self.tokenizer.encode(completion).ids, self.end]


def questions_about(scene: Scene, dice: Dice) -> list[Expression]:
    """Different questions about one scene."""
    examiner = TrainingExaminer(scene, dice)
    weights = REAL_FAMILY_WEIGHTS if scene.background == "real" else FAMILY_WEIGHTS
    found: list[Expression] = []
    for _ in range(3 * QUESTIONS_PER_SCENE):
        expression = examiner.ask(dice.weighted(weights))
        if expression is not None and all(e.query != expression.query for e in found):
            found.append(expression)
        if len(found) == QUESTIONS_PER_SCENE:
            break
    return found


def make_row(scene: Scene, dice: Dice, encoder: Encoder, text_tokens: int = TEXT_TOKENS) -> Row:
    """Pack a scene with as many questions as fit."""
    ids = np.zeros(text_tokens, np.int64)
    labels = np.full(text_tokens, IGNORED, np.int64)
    segments = np.full(text_tokens, -1, np.int64)
    offsets = np.zeros(text_tokens, np.int64)
    encoded = [
        encoder.question(e, think=not dice.chance(NO_THINK_SHARE))
        for e in questions_about(scene, dice)
    ]
    at, placed = 0, 0
    for prompt, completion in sorted(encoded, key=lambda pair: -len(pair[1])):
        length = len(prompt) + len(completion)
        if at + length > text_tokens:
            continue
        placed += 1
        ids[at : at + length] = prompt + completion
        first = at + len(prompt) - 1  # this position predicts the first token of the completion
        labels[first : first + len(completion)] = completion
        segments[at : at + length] = placed
        offsets[at : at + length] = np.arange(length)
        at += length
    return Row(
        scene.image, ids, labels, segments, offsets, *_slots(scene), placed, len(encoded) - placed
    )


def _slots(scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Truth of the auxiliary head, see `Row`."""
    rows, columns = scene.height_px // MERGED_PX, scene.width_px // MERGED_PX
    kind = np.zeros((rows * columns, 4), np.int64)
    box = np.zeros((rows * columns, 4, 4), np.float32)
    colour = np.full((rows * columns, 4), IGNORED, np.int64)
    for item in sorted(
        scene.objects, key=lambda o: -o.area_px
    ):  # the smaller of two in one slot wins
        x, y = item.centre_px
        patch_x, patch_y = (
            min(2 * columns - 1, int(x // PATCH_PX)),
            min(2 * rows - 1, int(y // PATCH_PX)),
        )
        token, slot = (patch_y // 2) * columns + patch_x // 2, (patch_y % 2) * 2 + patch_x % 2
        kind[token, slot] = KIND_INDEX[item.kind]
        box[token, slot] = item.box_px
        colour[token, slot] = COLOUR_INDEX[item.colour]
    may_be = np.zeros(1 + len(CLASSES), bool)
    may_be[0] = True
    for name in scene.unlabelled | scene.uncertain:
        may_be[KIND_INDEX[name]] = True
    return kind, box, colour, may_be


class RowSource:
    """An endless, seeded source of batches of rows; all pictures of a batch have one size."""

    def __init__(
        self,
        tokenizer_json: str,
        backgrounds: Path | None,
        *,
        batch: int,
        recipe: SceneRecipe,
        seed: int,
        corpus: Corpus | None = None,
    ) -> None:
        self.encoder = Encoder(Tokenizer.from_str(tokenizer_json))
        self.real = None if backgrounds is None else RealBackgrounds(backgrounds, evaluation=False)
        self.batch = batch
        self.recipe = recipe
        self.seed = seed
        self.corpus = corpus
        """Photograph-like scenes and photographs among the plain ones; without it all are plain."""

    def draw(self, index: int) -> dict[str, np.ndarray]:
        """Batch number ``index``: arrays of `Row` stacked, and two counters."""
        dice = Dice(self.seed * 1_000_003 + index)
        dense = self.corpus is not None and index % DENSE_EVERY == DENSE_EVERY - 1
        view = DENSE_VIEW_PX if dense else dice.choice(self.recipe.views_px)
        size = max(1, self.batch // 4) if dense else self.batch
        text_tokens = DENSE_TEXT_TOKENS if dense else TEXT_TOKENS
        rows: list[Row] = []
        scene_seed = (self.seed << 40) + (index << 12)
        while len(rows) < size:
            scene_seed += 1
            if self.corpus is None:
                scene = draw_scene(scene_seed - 1, self.recipe, self.real, view)
            else:
                drawn = self.corpus.draw(scene_seed, dice, view, dense=dense)
                if drawn is None:
                    continue
                scene = drawn
            row = make_row(scene, dice, self.encoder, text_tokens)
            if row.asked:
                rows.append(row)
            if row.asked and self.corpus is not None and len(rows) < size:
                # Asked anew about the mirror image: drawing costs three times as much as asking.
                flips = dice.choice(((True, False), (False, True), (True, True)))
                other = turned(scene, mirrored=flips[0], upside_down=flips[1])
                row = make_row(other, dice, self.encoder, text_tokens)
                rows += [row] if row.asked else []
        names = (
            "image",
            "ids",
            "labels",
            "segments",
            "offsets",
            "slot_kind",
            "slot_box",
            "slot_colour",
            "background_kinds",
        )
        stacked = {name: np.stack([getattr(row, name) for row in rows]) for name in names}
        stacked["asked"] = np.array([row.asked for row in rows])
        stacked["left_out"] = np.array([row.left_out for row in rows])
        return stacked
