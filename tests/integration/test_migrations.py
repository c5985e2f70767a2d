"""Making the schema: once, completed after an interruption, refused on older databases; and configuration snapshots."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from processes import Store, free_port
from t0.errors import ConfigError, StorageError
from t0.storage.clickhouse import ClickHouse
from t0.storage.migrations import IDS, applied_ids, is_current, run, runner
from t0.storage.snapshot import write_snapshot
from t0.version import VERSION

Row = dict[str, Any]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("store"), free_port()) as running:
        yield running


@pytest.fixture
def empty(store: Store, request: pytest.FixtureRequest) -> Iterator[ClickHouse]:
    """A client of a database that does not exist yet, named after the test."""
    name = "".join(c if c.isalnum() else "_" for c in request.node.name)
    with closing(database(store, name)) as client:
        yield client


@pytest.fixture(scope="module")
def current(store: Store) -> Iterator[ClickHouse]:
    with closing(database(store, "current")) as client:
        run(client)
        yield client


def database(store: Store, name: str) -> ClickHouse:
    return ClickHouse(store.url.replace("/tensorzero", f"/{name}"))


def add(client: ClickHouse, table: str, *rows: Row) -> None:
    client.insert_json(table, "\n".join(map(json.dumps, rows)).encode())


# -- running -----------------------------------------------------------------------------------------------------------


def test_an_empty_database_gets_everything_once(empty: ClickHouse) -> None:
    assert not is_current(empty)
    assert run(empty) == list(IDS)
    assert is_current(empty)
    assert run(empty) == []
    assert run(empty, only_check=True) == []
    rows = empty.query(
        "SELECT migration_name, gateway_version, gateway_git_sha, extra_data, applied_at > now() - 60 AS is_recent "
        "FROM TensorZeroMigration ORDER BY migration_id"
    )
    assert rows == [
        {
            "migration_name": f"Migration{number:04d}",
            "gateway_version": VERSION,
            "gateway_git_sha": "",
            "extra_data": None,
            "is_recent": 1,
        }
        for number in IDS
    ]
    assert empty.query("SELECT length(deployment_id) AS n, dummy FROM DeploymentID") == [{"n": "64", "dummy": 0}]


def test_two_gateways_start_at_once(empty: ClickHouse) -> None:
    outcomes: list[list[int] | Exception] = []

    def start() -> None:
        with closing(ClickHouse(empty.info)) as client:
            try:
                outcomes.append(run(client))
            except Exception as e:
                outcomes.append(e)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [o for o in outcomes if o not in (list(IDS), [])] == []
    assert is_current(empty)
    assert len(empty.query("SELECT deployment_id FROM DeploymentID FINAL")) == 1


class Interrupted(ClickHouse):
    """Stops after some statements, as a process does that is killed."""

    statements_left = 0

    def command(self, sql: str, *arguments: Any, **options: Any) -> None:
        if self.statements_left == 0:
            raise StorageError("interrupted")
        self.statements_left -= 1
        super().command(sql, *arguments, **options)


@pytest.mark.parametrize("statements", [0, 1, len(runner.TABLES), len(runner.TABLES) + 5])
def test_the_next_start_completes_an_interrupted_one(
    empty: ClickHouse, statements: int, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Interrupted(empty.info)) as client:
        client.statements_left = statements
        with pytest.raises(StorageError, match="interrupted"):
            run(client)
    assert "DROP TABLE IF EXISTS ChatInference SYNC;" in caplog.text
    assert not is_current(empty)
    assert run(empty) == list(IDS)
    views = empty.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'MaterializedView'"
    )
    assert {row["name"] for row in views} == {view.name for view in runner.VIEWS}


def test_disabled_migrations_of_an_empty_database(empty: ClickHouse) -> None:
    with pytest.raises(ConfigError) as error:
        run(empty, only_check=True)
    assert str(error.value).startswith(
        "Automatic ClickHouse migrations were disabled, but not all migrations were run. "
    )
    assert applied_ids(empty) == set()


def recorded(client: ClickHouse, ids: list[int]) -> None:
    """A database in which only the record of migrations is there."""
    with closing(ClickHouse(client.info, without_database=True)) as admin:
        admin.command(f"CREATE DATABASE {client.info.database}")
    client.command(runner.Place(database=client.info.database).create_table(runner.system.MIGRATIONS))
    row = {"migration_name": "", "gateway_version": "", "gateway_git_sha": "", "execution_time_ms": 1}
    add(client, "TensorZeroMigration", *({"migration_id": id, **row} for id in ids))


def test_a_database_of_an_older_release_is_refused(empty: ClickHouse) -> None:
    recorded(empty, [id for id in IDS if id not in (51, 53)])
    with pytest.raises(ConfigError) as error:
        run(empty)
    assert str(error.value) == (
        "The ClickHouse database `test_a_database_of_an_older_release_is_refused` was made by an older release: "
        "migrations 51, 53 are missing. Start the last release of TensorZero (2026.6.0) on it once, then t0; "
        "or use another database"
    )


def test_a_database_of_a_newer_release_is_used(empty: ClickHouse, caplog: pytest.LogCaptureFixture) -> None:
    recorded(empty, [*IDS, 54, 60])
    assert run(empty) == []
    assert "The ClickHouse database has migrations unknown to this release: 54, 60" in caplog.text


def test_old_tables_without_a_record_are_refused(empty: ClickHouse) -> None:
    with closing(ClickHouse(empty.info, without_database=True)) as admin:
        admin.command(f"CREATE DATABASE {empty.info.database}")
    empty.command("CREATE TABLE CumulativeUsage (type String) ENGINE = MergeTree ORDER BY type")
    with pytest.raises(ConfigError, match=r"holds tables of an older release, without `CumulativeUsage\.count`\."):
        run(empty)
    assert not is_current(empty)


def test_a_cluster_is_migrated_by_hand_only(empty: ClickHouse) -> None:
    with pytest.raises(ConfigError) as error:
        run(empty, cluster_name="nodes")
    assert str(error.value).startswith("Migrations must be run manually if using a replicated ClickHouse cluster. ")


# -- the SQL function --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uuid",
    [
        "00000000-0000-0000-0000-000000000000",
        "00000000-0000-0000-0000-0000000000ff",
        "01a20e31-da7b-7d50-817e-15e8da6c3e15",
        "ff000000-0000-0000-0000-000000000000",
    ],
)
def test_uint_to_uuid_is_the_inverse_of_to_uint128(current: ClickHouse, uuid: str) -> None:
    assert current.query("SELECT uint_to_uuid(toUInt128({id:UUID})) AS id", {"id": uuid}) == [{"id": uuid}]


# -- snapshots ---------------------------------------------------------------------------------------------------------

FIRST = datetime(2026, 5, 1, 10, 20, 30, 123456, tzinfo=UTC)
LATER = datetime(2026, 5, 2, 0, 0, 0, 1, tzinfo=UTC)
BIG_HASH = str(2**256 - 1)


def test_a_snapshot_is_refreshed(current: ClickHouse) -> None:
    write_snapshot(current, "a = 1\n", {"t": "x"}, BIG_HASH, "1.0", tags={"a": "1", "b": "1"}, now=FIRST)
    write_snapshot(current, "a = 1\n", {"t": "x"}, BIG_HASH, "1.1", tags={"b": "2"}, now=LATER)
    rows = current.query(
        "SELECT * REPLACE (toUnixTimestamp64Micro(created_at) AS created_at, "
        "toUnixTimestamp64Micro(last_used) AS last_used) FROM ConfigSnapshot FINAL WHERE hash = toUInt256({h:String})",
        {"h": BIG_HASH},
    )
    assert rows == [
        {
            "config": "a = 1\n",
            "extra_templates": {"t": "x"},
            "hash": BIG_HASH,
            "tensorzero_version": "1.1",
            "created_at": "1777630830123456",
            "last_used": "1777680000000001",
            "tags": {"a": "1", "b": "2"},
        }
    ]
