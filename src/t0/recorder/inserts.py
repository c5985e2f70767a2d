"""Putting rows of one table into the database: what is there already, what it refuses."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from t0.errors import StorageError, StorageUnavailable
from t0.recorder.tables import Block, Row

# The rows are batched here already; waiting for the server to batch them again would only cost time.
INSERT_SETTINGS: Mapping[str, str | int] = {"async_insert": 0}

# Refusals that an operator ends, not the rows: schema behind, rights, quotas (names in ClickHouse's `ErrorCodes.cpp`).
_OPERATOR_CODES = frozenset(
    {
        16,  # NO_SUCH_COLUMN_IN_TABLE
        47,  # UNKNOWN_IDENTIFIER
        60,  # UNKNOWN_TABLE
        81,  # UNKNOWN_DATABASE
        115,  # UNKNOWN_SETTING
        164,  # READONLY
        192,  # UNKNOWN_USER
        193,  # WRONG_PASSWORD
        194,  # REQUIRED_PASSWORD
        201,  # QUOTA_EXCEEDED
        218,  # TABLE_IS_DROPPED
        394,  # QUERY_WAS_CANCELLED
        452,  # SETTING_CONSTRAINT_VIOLATION
        497,  # ACCESS_DENIED
        516,  # AUTHENTICATION_FAILED
    }
)
_LOOKUP_ROWS = 1000
_CODE = re.compile(r"\bCode: (\d+)")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Store(Protocol):
    """The database, as far as the recorder needs it. Both calls raise `StorageUnavailable` or `StorageError`."""

    def insert_native(
        self,
        table: str,
        columns: Sequence[str],
        block: Iterable[bytes | memoryview],
        *,
        settings: Mapping[str, str | int] | None = None,
    ) -> None: ...

    def query(self, sql: str) -> list[dict[str, Any]]: ...

    def close(self) -> None: ...


class Refused(Exception):
    """The database will not take a row for what it contains."""


def insert_block(store: Store, block: Block) -> None:
    """Inserts all rows of the block. Raises `Refused` when none is stored, for the sake of one of them.

    Raises `StorageUnavailable` when trying again may help; the rows may be stored then.
    """
    try:
        store.insert_native(block.table, block.columns, block.pieces(), settings=INSERT_SETTINGS)
    except StorageError as error:
        if not is_about_content(error.text):
            raise StorageUnavailable(error.text) from error
        raise Refused(error.text) from error


def insert(store: Store, rows: list[Row], refuse: Callable[[Row, str], None]) -> int:
    """Inserts rows of one table and returns how many are stored; `refuse` gets each row that the table cannot hold.

    Raises `StorageUnavailable` when trying again may help; some of the rows may be stored then.
    """
    if not rows:
        return 0
    block = Block(type(rows[0]))
    try:
        block.extend(rows)
    except ValueError as error:
        return _insert_halves(store, rows, refuse, str(error))
    try:
        insert_block(store, block)
    except Refused as error:
        return _insert_halves(store, rows, refuse, str(error))
    return len(rows)


def _insert_halves(store: Store, rows: list[Row], refuse: Callable[[Row, str], None], error: str) -> int:
    if len(rows) == 1:
        refuse(rows[0], error)
        return 0
    middle = len(rows) // 2
    return insert(store, rows[:middle], refuse) + insert(store, rows[middle:], refuse)


def error_code(text: str) -> int | None:
    """The ClickHouse error code in a message."""
    match = _CODE.search(text)
    return int(match[1]) if match else None


def is_about_content(text: str) -> bool:
    """Whether a refusal says that the rows are wrong; without a code it came from elsewhere than the parser."""
    code = error_code(text)
    return code is not None and code not in _OPERATOR_CODES


def missing(store: Store, rows: list[Row]) -> list[Row]:
    """Those of the rows (of one table) that are not stored yet. Raises `StorageUnavailable`."""
    try:
        stored = {found for part in _parts(rows) for found in _stored_ids(store, part)}
    except StorageError as error:
        raise StorageUnavailable(error.text) from error
    return [r for r in rows if r.unique_id not in stored]


def _parts(rows: list[Row]) -> Iterator[list[Row]]:
    # A row whose id is no UUID was never stored, and must not get into the text of a query.
    rows = [r for r in rows if _UUID.fullmatch(r.unique_id) and _UUID.fullmatch(r.sort_key)]
    for start in range(0, len(rows), _LOOKUP_ROWS):
        yield rows[start : start + _LOOKUP_ROWS]


def _stored_ids(store: Store, rows: list[Row]) -> list[str]:
    row = rows[0]
    ids = ",".join(f"'{r.unique_id}'" for r in rows)
    keys = ",".join(f"'{key}'" for key in {r.sort_key: None for r in rows})
    # The key spares the server a scan: ids are not in the order of the table.
    condition = f"{row.key_column} IN ({keys}) AND {row.id_column} IN ({ids})"
    sql = f"SELECT toString({row.id_column}) AS id FROM {row.table} WHERE {condition}"
    return [found["id"] for found in store.query(sql)]


class Trouble:
    """Reports a lasting failure: when it begins or changes, every 30 s, and when it ends."""

    def __init__(self, now: Callable[[], float], log: Callable[[int, str], None]) -> None:
        self._now, self._log = now, log
        self._text: str | None = None
        self._since = self._logged = 0.0

    def report(self, text: str) -> None:
        if self._text is None:
            self._since = self._now()
        if text != self._text or self._now() - self._logged >= 30:
            self._log(logging.ERROR, f"cannot store what was recorded, trying again: {text}")
            self._logged = self._now()
        self._text = text

    def lasts_s(self) -> float:
        return 0.0 if self._text is None else self._now() - self._since

    def end(self) -> None:
        if self._text is not None:
            self._log(logging.INFO, f"storing again after {self.lasts_s():.0f} s")
            self._text = None
