"""Locks that all workers of a machine share."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import xxhash

_STRIPES = 256
_PAUSE_S = 0.02


class MachineLocks:
    """Locks by name, as byte ranges of one file: they end with their process. Two names may share a lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        # The file tells processes apart, not the tasks of one.
        self._tasks: dict[int, asyncio.Lock] = {}

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """Holds the lock `name`, once everybody else has let go of it. Not to be nested."""
        stripe = xxhash.xxh64_intdigest(name.encode()) % _STRIPES
        async with self._tasks.setdefault(stripe, asyncio.Lock()):
            descriptor = self._opened()
            await _lock(descriptor, stripe)
            try:
                yield
            finally:
                fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, stripe)

    def _opened(self) -> int:
        if self._descriptor is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._descriptor

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


async def _lock(descriptor: int, stripe: int) -> None:
    """Asks again and again, as a thread that waits in the kernel could not be called back."""
    while True:
        if _try_lock(descriptor, stripe):
            return
        await asyncio.sleep(_PAUSE_S)


def _try_lock(descriptor: int, stripe: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, stripe)
    except BlockingIOError:
        return False
    return True
