"""Retries around one whole model call."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec import Struct

from t0.errors import AllRetriesFailed, RequestError

T = TypeVar("T")

_LARGEST_POWER = 64
"""2^64 s are beyond every cap; much larger powers are beyond what a float holds."""


class RetryPolicy(Struct, frozen=True):
    """`retries = { num_retries, max_delay_s }` of a variant."""

    num_retries: int = 0
    max_delay_s: float = 10.0

    def delay_s(self, attempt: int) -> float:
        """Seconds to wait before retry `attempt` (from 0): 1 s at first, then doubling up to the cap, plus jitter."""
        base = 1.0 if attempt == 0 else min(2.0 ** min(attempt, _LARGEST_POWER), self.max_delay_s)
        return base + random.uniform(0, base)


async def with_retries(policy: RetryPolicy, attempt: Callable[[], Awaitable[T]]) -> tuple[T, list[RequestError]]:
    """The first success, and the errors before it. Raises the only error as it is, several as `AllRetriesFailed`."""
    if policy.num_retries == 0:
        return await attempt(), []
    errors: list[RequestError] = []
    while True:
        try:
            return await attempt(), errors
        except RequestError as e:
            errors.append(e)
            if len(errors) > policy.num_retries or not e.retryable:
                raise (e if len(errors) == 1 else AllRetriesFailed(errors)) from None
        await asyncio.sleep(policy.delay_s(len(errors) - 1))
