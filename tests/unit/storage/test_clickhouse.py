"""What a ClickHouse URL means, and what becomes of the driver's errors."""

import inspect
from typing import Any

import pytest
from clickhouse_connect.driver import exceptions as driver

from t0.errors import ConfigError, StorageError, StorageUnavailable
from t0.storage.clickhouse import (
    FORCED_SETTINGS,
    TRANSIENT_CODES,
    AsyncClickHouse,
    ClickHouse,
    ConnectionInfo,
    parse_url,
    storage_error,
)


def info(**fields: Any) -> ConnectionInfo:
    settings = {**fields.pop("settings", {}), **FORCED_SETTINGS}
    return ConnectionInfo(
        **{"scheme": "http", "host": "db", "port": 8123, "database": "default", **fields}, settings=settings
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("http://db:8123/t0", info(database="t0"), id="database"),
        pytest.param("http://db:8123", info(), id="no path"),
        pytest.param("http://db:8123/", info(), id="empty path"),
        pytest.param("http://db/t0/", info(database="t0"), id="trailing slash and default port"),
        pytest.param("https://db", info(scheme="https", port=8443), id="default port of https"),
        pytest.param("http://db/a%20b%2Fc", info(database="a b/c"), id="percent-encoded database"),
        pytest.param("http://u:p@db", info(username="u", password="p"), id="credentials"),
        pytest.param("http://u%40x:p%2F%3A@db", info(username="u@x", password="p/:"), id="percent-encoded credentials"),
        pytest.param("http://db/?user=u%25&password=p", info(username="u%", password="p"), id="credentials as keys"),
        pytest.param("http://[::1]:9/x", info(host="::1", port=9, database="x"), id="IPv6"),
        pytest.param("http://db?max_threads=3", info(settings={"max_threads": "3"}), id="settings are kept"),
        pytest.param("http://db?input_format_skip_unknown_fields=1", info(), id="forced settings win"),
    ],
)
def test_parse_url(url: str, expected: ConnectionInfo) -> None:
    assert parse_url(url) == expected


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("tcp://u:secret@db", "Invalid scheme in ClickHouse URL: 'tcp'. Use 'http' or 'https' instead."),
        ("", "Invalid scheme in ClickHouse URL: ''. Use 'http' or 'https' instead."),
        ("http:///t0", "Invalid ClickHouse URL: the host is missing"),
        ("http://db/a/b", "Invalid ClickHouse URL: the path must be one database name, not `/a/b`"),
        (
            "http://db?database=a",
            "Invalid ClickHouse URL: the database belongs in the path, not in the query key `database`",
        ),
        (
            "http://u:secret@db:port",
            "Invalid ClickHouse URL: it must look like `http://user:password@host:8123/database`",
        ),
    ],
    ids=["scheme", "empty", "host", "segments", "database key", "port"],
)
def test_parse_url_refuses(url: str, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_url(url)
    assert str(error.value) == text


def test_credentials_stay_out_of_texts() -> None:
    url = "https://someone:secret@db/x"
    shown = [repr(parse_url(url)), repr(ClickHouse(url)), repr(AsyncClickHouse(url)), parse_url(url).origin]
    assert shown == [
        "ConnectionInfo(https://db:8443/x)",
        "ClickHouse(ConnectionInfo(https://db:8443/x))",
        "AsyncClickHouse(ConnectionInfo(https://db:8443/x))",
        "https://db:8443",
    ]


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://db", {}),
        ("http://u:p@db", {"X-ClickHouse-User": "u", "X-ClickHouse-Key": "p"}),
        ("http://:p@db", {"X-ClickHouse-User": "default", "X-ClickHouse-Key": "p"}),
    ],
    ids=["none", "both", "password only"],
)
def test_credentials_are_sent_as_clickhouse_headers(url: str, headers: dict[str, str]) -> None:
    assert parse_url(url).headers() == headers


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("localhost", True), ("127.0.0.1", True), ("[::1]", True), ("10.0.0.1", False), ("db.example", False)],
)
def test_loopback(host: str, is_loopback: bool) -> None:
    assert parse_url(f"http://{host}").is_loopback is is_loopback


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


REFUSED = "Received ClickHouse exception, code: 60, server response: Code: 60. DB::Exception: No table. (UNKNOWN_TABLE)"
BUSY = "Received ClickHouse exception, code: 202, server response: Code: 202. DB::Exception: Too many"
ERRORS = [
    pytest.param(
        driver.DatabaseError(REFUSED, code=60),
        StorageError,
        "Failed to run ClickHouse query: Code: 60. DB::Exception: No table. (UNKNOWN_TABLE)",
        id="server refuses",
    ),
    pytest.param(
        driver.DatabaseError(BUSY, code=202),
        StorageUnavailable,
        "Error connecting to ClickHouse: Code: 202. DB::Exception: Too many",
        id="server is busy",
    ),
    pytest.param(
        caused(driver.OperationalError("Error executing HTTP request"), OSError("refused")),
        StorageUnavailable,
        "Error connecting to ClickHouse: OSError: refused",
        id="no connection",
    ),
    pytest.param(
        caused(driver.OperationalError("Network Error"), TimeoutError()),
        StorageUnavailable,
        "Error connecting to ClickHouse: TimeoutError",
        id="timeout",
    ),
    pytest.param(
        driver.DatabaseError("HTTP driver received HTTP status 502, server response: bad gateway"),
        StorageUnavailable,
        "Error connecting to ClickHouse: HTTP driver received HTTP status 502, server response: bad gateway",
        id="proxy without server",
    ),
    pytest.param(
        driver.DatabaseError("HTTP driver received HTTP status 404"),
        StorageError,
        "Failed to run ClickHouse query: HTTP driver received HTTP status 404",
        id="not ClickHouse at all",
    ),
    pytest.param(
        driver.ProgrammingError("Setting x is readonly"),
        StorageError,
        "Failed to run ClickHouse query: Setting x is readonly",
        id="driver refuses",
    ),
]


@pytest.mark.parametrize(("error", "kind", "text"), ERRORS)
def test_driver_errors_are_mapped(error: Exception, kind: type[Exception], text: str) -> None:
    mapped = storage_error(error)
    assert (type(mapped), mapped.text) == (kind, text)


def test_transient_codes_are_few_and_known() -> None:
    assert {60, 62, 117, 516} & TRANSIENT_CODES == set()
    assert {159, 202, 241, 252} <= TRANSIENT_CODES


def test_the_driver_has_no_exception_that_is_not_mapped() -> None:
    """A new class has to be looked at: is it a refusal, or may trying again help?"""
    classes = {
        name for name, value in vars(driver).items() if inspect.isclass(value) and issubclass(value, BaseException)
    }
    assert classes == {
        "ClickHouseError",
        "DataError",
        "DatabaseError",
        "Error",
        "IntegrityError",
        "InterfaceError",
        "InternalError",
        "NotSupportedError",
        "OperationalError",
        "ProgrammingError",
        "StreamClosedError",
        "StreamCompleteException",
        "StreamFailureError",
        "Warning",
    }
