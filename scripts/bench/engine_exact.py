"""Whether `gpu_engine.py`'s figures are of the right answers: our logits beside transformers', token by token."""

from __future__ import annotations

from typing import Any

import torch
from engine_ours import WORDS, Ours
from engine_peers import inputs_of
from torch import Tensor
from torch.nn import functional as F

from geo_r1_backend.models.qwen.decode import APART, ONCE, Way
from geo_r1_backend.models.qwen.runtime import Question


@torch.no_grad()
def forced_logits(ours: Ours, picture: Any, said: list[int], *, way: Way) -> Tensor:
    """Our logits ``(tokens, vocabulary)`` where the given tokens are said, by steps without a graph."""
    runtime, found = ours.runtime, []
    asked = runtime.asked(Question(picture, WORDS))
    rows = runtime.rows_for(1, len(asked.prompt.ids) + len(said) + 1)
    which = torch.tensor([0], device=runtime.device)
    normed = runtime.prefill([asked], rows, [0])
    position, limit = (
        torch.full_like(which, n) for n in (asked.prompt.next_position, len(said) + 1)
    )
    rows.begin(which, position, limit, 0.0)
    decoder, head = runtime.decoder, runtime.language.head
    choose = decoder._choose

    def watched(hidden: Tensor, *more: Any) -> Any:
        found.append(F.linear(hidden, head).float()[0])
        return choose(hidden, *more)

    decoder._choose = watched  # type: ignore[method-assign]
    try:
        decoder.first(rows, which, normed, draws=False)
        for token in said[:-1]:
            rows.current[0] = token
            decoder.step(rows, 1, draws=False, way=way)
    finally:
        decoder._choose = choose  # type: ignore[method-assign]
    return torch.stack(found)


@torch.no_grad()
def their_logits(model: Any, tokenizer: Any, picture: Any, said: list[int]) -> Tensor:
    """Transformers' logits at the same places, by one forward."""
    inputs = inputs_of(model, tokenizer, [picture])
    length = inputs["input_ids"].shape[1]
    more = torch.tensor([said], device=inputs["input_ids"].device)
    inputs["input_ids"] = torch.cat((inputs["input_ids"], more), 1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    inputs["mm_token_type_ids"] = F.pad(inputs["mm_token_type_ids"], (0, len(said)))
    logits: Tensor = model(**inputs).logits[0, length - 1 : -1]
    return logits.float()


def compared(mine: Tensor, theirs: Tensor) -> dict[str, float]:
    """Share of equal arg-maxes (all, and where the second best is not within the noise), largest and mean relative error."""
    apart = (mine - theirs).abs()
    scale = theirs.abs().amax(1)
    equal = mine.argmax(1) == theirs.argmax(1)
    best = theirs.topk(2, 1).values
    noise = 4 * apart.pow(2).mean().sqrt()
    clear = best[:, 0] - best[:, 1] > noise
    return {
        "argmax_equal": round(float(equal.float().mean()), 4),
        "argmax_equal_where_clear": round(float(equal[clear].float().mean()), 4)
        if clear.any()
        else 1.0,
        "clear_share": round(float(clear.float().mean()), 4),
        "largest_relative_error": round(float((apart.amax(1) / scale).max()), 5),
        "mean_relative_error": round(float((apart.mean(1) / scale).mean()), 6),
    }


def exactness(
    ours: Ours, model: Any, tokenizer: Any, tokens: int, *, float32: bool
) -> dict[str, Any]:
    """Ours and transformers beside each other, beside transformers' other attention, and both beside float32."""
    picture = ours.picture()
    gen = torch.Generator().manual_seed(3)
    vocabulary = len(ours.runtime.language.head)
    image = model.config.image_token_id
    # random tokens: an answer of random weights would repeat one
    said = [
        t for t in torch.randint(300, vocabulary, (tokens,), generator=gen).tolist() if t != image
    ]
    theirs = their_logits(model, tokenizer, picture, said)
    rows: dict[str, Any] = {}
    for way in (APART, ONCE):
        if way.once and not ours.runtime.operations.reads_once(1):
            continue
        mine = forced_logits(ours, picture, said, way=way)
        rows["ours, once" if way.once else "ours"] = compared(mine, theirs)
    model.set_attn_implementation("eager")
    rows["transformers, its other attention"] = compared(
        their_logits(model, tokenizer, picture, said), theirs
    )
    model.set_attn_implementation("sdpa")
    if float32:
        mine = forced_logits(ours, picture, said, way=APART)
        model.float()
        truth = their_logits(model, tokenizer, picture, said)
        rows["ours, beside float32"] = compared(mine, truth)
        rows["transformers, beside float32"] = compared(theirs, truth)
        # the fused views are gone: whoever goes on makes a new runtime
    return rows
