"""Where records come from: every ring and spill file of a data directory, read in chunks that are committed later.

Two readers share them. The drain reads for the database and may stand still for as long as that is away; counting, for
`/metrics`, reads ahead of it, so each source remembers how far it has been counted.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from t0._core.log_ring import Ring
from t0.errors import RingError
from t0.recorder import codec, ring_file, spill
from t0.recorder.metrics import Counts

logger = logging.getLogger("t0.recorder")

_COUNT_BYTES = 1024 * 1024
_COUNT_FILES = 32


class Origin(NamedTuple):
    """Where payloads lie that were read together. `commit` forgets them for good; until then they can be read again.

    `uncertain` marks what was there before this recorder started: an earlier one may have stored it already.
    """

    uncertain: bool
    read_again: Callable[[], list[bytes]]
    commit: Callable[[], None]


class Chunk(NamedTuple):
    """Payloads read together."""

    payloads: list[bytes]
    origin: Origin


class Sources:
    """Safe for several threads, which take `lock`. `damaged` counts records of spill files that were passed over."""

    def __init__(self, data_dir: Path, counts: Counts) -> None:
        self.damaged = 0
        self._data_dir = data_dir
        self._counts = counts
        self.lock = threading.RLock()
        self._rings: dict[Path, _RingSource] = {}
        self._unusable: set[Path] = set()
        self._spill = _SpillSource(data_dir, self._add_damage)
        self.discover()

    def discover(self) -> None:
        """Opens the rings of workers that started since, and takes over new spill files."""
        with self.lock:
            for path in ring_file.slots(self._data_dir):
                if path not in self._rings and path not in self._unusable:
                    self._open(path)
            self._spill.discover()

    def _open(self, path: Path) -> None:
        try:
            file = ring_file.open_existing(path)
        except RingError as error:
            self._unusable.add(path)
            logger.error("%s; it is left alone, and what it holds is not stored", error)
            return
        if file is not None:
            self._rings[path] = _RingSource(file)

    def rings(self) -> list[tuple[int, Ring]]:
        return [(s.file.slot, s.file.ring) for s in list(self._rings.values())]

    def count(self) -> None:
        """Counts every record that was not counted yet, those of workers that have just started too."""
        with self.lock:
            self.discover()
            for source in self._rings.values():
                source.count(self._count)
            self._spill.count(self._count)

    def _count(self, payload: bytes) -> None:
        try:
            count = codec.decode_count(payload)
        except msgspec.DecodeError:
            return  # reported by the drain, which keeps the record
        if count is not None:
            self._counts.add(count)

    def _add_damage(self, records: int) -> None:
        self.damaged += records

    def read(self, max_bytes: int) -> Iterator[Chunk]:
        """At most one chunk of each ring and one spill file, counted; together not much more than `max_bytes`.

        No record comes twice. Takes the lock per chunk, so the caller may take its time with each.
        """
        with self.lock:
            sources = list(self._rings.values())
        share = max(max_bytes // (len(sources) + 1), 64 * 1024)
        for source in sources:
            with self.lock:
                chunk = source.read(share, self._count)
            if chunk is not None:
                yield chunk
        with self.lock:
            chunk = self._spill.read(self._count)
        if chunk is not None:
            yield chunk

    def commit(self, commits: Iterable[Callable[[], None]]) -> None:
        """Runs the `commit`s of chunks that are stored."""
        with self.lock:
            for commit in commits:
                commit()

    def fill_level(self) -> float:
        """The share of the fullest ring that is in use, from 0 to 1."""
        return max(((ring.head - ring.tail) / ring.capacity for _, ring in self.rings()), default=0.0)

    def backlog(self) -> tuple[int, int]:
        """Spill files that wait, and their bytes."""
        return spill.backlog(self._data_dir)

    def is_empty(self) -> bool:
        """Whether everything was committed."""
        return all(r.head == r.tail for _, r in self.rings()) and self.backlog()[0] == 0

    def set_failing(self, failing: bool) -> None:
        """Tells the workers whether waiting for the database makes sense."""
        for _, ring in self.rings():
            ring.failing = failing

    def sync(self) -> None:
        """Blocks until the rings are on the disk."""
        for source in list(self._rings.values()):
            source.file.sync()

    def close(self) -> None:
        for source in self._rings.values():
            source.file.close()
        self._rings.clear()


class _RingSource:
    def __init__(self, file: ring_file.RingFile) -> None:
        self.file = file
        self._read = self._counted = file.ring.tail
        self._uncertain_until = file.ring.head

    def count(self, add: Callable[[bytes], None]) -> None:
        while self._counted < self.file.ring.head:
            payloads, self._counted = self.file.ring.read(_COUNT_BYTES, self._counted)
            for payload in payloads:
                add(payload)

    def read(self, max_bytes: int, add: Callable[[bytes], None]) -> Chunk | None:
        """The next chunk, counted, so that nothing is committed, and overwritten, before it was."""
        start = self._read
        payloads, self._read = self.file.ring.read(max_bytes, start)
        if self._read == start:
            return None
        if self._counted == start:
            # PERF: the usual case; counting them from the ring would copy and check them once more.
            self._counted = self._read
            for payload in payloads:
                add(payload)
        else:
            self.count(add)
        return Chunk(payloads, self._origin(start, self._read))

    def _origin(self, start: int, end: int) -> Origin:
        ring = self.file.ring
        return Origin(
            uncertain=start < self._uncertain_until,
            read_again=lambda: ring.read(end - start, start, end)[0],
            commit=lambda: ring.commit(end),
        )


class _SpillSource:
    def __init__(self, data_dir: Path, count_damage: Callable[[int], None]) -> None:
        self._data_dir = data_dir
        self._count_damage = count_damage
        self._waiting: deque[Path] = deque()
        self._known: set[Path] = set()
        self._counted: set[Path] = set()
        self.discover()
        self._old = set(self._known)

    def discover(self) -> None:
        fresh = [p for p in spill.claim_all(self._data_dir) if p not in self._known]
        self._waiting.extend(fresh)
        self._known.update(fresh)

    def count(self, add: Callable[[bytes], None]) -> None:
        """A bounded number of files, since a long outage leaves gigabytes of them."""
        for path in [p for p in self._waiting if p not in self._counted][:_COUNT_FILES]:
            self._count_file(path, add)

    def _count_file(self, path: Path, add: Callable[[bytes], None]) -> None:
        self._counted.add(path)
        for payload in spill.read_records(path):
            if payload is None:
                self._count_damage(1)
            else:
                add(payload)

    def read(self, add: Callable[[bytes], None]) -> Chunk | None:
        if not self._waiting:
            return None
        path = self._waiting.popleft()
        if path not in self._counted:
            self._count_file(path, add)

        def read() -> list[bytes]:
            return [p for p in spill.read_records(path) if p is not None]

        return Chunk(read(), Origin(uncertain=path in self._old, read_again=read, commit=lambda: self._forget(path)))

    def _forget(self, path: Path) -> None:
        path.unlink()
        for paths in (self._known, self._counted, self._old):
            paths.discard(path)
