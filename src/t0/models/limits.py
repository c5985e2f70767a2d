"""Time limits around awaitables, and the deadlines of streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec import Struct

from t0.config.schema import StreamingTimeouts
from t0.errors import RequestError

T = TypeVar("T")
TimeoutKind = Callable[[str, str, int], RequestError]
"""An error class of `errors`, called with name, setting and limit in ms."""


class Deadline(Struct, frozen=True):
    """A monotonic instant, and the error for passing it."""

    at: float
    error: Callable[[], RequestError]


async def within(limit_ms: int | None, error: Callable[[], RequestError], work: Awaitable[T]) -> T:
    """The result of `work`; past `limit_ms` it is cancelled and `error()` raised."""
    if limit_ms is None:
        return await work
    try:
        async with asyncio.timeout(limit_ms / 1000):
            return await work
    except TimeoutError as e:
        raise error() from e


def first_chunk_limit(timeouts: StreamingTimeouts) -> tuple[int | None, str]:
    """Milliseconds until the first chunk, and the setting they come from: the smaller one counts."""
    ttft, total = timeouts.ttft_ms, timeouts.total_ms
    if ttft is not None and (total is None or ttft <= total):
        return ttft, "streaming.ttft_ms"
    return total, "streaming.total_ms"


def total_deadline(timeouts: StreamingTimeouts, started: float, kind: TimeoutKind, name: str) -> Deadline | None:
    """When a stream that began at `started` must have ended."""
    total = timeouts.total_ms
    if total is None:
        return None
    return Deadline(started + total / 1000, lambda: kind(name, "streaming.total_ms", total))


def elapsed_ms(started: float) -> int:
    """Whole milliseconds since a `time.monotonic()` instant."""
    return int((time.monotonic() - started) * 1000)
