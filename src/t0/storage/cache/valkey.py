"""`backend = "valkey"`: one string per entry, which the server forgets after `gateway.cache.valkey.ttl_s`."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from t0.storage.cache.base import CacheEntry, Found
from t0.storage.valkey import Valkey

_PREFIX = "tensorzero_cache:"
_LONGEST_TTL_S = 10 * 365 * 86_400
"""The server refuses lives that reach beyond its clock."""


class StoredEntry(Struct):
    """The value of a key; `written_at` is in Unix seconds."""

    written_at: int
    data: CacheEntry


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(StoredEntry)


class ValkeyCacheStore:
    """Entries live `ttl_s` seconds; with 0 nothing is kept."""

    def __init__(self, valkey: Valkey, ttl_s: int) -> None:
        """The connection becomes the store's to close."""
        self._valkey = valkey
        self._ttl_s = min(ttl_s, _LONGEST_TTL_S)
        self.longest_life_s = float(self._ttl_s)

    async def get(self, key: str, max_age_s: int | None) -> Found | None:
        value = await self._valkey.get(_PREFIX + key)
        if value is None:
            return None
        try:
            stored = _decoder.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None  # not ours, and overwritten by the next write
        age = max(time.time() - stored.written_at, 0.0)
        return Found(stored.data, age) if max_age_s is None or age < max_age_s else None

    async def put(self, entries: Mapping[str, CacheEntry]) -> None:
        if self._ttl_s == 0:
            return
        now = int(time.time())
        values = {_PREFIX + key: _encode(StoredEntry(now, entry)) for key, entry in entries.items()}
        await self._valkey.put(values, self._ttl_s)

    async def is_healthy(self) -> bool:
        return await self._valkey.is_healthy()

    async def close(self) -> None:
        await self._valkey.close()
