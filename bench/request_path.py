"""CPU per request of everything between the HTTP server and the socket to the provider.

    python bench/request_path.py [--stored] [--json FILE]

The transport answers at once with a recorded completion, so neither network nor server is measured; of streams, whose
chunks come one by one, the time of a chunk is shown. `--stored` builds the whole row for each inference, as with
observability on. The best of many short runs is printed: on a shared machine it is the one that nothing else disturbed.
Caches are warm here, since nothing else runs in between: whether fewer instructions are worth more code or data, only
`bench.gateway` and `bench.compare` can tell.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import t0.routes.inference
from t0.config.load import load
from t0.gateway import Gateway
from t0.kinds import all_kinds
from t0.recorder import ring_file
from t0.recorder.writer import Writer
from t0.routes.http import EventStream, Request
from t0.upstream.base import HttpRequest, HttpResponse, HttpStream

CONFIG = """
[models.m]
routing = ["openai"]
[models.m.providers.openai]
type = "openai"
model_name = "gpt-4.1-mini"
api_base = "http://127.0.0.1:1/openai/"
api_key_location = "none"
[functions.f]
type = "chat"
[functions.f.variants.v]
type = "chat_completion"
model = "m"
max_tokens = 100
"""
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-4.1-mini",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "The quick brown fox jumps over the lazy dog."},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 57, "completion_tokens": 17, "total_tokens": 74},
    }
).encode()
MESSAGES = [{"role": "user", "content": "Is 4 a prime?"}]
REQUESTS: dict[str, dict[str, Any]] = {
    "openai": {"model": "tensorzero::function_name::f", "messages": MESSAGES, "stream": False},
    "native": {"function_name": "f", "input": {"messages": MESSAGES}},
}
CHUNKS = 100
EVENT = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-4.1-mini",
        "choices": [{"index": 0, "delta": {"content": " the quick brown fox"}, "finish_reason": None}],
        "usage": None,
    }
).encode()
BATCH, BATCHES = 150, 200


class Chunks:
    """A stream that gives an event for each time it is read."""

    status = 200
    headers: ClassVar[dict[str, str]] = {"content-type": "text/event-stream"}

    def __init__(self) -> None:
        self._left = CHUNKS

    async def read(self) -> bytes:
        self._left -= 1
        return b"data: " + EVENT + b"\n\n" if self._left >= 0 else b""

    def close(self) -> None:
        """Nothing is open."""


class Instant:
    """A transport that answers without a network."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {"content-type": "application/json"}, ANSWER)

    async def stream(self, request: HttpRequest) -> HttpStream:
        return Chunks()

    async def close(self) -> None:
        """Nothing is open."""


async def measure(
    handler: Callable[..., Awaitable[Any]], gateway: Gateway, body: bytes, empty_ring: Callable[[], None]
) -> float:
    request = Request("POST", "/", b"", [], body)
    response = await handler(gateway, request)
    assert response.status == 200, response.body
    best = float("inf")
    for _ in range(BATCHES):
        started = time.perf_counter()
        for _ in range(BATCH):
            await handler(gateway, request)
        took = time.perf_counter() - started
        empty_ring()
        best = min(best, took / BATCH)
    return best * 1e6


async def measure_stream(
    handler: Callable[..., Awaitable[Any]], gateway: Gateway, body: bytes, empty_ring: Callable[[], None]
) -> float:
    request = Request("POST", "/", b"", [], body)
    best = float("inf")
    for _ in range(BATCHES):
        started = time.perf_counter()
        stream = await handler(gateway, request)
        assert isinstance(stream, EventStream)
        sent = 0
        while not stream.ended:
            sent += len(await stream.next())
        best = min(best, (time.perf_counter() - started) / CHUNKS)
        assert sent > CHUNKS * 100
        empty_ring()
    return best * 1e6


async def run(stored: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "tensorzero.toml"
        config.write_text(CONFIG)
        writer = Writer(Path(folder))
        ring = next(file.ring for path in ring_file.slots(Path(folder)) if (file := ring_file.open_existing(path)))
        gateway = Gateway(
            load(str(config), all_kinds(), os.environ),
            env=os.environ,
            data_dir=Path(folder),
            transport=Instant(),
            writer=writer,
            reader=object() if stored else None,  # type: ignore[arg-type]
            snapshot_hash="1",
        )
        gc.collect()
        gc.freeze()
        handlers = {"openai": t0.routes.inference.chat_completions, "native": t0.routes.inference.inference}

        def empty_ring() -> None:
            """Stands for the recorder: what does not fit would go to files."""
            ring.commit(ring.head)

        figures = {}
        for name, request in REQUESTS.items():
            body, streamed = json.dumps(request).encode(), json.dumps({**request, "stream": True}).encode()
            figures[name] = await measure(handlers[name], gateway, body, empty_ring)
            figures[f"{name} chunk"] = await measure_stream(handlers[name], gateway, streamed, empty_ring)
        return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stored", action="store_true", help="observability on: build and append whole rows")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    figures = asyncio.run(run(options.stored))
    print(f"Python {sys.version.split()[0]}")
    for name, us in figures.items():
        print(f"{name:12} {us:6.1f} µs")
    if options.json:
        options.json.write_text(json.dumps({"stored": options.stored, "us": figures}))


if __name__ == "__main__":
    main()
