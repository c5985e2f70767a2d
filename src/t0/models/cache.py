"""The inference cache of one worker: a small, short-lived level of its own above the store that all share.

It is never in the way. What it cannot find in time counts as missing, a store that keeps failing is left alone for a
while, and writing happens after the answer, off the request's path.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from cachetools import TTLCache

from t0.errors import StorageError, StorageUnavailable
from t0.storage.breaker import Breaker
from t0.storage.cache.base import CacheEntry, CacheStore

log = logging.getLogger("t0")

LOOKUP_LIMIT_S = 0.25
"""How long a request waits for the store."""
LOCAL_LIFE_S = 10.0
"""How long an entry is served without asking the store, where another worker may have written a newer one."""
_LOCAL_BYTES = 32 * 1024 * 1024
_LARGEST_LOCAL_BYTES = _LOCAL_BYTES // 8
_WAITING_BYTES = 64 * 1024 * 1024
_WRITE_LIMIT_S = 5.0
_WRITE_PAUSE_S = 0.05
"""Between two writes, so that entries of busy times travel together."""


class _Local(NamedTuple):
    """An entry of the worker's own level; `written_at` is on the cache's clock."""

    entry: CacheEntry
    written_at: float


class InferenceCache:
    """Finds and keeps entries by key. No method raises; what goes wrong is logged."""

    def __init__(
        self, store: CacheStore, *, is_primary: bool = False, now: Callable[[], float] = time.monotonic
    ) -> None:
        """The store becomes the cache's to close; `is_primary` tells that it is not for the cache alone."""
        self.is_primary = is_primary
        self._store = store
        self._now = now
        self._breaker = Breaker("the store of the inference cache", now)
        life = min(LOCAL_LIFE_S, store.longest_life_s)
        self._local: TTLCache[str, _Local] = TTLCache(_LOCAL_BYTES, life, timer=now, getsizeof=_local_bytes)
        self._waiting: dict[str, CacheEntry] = {}
        self._waiting_bytes = 0
        self._writer: asyncio.Task[None] | None = None

    async def find(self, key: str, max_age_s: int | None) -> CacheEntry | None:
        """The entry, if there is one younger than `max_age_s`; None takes any age."""
        local = self._local.get(key)
        if local is not None and (max_age_s is None or self._now() - local.written_at < max_age_s):
            return local.entry
        if not self._breaker.allows():
            return None
        try:
            async with asyncio.timeout(LOOKUP_LIMIT_S):
                found = await self._store.get(key, max_age_s)
        except (StorageUnavailable, TimeoutError, asyncio.CancelledError) as e:
            # A cancelled lookup took up the whole time limit of a provider: no better than a failed one.
            self._breaker.failed(_reason(e))
            if isinstance(e, asyncio.CancelledError):
                raise
            return None
        except StorageError as e:
            log.warning("a lookup in the inference cache failed: %s", e)
            self._breaker.succeeded()
            return None
        self._breaker.succeeded()
        if found is None:
            return None
        self._keep_local(key, found.entry, found.age_s)
        return found.entry

    def keep(self, key: str, entry: CacheEntry) -> None:
        """Has the entry stored soon; this worker finds it from now on."""
        self._keep_local(key, entry, 0.0)
        size = _entry_bytes(entry)
        if self._waiting_bytes + size > _WAITING_BYTES:
            log.warning("the store of the inference cache is too slow: an answer is not cached")
            return
        self._waiting[key] = entry
        self._waiting_bytes += size
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write_all())

    async def is_healthy(self) -> bool:
        return await self._store.is_healthy()

    async def close(self) -> None:
        """Returns when all entries are stored, or could not be."""
        if self._writer is not None:
            await asyncio.wait([self._writer])
        await self._store.close()

    # -- the worker's own level ----------------------------------------------------------------------------------------

    def _keep_local(self, key: str, entry: CacheEntry, age_s: float) -> None:
        local = _Local(entry, self._now() - age_s)
        if _local_bytes(local) <= _LARGEST_LOCAL_BYTES:
            self._local[key] = local
        else:
            self._local.pop(key, None)

    # -- writing -------------------------------------------------------------------------------------------------------

    async def _write_all(self) -> None:
        while self._waiting:
            entries, self._waiting, self._waiting_bytes = self._waiting, {}, 0
            if self._breaker.allows():
                await self._write(entries)
            await asyncio.sleep(_WRITE_PAUSE_S)

    async def _write(self, entries: dict[str, CacheEntry]) -> None:
        try:
            async with asyncio.timeout(_WRITE_LIMIT_S):
                await self._store.put(entries)
        except (StorageUnavailable, TimeoutError) as e:
            self._breaker.failed(_reason(e))
        except StorageError as e:
            log.warning("%d answers are not cached: %s", len(entries), e)
            self._breaker.succeeded()
        else:
            self._breaker.succeeded()


def _local_bytes(local: _Local) -> int:
    return _entry_bytes(local.entry)


def _entry_bytes(entry: CacheEntry) -> int:
    return sum(map(sys.getsizeof, (entry.output, entry.raw_request, entry.raw_response)))


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
