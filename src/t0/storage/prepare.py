"""Making a database ready for a gateway: the schema, and the snapshot of the configuration that runs on it."""

from __future__ import annotations

from msgspec import Struct

from t0.config.environment import Environment
from t0.config.snapshot import Snapshot
from t0.storage import migrations
from t0.storage.clickhouse import ClickHouse, parse_url
from t0.storage.snapshot import write_snapshot
from t0.version import VERSION


class Preparation(Struct, frozen=True, kw_only=True):
    """Which database, and how it may be changed."""

    url: str
    environment: Environment
    only_check: bool = False
    is_manual: bool = False
    snapshot: Snapshot | None = None


def migrate(preparation: Preparation) -> list[int]:
    """Brings the database to the schema; the ids of the migrations that were run. Raises as `migrations.run`."""
    client = ClickHouse(parse_url(preparation.url))
    try:
        return _migrate(client, preparation)
    finally:
        client.close()


def prepare(preparation: Preparation) -> None:
    """Migrates, and writes the configuration's snapshot."""
    client = ClickHouse(parse_url(preparation.url))
    try:
        _migrate(client, preparation)
        if preparation.snapshot is not None:
            taken = preparation.snapshot
            write_snapshot(client, taken.toml, taken.extra_templates, taken.hash, VERSION)
    finally:
        client.close()


def _migrate(client: ClickHouse, preparation: Preparation) -> list[int]:
    environment = preparation.environment
    return migrations.run(
        client,
        only_check=preparation.only_check,
        cluster_name=environment.clickhouse_cluster_name,
        is_manual=preparation.is_manual,
        allow_non_replicated=environment.override_non_replicated_clickhouse,
    )
