"""How many tiles a second one service can send to other servers: real pictures, an endpoint that answers at once.

    scripts/bench/remote_client.py PICTURES [--tiles 400] [--concurrency 32] [--tokens 120]

The endpoint is a process of its own that reads each request whole and streams as many pieces as an answer has tokens, so what is
measured is our side: PNG, base64, JSON, sockets, and the reading of streams. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import time
from pathlib import Path

from PIL import Image

from geo_r1_backend.engines.base import EngineItem, GenerationOptions
from geo_r1_backend.engines.prompts import prompt_for
from geo_r1_backend.engines.remote import RemoteEngine
from geo_r1_backend.engines.remote_chat import data_url
from geo_r1_backend.models.remote import RemoteConfig, as_address

SIDE_PX = 504


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tokens: int) -> None:
    """One request of the bench's own client."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next((int(x.split(":")[1]) for x in head.split("\r\n") if x.lower().startswith("content-length")), 0)  # fmt: skip
    body = await reader.readexactly(length) if length else b""
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    if not body:
        writer.write(json.dumps({"data": [{"id": "m", "owned_by": "vllm"}]}).encode())
    else:
        for _ in range(tokens if b"image_url" in body and b'"max_tokens": 1,' not in body else 1):
            writer.write(b'data: {"id":"chatcmpl-0123456789","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"[12,"},"finish_reason":null}]}\n\n')  # fmt: skip
        writer.write(b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
    await writer.drain()
    writer.close()


def serve(pipe: multiprocessing.connection.Connection, tokens: int) -> None:
    """The endpoint."""

    async def run() -> None:
        server = await asyncio.start_server(
            lambda r, w: answer(r, w, tokens), "127.0.0.1", 0, limit=2**24
        )
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def main() -> None:
    """Ask about tiles of the pictures in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--tiles", type=int, default=400)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=120)
    options = parser.parse_args()
    tiles = [
        Image.open(path).convert("RGB").crop((0, 0, SIDE_PX, SIDE_PX))
        for path in sorted(options.pictures.glob("*.jpg"))[:40]
    ]
    prompt = prompt_for("ovd", "storage tank")
    began_s = time.perf_counter()
    sizes = [len(data_url(EngineItem(tile, prompt))) for tile in tiles]
    encode_ms = 1000 * (time.perf_counter() - began_s) / len(tiles)
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(theirs, options.tokens), daemon=True)
    process.start()
    config = RemoteConfig(
        endpoints=(as_address(f"http://127.0.0.1:{ours.recv()}"),), concurrency=options.concurrency
    )
    engine = RemoteEngine(config)
    items = [EngineItem(tiles[n % len(tiles)], prompt) for n in range(options.tiles)]
    began_s, cpu_s = time.perf_counter(), time.process_time()
    ended = sum(
        bool(piece.finish)
        for piece in engine.generate(items, GenerationOptions(max_new_tokens=500), lambda: False)
    )
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    process.terminate()
    print(
        json.dumps(
            {
                "tiles": ended,
                "tiles_per_s": round(ended / took_s, 1),
                "cpu_ms_per_tile": round(1000 * cpu_s / ended, 1),
                "of_that_png_and_base64_ms": round(encode_ms, 1),
                "kB_per_tile": round(sum(sizes) / len(sizes) / 1000),
                "load": os.getloadavg()[0],
            }
        )
    )


if __name__ == "__main__":
    main()
