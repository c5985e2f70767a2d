"""Files on their way into object storage, behind the answers."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging

from t0.errors import InternalError
from t0.files.store import ObjectStore

_CONCURRENT = 16
MAX_WAITING_BYTES = 256 * 1024 * 1024
"""How much base64 text may wait for a slow store before further files are given up."""

log = logging.getLogger("t0")


class Uploads:
    """Puts files into one store in the background. What fails is only logged."""

    def __init__(self, store: ObjectStore, max_waiting_bytes: int = MAX_WAITING_BYTES) -> None:
        self._store = store
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting_bytes = 0
        self._slots = asyncio.Semaphore(_CONCURRENT)
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, key: str, data: str) -> None:
        """Has the file with the base64 text `data` stored under `key`. Returns at once."""
        if self._waiting_bytes + len(data) > self._max_waiting_bytes:
            log.error("file `%s` was not stored: the object store is too slow, %d bytes wait", key, self._waiting_bytes)
            return
        self._waiting_bytes += len(data)
        task = asyncio.get_running_loop().create_task(self._upload(key, data))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Returns once everything is stored or has failed."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _upload(self, key: str, data: str) -> None:
        try:
            async with self._slots:
                await self._store.put_new(key, base64.b64decode(data, validate=True))
        except (InternalError, binascii.Error) as e:
            log.error("file `%s` was not stored: %s", key, e)
        finally:
            self._waiting_bytes -= len(data)
