"""`backend = "clickhouse"`: the table `ModelInferenceCache`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from t0._core.cache_key import short_key
from t0.storage.cache.base import CacheEntry, Found
from t0.storage.reader import Reader

_COLUMNS = ", ".join(CacheEntry.__struct_fields__)
# Ages are taken by the database's clock, which wrote the timestamps.
_GET = (
    f"SELECT {_COLUMNS}, dateDiff('second', timestamp, now()) AS age_s FROM ModelInferenceCache FINAL "
    "WHERE short_cache_key = {short:UInt64} AND long_cache_key = {long:String} AND NOT is_deleted"
)
_YOUNGER = " AND age_s < {max_age:UInt32}"

_encode_lines = msgspec.json.Encoder().encode_lines


class ClickHouseCacheStore:
    """Entries stay until an operator drops their partition."""

    longest_life_s = math.inf

    def __init__(self, reader: Reader) -> None:
        """The reader stays the caller's to close."""
        self._reader = reader

    async def get(self, key: str, max_age_s: int | None) -> Found | None:
        sql, parameters = _GET, {"short": short_key(key), "long": key}
        if max_age_s is not None:
            sql, parameters["max_age"] = _GET + _YOUNGER, max_age_s
        rows = await self._reader.query(sql + " LIMIT 1", parameters)
        if not rows:
            return None
        row = rows[0]
        return Found(msgspec.convert(row, CacheEntry), max(float(row["age_s"]), 0.0))

    async def put(self, entries: Mapping[str, CacheEntry]) -> None:
        rows = [_row(key, entry) for key, entry in entries.items()]
        await self._reader.insert_gathered("ModelInferenceCache", _encode_lines(rows))

    async def is_healthy(self) -> bool:
        """Always: the database is checked as such."""
        return True

    async def close(self) -> None:
        """Nothing of its own to close."""


def _row(key: str, entry: CacheEntry) -> dict[str, Any]:
    return {"short_cache_key": short_key(key), "long_cache_key": key, **msgspec.structs.asdict(entry)}
