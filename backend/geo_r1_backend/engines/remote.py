"""A model that other servers run: items are spread over OpenAI-compatible endpoints (vLLM, SGLang, transformers, llama.cpp).

Prompt, view, answer format and parser are those of every other engine; only pixels and words travel, to the addresses that
`remote.json` or `--remote` name. See docs/remote.md.
"""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from geo_r1_backend.engines.base import (
    EngineItem,
    EngineStatus,
    GenerationOptions,
    ModelProfile,
    Piece,
)
from geo_r1_backend.engines.profiles import DEFAULT_MAX_PIXELS, DEFAULT_MIN_PIXELS
from geo_r1_backend.engines.remote_endpoint import Endpoint
from geo_r1_backend.engines.remote_health import Health
from geo_r1_backend.engines.remote_http import BrokenOff, Exchange, tls_context
from geo_r1_backend.engines.remote_run import Run, Server, first_wrong, unreachable
from geo_r1_backend.engines.remote_views import WORDS, seen_views
from geo_r1_backend.errors import ConfigError, GeoR1Error, ModelFailed, RemoteViews
from geo_r1_backend.models.registry import ALL_TASKS
from geo_r1_backend.models.remote import RemoteConfig

START_S = 60.0
"""How long the first look at all endpoints may take; one that is slower joins later."""
SHOWN_ENDPOINTS = 2
MAX_BATCH = 64


