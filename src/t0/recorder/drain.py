"""Records → rows → the database, each row exactly once.

A batch is read, turned into rows and inserted, one INSERT per table; only then are its sources committed. Where
something is amiss the rows are made again and looked at one by one. What is uncertain is asked: rows that an earlier
recorder may have stored, and rows of an INSERT whose outcome is unknown, are looked up by id first. Rows that their
table cannot hold are put aside, so that they hold up no others.
"""

import base64
import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from t0.errors import StorageUnavailable
from t0.recorder import codec
from t0.recorder.inserts import Refused, Store, Trouble, insert, insert_block, missing
from t0.recorder.metrics import Health
from t0.recorder.rejected import RejectedRows
from t0.recorder.rows import rows
from t0.recorder.sources import Chunk, Sources
from t0.recorder.tables import Block, Row, columns

logger = logging.getLogger("t0.recorder")

_DISCOVER_S = 0.2
_FIRST_RETRY_S = 0.25
_RECORDS_AT_ONCE = 128
"""PERF: as many as fit into a processor's cache with all that is made of them; 11 instead of 23 µs a record."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When a batch is stored: at `max_rows` or `max_bytes`, or `flush_interval_s` after its first record was read.

    PERF: an insert of both tables takes the store 110 ms of CPU before its first row; at 10 000 rows a second, batches
    of 2 s instead of 1 s spared it 8 of 33 µs a row. Feedback waits for no more than 5 s for its inference.
    """

    flush_interval_s: float = 0.1
    insert_share: float | None = None
    """At most this share of the time goes into storing: after a batch that took t, the next waits t / share, but no
    longer than `longest_interval_s`. None: every batch is stored after `flush_interval_s`."""
    longest_interval_s: float = 2.0
    max_rows: int = 100_000
    max_bytes: int = 64 * 1024 * 1024
    max_retry_s: float = 10.0
    drain_timeout_s: float = 5.0
    """How long the database may be away before a recorder that was told to stop gives up."""


class GaveUp(Exception):
    """The recorder was told to stop and the database is away; what is left stays on the disk."""


