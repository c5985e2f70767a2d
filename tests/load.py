"""An open-loop client: requests start at their due time, whatever became of the ones before."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

Event = Callable[[], object]


@dataclass
class Call:
    """One request; `inference_id` of an answer with status 200, else `error`. Times are `time.monotonic()`."""

    due: float
    ended: float
    inference_id: str | None
    error: str | None


def offer(
    url: str, body: Any, *, rate_per_s: int, seconds: float, events: Mapping[float, Event] | None = None
) -> list[Call]:
    """Posts `body` to `url` at a constant rate, and runs each of the events at its second."""
    return asyncio.run(_offer(url, body, rate_per_s, seconds, events or {}))


async def _offer(url: str, body: Any, rate_per_s: int, seconds: float, events: Mapping[float, Event]) -> list[Call]:
    start = time.monotonic()
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=100), timeout=aiohttp.ClientTimeout(30)
    ) as session:
        happening = [asyncio.create_task(_happen(start + at, event)) for at, event in events.items()]
        calls = []
        for i in range(int(rate_per_s * seconds)):
            due = start + i / rate_per_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            calls.append(asyncio.create_task(_call(session, url, body, due)))
        await asyncio.gather(*happening)
        return await asyncio.gather(*calls)


async def _happen(at: float, event: Event) -> None:
    await asyncio.sleep(max(0.0, at - time.monotonic()))
    await asyncio.to_thread(event)


async def _call(session: aiohttp.ClientSession, url: str, body: Any, due: float) -> Call:
    inference_id, error = None, None
    try:
        async with session.post(url, json=body) as answer:
            if answer.status == 200:
                inference_id = (await answer.json())["inference_id"]
            else:
                error = f"{answer.status} {await answer.text()}"
    except (aiohttp.ClientError, TimeoutError) as e:
        error = f"{type(e).__name__}: {e}"
    return Call(due, time.monotonic(), inference_id, error)