class RemoteEngine:
    """Engine over the endpoints of a `RemoteConfig`.

    Args:
        config: where they are.
        model_id: what requests call the model.
        title: for a person.
        chance: numbers in [0, 1) for the waits.

    Raises:
        ConfigError: if the key or a certificate is missing.
        GeoR1Error: if no endpoint is there, or none can be used.
    """

    nests = False  # a call frees the places that its items take at an endpoint, so another one from within would wait for ever

    def __init__(
        self,
        config: RemoteConfig,
        *,
        model_id: str = "remote",
        title: str = "",
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._config = config
        self.profile = remote_profile(config, model_id, title)
        key, context = config.key(), _context(config)
        self._servers = [
            Server(Endpoint(address, config, key, context), Health(config.concurrency, chance))
            for address in config.endpoints
        ]
        # keeps every endpoint busy while the next items are prepared
        self.best_batch = min(MAX_BATCH, 2 * config.concurrency * len(config.endpoints))
        self._notes: dict[str, str] = {}
        self._is_started = False
        self._start()

    def status(self) -> EngineStatus:
        """Where views go, and how each endpoint is."""
        places = list(dict.fromkeys(server.endpoint.shown for server in self._servers))
        device = ", ".join(places[:SHOWN_ENDPOINTS])
        if len(places) > SHOWN_ENDPOINTS:
            device += f" + {len(places) - SHOWN_ENDPOINTS}"
        facts = {}
        for server in self._servers:
            words = [server.endpoint.dialect, server.endpoint.model]
            state = server.health.reason or " ".join(filter(None, words))
            note = self._notes.get(server.endpoint.address.url, "")
            facts[server.endpoint.address.url] = "; ".join(filter(None, (state, note)))
        return EngineStatus(name="remote", device=device, facts=facts)

    def generate(
        self,
        items: Sequence[EngineItem],
        options: GenerationOptions,
        should_stop: Callable[[], bool],
    ) -> Iterator[Piece]:
        """See `base.Engine.generate`; an item whose endpoint goes away is asked again elsewhere."""
        run = Run(self._servers, items, options, self._look, self._config.patience_s)
        yield from run.pieces(should_stop)

    def close(self) -> None:
        """Forget the key."""
        for server in self._servers:
            server.endpoint.key = ""

    def _start(self) -> None:
        """Look at all endpoints at once; some that answer are enough.

        Raises:
            GeoR1Error: if none does.
        """
        until_s = time.monotonic() + START_S
        looks = []
        for server in self._servers:
            exchange = server.endpoint.exchange()
            thread = threading.Thread(target=self._first_look, args=(server, exchange), daemon=True)
            thread.start()
            looks.append((thread, exchange))
        for thread, exchange in looks:
            thread.join(max(0.0, until_s - time.monotonic()))
            if thread.is_alive():
                exchange.break_off()
        self._is_started = True
        if not any(server.health.is_up for server in self._servers):
            if all(server.wrong is not None for server in self._servers):
                raise first_wrong(self._servers)
            raise unreachable(self._servers)

    def _first_look(self, server: Server, exchange: Exchange) -> None:
        try:
            self._look(server, exchange)
            server.health.answered()
        except GeoR1Error as error:
            server.wrong = error
            server.health.went_away(error.message.rstrip("."), time.monotonic())
        except BrokenOff:
            server.health.went_away("it did not answer in time", time.monotonic())
        except Exception as error:  # border: the end of a thread
            server.health.went_away(str(error), time.monotonic())

    def _look(self, server: Server, exchange: Exchange) -> None:
        """Whether an endpoint is there, serves the model, and sees images as they are sent."""
        endpoint = server.endpoint
        endpoint.look(exchange)
        if endpoint.address.url in self._notes:
            return

        def count(item: EngineItem | None) -> int | None:
            once = endpoint.exchange()
            found = None
            options = GenerationOptions(max_new_tokens=1)
            for delta in endpoint.ask(once, item, options, prompt=WORDS):
                found = delta.prompt_tokens if delta.prompt_tokens is not None else found
            return found

        seen = seen_views(self.profile, count)
        if seen.wrong is None and self._is_started and seen.profile != self.profile:
            limits = self.profile.max_pixels, seen.profile.max_pixels
            side_px = int(limits[0] ** 0.5)
            grid = self.profile.grid_px**2
            seen = replace(seen, wrong=(side_px, side_px, limits[1] // grid, limits[0] // grid))
        if seen.wrong is not None:
            width_px, height_px, tokens, expected = seen.wrong
            raise RemoteViews(
                endpoint=endpoint.shown,
                width_px=width_px,
                height_px=height_px,
                tokens=tokens,
                expected=expected,
            )
        with _LIMITS:
            self.profile = replace(
                self.profile,
                min_pixels=max(self.profile.min_pixels, seen.profile.min_pixels),
                max_pixels=min(self.profile.max_pixels, seen.profile.max_pixels),
            )
            self._notes[endpoint.address.url] = seen.note


_LIMITS = threading.Lock()


def remote_profile(config: RemoteConfig, model_id: str, title: str) -> ModelProfile:
    """How the model sees: as Qwen2.5-VL (or Qwen3-VL, by its name), unless the configuration says otherwise.

    Raises:
        ModelFailed: if a field is of the wrong kind.
    """
    given: dict[str, Any] = dict(config.profile)
    names = [config.model, *(endpoint.model for endpoint in config.endpoints)]
    is_third = any("qwen3-vl" in name.lower() for name in names)
    grid_px = 32 if is_third else 28
    try:
        return ModelProfile(
            id=model_id,
            title=str(given.get("title") or title or config.model or model_id),
            tasks=tuple(task for task in given.get("tasks", ALL_TASKS) if task in ALL_TASKS),
            convention=given.get("convention", "per_mille" if is_third else "absolute"),
            grid_px=int(given.get("grid_px", grid_px)),
            min_pixels=int(given.get("min_pixels", DEFAULT_MIN_PIXELS)),
            max_pixels=int(given.get("max_pixels", DEFAULT_MAX_PIXELS)),
            view_sizes_px=tuple((int(w), int(h)) for w, h in given.get("view_sizes_px", ())),
            licence=str(given.get("licence") or ""),
            default_think=bool(given.get("default_think", True)),
        )
    except (TypeError, ValueError) as error:
        raise ModelFailed(model=model_id, reason=f"remote.json: {error}") from error


def _context(config: RemoteConfig) -> ssl.SSLContext | None:
    if not any(endpoint.url.startswith("https:") for endpoint in config.endpoints):
        return None
    try:
        return tls_context(config.ca_file)
    except (OSError, ssl.SSLError) as error:
        name = config.ca_file.name if config.ca_file else "the system's certificates"
        raise ConfigError(
            f"{name} cannot be used as certificates to trust.", hint="“ca_file” wants PEM."
        ) from error
