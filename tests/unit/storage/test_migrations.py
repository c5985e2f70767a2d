"""The statements of the schema, on one server and on a cluster."""

import pytest

from t0.storage.migrations import IDS, runner
from t0.storage.migrations.ddl import Place, Table, View
from t0.storage.migrations.runner import TABLES, VIEWS, undo_sql
from t0.storage.migrations.statistics import QUANTILES

ALONE = Place(database="t0")
CLUSTER = Place(database="t0", cluster="all nodes")
CACHE = Table(
    name="Cache",
    columns={"key": "UInt64", "at": "DateTime DEFAULT now()"},
    engine="ReplacingMergeTree",
    engine_arguments=("at",),
    partition_by="toYYYYMM(at)",
    primary_key=("key",),
    order_by=("key", "at"),
    indexes={"by_at": "at TYPE minmax GRANULARITY 1"},
    index_granularity=256,
)


def test_table_on_one_server() -> None:
    assert ALONE.create_table(CACHE) == (
        "CREATE TABLE IF NOT EXISTS Cache\n"
        "(\n"
        "    key UInt64,\n"
        "    at DateTime DEFAULT now(),\n"
        "    INDEX by_at at TYPE minmax GRANULARITY 1\n"
        ")\n"
        "ENGINE = ReplacingMergeTree(at)\n"
        "PARTITION BY toYYYYMM(at)\n"
        "PRIMARY KEY (key)\n"
        "ORDER BY (key, at)\n"
        "SETTINGS index_granularity = 256"
    )


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            CLUSTER.create_table(Table(name="T", columns={"a": "UUID"}, order_by=("a",))),
            "CREATE TABLE IF NOT EXISTS T ON CLUSTER `all nodes`\n(\n    a UUID\n)\n"
            "ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/t0/T', '{replica}')\nORDER BY (a)",
        ),
        (
            CLUSTER.create_table(CACHE).split("\n")[6],
            "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/t0/Cache', '{replica}', at)",
        ),
        (
            CLUSTER.create_view(View(name="V", target="T", select="\nSELECT a FROM S")),
            "CREATE MATERIALIZED VIEW IF NOT EXISTS V ON CLUSTER `all nodes` TO T AS\nSELECT a FROM S",
        ),
        (
            CLUSTER.create_function("f", "(x) -> x"),
            "CREATE FUNCTION IF NOT EXISTS f ON CLUSTER `all nodes` AS (x) -> x",
        ),
        (CLUSTER.create_database(), "CREATE DATABASE IF NOT EXISTS `t0` ON CLUSTER `all nodes`"),
        (CLUSTER.drop(CACHE), "DROP TABLE IF EXISTS Cache ON CLUSTER `all nodes` SYNC"),
        (Place(database="a`b").create_database(), "CREATE DATABASE IF NOT EXISTS `a\\`b`"),
    ],
    ids=["table", "engine arguments", "view", "function", "database", "drop", "quoted database"],
)
def test_statements_on_a_cluster(statement: str, expected: str) -> None:
    assert statement == expected


def test_every_statement_can_be_repeated_and_reaches_the_cluster() -> None:
    statements = [CLUSTER.create_table(t) for t in TABLES] + [CLUSTER.create_view(v) for v in VIEWS]
    assert [s for s in statements if "IF NOT EXISTS" not in s or "ON CLUSTER `all nodes`" not in s] == []


def test_views_fill_tables_of_the_schema() -> None:
    assert {v.target for v in VIEWS} <= {t.name for t in TABLES}


def test_names_are_unique() -> None:
    names = [item.name for item in (*TABLES, *VIEWS)]
    assert sorted(set(names)) == sorted(names)


def test_the_known_migrations_are_the_reference_s() -> None:
    assert len(IDS) == 47
    assert set(range(54)) - set(IDS) == {1, 7, 10, 12, 13, 14, 23}


def test_quantiles() -> None:
    assert len(QUANTILES) == 70
    assert (QUANTILES[:4], QUANTILES[-1]) == ((0.001, 0.005, 0.01, 0.02), 0.999)
    assert list(QUANTILES) == sorted(set(QUANTILES))


def test_undoing_starts_with_the_views_and_ends_with_the_record() -> None:
    lines = undo_sql(ALONE).splitlines()
    assert lines[0] == f"DROP TABLE IF EXISTS {VIEWS[-1].name} SYNC;"
    assert lines[-1] == f"DROP TABLE IF EXISTS {runner.system.MIGRATIONS.name} SYNC;"
    assert len(lines) == len(TABLES) + len(VIEWS)
