"""Answers through transformers' own `generate`: for architectures that the own loop does not know (Qwen3-VL, Qwen2-VL), and the peer that it is measured against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Message = dict[str, Any]


class TextPieces:
    """Token ids to text: says only whole characters, so that a letter of several tokens is not broken."""

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._said_to = 0
        self._context_from = 0

    def add(self, *token_ids: int) -> str:
        """What some more tokens add; empty while their last character is not complete."""
        self._ids += token_ids
        known = self._decode(self._ids[self._context_from : self._said_to])
        text = self._decode(self._ids[self._context_from :])
        if text.endswith("\ufffd"):
            return ""
        # the decoder joins neighbours (spaces, bytes), so what was said last stays as context
        self._context_from, self._said_to = self._said_to, len(self._ids)
        return text[len(known) :]

    def rest(self) -> str:
        """What was held back, at the end; a character that never became whole is left out."""
        known = self._decode(self._ids[self._context_from : self._said_to])
        text = self._decode(self._ids[self._context_from :]).rstrip("\ufffd")
        self._context_from = self._said_to = len(self._ids)
        return text[len(known) :]


class GenerateAnswers:
    """Items of a request one after another."""

    best_batch = 1

    def __init__(self, model: Any, processor: Any) -> None:
        self._model, self._processor = model, processor

    def answer(
        self,
        items: list[Message],
        options: Message,
        *,
        say: Callable[..., None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Say pieces of every item as they come."""
        for index, item in enumerate(items):
            if should_stop():
                return
            answer_item(
                self._model,
                self._processor,
                item,
                options,
                say=lambda index=index, **piece: say(index=index, **piece),
                should_stop=should_stop,
            )


def answer_item(
    model: Any,
    processor: Any,
    item: Message,
    options: Message,
    *,
    say: Callable[..., None],
    should_stop: Callable[[], bool],
) -> None:
    """Generate for one item, saying pieces as they come."""
    from PIL import Image
    from transformers import StoppingCriteria
    from transformers.generation.streamers import BaseStreamer

    size = (item["width_px"], item["height_px"])
    image = Image.frombytes("RGB", size, item["rgb"])
    content = [{"type": "image"}, {"type": "text", "text": item["prompt"]}]
    chat = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
    )
    inputs = processor(text=[chat], images=[image], return_tensors="pt").to(model.device)
    _check_grid(inputs["image_grid_thw"][0].tolist(), processor, size)
    ends = model.generation_config.eos_token_id
    end_ids = {ends} if isinstance(ends, int) else set(ends or ())
    pieces = TextPieces(lambda ids: str(processor.tokenizer.decode(ids, skip_special_tokens=True)))
    unsaid = 0

    class Streamer(BaseStreamer):
        prompt_seen = False

        def put(self, value: Any) -> None:
            nonlocal unsaid
            if not self.prompt_seen:
                self.prompt_seen = True
                return
            for token_id in value.reshape(-1).tolist():
                unsaid += 1
                text = pieces.add(int(token_id))
                if text:
                    say(text=text, tokens=unsaid, finish="")
                    unsaid = 0

        def end(self) -> None:
            """Nothing: the finish is said when generate returns."""

    class Left(StoppingCriteria):
        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
            return torch.full((input_ids.shape[0],), should_stop(), device=input_ids.device)

    temperature = float(options["temperature"])
    torch.manual_seed(int(options["seed"]))
    sampling = (
        {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}
    )
    with torch.inference_mode():
        output = model.generate(
            **inputs,
            max_new_tokens=int(options["max_new_tokens"]),
            streamer=Streamer(),
            stopping_criteria=[Left()],
            **sampling,
        )
    if not should_stop():
        last_id = int(output[0, -1])
        say(text="", tokens=unsaid, finish="stop" if last_id in end_ids else "length")


def _check_grid(grid: list[int], processor: Any, size: tuple[int, int]) -> None:
    """Whether the processor looked at the pixels it was given.

    Raises:
        ValueError: if it resized them; boxes would come back in unknown pixels.
    """
    patch = int(processor.image_processor.patch_size)
    seen = (grid[2] * patch, grid[1] * patch)
    if seen != size:
        raise ValueError(f"the processor resized {size} to {seen}")
