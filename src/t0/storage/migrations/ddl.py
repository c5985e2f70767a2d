"""Tables and materialized views as values, and the statements that create them, on one server or on a cluster."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Table(Struct, frozen=True, kw_only=True):
    """One table. `columns` maps names to type, default and all; `engine_arguments` are column names."""

    name: str
    columns: Mapping[str, str]
    engine: str = "MergeTree"
    engine_arguments: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    primary_key: tuple[str, ...] = ()
    partition_by: str = ""
    indexes: Mapping[str, str] = {}
    index_granularity: int | None = None


class View(Struct, frozen=True, kw_only=True):
    """One materialized view: `select` of each inserted block goes into the table `target`."""

    name: str
    target: str
    select: str


class Place(Struct, frozen=True, kw_only=True):
    """Where the statements run: a database, on every server of `cluster` if that is given."""

    database: str
    cluster: str = ""

    @property
    def _on_cluster(self) -> str:
        return f" ON CLUSTER {quoted(self.cluster)}" if self.cluster else ""

    def create_database(self) -> str:
        return f"CREATE DATABASE IF NOT EXISTS {quoted(self.database)}{self._on_cluster}"

    def create_table(self, table: Table) -> str:
        columns = [f"{name} {kind}" for name, kind in table.columns.items()]
        indexes = [f"INDEX {name} {rule}" for name, rule in table.indexes.items()]
        clauses = [
            f"CREATE TABLE IF NOT EXISTS {table.name}{self._on_cluster}",
            "(\n    " + ",\n    ".join(columns + indexes) + "\n)",
            f"ENGINE = {self._engine(table)}",
            f"PARTITION BY {table.partition_by}" if table.partition_by else "",
            f"PRIMARY KEY ({', '.join(table.primary_key)})" if table.primary_key else "",
            f"ORDER BY ({', '.join(table.order_by)})" if table.order_by else "",
            f"SETTINGS index_granularity = {table.index_granularity}" if table.index_granularity else "",
        ]
        return "\n".join(c for c in clauses if c)

    def create_view(self, view: View) -> str:
        return (
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS {view.name}{self._on_cluster} TO {view.target} AS\n"
            f"{view.select.strip()}"
        )

    def create_function(self, name: str, body: str) -> str:
        return f"CREATE FUNCTION IF NOT EXISTS {name}{self._on_cluster} AS {body}"

    def drop(self, item: Table | View) -> str:
        return f"DROP TABLE IF EXISTS {item.name}{self._on_cluster} SYNC"

    def _engine(self, table: Table) -> str:
        if not self.cluster:
            return f"{table.engine}({', '.join(table.engine_arguments)})"
        path = f"'/clickhouse/tables/{{shard}}/{self.database}/{table.name}'"
        arguments = ", ".join((path, "'{replica}'", *table.engine_arguments))
        return f"Replicated{table.engine}({arguments})"


def quoted(name: str) -> str:
    """An identifier, whatever is in it."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


# -- words of the schema -----------------------------------------------------------------------------------------------

NAME = "LowCardinality(String)"
MAP = "Map(String, String)"
TAGS = f"{MAP} DEFAULT map()"
MICROSECONDS = "DateTime64(6, 'UTC')"
COUNT = "SimpleAggregateFunction(sum, UInt64)"

SNAPSHOT_HASH = {"snapshot_hash": "Nullable(UInt256)"}
FINISH_REASON = (
    "Nullable(Enum8('stop' = 1, 'length' = 2, 'tool_call' = 3, 'content_filter' = 4, 'unknown' = 5, "
    "'stop_sequence' = 6))"
)
FUNCTION_TYPE = "Enum8('chat' = 1, 'json' = 2)"
TOOLS = {
    "dynamic_tools": "Array(String)",
    "dynamic_provider_tools": "Array(String)",
    "allowed_tools": "Nullable(String)",
    "tool_choice": "Nullable(String)",
    "parallel_tool_calls": "Nullable(Bool)",
}


def timestamp_of(column: str = "id") -> dict[str, str]:
    """The column `timestamp`, taken from a UUIDv7."""
    return {"timestamp": f"DateTime MATERIALIZED UUIDv7ToDateTime({column})"}


def bloom_filter(column: str, granularity: int = 1) -> str:
    """The rule of a skip index for equality."""
    return f"{column} TYPE bloom_filter GRANULARITY {granularity}"
