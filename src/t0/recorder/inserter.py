"""Batches into the database, each row exactly once.

Of a batch, each table is one INSERT; only then are its records forgotten. Where something is amiss the rows are made
again and looked at one by one. What is uncertain is asked: rows that an earlier recorder may have stored, and rows of
an INSERT whose outcome is unknown, are looked up by id first. Rows that their table cannot hold are put aside, so that
they hold up no others.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from t0.errors import StorageUnavailable
from t0.recorder.batch import Batch
from t0.recorder.clock import Clock
from t0.recorder.inserts import Refused, Store, Trouble, insert, insert_block, missing
from t0.recorder.metrics import Health
from t0.recorder.rejected import RejectedRows
from t0.recorder.sources import Sources
from t0.recorder.tables import Row, columns

logger = logging.getLogger("t0.recorder")

_FIRST_RETRY_S = 0.25


class GaveUp(Exception):
    """The recorder was told to stop and the database is away; what is left stays on the disk."""


class Inserter:
    """Stores batches in the database that `connect` opens, one at a time.

    When the recorder is to stop, a database that is away is tried for `patience_s` more; `longest_pause_s` lies
    between two attempts at most.
    """

    def __init__(
        self,
        sources: Sources,
        connect: Callable[[], Store],
        rejected: RejectedRows,
        *,
        health: Health,
        clock: Clock,
        longest_pause_s: float,
        patience_s: float,
    ) -> None:
        self._sources, self._connect, self._rejected = sources, connect, rejected
        self._health, self._clock = health, clock
        self._longest_pause_s, self._patience_s = longest_pause_s, patience_s
        self._trouble = Trouble(clock.now, logger.log)
        self._store: Store | None = None
        self._attempt_began: float | None = None

    def attempt_lasts_s(self) -> float:
        """For how long the database has not answered the present attempt; 0 between attempts."""
        began = self._attempt_began
        return 0.0 if began is None else self._clock.now() - began

    def store(self, batch: Batch) -> None:
        """Returns when every row is stored, or refused and put aside. Raises `GaveUp`."""
        stored: set[str] = set()
        one_by_one = batch.uncertain or not batch.is_complete
        rows = _rows_by_table(batch, stored) if one_by_one else None
        check = batch.uncertain
        delay = _FIRST_RETRY_S
        while rows is None or rows:
            try:
                if rows is None:
                    self._store_blocks(batch, stored)
                    break
                self._store_rows(rows, check=check)
            except Refused:
                rows = _rows_by_table(batch, stored)
            except (StorageUnavailable, OSError) as error:
                rows = _rows_by_table(batch, stored) if rows is None else rows
                self._fail(error)
                check = True
                self._clock.sleep(delay)
                delay = min(delay * 2, self._longest_pause_s)
        self._rejected.report()
        self._trouble.end()
        self._sources.set_failing(False)

    def close(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            store.close()

    @contextmanager
    def _attempt(self) -> Iterator[Store]:
        self._attempt_began = self._clock.now()
        try:
            if self._store is None:
                self._store = self._connect()
            yield self._store
        finally:
            self._attempt_began = None

    def _store_blocks(self, batch: Batch, stored: set[str]) -> None:
        """Inserts table by table, each as a whole, and adds to `stored` what is. Raises `Refused`."""
        with self._attempt() as store:
            for block in batch.blocks.values():
                if len(block):
                    insert_block(store, block)
                    self._count(block.table, len(block))
                    stored.add(block.table)

    def _store_rows(self, pending: dict[str, list[Row]], *, check: bool) -> None:
        """Inserts table by table, and takes from `pending` what is settled, so that a second try goes on from there."""
        with self._attempt() as store:
            for table in list(pending):
                waiting = pending[table] = missing(store, pending[table]) if check else pending[table]
                refused: set[Row] = set()
                try:
                    self._count(table, insert(store, waiting, self._refuser(refused)))
                finally:
                    pending[table] = [r for r in waiting if r not in refused] if refused else waiting
                del pending[table]

    def _count(self, table: str, rows: int) -> None:
        self._health.stored_rows[table] += rows
        self._health.last_insert_time = time.time()

    def _refuser(self, refused: set[Row]) -> Callable[[Row, str], None]:
        def refuse(row: Row, error: str) -> None:
            self._rejected.add(row.table, columns(row), error)
            refused.add(row)

        return refuse

    def _fail(self, error: Exception) -> None:
        self._health.insert_failures += 1
        self.close()
        self._sources.set_failing(True)
        self._trouble.report(str(error))
        if self._clock.stopping and self._trouble.lasts_s() >= self._patience_s:
            raise GaveUp(str(error)) from error


def _rows_by_table(batch: Batch, stored: set[str]) -> dict[str, list[Row]]:
    """The rows of the batch, without the tables that are stored."""
    by_table: defaultdict[str, list[Row]] = defaultdict(list)
    for row in batch.rows():
        if row.table not in stored:
            by_table[row.table].append(row)
    return by_table
