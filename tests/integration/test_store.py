"""The embedded store as its clients see it: the ClickHouse HTTP interface, durability, and how it starts and stops."""

import asyncio
import base64
import gzip
import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import repeat
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import StreamFailureError
from clickhouse_connect.driver.external import ExternalData

from processes import Store, free_port, wait_until
from t0.errors import StorageError, StorageUnavailable
from t0.storage.clickhouse import AsyncClickHouse, ClickHouse, parse_url
from t0.storage.store.process import url_file
from t0.storage.store.server import MAX_BODY_BYTES

COMMAND = (sys.executable, "-m", "t0.cli", "store", "--data-dir")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("store"), free_port()) as running:
        create_database(running.url)
        yield running


@pytest.fixture
def client(store: Store) -> Iterator[ClickHouse]:
    with closing(ClickHouse(store.url)) as client:
        client.command("CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
        yield client
        client.command("DROP TABLE t SYNC")


def create_database(url: str) -> None:
    with closing(ClickHouse(url, without_database=True)) as client:
        client.command("CREATE DATABASE IF NOT EXISTS tensorzero")


def driver(store: Store, **options: Any) -> Any:
    return closing(clickhouse_connect.get_client(dsn=store.url, autogenerate_session_id=False, **options))


def request(
    store: Store, body: bytes = b"", *, method: str = "POST", headers: dict[str, str] | None = None, **parameters: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, fields and body of one HTTP exchange with valid credentials, unless `headers` has its own."""
    info = parse_url(store.url)
    connection = http.client.HTTPConnection(info.host, info.port, timeout=30)
    with closing(connection):
        connection.request(method, f"/?{urlencode(parameters)}", body, info.headers() if headers is None else headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


# -- our clients -------------------------------------------------------------------------------------------------------


def test_rows_come_back_as_they_went_in(client: ClickHouse) -> None:
    client.insert_json("t", '{"a":1,"s":"ü\\n\\n;"}\n\n{"a":18446744073709551615,"s":""}\n'.encode())
    rows = client.query("SELECT * FROM t WHERE a IN {ids:Array(UInt64)} ORDER BY a", {"ids": [1, 2**64 - 1]})
    assert rows == [{"a": "1", "s": "ü\n\n;"}, {"a": "18446744073709551615", "s": ""}]


@pytest.mark.parametrize(
    "value", ["", "it's", 'a "b"', "back\\slash", "line\nbreak", "tab\there", "{x:String}", "ü€😀", "\0"]
)
def test_parameters_are_taken_literally(client: ClickHouse, value: str) -> None:
    assert client.query("SELECT {v:String} AS v", {"v": value}) == [{"v": value}]


def test_unknown_fields_and_nulls_are_refused(client: ClickHouse) -> None:
    for line in (b'{"a":1,"x":2}', b'{"a":1,"s":null}'):
        with pytest.raises(StorageError, match=r"^Failed to run ClickHouse query: Code: \d+"):
            client.insert_json("t", line)
    assert client.query("SELECT count() AS n FROM t") == [{"n": "0"}]


def test_a_refused_query_says_why(client: ClickHouse) -> None:
    with pytest.raises(StorageError) as error:
        client.query("SELECT * FROM nowhere")
    assert error.value.text.startswith("Failed to run ClickHouse query: Code: 60. DB::Exception: Unknown table")
    assert error.value.text.endswith("(UNKNOWN_TABLE)")


def test_mutations_are_waited_for(client: ClickHouse) -> None:
    client.insert_json("t", b'{"a":1,"s":"x"}\n{"a":2,"s":"x"}')
    client.command("ALTER TABLE t DELETE WHERE a = 1")
    assert client.query("SELECT a FROM t") == [{"a": "2"}]


def test_a_client_is_shared_by_threads(client: ClickHouse) -> None:
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(client.query("SELECT {n:UInt8} AS n", {"n": n})[0]["n"]))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == list(range(20))


def test_async_client(store: Store, client: ClickHouse) -> None:
    async def use() -> tuple[bool, list[dict[str, Any]]]:
        reader = AsyncClickHouse(store.url)
        try:
            await reader.insert_json("t", b'{"a":1,"s":"x"}')
            queries = [reader.query("SELECT a + {n:UInt64} AS a FROM t", {"n": n}) for n in range(50)]
            found = await asyncio.gather(*queries)
            with pytest.raises(StorageError, match="UNKNOWN_TABLE"):
                await reader.query("SELECT 1 FROM nowhere")
            await reader.command("TRUNCATE TABLE t")
            return await reader.ping(5.0), [row for rows in found for row in rows]
        finally:
            await reader.close()

    assert asyncio.run(use()) == (True, [{"a": str(n + 1)} for n in range(50)])


def test_nobody_there() -> None:
    url = f"http://127.0.0.1:{free_port()}/x"
    client = ClickHouse(url)
    assert not client.ping(1.0)
    with pytest.raises(StorageUnavailable, match=r"^Error connecting to ClickHouse: "):
        client.query("SELECT 1")

    async def use() -> None:
        reader = AsyncClickHouse(url)
        assert not await reader.ping(1.0)
        with pytest.raises(StorageUnavailable, match=r"^Error connecting to ClickHouse: "):
            await reader.query("SELECT 1")
        await reader.close()

    asyncio.run(use())


# -- any client --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
def test_native_inserts_and_answers(store: Store, client: ClickHouse, compress: bool | str) -> None:
    rows = [[n, f"\n\n{n}"] for n in range(10_000)]
    with driver(store, compress=compress) as native:
        native.insert("t", rows, column_names=["a", "s"])
        assert native.query("SELECT * FROM t ORDER BY a").result_rows == [tuple(row) for row in rows]
        assert native.query("SELECT * FROM t LIMIT 0").column_names == ("a", "s")
        assert native.command("SELECT count() FROM t") == 10_000


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
def test_streamed_answers(store: Store, compress: bool | str) -> None:
    with (
        driver(store, compress=compress) as native,
        native.query_rows_stream("SELECT number, repeat('x', 100) FROM numbers(400000)") as rows,
    ):
        assert sum(row[0] for row in rows) == 399_999 * 400_000 // 2


def test_a_streamed_answer_that_fails_says_so(store: Store) -> None:
    sql = "SELECT number, throwIf(number = 2000000) FROM numbers(3000000)"
    failure = pytest.raises(StreamFailureError, match=r"Code: 395.*FUNCTION_THROW_IF_VALUE_IS_NON_ZERO")
    with driver(store) as native, native.query_rows_stream(sql) as rows, failure:
        for _ in rows:
            pass


def test_a_large_insert_is_whole_or_nothing(client: ClickHouse) -> None:
    lines = b"".join(b'{"a":%d,"s":"%s"}\n' % (n, b"x" * 200) for n in range(150_000))
    with pytest.raises(StorageError, match="CANNOT_PARSE"):
        client.insert_json("t", lines + b'{"a":"one"}\n')
    assert client.query("SELECT count() AS n FROM t") == [{"n": "0"}]
    client.insert_json("t", lines)
    assert client.query("SELECT count() AS n, uniqExact(a) AS u FROM t") == [{"n": "150000", "u": "150000"}]


def test_settings_are_of_one_query_only(client: ClickHouse) -> None:
    sql = "SELECT toString(getSetting('max_block_size')) AS n"
    before = client.query(sql)
    assert client.query(sql, settings={"max_block_size": 77}) == [{"n": "77"}]
    assert client.query(sql) == before


def test_external_data(store: Store) -> None:
    data = ExternalData(file_name="f", data=b"1\tone\n2\ttwo\n", structure=["a UInt8", "s String"], fmt="TSV")
    with driver(store) as native:
        assert native.query("SELECT sum(a), max(s) FROM f", external_data=data).result_rows == [(3, "two")]


def test_sessions(store: Store) -> None:
    with closing(clickhouse_connect.get_client(dsn=store.url, session_id="mine")) as session:
        session.command("CREATE TEMPORARY TABLE mine (a UInt8) ENGINE = Memory")
        session.command("INSERT INTO mine VALUES (1), (2)")
        session.command("SET max_block_size = 55")
        with pytest.raises(Exception, match="FUNCTION_THROW_IF"):
            session.query("SELECT number, throwIf(number = 3000000) FROM numbers(4000000)")
        sql = "SELECT getSetting('max_block_size') AS n, sum(a) FROM mine"
        seen = [session.query(sql, settings=s).result_rows for s in (None, {"max_block_size": 66}, None)]
    assert seen == [[(55, 3)], [(66, 3)], [(55, 3)]]


# -- HTTP --------------------------------------------------------------------------------------------------------------


def test_ping_needs_no_password(store: Store) -> None:
    info = parse_url(store.url)
    with closing(http.client.HTTPConnection(info.host, info.port)) as connection:
        connection.request("GET", "/ping")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"Ok.\n")


def test_every_way_to_say_the_password(store: Store) -> None:
    info = parse_url(store.url)
    basic = base64.b64encode(f"{info.username}:{info.password}".encode()).decode()
    answers = [
        request(store, b"SELECT 1", headers={"X-ClickHouse-User": info.username, "X-ClickHouse-Key": info.password}),
        request(store, b"SELECT 1", headers={"Authorization": f"Basic {basic}"}),
        request(store, b"SELECT 1", headers={}, user=info.username, password=info.password),
    ]
    assert [(status, body) for status, _, body in answers] == [(200, b"1\n")] * 3


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-ClickHouse-User": "t0", "X-ClickHouse-Key": "guess"},
        {"X-ClickHouse-User": "default", "X-ClickHouse-Key": ""},
        {"Authorization": "Basic !"},
        {"Authorization": "Bearer x"},
    ],
    ids=["none", "wrong", "default", "damaged", "other scheme"],
)
def test_without_the_password_nothing_runs(store: Store, headers: dict[str, str]) -> None:
    status, fields, body = request(store, b"SELECT 1", headers=headers)
    assert (status, fields["X-ClickHouse-Exception-Code"]) == (403, "516")
    assert body.endswith(b"(AUTHENTICATION_FAILED)\n")


def test_the_query_may_stand_in_the_url(store: Store) -> None:
    status, fields, body = request(store, method="GET", query="SELECT {a:UInt8} + 1", param_a="1", default_format="CSV")
    assert (status, body, fields["X-ClickHouse-Format"]) == (200, b"2\n", "CSV")


def test_query_in_the_url_and_compressed_data_in_the_body(store: Store, client: ClickHouse) -> None:
    headers = {**parse_url(store.url).headers(), "Content-Encoding": "gzip"}
    data = gzip.compress(b"1,x\n2,y\n")
    status, fields, _ = request(
        store, data, headers=headers, query="INSERT INTO t FORMAT CSV", database=parse_url(store.url).database
    )
    assert (status, "X-ClickHouse-Format" in fields) == (200, False)
    assert '"written_rows": "2"' in fields["X-ClickHouse-Summary"]
    assert client.query("SELECT * FROM t ORDER BY a") == [{"a": "1", "s": "x"}, {"a": "2", "s": "y"}]


@pytest.mark.parametrize(
    ("body", "parameters", "status", "code"),
    [
        pytest.param(b"SELEC 1", {}, 400, "62", id="syntax"),
        pytest.param(b"SELECT 1; SELECT 2", {}, 400, "62", id="two statements"),
        pytest.param(b"SELECT * FROM nowhere", {}, 404, "60", id="table"),
        pytest.param(b"SELECT 1", {"database": "nowhere"}, 404, "81", id="database"),
        pytest.param(b"SELECT 1", {"no_such_setting": "1"}, 404, "115", id="setting"),
        pytest.param(b"SELECT 1", {"a b": "1"}, 404, "115", id="name of a setting"),
        pytest.param(b"SELECT throwIf(1)", {}, 500, "395", id="execution"),
        pytest.param(b"SELECT {a:UInt8}", {"param_a": "x"}, 400, "457", id="parameter"),
        pytest.param(b"SELECT 1", {"decompress": "1"}, 501, "48", id="ClickHouse's own compression"),
        pytest.param(b"SELECT 1", {"session_id": "s", "session_check": "1"}, 404, "372", id="session"),
    ],
)
def test_errors_have_the_server_s_status_and_code(
    store: Store, body: bytes, parameters: dict[str, str], status: int, code: str
) -> None:
    answer = request(store, body, **parameters)
    assert (answer[0], answer[1]["X-ClickHouse-Exception-Code"]) == (status, code)
    assert answer[2].startswith(f"Code: {code}. DB::Exception: ".encode())


def test_get_does_not_write(store: Store, client: ClickHouse) -> None:
    status, fields, _ = request(store, method="GET", query="TRUNCATE TABLE tensorzero.t")
    assert (status, fields["X-ClickHouse-Exception-Code"]) == (500, "164")


def test_an_unknown_content_coding_is_refused(store: Store) -> None:
    headers = {**parse_url(store.url).headers(), "Content-Encoding": "snappy"}
    assert request(store, b"x", headers=headers)[0] == 400


def test_a_body_that_is_too_large_is_refused_unread(store: Store) -> None:
    info = parse_url(store.url)
    with closing(http.client.HTTPConnection(info.host, info.port, timeout=30)) as connection:
        connection.putrequest("POST", "/?query=INSERT+INTO+t+FORMAT+CSV")
        for name, value in {**info.headers(), "Content-Length": str(2**40)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 413


# -- the process -------------------------------------------------------------------------------------------------------


def test_a_body_of_unknown_length_is_measured_as_it_comes(store: Store) -> None:
    info = parse_url(store.url)
    piece = b" " * (1 << 20)
    with closing(http.client.HTTPConnection(info.host, info.port, timeout=30)) as connection:
        connection.request("POST", "/", repeat(piece, MAX_BODY_BYTES // len(piece) + 1), info.headers())
        assert connection.getresponse().status == 413


def test_the_engine_has_its_settings(client: ClickHouse) -> None:
    sql = "SELECT name, value FROM system.merge_tree_settings WHERE changed"
    assert client.query(sql) == [{"name": "merge_selector_base", "value": "12"}]


def test_only_the_owner_can_read_the_url(store: Store) -> None:
    assert url_file(store.data_dir).stat().st_mode & 0o777 == 0o600


def test_a_second_store_on_the_directory_fails(store: Store) -> None:
    done = subprocess.run([*COMMAND, str(store.data_dir)], capture_output=True, text=True, timeout=20)
    folder = store.data_dir / "store"
    assert (done.returncode, done.stderr) == (1, f"t0 store: Another store already uses the directory `{folder}`\n")


def test_a_taken_port_is_named(store: Store, tmp_path: Path) -> None:
    port = parse_url(store.url).port
    done = subprocess.run([*COMMAND, str(tmp_path), "--port", str(port)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr


def launch(folder: Path, stdin: Any = subprocess.PIPE) -> tuple["subprocess.Popen[bytes]", str]:
    """A store and its URL."""
    file = url_file(folder)
    old = file.stat().st_ino if file.exists() else None
    process = subprocess.Popen([*COMMAND, str(folder)], stdin=stdin)

    def url() -> str | None:
        assert process.poll() is None
        return file.read_text() if file.exists() and file.stat().st_ino != old else None

    try:
        return process, wait_until(url, "URL of the store", 30.0)
    except BaseException:
        process.kill()
        process.wait()
        raise


def test_it_lives_until_its_input_ends(tmp_path: Path) -> None:
    process, url = launch(tmp_path)
    with process:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process.send_signal(number)
        time.sleep(0.2)
        assert ClickHouse(url).ping(5.0)
        stopped = time.monotonic()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0
        assert time.monotonic() - stopped < 2.0
    assert not url_file(tmp_path).exists()


def test_a_store_without_a_launcher_obeys_signals(tmp_path: Path) -> None:
    with open(os.devnull) as nothing:
        process, _ = launch(tmp_path, nothing)
    with process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_running_queries_are_finished_but_not_for_ever(tmp_path: Path) -> None:
    process, url = launch(tmp_path)
    outcomes: dict[str, object] = {}

    def ask(name: str, seconds: int) -> None:
        with closing(ClickHouse(url, without_database=True)) as client:
            try:
                sql = f"SELECT sum(sleepEachRow(1)) AS s FROM numbers({seconds})"
                outcomes[name] = client.query(sql, settings={"max_block_size": 1})
            except StorageUnavailable:
                outcomes[name] = "cut"

    threads = [threading.Thread(target=ask, args=question) for question in (("short", 1), ("long", 60))]
    with process:
        for thread in threads:
            thread.start()
        time.sleep(0.6)
        assert process.stdin is not None
        stopped = time.monotonic()
        process.stdin.close()
        assert process.wait(10) == 0
        assert time.monotonic() - stopped < 3.0
    for thread in threads:
        thread.join()
    assert outcomes == {"short": [{"s": "0"}], "long": "cut"}


def test_acknowledged_rows_survive_a_kill(tmp_path: Path) -> None:
    process, url = launch(tmp_path)
    create_database(url)
    with closing(ClickHouse(url)) as client:
        client.command("CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
    acknowledged: list[int] = []
    in_doubt: list[int] = []

    def write(writer: int) -> None:
        with closing(ClickHouse(url)) as client:
            for number in range(writer * 10**6, (writer + 1) * 10**6):
                try:
                    client.insert_json("t", b'{"a":%d,"s":"%s"}' % (number, b"x" * 1000))
                except StorageUnavailable:
                    in_doubt.append(number)
                    return
                acknowledged.append(number)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    with process:
        for thread in threads:
            thread.start()
        wait_until(lambda: len(acknowledged) > 300, "300 inserts", 30.0)
        process.kill()
        for thread in threads:
            thread.join()
    again, url_again = launch(tmp_path)
    with again:
        with closing(ClickHouse(url_again)) as client:
            stored = [int(row["a"]) for row in client.query("SELECT a FROM t")]
        assert again.stdin is not None
        again.stdin.close()
    assert url_again == url
    assert len(stored) == len(set(stored))
    assert set(acknowledged) <= set(stored) <= {*acknowledged, *in_doubt}


def test_small_inserts_are_merged(client: ClickHouse) -> None:
    for number in range(200):
        client.insert_json("t", b'{"a":%d,"s":"x"}' % number)
    parts = "SELECT count() AS n FROM system.parts WHERE active AND database = currentDatabase() AND table = 't'"
    wait_until(lambda: int(client.query(parts)[0]["n"]) < 50, "merges", 10.0)
    assert client.query("SELECT count() AS n FROM t") == [{"n": "200"}]
