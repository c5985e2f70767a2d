"""Records on their way into the database: where they lie until they are stored, and their rows, ready to be sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from t0.recorder import codec
from t0.recorder.rows import rows
from t0.recorder.sources import Origin
from t0.recorder.tables import Block, Row

Blocks = dict[type[Row], Block]


class Unreadable(Exception):
    """No rows can be made of a record: it was written by another version, perhaps."""


class Batch:
    """Records that are stored together: their rows in one block for each table, `since` the first was read.

    The records themselves stay where they came from, and are read again where the blocks will not do.
    """

    def __init__(self, since: float, blocks: Blocks) -> None:
        self.since = since
        self.blocks = blocks
        self.origins: list[Origin] = []
        self.size = 0
        """Bytes of the records that have rows."""
        self.is_complete = True
        """False: the blocks lack rows that do not fit their columns."""
        for block in blocks.values():
            block.clear()

    @property
    def count(self) -> int:
        """How many rows the blocks hold."""
        return sum(map(len, self.blocks.values()))

    @property
    def uncertain(self) -> bool:
        """Whether some of it may be stored already."""
        return any(origin.uncertain for origin in self.origins)

    def add(self, found: Iterable[Row]) -> None:
        """Adds rows of records that lie at `origins`."""
        by_table: defaultdict[type[Row], list[Row]] = defaultdict(list)
        for row in found:
            by_table[type(row)].append(row)
        for table, together in by_table.items():
            if table not in self.blocks:
                self.blocks[table] = Block(table)
            try:
                self.blocks[table].extend(together)
            except ValueError:
                self.is_complete = False

    def rows(self) -> Iterator[Row]:
        """Every row, from the records as they lie there."""
        for origin in self.origins:
            for payload in origin.read_again():
                try:
                    yield from rows_of(payload)
                except Unreadable:
                    continue  # put aside when it was read first


def rows_of(payload: bytes) -> list[Row]:
    """The rows of a record. Raises `Unreadable`."""
    try:
        record = codec.decode(payload)
        return [] if record.row is None else rows(record.row)
    except (msgspec.DecodeError, ArithmeticError, TypeError, ValueError) as error:
        raise Unreadable(str(error)) from error
