"""Spill files: `<data-dir>/spill/<slot>-<time>-<n>.spill`, records that did not fit into their worker's ring.

A record is its length, its checksum and its bytes. The worker holds a file's `flock` as long as it appends to it, until
it is full or `close` is called; the recorder takes over files whose lock it gets, by renaming them to `.claimed`. Files
are small, so that each is one batch at most: stored as a whole, then deleted. A file that ends within a record was cut
by the death of its worker before the request was answered.
"""

import fcntl
import os
import struct
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from t0._core.log_ring import checksum

MAX_FILE_BYTES = 4 * 1024 * 1024
_FRAME = struct.Struct("<QQ")
_OPEN, _CLAIMED = ".spill", ".claimed"


def spill_directory(data_dir: Path) -> Path:
    return data_dir / "spill"


class SpillWriter:
    """A worker's spill files. Nothing is made on the disk until the first record comes."""

    def __init__(self, data_dir: Path, slot: int) -> None:
        self._directory = spill_directory(data_dir)
        # Never a name that an earlier worker of this slot may have used: its last file can end within a record.
        self._prefix = f"{slot}-{time.time_ns()}-"
        self._fd = -1
        self._path: Path | None = None
        self._size = 0
        self._files: deque[tuple[Path, int]] = deque()
        self._made = 0

    def append(self, payload: bytes) -> Path:
        """Adds a record and returns the file that holds it. Raises `OSError` when the disk refuses, adding nothing."""
        path = self._path or self._open_locked()
        self._write(payload)
        self._files[-1] = (path, self._files[-1][1] + 1)
        if self._size >= MAX_FILE_BYTES:
            self.close()
        return path

    def _open_locked(self) -> Path:
        while True:
            path = self._open_next()
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            if path.exists():
                return path
            self.close()  # the recorder was faster, and took it over empty

    def _open_next(self) -> Path:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._directory / f"{self._prefix}{self._made}{_OPEN}"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._path, self._size = path, 0
        self._made += 1
        self._files.append((path, 0))
        return path

    def _write(self, payload: bytes) -> None:
        parts = [_FRAME.pack(len(payload), checksum(payload)), payload]
        try:
            written = os.writev(self._fd, parts)
            while written < _FRAME.size + len(payload):
                rest = b"".join(parts)[written:]
                written += os.write(self._fd, rest)
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += written

    def queued(self) -> int:
        """How many of the records still wait for the recorder."""
        while self._files and not is_waiting(self._files[0][0]):
            self._files.popleft()
        return sum(count for _, count in self._files)

    def close(self) -> None:
        """Leaves the file, if there is one, to the recorder."""
        if self._path is not None:
            os.close(self._fd)
            self._path = None


def is_waiting(path: Path) -> bool:
    """Whether the recorder has yet to store the records of the file that `SpillWriter.append` named."""
    return path.exists() or path.with_suffix(_CLAIMED).exists()


def claim_all(data_dir: Path) -> list[Path]:
    """Takes over every spill file that no worker appends to any more, oldest first."""
    directory = spill_directory(data_dir)
    claimed = [_claim(p) if p.suffix == _OPEN else p for p in directory.glob("*-*-*") if p.suffix in (_OPEN, _CLAIMED)]
    return sorted([p for p in claimed if p is not None], key=_age)


def _claim(path: Path) -> Path | None:
    target = path.with_suffix(_CLAIMED)
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.rename(target)
    except BlockingIOError:
        return None
    finally:
        os.close(fd)
    return target


def _age(path: Path) -> tuple[int, ...]:
    slot, made, number = path.stem.split("-")
    return int(made), int(number), int(slot)


def read_records(path: Path) -> Iterator[bytes | None]:
    """The records of a file, None for a damaged one. What follows a cut is not there."""
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        while (frame := file.read(_FRAME.size)) and len(frame) == _FRAME.size:
            length, expected = _FRAME.unpack(frame)
            if length > end - file.tell():
                return
            payload = file.read(length)
            yield payload if checksum(payload) == expected else None


def backlog(data_dir: Path) -> tuple[int, int]:
    """How many files wait for the recorder, and their bytes."""
    sizes = []
    for path in spill_directory(data_dir).glob("*-*-*"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:  # stored, or taken over under another name, in the meantime
            continue
    return len(sizes), sum(sizes)
