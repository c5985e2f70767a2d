"""The stored configurations: what a `snapshot_hash` of a row stands for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from t0.storage.clickhouse import AsyncClickHouse, ClickHouse, Row

_STORED = (
    "SELECT toUnixTimestamp64Micro(created_at) AS created_at_us, tags FROM ConfigSnapshot FINAL "
    "WHERE hash = toUInt256({hash:String})"
)
# Times are sent with their zone, which only this parser reads.
_INSERT = {"date_time_input_format": "best_effort"}


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One configuration: `hash` is decimal text, `config` the canonical TOML, `version` that of the gateway."""

    hash: str
    config: str
    extra_templates: Mapping[str, str]
    version: str
    tags: Mapping[str, str] = {}


def write_snapshot(client: ClickHouse, snapshot: Snapshot, now_s: float | None = None) -> None:
    """Store a configuration, or note that it is in use again: the first time stays, tags are added to."""
    stored = client.query(_STORED, {"hash": snapshot.hash})
    client.insert_json("ConfigSnapshot", _row(snapshot, stored, now_s or time.time()), settings=_INSERT)


async def write_snapshot_async(client: AsyncClickHouse, snapshot: Snapshot, now_s: float | None = None) -> None:
    """As `write_snapshot`."""
    stored = await client.query(_STORED, {"hash": snapshot.hash})
    await client.insert_json("ConfigSnapshot", _row(snapshot, stored, now_s or time.time()), settings=_INSERT)


def _row(snapshot: Snapshot, stored: list[Row], now_s: float) -> bytes:
    created_at_s, tags = now_s, {}
    if stored:
        created_at_s, tags = int(stored[0]["created_at_us"]) / 1e6, stored[0]["tags"]
    row: dict[str, Any] = {
        "config": snapshot.config,
        "extra_templates": snapshot.extra_templates,
        "hash": snapshot.hash,
        "tensorzero_version": snapshot.version,
        "created_at": _utc(created_at_s),
        "last_used": _utc(now_s),
        "tags": {**tags, **snapshot.tags},
    }
    return msgspec.json.encode(row)


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
