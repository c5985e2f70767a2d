"""Bringing a database to the schema, and telling whether it is there.

The reference applied 47 numbered migrations one after another; here an empty database gets their end state, and all
their ids are recorded, last of all and in one insert. So a run that was interrupted recorded nothing and is simply
repeated, every statement being `IF NOT EXISTS`, and gateways that start at the same time do the same work twice.
"""

from __future__ import annotations

import logging
import time
import uuid

import msgspec
from blake3 import blake3

from t0.errors import ConfigError, StorageError
from t0.storage.clickhouse import ClickHouse
from t0.storage.migrations import feedback, inferences, statistics, system, workflows
from t0.storage.migrations.ddl import Place, Table
from t0.version import VERSION

logger = logging.getLogger(__name__)

IDS = (0, *range(2, 7), 8, 9, 11, *range(15, 23), *range(24, 54))

_GROUPS = (inferences, feedback, workflows, statistics, system)
TABLES: tuple[Table, ...] = (system.MIGRATIONS, *(table for group in _GROUPS for table in group.TABLES))
VIEWS = tuple(view for group in (inferences, feedback, workflows, statistics) for view in group.VIEWS)

_DISABLED = (
    "Automatic ClickHouse migrations were disabled, but not all migrations were run. "
    "Run `t0 gateway --run-clickhouse-migrations`, or remove `clickhouse.disable_automatic_migrations`"
)


def is_current(client: ClickHouse) -> bool:
    """Whether every known migration is recorded."""
    return applied_ids(client).issuperset(IDS)


def applied_ids(client: ClickHouse) -> set[int]:
    """The recorded ids, those of newer releases included; empty when there is no database."""
    found = _without_database(client).query(
        "SELECT 1 AS found FROM system.tables WHERE database = {database:String} AND name = 'TensorZeroMigration'",
        {"database": client.info.database},
    )
    if not found:
        return set()
    return {row["migration_id"] for row in client.query("SELECT DISTINCT migration_id FROM TensorZeroMigration")}


def run(
    client: ClickHouse,
    *,
    only_check: bool = False,
    cluster_name: str | None = None,
    is_manual: bool = False,
    allow_non_replicated: bool = False,
) -> list[int]:
    """Bring the database to the schema; the ids that were run, none when it is current already.

    `only_check` is for gateways with automatic migrations disabled. `cluster_name` creates replicated tables on every
    server of that cluster, which has to be asked for by hand (`is_manual`). `allow_non_replicated` accepts plain tables
    on a server that belongs to a replicated cluster. Raises `ConfigError`, `StorageError`, `StorageUnavailable`.
    """
    applied = applied_ids(client)
    missing = sorted(set(IDS) - applied)
    if not missing:
        _warn_of_newer(applied)
        return []
    if only_check:
        raise ConfigError(_DISABLED)
    if applied:
        raise ConfigError(_older_database(client, missing))
    _check_cluster(client, cluster_name, is_manual, allow_non_replicated)
    place = Place(database=client.info.database, cluster=cluster_name or "")
    started = time.monotonic()
    try:
        _create(client, place)
    except StorageError:
        logger.exception("ClickHouse migrations failed; the next start goes on. To undo:\n%s", undo_sql(place))
        raise
    _record(client, missing, round((time.monotonic() - started) * 1000))
    return missing


def undo_sql(place: Place) -> str:
    """The statements that remove what the migrations create, the database itself and the SQL function excepted."""
    return "".join(f"{place.drop(item)};\n" for item in (*reversed(VIEWS), *reversed(TABLES)))


def _create(client: ClickHouse, place: Place) -> None:
    admin = _without_database(client)
    # Asked first, since the right to create databases is not everyone's.
    if not admin.query("SELECT 1 AS found FROM system.databases WHERE name = {name:String}", {"name": place.database}):
        admin.command(place.create_database())
    for table in TABLES:
        client.command(place.create_table(table))
    _check_columns(client)
    for name, body in system.FUNCTIONS.items():
        client.command(place.create_function(name, body))
    for view in VIEWS:
        client.command(place.create_view(view))
    if not client.query("SELECT 1 AS found FROM DeploymentID LIMIT 1"):
        client.insert_json(
            "DeploymentID", msgspec.json.encode({"deployment_id": blake3(uuid.uuid4().bytes).hexdigest()})
        )


def _record(client: ClickHouse, ids: list[int], execution_time_ms: int) -> None:
    rows = [
        {
            "migration_id": id,
            "migration_name": f"Migration{id:04d}",
            "gateway_version": VERSION,
            "gateway_git_sha": "",
            "execution_time_ms": execution_time_ms,
            "extra_data": None,
        }
        for id in ids
    ]
    client.insert_json("TensorZeroMigration", msgspec.json.Encoder().encode_lines(rows))


# -- what stops a start ------------------------------------------------------------------------------------------------


def _check_cluster(client: ClickHouse, cluster_name: str | None, is_manual: bool, allow_non_replicated: bool) -> None:
    if cluster_name:
        if _is_cloud(client):
            raise ConfigError("TENSORZERO_CLICKHOUSE_CLUSTER_NAME must not be set for ClickHouse Cloud")
        if not is_manual:
            raise ConfigError(
                "Migrations must be run manually if using a replicated ClickHouse cluster. "
                "Run `t0 gateway --run-clickhouse-migrations`"
            )
    elif not allow_non_replicated and not _is_cloud(client) and _is_replicated(client):
        raise ConfigError(
            "The ClickHouse server belongs to a replicated cluster: set TENSORZERO_CLICKHOUSE_CLUSTER_NAME, "
            "or TENSORZERO_OVERRIDE_NON_REPLICATED_CLICKHOUSE=1 to create tables on this server only"
        )


def _is_cloud(client: ClickHouse) -> bool:
    rows = _without_database(client).query("SELECT value FROM system.settings WHERE name = 'cloud_mode'")
    return bool(rows) and rows[0]["value"] == "1"


def _is_replicated(client: ClickHouse) -> bool:
    """Whether a configured cluster has a shard on several machines; the example clusters are all loopback."""
    return bool(
        _without_database(client).query(
            "SELECT cluster FROM system.clusters WHERE NOT startsWith(host_address, '127.') AND host_address != '::1' "
            "GROUP BY cluster, shard_num HAVING uniqExact(host_address) > 1 LIMIT 1"
        )
    )


def _check_columns(client: ClickHouse) -> None:
    """A table of an older release passes `IF NOT EXISTS`; it must not pass this."""
    rows = client.query("SELECT table, name FROM system.columns WHERE database = currentDatabase()")
    present = {(row["table"], row["name"]) for row in rows}
    lacking = [f"`{t.name}.{c}`" for t in TABLES for c in t.columns if (t.name, c) not in present]
    if lacking:
        raise ConfigError(
            f"The ClickHouse database `{client.info.database}` holds tables of an older release, without "
            f"{', '.join(lacking)}. {_UPGRADE}"
        )


_UPGRADE = "Start the last release of TensorZero (2026.6.0) on it once, then t0; or use another database"


def _older_database(client: ClickHouse, missing: list[int]) -> str:
    return (
        f"The ClickHouse database `{client.info.database}` was made by an older release: migrations "
        f"{', '.join(map(str, missing))} are missing. {_UPGRADE}"
    )


def _warn_of_newer(applied: set[int]) -> None:
    newer = sorted(applied - set(IDS))
    if newer:
        logger.warning("The ClickHouse database has migrations unknown to this release: %s", ", ".join(map(str, newer)))


def _without_database(client: ClickHouse) -> ClickHouse:
    return ClickHouse(client.info, without_database=True)
