"""Coarse timers: one loop callback per tick for any number of connections, and none per request.

An item is in at most one bucket. A later due time needs no move: the item is asked again when its bucket comes up, and
says when it is due by then. So a connection that serves request after request touches the wheel about once per limit.
"""

import asyncio
from heapq import heappop, heappush
from math import ceil, inf
from typing import Protocol

TICK_S = 0.02


class Timed(Protocol):
    checked_s: float
    """The loop time at which the wheel will ask; `inf` when it will not. Written by the wheel alone."""

    def on_timer(self, now_s: float) -> float:
        """Does what is due at `now_s`; gives the loop time at which to be asked again, or `inf`."""


class TimerWheel:
    """Asks items at their due time or up to a tick later."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tick_s: float = TICK_S) -> None:
        self._loop = loop
        self._tick_s = tick_s
        self._buckets: dict[float, set[Timed]] = {}
        self._due: list[float] = []
        self._handle: asyncio.TimerHandle | None = None

    def schedule(self, item: Timed, due_s: float) -> None:
        """Has `item` asked at `due_s`, unless it will be asked earlier anyway."""
        if due_s >= item.checked_s:
            return
        self.discard(item)
        bucket_s = ceil(due_s / self._tick_s) * self._tick_s
        item.checked_s = bucket_s
        if bucket_s not in self._buckets:
            self._buckets[bucket_s] = set()
            heappush(self._due, bucket_s)
        self._buckets[bucket_s].add(item)
        self._arm()

    def discard(self, item: Timed) -> None:
        if item.checked_s != inf:
            self._buckets[item.checked_s].discard(item)
            item.checked_s = inf

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        first_s = self._due[0]
        if self._handle is not None:
            if self._handle.when() <= first_s:
                return
            self._handle.cancel()
        self._handle = self._loop.call_at(first_s, self._on_tick)

    def _on_tick(self) -> None:
        self._handle = None
        now_s = self._loop.time()
        while self._due and self._due[0] <= now_s:
            bucket_s = heappop(self._due)
            bucket = self._buckets[bucket_s]
            while bucket:  # what one item does may discard or schedule others
                item = bucket.pop()
                item.checked_s = inf
                due_s = item.on_timer(now_s)
                if due_s != inf:
                    self.schedule(item, due_s)
            del self._buckets[bucket_s]
        if self._due:
            self._arm()
