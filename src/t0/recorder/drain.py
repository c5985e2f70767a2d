"""Records → batches → the database.

While one batch is being stored the next one is read, and turned into rows as it is: a database that takes seconds to
answer costs no time in which records could be made ready.
"""

import base64
import threading
from collections.abc import Callable
from concurrent.futures import Future

import msgspec

from t0.recorder.batch import Batch, Blocks, Unreadable, rows_of
from t0.recorder.clock import Clock
from t0.recorder.inserter import Inserter
from t0.recorder.inserts import Store
from t0.recorder.metrics import Health
from t0.recorder.rejected import RejectedRows
from t0.recorder.sources import Chunk, Sources
from t0.recorder.tables import Row

MAX_ROWS = 100_000
_DISCOVER_S = 0.2
_RECORDS_AT_ONCE = 128
"""PERF: as many as fit into a processor's cache with all that is made of them; 11 instead of 23 µs a record."""
_RING_SHARE = 0.5
"""Of a ring: what is in use when its records are stored at once, so that there is room for others meanwhile."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When a batch is stored: at `max_rows` or `max_bytes`, or `flush_interval_s` after its first record was read.

    PERF: an insert of both tables takes the store 110 ms of CPU before its first row; at 10 000 rows a second, batches
    of 2 s instead of 1 s spared it 8 of 33 µs a row. Feedback waits for no more than 5 s for its inference.
    """

    flush_interval_s: float = 0.1
    insert_share: float | None = None
    """At most this share of the time goes into storing: t / share after the beginning of a batch that took t, or
    `longest_interval_s` after it, begins the next one. None: every batch is stored after `flush_interval_s`."""
    longest_interval_s: float = 2.0
    max_rows: int = MAX_ROWS
    max_bytes: int = 32 * 1024 * 1024
    """Of records. Two batches are in memory, and rows take three times what their records do where prompts are long."""
    max_retry_s: float = 10.0
    drain_timeout_s: float = 5.0
    """How long the database may be away before a recorder that was told to stop gives up."""


def in_thread(work: Callable[[], None]) -> Future[None]:
    """Runs the work in a thread that does not keep the process from ending."""
    future: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # raised where the result is asked for
            future.set_exception(error)
        else:
            future.set_result(None)

    threading.Thread(target=run, name="storing", daemon=True).start()
    return future


class Drain:
    """Moves records from `sources` to the store that `connect` opens; with no `connect`, they are only counted.

    `start` begins the storing of a batch; the next one begins after it.
    """

    def __init__(
        self,
        sources: Sources,
        connect: Callable[[], Store] | None,
        rejected: RejectedRows,
        *,
        health: Health,
        limits: Limits,
        clock: Clock,
        start: Callable[[Callable[[], None]], Future[None]] = in_thread,
    ) -> None:
        self._sources, self._rejected = sources, rejected
        self._limits, self._clock, self._start = limits, clock, start
        self._inserter: Inserter | None = None
        if connect is not None:
            self._inserter = Inserter(
                sources,
                connect,
                rejected,
                health=health,
                clock=clock,
                longest_pause_s=limits.max_retry_s,
                patience_s=limits.drain_timeout_s,
            )
        self._batch: Batch | None = None
        self._storing: Future[None] | None = None
        self._spare_blocks: list[Blocks] = [{}, {}]
        self._discovered = clock.now()
        self._rests_until = 0.0

    @property
    def has_batch(self) -> bool:
        """Whether records were read that are not stored yet."""
        return self._batch is not None or self._storing is not None

    def attempt_lasts_s(self) -> float:
        """For how long the database has not answered the present attempt; 0 between attempts."""
        return 0.0 if self._inserter is None else self._inserter.attempt_lasts_s()

    def step(self) -> bool:
        """Reads what there is and begins to store the batch when it is due; False when there was nothing to read.

        Waits for what is being stored if it is to stop, and raises `GaveUp` if the database is away then.
        """
        self._discover()
        self._end_storing()
        read_any = self._fill()
        if self._batch is not None and self._storing is None and self._is_due(self._batch):
            self._begin_storing(self._batch)
            self._batch = None
        return read_any

    def finish(self) -> None:
        """Stores all that is left. Raises `GaveUp` when the database is away for longer than `drain_timeout_s`."""
        while self.step() or self.has_batch:
            pass

    def close(self) -> None:
        if self._inserter is not None:
            self._inserter.close()

    # reading

    def _discover(self) -> None:
        if self._clock.stopping or self._clock.now() - self._discovered >= _DISCOVER_S:
            self._sources.discover()
            self._discovered = self._clock.now()

    def _fill(self) -> bool:
        read_any = False
        if self._batch is None or not self._is_full(self._batch):
            for chunk in self._sources.read(self._limits.max_bytes):
                read_any = True
                self._take(chunk)
        return read_any

    def _take(self, chunk: Chunk) -> None:
        batch = self._batch = self._batch or Batch(self._clock.now(), self._spare_blocks.pop())
        if self._inserter is not None:
            for start in range(0, len(chunk.payloads), _RECORDS_AT_ONCE):
                self._add_rows(batch, chunk.payloads[start : start + _RECORDS_AT_ONCE])
        batch.origins.append(chunk.origin)

    def _add_rows(self, batch: Batch, payloads: list[bytes]) -> None:
        rows: list[Row] = []
        for payload in payloads:
            try:
                found = rows_of(payload)
            except Unreadable as error:
                self._rejected.add("records", base64.b64encode(payload).decode(), str(error))
                self._rejected.report()
                continue
            if found:
                batch.size += len(payload)
                rows += found
        batch.add(rows)

    def _is_full(self, batch: Batch) -> bool:
        return batch.count >= self._limits.max_rows or batch.size >= self._limits.max_bytes

    def _is_due(self, batch: Batch) -> bool:
        old = self._clock.now() >= max(batch.since + self._limits.flush_interval_s, self._rests_until)
        crowded = self._sources.fill_level() >= _RING_SHARE
        return old or crowded or self._is_full(batch) or self._clock.stopping or not batch.size

    # storing

    def _begin_storing(self, batch: Batch) -> None:
        if batch.size:
            self._storing = self._start(lambda: self._store(batch))
            self._end_storing()
        else:
            self._store(batch)

    def _end_storing(self) -> None:
        storing = self._storing
        if storing is not None and (storing.done() or self._clock.stopping):
            self._storing = None
            storing.result()

    def _store(self, batch: Batch) -> None:
        began = self._clock.now()
        if self._inserter is not None and batch.size:
            self._inserter.store(batch)
        self._sources.commit(origin.commit for origin in batch.origins)
        self._spare_blocks.append(batch.blocks)
        if self._limits.insert_share is not None:
            took = self._clock.now() - began
            self._rests_until = began + min(took / self._limits.insert_share, self._limits.longest_interval_s)