class Clock:
    """Time, as the drain sees it. Setting `stop` ends its sleeps and asks the drain to finish."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if self.stopping:
            time.sleep(seconds)
        else:
            self._stop.wait(seconds)


class _Batch:
    """Records on their way: as they were read, and their rows in one block for each table."""

    def __init__(self, now: float, blocks: dict[type[Row], Block]) -> None:
        self.since = now
        self.payloads: list[bytes] = []
        self.blocks = blocks
        self.is_complete = True
        """False: the blocks lack rows that do not fit their columns."""
        self.uncertain = False
        self.size = 0
        self.commits: list[Callable[[], None]] = []

    @property
    def count(self) -> int:
        return sum(map(len, self.blocks.values()))

    def add(self, rows: Iterable[Row]) -> None:
        """Adds rows of records that are in `payloads`."""
        by_table: defaultdict[type[Row], list[Row]] = defaultdict(list)
        for row in rows:
            by_table[type(row)].append(row)
        for table, found in by_table.items():
            if table not in self.blocks:
                self.blocks[table] = Block(table)
            try:
                self.blocks[table].extend(found)
            except ValueError:
                self.is_complete = False


class Drain:
    """Moves records from `sources` to the store that `connect` returns; with no `connect`, they are only counted."""

    def __init__(
        self,
        sources: Sources,
        connect: Callable[[], Store] | None,
        rejected: RejectedRows,
        *,
        health: Health,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._sources, self._connect, self._rejected = sources, connect, rejected
        self._health, self._limits, self._clock = health, limits, clock
        self._trouble = Trouble(clock.now, logger.log)
        self._store: Store | None = None
        self._batch: _Batch | None = None
        self._blocks: dict[type[Row], Block] = {}
        self._refused: Counter[Path] = Counter()
        self._discovered = clock.now()
        self._rests_until = 0.0
        self._attempt_began: float | None = None

    @property
    def has_batch(self) -> bool:
        """Whether records were read that are not stored yet."""
        return self._batch is not None

    def attempt_lasts_s(self) -> float:
        """For how long the database has not answered the present attempt; 0 between attempts."""
        began = self._attempt_began
        return 0.0 if began is None else self._clock.now() - began

    def step(self) -> bool:
        """Reads what there is and stores the batch when it is due; False when there was nothing to read.

        Blocks while the database is away; raises `GaveUp` then if it is to stop.
        """
        self._discover()
        read_any = self._fill()
        if self._batch is not None and self._is_due(self._batch):
            self._flush(self._batch)
            self._batch = None
        self._report_refused()
        return read_any

    def finish(self) -> None:
        """Stores all that is left. Raises `GaveUp` when the database is away for longer than `drain_timeout_s`."""
        while self.step() or self.has_batch:
            pass

    def close(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            store.close()

    # reading

    def _discover(self) -> None:
        if self._clock.stopping or self._clock.now() - self._discovered >= _DISCOVER_S:
            self._sources.discover()
            self._discovered = self._clock.now()

    def _fill(self) -> bool:
        read_any = False
        for chunk in self._sources.read(self._limits.max_bytes):
            read_any = True
            self._take(chunk)
        return read_any

    def _take(self, chunk: Chunk) -> None:
        batch = self._batch = self._batch or self._new_batch()
        if self._connect is not None:
            for start in range(0, len(chunk.payloads), _RECORDS_AT_ONCE):
                self._add_rows(batch, chunk.payloads[start : start + _RECORDS_AT_ONCE])
        batch.uncertain |= chunk.uncertain
        batch.commits.append(chunk.commit)

    def _add_rows(self, batch: _Batch, payloads: list[bytes]) -> None:
        rows: list[Row] = []
        for payload in payloads:
            if found := self._rows(payload):
                batch.payloads.append(payload)
                batch.size += len(payload)
                rows += found
        batch.add(rows)

    def _new_batch(self) -> _Batch:
        for block in self._blocks.values():
            block.clear()
        return _Batch(self._clock.now(), self._blocks)

    def _rows(self, payload: bytes) -> list[Row]:
        try:
            record = codec.decode(payload)
            return [] if record.row is None else rows(record.row)
        except (msgspec.DecodeError, ArithmeticError, TypeError, ValueError) as error:
            # Written by another version, perhaps; it is kept as it is.
            self._reject("records", base64.b64encode(payload).decode(), str(error))
            return []

    def _is_due(self, batch: _Batch) -> bool:
        full = batch.count >= self._limits.max_rows or batch.size >= self._limits.max_bytes
        old = self._clock.now() >= max(batch.since + self._limits.flush_interval_s, self._rests_until)
        return full or old or self._clock.stopping or not batch.payloads

    # storing

    def _flush(self, batch: _Batch) -> None:
        began = self._clock.now()
        if batch.payloads:
            self._settle(batch)
        self._sources.commit(batch.commits)
        if self._limits.insert_share is not None:
            now = self._clock.now()
            self._rests_until = now + min((now - began) / self._limits.insert_share, self._limits.longest_interval_s)

    def _settle(self, batch: _Batch) -> None:
        """Returns when every row is stored, or refused and put aside."""
        stored: set[str] = set()
        one_by_one = batch.uncertain or not batch.is_complete
        rows = self._rows_by_table(batch, stored) if one_by_one else None
        check = batch.uncertain
        delay = _FIRST_RETRY_S
        while rows is None or rows:
            try:
                if rows is None:
                    self._store_blocks(batch, stored)
                    break
                self._store_rows(rows, check=check)
            except Refused:
                rows = self._rows_by_table(batch, stored)
            except (StorageUnavailable, OSError) as error:
                rows = self._rows_by_table(batch, stored) if rows is None else rows
                self._fail(error)
                check = True
                self._clock.sleep(delay)
                delay = min(delay * 2, self._limits.max_retry_s)
        self._trouble.end()
        self._sources.set_failing(False)

    def _rows_by_table(self, batch: _Batch, stored: set[str]) -> dict[str, list[Row]]:
        """The rows of the batch, without the tables that are stored."""
        by_table: defaultdict[str, list[Row]] = defaultdict(list)
        for row in chain.from_iterable(map(self._rows, batch.payloads)):
            if row.table not in stored:
                by_table[row.table].append(row)
        return by_table

    @contextmanager
    def _attempt(self) -> Iterator[Store]:
        self._attempt_began = self._clock.now()
        try:
            if self._store is None:
                assert self._connect is not None
                self._store = self._connect()
            yield self._store
        finally:
            self._attempt_began = None

    def _store_blocks(self, batch: _Batch, stored: set[str]) -> None:
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
            self._reject(row.table, columns(row), error)
            refused.add(row)

        return refuse

    def _reject(self, table: str, row: Any, error: str) -> None:
        self._refused[self._rejected.add(table, row, error)] += 1
        self._health.rejected_rows[table] += 1

    def _report_refused(self) -> None:
        # Not the errors, which may quote what a row holds; they are in the file.
        for path, count in self._refused.items():
            logger.error("%d rows were refused and are kept in %s", count, path)
        self._refused.clear()

    def _fail(self, error: Exception) -> None:
        self._health.insert_failures += 1
        self.close()
        self._sources.set_failing(True)
        self._trouble.report(str(error))
        if self._clock.stopping and self._trouble.lasts_s() >= self._limits.drain_timeout_s:
            raise GaveUp(str(error)) from error
