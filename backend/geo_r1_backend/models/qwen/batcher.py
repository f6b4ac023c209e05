"""Many questions at once: as soon as an answer has ended, its row is given to the next question.

The host launches steps ahead of what it has read and fetches what was said every few tokens, while the device goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch

from geo_r1_backend.models.qwen.rows import Rows, Snapshot
from geo_r1_backend.models.qwen.runtime import ROW_COUNTS, Asked, Question, QwenRuntime

TOKENS_BETWEEN_LOOKS = 8
"""So many tokens are launched on a GPU before the host fetches what was said; 1 at first, so that the first word comes at once."""
GROUP_TOKENS = 8192
"""Prompts that are run side by side, padding included: their inner width is what takes memory."""


@dataclass(frozen=True)
class Said:
    """Some more tokens of one answer."""

    index: int
    """Which question."""
    ids: list[int]
    finish: Literal["", "stop", "length"] = ""


@dataclass
class _Running:
    """A question in its row."""

    index: int
    read: int = 0
    launched: int = 1
    """Tokens that are there or on their way, the prompt's own among them."""
    done: bool = False


@dataclass
class _Batch:
    """Questions on their way through some rows."""

    rows: Rows
    waiting: deque[int]
    limit: int
    running: dict[int, _Running] = field(default_factory=dict)
    """By row."""
    pending: deque[tuple[Snapshot, dict[int, _Running]]] = field(default_factory=deque)

    @property
    def free(self) -> list[int]:
        """Rows without a question."""
        return [row for row in range(self.rows.count) if row not in self.running]


@torch.no_grad()
def answers(
    runtime: QwenRuntime,
    questions: Sequence[Question],
    *,
    max_new_tokens: int,
    temperature: float = 0.0,
    seed: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Said]:
    """Answer questions; tokens come as they are known, each answer's last with its finish.

    Args:
        runtime: the model.
        questions: as many as there are.
        max_new_tokens: of each answer.
        temperature: 0 = the likeliest token.
        seed: of the drawing; the same questions with the same seed get the same answers.
        should_stop: asked between the parts of the work.

    Raises:
        ValueError: if ``max_new_tokens`` is below 1, or a picture or prompt does not fit the model.
    """
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens is {max_new_tokens}; an answer has at least one token")
    asked = [runtime.asked(one) for one in questions]
    if not asked:
        return
    longest = max(len(one.prompt.ids) for one in asked) + max_new_tokens
    rows = runtime.rows_for(len(asked), longest)
    rows.ended.fill_(value=True)
    runtime.decoder.generator.manual_seed(seed)
    batch = _Batch(rows, deque(range(len(asked))), max_new_tokens)
    on_device = _looks_ahead(rows)
    steps = 1
    while batch.waiting or batch.running:
        if should_stop():
            return
        is_all_launched = False
        if _is_time_to_fill(batch):
            _fill(runtime, asked, batch, temperature)
            # the first tokens of new rows are there before any step
            batch.pending.append((rows.snapshot(), dict(batch.running)))
            steps = 1
        else:
            # no row takes more than its limit: what it says last is not waited for behind steps that nobody wants
            steps = min(steps, max(batch.limit - one.launched for one in batch.running.values()))
            if steps > 0:
                count = _compacted(batch, on_device=on_device)
                runtime.decoder.run(rows, count, steps, draws=temperature > 0)
                batch.pending.append((rows.snapshot(), dict(batch.running)))
                for one in batch.running.values():
                    one.launched += steps
            is_all_launched = steps <= 0
            steps = min(2 * max(1, steps), TOKENS_BETWEEN_LOOKS) if on_device else 1
        # on a GPU the newest snapshot is still being made: it is read after the next steps are launched
        ahead = 1 if on_device and batch.running and not is_all_launched else 0
        while len(batch.pending) > ahead:
            yield from _read(runtime, batch)


def _looks_ahead(rows: Rows) -> bool:
    """Whether steps are launched while what the last ones said is still under way."""
    return bool(rows.keys.is_cuda)


def _is_time_to_fill(batch: _Batch) -> bool:
    """New questions start in groups: a prompt alone uses the device badly."""
    if not batch.waiting or not batch.free:
        return False
    wanted = min(len(batch.waiting), max(1, batch.rows.count // 8))
    return len(batch.free) >= wanted


def _fill(runtime: QwenRuntime, asked: Sequence[Asked], batch: _Batch, temperature: float) -> None:
    """Give free rows to questions that wait, as many as are run side by side."""
    chosen: list[int] = []
    longest = 0
    while batch.waiting and len(chosen) < len(batch.free):
        longest = max(longest, len(asked[batch.waiting[0]].prompt.ids))
        if chosen and longest * (len(chosen) + 1) > GROUP_TOKENS:
            break
        chosen.append(batch.waiting.popleft())
    places = batch.free[: len(chosen)]
    group = [asked[index] for index in chosen]
    normed = runtime.prefill(group, batch.rows, places)
    where = torch.tensor(places, device=runtime.device)
    following = torch.tensor([one.prompt.next_position for one in group], device=runtime.device)
    batch.rows.begin(where, following, torch.full_like(following, batch.limit), temperature)
    runtime.decoder.first(batch.rows, where, normed, draws=temperature > 0)
    batch.running.update({row: _Running(index) for row, index in zip(places, chosen, strict=True)})


def _compacted(batch: _Batch, *, on_device: bool) -> int:
    """How many of the first rows a step must run: when few are left they move to the front."""
    highest = max(batch.running) + 1
    count = next(n for n in ROW_COUNTS if n >= highest)
    fewer = next(n for n in ROW_COUNTS if n >= len(batch.running))
    if not on_device:
        count, fewer = highest, len(batch.running)
    if fewer >= count or batch.waiting:
        return min(count, batch.rows.count)
    for row in sorted(batch.running, reverse=True):
        target = batch.free[0]
        if target >= row:
            break
        batch.rows.move(row, target)
        batch.running[target] = batch.running.pop(row)
    return min(fewer, batch.rows.count)


def _read(runtime: QwenRuntime, batch: _Batch) -> Iterator[Said]:
    """What the oldest snapshot knows; rows that have ended are free then."""
    snapshot, running = batch.pending.popleft()
    snapshot.wait()
    said, ended = snapshot.said.tolist(), snapshot.ended.tolist()
    for row, one in running.items():
        if one.done:
            continue
        ids = snapshot.tokens[row, one.read : said[row]].tolist()
        one.read = said[row]
        if not ended[row]:
            if ids:
                yield Said(one.index, ids)
            continue
        one.done = True
        last = int(snapshot.tokens[row, said[row] - 1])
        batch.running = {r: other for r, other in batch.running.items() if other is not one}
        yield Said(one.index, ids, "stop" if last in runtime.end_ids else "length")
