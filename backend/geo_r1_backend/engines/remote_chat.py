"""The chat format of OpenAI-compatible servers and what is different in each: bodies of requests, pieces of answers.

Pure: it knows no sockets. The prompt, the answer's format and its parser are those of every other engine.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from geo_r1_backend.engines.base import EngineItem, GenerationOptions

Dialect = Literal["vllm", "sglang", "llama.cpp", "openai"]
"""Which server it is; `openai` stands for all that say nothing of themselves, such as `transformers serve`."""

_OWNERS: dict[str, Dialect] = {"vllm": "vllm", "sglang": "sglang", "llamacpp": "llama.cpp"}
EXTRAS: dict[Dialect, dict[str, Any]] = {
    # generation_config.json of Qwen2.5-VL has a penalty of 1.05, which these two would take over
    "vllm": {"repetition_penalty": 1.0},
    "sglang": {"repetition_penalty": 1.0},
    # otherwise it takes <think>…</think> out of the text
    "llama.cpp": {"reasoning_format": "none"},
    "openai": {},
}
PNG_LEVEL = 1
"""Of compression: the way to a server is faster than the best compression."""
DONE = "[DONE]"


class NoChat(ValueError):
    """The answer is not that of a chat endpoint."""


@dataclass(frozen=True)
class Delta:
    """What one event of the stream adds."""

    text: str = ""
    reasoning: str = ""
    """Text that a server has taken out from between the think tags."""
    finish: Literal["", "stop", "length"] = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str = ""


def dialect_of(models: Mapping[str, Any]) -> Dialect:
    """Which server answers `/v1/models` like this."""
    for entry in _entries(models):
        owner = str(entry.get("owned_by", "")).lower()
        if owner in _OWNERS:
            return _OWNERS[owner]
    return "openai"


def served_names(models: Mapping[str, Any]) -> list[str]:
    """Names of the models that `/v1/models` lists, adapters included."""
    return [str(entry["id"]) for entry in _entries(models) if entry.get("id")]


def data_url(item: EngineItem) -> str:
    """The image as PNG, pixel for pixel: what a server resizes again would shift every box."""
    image = item.image if item.image.mode == "RGB" else item.image.convert("RGB")
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=PNG_LEVEL)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def request_body(
    item: EngineItem | None,
    options: GenerationOptions,
    *,
    model: str,
    dialect: Dialect,
    prompt: str = "",
    limit_tokens: bool = True,
    seed: int = 0,
) -> bytes:
    """JSON of one question.

    Args:
        item: image and prompt; None = ``prompt`` alone.
        options: how to decode.
        model: what the endpoint calls it; empty = left out.
        dialect: of the endpoint.
        prompt: where there is no item.
        limit_tokens: whether to name the limit of tokens; without it servers take what is left of the context.
        seed: of this item.
    """
    content: list[dict[str, Any]] = []
    if item is not None:
        content.append({"type": "image_url", "image_url": {"url": data_url(item)}})
    content.append({"type": "text", "text": item.prompt if item is not None else prompt})
    body: dict[str, Any] = {
        "messages": [{"role": "user", "content": content}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": options.temperature,
        "seed": seed,
        # for `transformers serve` this is a repetition penalty of 1
        "frequency_penalty": 0,
        **EXTRAS[dialect],
    }
    if limit_tokens:
        body["max_tokens"] = options.max_new_tokens
    if model:
        body["model"] = model
    return json.dumps(body).encode("utf-8")


def events(lines: Iterable[bytes]) -> Iterator[str]:
    """The data of server-sent events; comments and other fields are left out.

    A reply that is one JSON document, from a server that does not stream, is one event.
    """
    data: list[str] = []
    plain: list[str] | None = None
    for raw in lines:
        line = raw.decode("utf-8", "replace")
        if plain is None and not data and line.startswith("{"):
            plain = []
        if plain is not None:
            plain.append(line)
        elif not line:
            if data:
                yield "\n".join(data)
            data = []
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
    if plain is not None:
        data = plain
    if data:
        yield "\n".join(data)


def read_delta(event: str) -> Delta:
    """What an event adds.

    Raises:
        NoChat: if it is not one of a chat.
    """
    try:
        found = json.loads(event)
    except ValueError as error:
        raise NoChat(f"“{event[:120]}” is not JSON") from error
    if not isinstance(found, dict):
        raise NoChat(f"“{event[:120]}” is not an object")
    if found.get("error"):
        return Delta(error=said_in(found))
    usage = found.get("usage")
    choices = found.get("choices")
    if not isinstance(choices, list):
        raise NoChat(f"“{event[:120]}” has no choices")
    choice = choices[0] if choices and isinstance(choices[0], dict) else {}
    part = choice.get("delta") or choice.get("message") or {}
    if not isinstance(part, dict):
        raise NoChat(f"“{event[:120]}” has no text")
    finish = choice.get("finish_reason")
    return Delta(
        text=_text(part.get("content")),
        reasoning=_text(part.get("reasoning_content")) or _text(part.get("reasoning")),
        finish="" if not finish else "length" if finish == "length" else "stop",
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
    )


def said_in(body: object) -> str:
    """A server's own words on what is wrong, wherever it puts them."""
    if isinstance(body, Mapping):
        for name in ("error", "message", "detail", "msg"):
            if body.get(name):
                return said_in(body[name])
        return json.dumps(body)[:400]
    if isinstance(body, list) and body:
        return said_in(body[0])
    return str(body)


class WholeText:
    """Joins reasoning and answer to the text that the model wrote, tags included."""

    def __init__(self) -> None:
        self._is_thinking = False

    def add(self, delta: Delta) -> str:
        """What a delta adds to the text."""
        text = ""
        if delta.reasoning:
            text += ("" if self._is_thinking else "<think>") + delta.reasoning
            self._is_thinking = True
        if delta.text:
            text += ("</think>" if self._is_thinking else "") + delta.text
            self._is_thinking = False
        return text


def _entries(models: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = models.get("data")
    return (
        [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(usage: object, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
