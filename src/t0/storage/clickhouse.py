"""The one way to ClickHouse, a cluster as well as the embedded store: HTTP through `clickhouse-connect`.

`ClickHouse` is for processes with threads (recorder, migrations, command line), `AsyncClickHouse` for gateway workers.
Both connect on first use, so a worker that never reads pays neither memory nor time. Every failure leaves here as
`StorageUnavailable` (nothing answered, or the server is in trouble: trying again may help) or `StorageError` (the
server refused). No text and no `repr` contains a credential.
"""

from __future__ import annotations

import asyncio
import io
import logging
import threading
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from t0.errors import ConfigError, StorageError, StorageUnavailable

if TYPE_CHECKING:
    from clickhouse_connect.driver.asyncclient import AsyncClient
    from clickhouse_connect.driver.client import Client

Parameters = Mapping[str, Any]
Settings = Mapping[str, str | int]
Row = dict[str, Any]
T = TypeVar("T")

FORCED_SETTINGS: dict[str, str | int] = {
    "input_format_skip_unknown_fields": 0,
    "input_format_null_as_default": 0,
    "output_format_json_quote_64bit_integers": 1,
}
STATEMENT_SETTINGS: dict[str, str | int] = {"mutations_sync": 2, "alter_sync": 2, "join_algorithm": "auto"}
INSERT_SETTINGS: dict[str, str | int] = {"async_insert": 1, "wait_for_async_insert": 1}

HEALTH_TIMEOUT_S = 180.0
CONNECT_TIMEOUT_S = 10
ANSWER_TIMEOUT_S = 300
COMPRESS_FROM_BYTES = 16 * 1024

# Server-side conditions that pass by themselves (names in ClickHouse's `ErrorCodes.cpp`).
TRANSIENT_CODES = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        225,  # NO_ZOOKEEPER
        236,  # ABORTED
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS
        285,  # TOO_FEW_LIVE_REPLICAS
        319,  # UNKNOWN_STATUS_OF_INSERT
        439,  # CANNOT_SCHEDULE_TASK
        745,  # SERVER_OVERLOADED
        999,  # KEEPER_EXCEPTION
    }
)

# The driver warns about each failed attempt; here the failure is raised, and logged once by whoever handles it.
logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)

_decode_lines = msgspec.json.Decoder(Row).decode_lines


# -- where -------------------------------------------------------------------------------------------------------------


class ConnectionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Where and as whom to connect; `settings` are the query settings of the URL, the forced ones included."""

    scheme: str
    host: str
    port: int
    database: str
    username: str = ""
    password: str = ""
    settings: dict[str, str | int] = msgspec.field(default_factory=lambda: dict(FORCED_SETTINGS))

    def __repr__(self) -> str:
        return f"ConnectionInfo({self.origin}/{self.database})"

    @property
    def origin(self) -> str:
        """`http://host:port`, without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def headers(self) -> dict[str, str]:
        """The authentication headers."""
        if not self.username and not self.password:
            return {}
        return {"X-ClickHouse-User": self.username or "default", "X-ClickHouse-Key": self.password}


