"""chDB, the ClickHouse engine as a library, owning one data directory of this process.

Every request gets a connection of its own (0.2 ms): `SET` and `USE` are per connection, so settings never leak into
another request; neither does the output of a query that failed half way, which chDB hands to the next query of the
same connection. Calls release the GIL and may run in any thread, one at a time per connection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from t0.errors import ConfigError
from t0.storage.store.statement import assignments, output_format, quoted, quoted_name, split_insert

_MIB = 1024 * 1024
_LARGEST_BUDGET = 4096 * _MIB
_SMALLEST_BUDGET = 1024 * _MIB

# The engine starts with the defaults of the command line tool; these are the server's.
_SERVER_DEFAULTS = {"implicit_select": "0", "allow_introspection_functions": "0"}

# PERF: with ClickHouse's 5, rows that come in at full load are merged again and again, 5.4 µs of CPU a row; so 2.1 µs.
# Small parts, and those that have become old, are merged all the same.
_SETTINGS_FILE = """<clickhouse>
    <merge_tree><merge_selector_base>12</merge_selector_base></merge_tree>
</clickhouse>
"""

# Formats whose blocks, one after another, are the whole answer: no header, footer or totals between or after them.
STREAMED_FORMATS = frozenset({"Native", "RowBinary", "JSONEachRow"})

_ERROR_CODE = re.compile(r"Code: (\d+)\.")
_UNKNOWN_EXCEPTION = 1002

_decode_lines = msgspec.json.Decoder().decode_lines


class EngineError(Exception):
    """The engine refused or failed; `code` is ClickHouse's error code, the text is ClickHouse's."""

    def __init__(self, text: str, code: int) -> None:
        self.code = code
        super().__init__(text)


class ExternalTable(msgspec.Struct, frozen=True, kw_only=True):
    """Rows sent along with a query, which sees them as the table `name`."""

    name: str
    structure: str
    format: str
    data: bytes


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One request: `text` is the statement, with the rows of an insert behind it or apart from it in pieces."""

    text: bytes
    rows: Sequence[bytes] = ()
    database: str = ""
    settings: Mapping[str, str] = {}
    parameters: Mapping[str, str] = {}
    default_format: str = "TabSeparated"
    external: tuple[ExternalTable, ...] = ()


class Answer(msgspec.Struct, kw_only=True):
    """What a statement returned. `format` is None for statements without a result; `owner` keeps `body` alive."""

    body: memoryview = memoryview(b"")
    format: str | None = None
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    owner: Any = None


def load_chdb() -> ModuleType:
    """The chDB module. Raises `ConfigError` when it is not installed."""
    try:
        from chdb import _chdb  # the package itself has no typed surface; this is its C++ binding
    except ImportError as e:
        raise ConfigError(
            "The embedded store needs chDB: `pip install 't0-gateway[embedded]'`, "
            "or set TENSORZERO_CLICKHOUSE_URL to use a ClickHouse server"
        ) from e
    return _chdb


class Engine:
    """The engine on `directory`, which must belong to this process alone. `close` after the last connection.

    Its settings go into the file `engine.xml` beside the directory.
    """

    def __init__(self, directory: Path) -> None:
        self._chdb = load_chdb()
        self._path = str(directory.resolve())
        if not {"?", "&"}.isdisjoint(self._path):
            raise ConfigError(f"The path of the embedded store must not contain `?` or `&`: `{self._path}`")
        settings = Path(self._path).with_name("engine.xml")
        settings.write_text(_SETTINGS_FILE)
        options = "&".join(f"{name}={value}" for name, value in {**engine_options(), "config-file": settings}.items())
        try:
            # This connection stays open: the engine lives as long as any connection does.
            self._anchor = self._chdb.connect(f"{self._path}?{options}")
        except RuntimeError as e:
            raise ConfigError(f"The embedded store in `{self._path}` cannot be opened: {e}") from e
        self.version = self._first("SELECT version()")
        self.timezone = self._first("SELECT timezone()")

    def _first(self, sql: str) -> str:
        return str(self._anchor.query(sql, "TabSeparated").bytes().decode().strip())

    def connect(self) -> Connection:
        """A new connection, in the database `default`."""
        return Connection(self._chdb.connect(self._path))

    def close(self) -> None:
        """Shut the engine down: merges stop, the data is whole."""
        self._anchor.close()


