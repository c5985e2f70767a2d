"""The stored configurations: what a `snapshot_hash` of a row stands for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from t0.storage.clickhouse import ClickHouse, Row

_STORED = (
    "SELECT toUnixTimestamp64Micro(created_at) AS created_at_us, tags FROM ConfigSnapshot FINAL "
    "WHERE hash = toUInt256({hash:String})"
)
# Times are sent with their zone, which only this parser reads.
_INSERT = {"date_time_input_format": "best_effort"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_snapshot(
    client: ClickHouse,
    toml: str,
    templates: Mapping[str, str],
    hash: str,
    version: str,
    *,
    tags: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> None:
    """Store a configuration, or note that it is in use again: its first time stays, its tags are added to.

    `toml` is the canonical text, `templates` those read from files, `hash` decimal text, `version` the gateway's.
    """
    stored = client.query(_STORED, {"hash": hash})
    row = {"config": toml, "extra_templates": templates, "hash": hash, "tensorzero_version": version}
    client.insert_json("ConfigSnapshot", _line(row, tags or {}, stored, now), settings=_INSERT)


def _line(row: dict[str, Any], tags: Mapping[str, str], stored: list[Row], now: datetime | None) -> bytes:
    created_at = now = now or datetime.now(UTC)
    known_tags: dict[str, str] = {}
    if stored:
        created_at = _EPOCH + timedelta(microseconds=int(stored[0]["created_at_us"]))
        known_tags = stored[0]["tags"]
    return msgspec.json.encode(
        {**row, "created_at": _utc(created_at), "last_used": _utc(now), "tags": {**known_tags, **tags}}
    )


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
