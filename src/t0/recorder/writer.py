"""A worker's side of observability: append, and that is all.

The recorder polls the rings, so nothing here wakes it, logs or counts beyond a word in shared memory.
"""

import asyncio
import time
from pathlib import Path

from t0.recorder import codec, ring_file, spill
from t0.types.record import Record

_POLL_S = 0.003
_SPILL_OPEN_S = 0.1
"""For how long one spill file is appended to. PERF: opening and locking it for every record took 5 system calls."""

Receipt = int | Path | None
"""Where a record lies: the position after it in the ring, its spill file, or nowhere (dropped)."""


class Writer:
    """Owns one ring of `data_dir` until `close` or the end of the process. For one thread.

    With `max_queued_rows`, new rows are dropped while the recorder is that many behind (their counts for `/metrics` are
    kept); otherwise nothing is ever dropped: what does not fit into the ring goes to a spill file. Raises `RingError`
    when no ring can be had. Spill files are kept open for a while by a timer of `loop`; without one, for a record each.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        capacity: int = ring_file.DEFAULT_CAPACITY,
        max_queued_rows: int | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._file = ring_file.claim(data_dir, capacity)
        self._ring = self._file.ring
        self._spill = spill.SpillWriter(data_dir, self._file.slot)
        self._loop = loop
        self._spill_timer: asyncio.TimerHandle | None = None
        self._limit = max_queued_rows
        self._buffer = bytearray()

    @property
    def slot(self) -> int:
        return self._file.slot

    def append(self, record: Record) -> Receipt:
        """Keeps the record for the recorder. When it returns, the record survives the death of this process.

        Never fails the request: a record that neither ring nor disk can take is lost and counted (`t0_ring_*`).
        """
        if self._limit is not None and record.row is not None and self._queued() >= self._limit:
            self._drop(record)
            return None
        codec.encode_into(self._buffer, record)
        if self._ring.append(self._buffer):
            return self._ring.head
        return self._append_to_spill(bytes(self._buffer))

    def _queued(self) -> int:
        return self._ring.queued + self._spill.queued()

    def _drop(self, record: Record) -> None:
        self._ring.dropped += 1
        if record.count is not None:
            self.append(Record(count=record.count))

    def _append_to_spill(self, payload: bytes) -> Receipt:
        try:
            path = self._spill.append(payload)
        except OSError:
            # Reported by the recorder, which watches this counter.
            self._ring.spill_failed += 1
            return None
        self._ring.spilled += 1
        if self._loop is None:
            self._spill.close()
        elif self._spill_timer is None:
            self._spill_timer = self._loop.call_later(_SPILL_OPEN_S, self._leave_spill)
        return path

    def _leave_spill(self) -> None:
        self._spill_timer = None
        self._spill.close()

    async def wait_stored(self, receipt: Receipt, timeout_s: float = 10.0) -> bool:
        """Waits until the database has the record; False when it cannot be had now, or not in time.

        For `async_writes = false`; the answer is the same either way.
        """
        deadline = time.monotonic() + timeout_s
        while not self._is_stored(receipt):
            if receipt is None or self._ring.failing or time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    def _is_stored(self, receipt: Receipt) -> bool:
        if isinstance(receipt, Path):
            return not spill.is_waiting(receipt)
        return receipt is not None and self._ring.tail >= receipt

    def close(self) -> None:
        """Gives the slot back; what was appended stays for the recorder."""
        if self._spill_timer is not None:
            self._spill_timer.cancel()
        self._leave_spill()
        self._file.close()