def engine_options(memory_bytes: int | None = None, cpus: int | None = None) -> dict[str, int]:
    """Server settings that fit a laptop: at most a quarter of the memory (1-4 GiB), small caches, few threads."""
    memory_bytes = memory_bytes or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cpus = cpus or os.cpu_count() or 1
    budget = max(_SMALLEST_BUDGET, min(_LARGEST_BUDGET, memory_bytes // 4))
    return {
        "max_server_memory_usage": budget,
        "mark_cache_size": budget // 16,
        "primary_index_cache_size": budget // 16,
        "index_mark_cache_size": budget // 32,
        "background_pool_size": max(2, min(4, cpus)),
        "max_threads": max(1, min(4, cpus)),
    }


class Connection:
    """One connection; not to be shared by threads at the same time."""

    def __init__(self, connection: Any) -> None:
        self._chdb = connection

    def run(self, query: Query) -> Answer:
        """Run one statement to its end. Raises `EngineError`."""
        self._prepare(query)
        insert = split_insert(query.text)
        if insert is not None:
            return self._insert(insert.head, insert.format, [bytes(insert.data), *query.rows])
        self._refuse_several(query.text)
        result = self._execute(query.text, query.default_format)
        body = memoryview(result.get_memview().view()) if result.size() else memoryview(b"")
        return Answer(
            body=body,
            format=self._format(query) if body or self._is_read(query.text) else None,
            read_rows=result.rows_read(),
            read_bytes=result.bytes_read(),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            owner=result,
        )

    def stream(self, query: Query) -> Stream | None:
        """The answer in blocks, or None when this statement has to run as a whole."""
        if self._format(query) not in STREAMED_FORMATS or not self._is_read(query.text):
            return None
        self._prepare(query)
        self._refuse_several(query.text)
        with _engine_errors():
            return Stream(self, self._chdb.send_query(query.text, query.default_format), self._format(query))

    def run_apart(self, query: Query) -> Answer:
        """As `run`, on a connection that lives on: the query's settings and what it may leave behind do not."""
        undo = self._undo_settings(list(query.settings))
        try:
            return self.run(query)
        except EngineError:
            # The next query of this connection would get the output that this one had begun.
            self._execute("SELECT 1")
            raise
        finally:
            if undo:
                self._execute(undo)

    def fetch(self, stream: Any) -> Any:
        """The next block of a stream of this connection, None at its end."""
        with _engine_errors():
            return self._chdb.streaming_fetch_result(stream)

    def cancel(self, stream: Any) -> None:
        """Stop a stream of this connection."""
        self._chdb.streaming_cancel_query(stream)

    def close(self) -> None:
        """Close the connection; temporary tables and settings are gone."""
        self._chdb.close()

    def _prepare(self, query: Query) -> None:
        try:
            set_statement = assignments({**_SERVER_DEFAULTS, **query.settings}, query.parameters)
        except ValueError as e:
            raise EngineError(f"Code: 115. DB::Exception: {e}. (UNKNOWN_SETTING)", 115) from e
        if query.database:
            self._execute(f"USE {quoted_name(query.database)}")
        self._execute(set_statement)
        for table in query.external:
            name = quoted_name(table.name)
            self._execute(f"CREATE OR REPLACE TEMPORARY TABLE {name} ({table.structure}) ENGINE = Memory")
            self._insert(f"INSERT INTO {name}".encode(), table.format, [table.data])

    def _undo_settings(self, names: list[str]) -> str | None:
        """The SET statement that restores the present values of `names`; None without names."""
        if not names:
            return None
        listed = ", ".join(quoted(name) for name in names)
        sql = f"SELECT name, value, changed FROM system.settings WHERE name IN ({listed})"
        result = self._execute(sql, "JSONCompactEachRow")
        changed = {name: value for name, value, is_changed in _decode_lines(result.bytes()) if is_changed}
        return "SET " + ", ".join(f"{n} = {quoted(changed[n]) if n in changed else 'DEFAULT'}" for n in names)

    def _execute(self, text: str | bytes, output: str = "TabSeparated") -> Any:
        with _engine_errors():
            return self._chdb.query(text, output)

    def _insert(self, head: bytes, input_format: str, rows: Iterable[bytes]) -> Answer:
        with _engine_errors():
            insert = self._chdb.send_insert(head, input_format)
            try:
                for piece in filter(None, rows):
                    self._chdb.insert_append(insert, piece)
                result = self._chdb.insert_done(insert)
            except RuntimeError:
                self._chdb.insert_cancel(insert)
                raise
        return Answer(written_rows=result.rows_written(), written_bytes=result.bytes_written())

    def _refuse_several(self, text: bytes) -> None:
        """The engine would run `a; b`; the HTTP interface does not."""
        if b";" in text.rstrip(b"; \t\r\n") and self._chdb.classify_query(text)["statement_count"] > 1:
            raise EngineError("Code: 62. DB::Exception: Multi-statements are not allowed. (SYNTAX_ERROR)", 62)

    def _is_read(self, text: bytes) -> bool:
        return bool(self._chdb.classify_query(text)["query_class"].name == "READ_ONLY")

    def _format(self, query: Query) -> str:
        return output_format(query.text) or query.default_format


class Stream:
    """An answer that is produced block by block. It owns its connection: close it, at the end too."""

    def __init__(self, connection: Connection, stream: Any, format: str) -> None:
        self._connection, self._stream, self.format = connection, stream, format

    def next(self) -> bytes:
        """The next block, empty at the end. Raises `EngineError`."""
        result = self._connection.fetch(self._stream)
        if result is None or result.rows_read() == 0:
            self._stream = None
            return b""
        return bytes(result.bytes())

    def close(self) -> None:
        """Stop the query if it still runs, and close the connection."""
        if self._stream is not None:
            self._connection.cancel(self._stream)
            self._stream = None
        self._connection.close()


@contextmanager
def _engine_errors() -> Iterator[None]:
    try:
        yield
    except RuntimeError as e:
        found = _ERROR_CODE.search(str(e))
        raise EngineError(str(e), int(found[1]) if found else _UNKNOWN_EXCEPTION) from e