def parse_url(url: str) -> ConnectionInfo:
    """The connection a ClickHouse URL describes: `http[s]://user:password@host:port/database?setting=value`.

    Raises `ConfigError`, whose text never shows the URL, since that may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(
            "Invalid ClickHouse URL: it must look like `http://user:password@host:8123/database`"
        ) from None
    if parts.scheme not in ("http", "https"):
        raise ConfigError(f"Invalid scheme in ClickHouse URL: '{parts.scheme}'. Use 'http' or 'https' instead.")
    if not parts.hostname:
        raise ConfigError("Invalid ClickHouse URL: the host is missing")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if "database" in query:
        raise ConfigError("Invalid ClickHouse URL: the database belongs in the path, not in the query key `database`")
    user, password = query.pop("user", ""), query.pop("password", "")
    return ConnectionInfo(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or (8443 if parts.scheme == "https" else 8123),
        database=_database(parts.path),
        username=unquote(parts.username) if parts.username is not None else user,
        password=unquote(parts.password) if parts.password is not None else password,
        settings={**query, **FORCED_SETTINGS},
    )


def _database(path: str) -> str:
    segments = [unquote(s) for s in path.split("/") if s]
    if len(segments) > 1:
        raise ConfigError(f"Invalid ClickHouse URL: the path must be one database name, not `{path}`")
    return segments[0] if segments else "default"


# -- what is sent ------------------------------------------------------------------------------------------------------


def _client_arguments(info: ConnectionInfo, database: str | None) -> dict[str, Any]:
    return {
        "interface": info.scheme,
        "host": info.host,
        "port": info.port,
        "database": database,
        "headers": info.headers(),
        "settings": dict(info.settings),
        "compress": False,  # only inserts are large, and `_insert_body` compresses those
        "connect_timeout": CONNECT_TIMEOUT_S,
        "send_receive_timeout": ANSWER_TIMEOUT_S,
        "autogenerate_session_id": False,  # a session would forbid concurrent queries
        "show_clickhouse_errors": "scrub",
    }


def _insert_body(lines: bytes, info: ConnectionInfo) -> tuple[io.BytesIO, str | None]:
    """The body and its encoding.

    A stream rather than bytes: the driver sends bytes again when a connection breaks, though the server may have
    stored them already. Whether to repeat an insert is for the caller to decide.
    """
    if info.is_loopback or len(lines) < COMPRESS_FROM_BYTES:
        return io.BytesIO(lines), None
    import zstandard

    return io.BytesIO(zstandard.ZstdCompressor(level=1).compress(lines)), "zstd"


def _block_body(pieces: list[bytes | memoryview], info: ConnectionInfo) -> tuple[Any, str | None, dict[str, str]]:
    """The body of a block, its encoding and its headers. A generator, as `_insert_body` has a stream."""
    if not info.is_loopback:
        return _compressed(pieces), "zstd", {}
    # PERF: without its length it would be sent in chunks, each copied into a frame: 1.6 instead of 0.3 ms a megabyte.
    return (piece for piece in pieces), None, {"Content-Length": str(sum(map(len, pieces)))}


def _compressed(pieces: Iterable[bytes | memoryview]) -> Generator[bytes]:
    import zstandard

    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    yield from map(compressor.compress, pieces)
    yield compressor.flush()


# -- what went wrong ---------------------------------------------------------------------------------------------------


def storage_error(error: Exception) -> StorageError | StorageUnavailable:
    """The error of this package for one of the driver's."""
    from clickhouse_connect.driver import exceptions as driver

    if not isinstance(error, driver.Error):  # ClickHouseError, the driver's Warning, StreamCompleteException
        return _refused(str(error))
    if error.code is not None:
        text = _server_text(str(error))
        return _unavailable(text) if error.code in TRANSIENT_CODES else _refused(text)
    if isinstance(error, driver.OperationalError):
        return _unavailable(_network_text(error))
    if isinstance(error, driver.DatabaseError) and "received HTTP status 5" in str(error):
        return _unavailable(str(error))
    return _refused(str(error))


def _unavailable(reason: str) -> StorageUnavailable:
    return StorageUnavailable(f"Error connecting to ClickHouse: {reason}", message=reason)


def _refused(reason: str) -> StorageError:
    return StorageError(f"Failed to run ClickHouse query: {reason}", message=reason)


def _server_text(text: str) -> str:
    _, found, body = text.partition("server response: ")
    return body if found else text


def _network_text(error: Exception) -> str:
    cause = error.__cause__
    if cause is None:
        return str(error)
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__


# -- the clients -------------------------------------------------------------------------------------------------------


