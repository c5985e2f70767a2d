"""Waiting for a feedback's target: feedback often comes before the inference's row is visible."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from t0._core import uuid7
from t0.errors import InvalidRequest, InvalidUuid
from t0.inference.context import WORKFLOW_EPISODE_OFFSET_S
from t0.storage.reader import Reader, Target

T = TypeVar("T")

_VISIBLE_AFTER_S = 6.0
"""An inference is looked for until it is this old."""
_SHORTEST_WAIT_S = 1.0
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 0.5


async def wait_for_inference(reader: Reader | None, inference_id: str) -> Target:
    """Raises `InvalidRequest` when the inference has not shown up in time."""
    found = await _poll(inference_id, reader, lambda r: r.inference(inference_id))
    if found is None:
        raise InvalidRequest(f"Inference ID: {inference_id} does not exist")
    return found


async def wait_for_episode(reader: Reader | None, episode_id: str) -> None:
    """Raises `InvalidRequest` when no inference of the episode has shown up in time."""
    if not await _poll(episode_id, reader, lambda r: _true_or_none(r.episode_exists(episode_id))):
        raise InvalidRequest(f"Episode ID: {episode_id} does not exist")


async def _true_or_none(found: Awaitable[bool]) -> bool | None:
    return True if await found else None


async def _poll(target_id: str, reader: Reader | None, look: Callable[[Reader], Awaitable[T | None]]) -> T | None:
    """What `look` finds, tried until the target would be visible if it existed. A failing database ends the wait."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait_s(target_id, time.time())
    pause = _FIRST_PAUSE_S
    while True:
        found = await look(reader) if reader is not None else None
        remaining = deadline - clock()
        if found is not None or remaining <= 0:
            return found
        await asyncio.sleep(min(pause, remaining))
        pause = min(pause * 2, _LONGEST_PAUSE_S)


def wait_s(target_id: str, now: float) -> float:
    """Seconds to keep looking, from the age that the id tells. Raises `InvalidUuid` for an id without a time."""
    if uuid7.version(target_id) != 7:
        raise InvalidUuid(target_id)
    created = uuid7.unix_ms(target_id) / 1000
    if created >= WORKFLOW_EPISODE_OFFSET_S:
        created -= WORKFLOW_EPISODE_OFFSET_S
    age = max(now - created, 0.0)
    return max(_VISIBLE_AFTER_S - age, _SHORTEST_WAIT_S)