class ClickHouse:
    """Blocking access; may be shared by threads. Raises `ConfigError` for a bad URL.

    `without_database` leaves the database of the URL aside: a server refuses every statement in one that is not there.
    """

    def __init__(self, url: str | ConnectionInfo, *, without_database: bool = False) -> None:
        self.info = parse_url(url) if isinstance(url, str) else url
        self._database = None if without_database else self.info.database
        self._client: Client | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"ClickHouse({self.info!r})"

    def insert_json(self, table: str, lines: bytes, *, settings: Settings | None = None) -> None:
        """Insert one JSON object a line; returns when the server has stored them. Never sends them twice."""
        body, compression = _insert_body(lines, self.info)
        merged = {**INSERT_SETTINGS, **(settings or {})}
        self._run(
            lambda client: client.raw_insert(
                table, insert_block=body, settings=merged, fmt="JSONEachRow", compression=compression
            )
        )

    def insert_native(
        self,
        table: str,
        columns: Sequence[str],
        block: Iterable[bytes | memoryview],
        *,
        settings: Settings | None = None,
    ) -> None:
        """Insert a block of these columns in the Native format, given in pieces; otherwise as `insert_json`."""
        body, compression, headers = _block_body(list(block), self.info)
        merged = {**INSERT_SETTINGS, **(settings or {})}
        self._run(
            lambda client: client.raw_insert(
                table,
                columns,
                insert_block=body,
                settings=merged,
                fmt="Native",
                compression=compression,
                transport_settings=headers,
            )
        )

    def query(self, sql: str, parameters: Parameters | None = None, *, settings: Settings | None = None) -> list[Row]:
        """The rows of a SELECT without FORMAT clause; `{name:Type}` in it is filled from `parameters`.

        Integers of 64 bits and more come as text, dates as ClickHouse writes them.
        """
        merged = {**STATEMENT_SETTINGS, **(settings or {})}
        return self._run(
            lambda client: _decode_lines(client.raw_query(sql, dict(parameters or {}), merged, fmt="JSONEachRow"))
        )

    def command(self, sql: str, parameters: Parameters | None = None, *, settings: Settings | None = None) -> None:
        """Run a statement without result; mutations and alterations are waited for."""
        merged = {**STATEMENT_SETTINGS, **(settings or {})}
        self._run(lambda client: client.command(sql, dict(parameters or {}), settings=merged))

    def ping(self, timeout_s: float = HEALTH_TIMEOUT_S) -> bool:
        """Whether the server answers `GET /ping` in time; needs no credentials and no database."""
        import urllib3

        try:
            response = urllib3.request("GET", f"{self.info.origin}/ping", timeout=timeout_s, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return response.status == 200

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _run(self, call: Callable[[Client], T]) -> T:
        from clickhouse_connect.driver import exceptions as driver

        try:
            return call(self._connected())
        except (driver.ClickHouseError, driver.StreamCompleteException) as e:
            raise storage_error(e) from e

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = _connect(self.info, self._database)
            return self._client


def _connect(info: ConnectionInfo, database: str | None) -> Client:
    import clickhouse_connect
    from clickhouse_connect.driver.httputil import get_pool_manager

    arguments = _client_arguments(info, database)
    if info.is_loopback:
        # A pool of our own keeps the driver from sending loopback traffic to the proxy of `HTTP_PROXY`.
        arguments["pool_mgr"] = get_pool_manager()
    else:
        arguments["dedicated_pool"] = True
    return clickhouse_connect.get_client(**arguments)


class AsyncClickHouse:
    """The same for one event loop."""

    def __init__(self, url: str | ConnectionInfo) -> None:
        self.info = parse_url(url) if isinstance(url, str) else url
        self._client: AsyncClient | None = None
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return f"AsyncClickHouse({self.info!r})"

    async def insert_json(self, table: str, lines: bytes, *, settings: Settings | None = None) -> None:
        """As `ClickHouse.insert_json`."""
        body, compression = _insert_body(lines, self.info)
        merged = {**INSERT_SETTINGS, **(settings or {})}
        await self._run(
            lambda client: client.raw_insert(
                table, insert_block=body, settings=merged, fmt="JSONEachRow", compression=compression
            )
        )

    async def query(
        self, sql: str, parameters: Parameters | None = None, *, settings: Settings | None = None
    ) -> list[Row]:
        """As `ClickHouse.query`."""
        merged = {**STATEMENT_SETTINGS, **(settings or {})}
        answer = await self._run(
            lambda client: client.raw_query(sql, dict(parameters or {}), merged, fmt="JSONEachRow")
        )
        return _decode_lines(answer)

    async def command(
        self, sql: str, parameters: Parameters | None = None, *, settings: Settings | None = None
    ) -> None:
        """As `ClickHouse.command`."""
        merged = {**STATEMENT_SETTINGS, **(settings or {})}
        await self._run(lambda client: client.command(sql, dict(parameters or {}), settings=merged))

    async def ping(self, timeout_s: float = HEALTH_TIMEOUT_S) -> bool:
        """As `ClickHouse.ping`."""
        import aiohttp

        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as session,
                session.get(f"{self.info.origin}/ping") as response,
            ):
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _run(self, call: Callable[[AsyncClient], Coroutine[Any, Any, T]]) -> T:
        from clickhouse_connect.driver import exceptions as driver

        try:
            return await call(await self._connected())
        except (driver.ClickHouseError, driver.StreamCompleteException) as e:
            raise storage_error(e) from e

    async def _connected(self) -> AsyncClient:
        async with self._lock:
            if self._client is None:
                import clickhouse_connect

                self._client = await clickhouse_connect.get_async_client(
                    **_client_arguments(self.info, self.info.database)
                )
            return self._client
