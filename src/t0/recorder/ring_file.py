"""Ring files: `<data-dir>/rings/<slot>.ring`, one per worker, mapped by the worker and by the recorder.

A worker owns a slot by `flock`, which the kernel releases when it dies; the next worker goes on where it stopped.
"""

import fcntl
import mmap
import os
from pathlib import Path
from typing import BinaryIO

from t0._core.log_ring import HEADER_BYTES, Ring, initialize, is_initialized
from t0.errors import RingError

DEFAULT_CAPACITY = 64 * 1024 * 1024
MAX_SLOTS = 1024
_SUFFIX = ".ring"


def rings_directory(data_dir: Path) -> Path:
    return data_dir / "rings"


class RingFile:
    """An open, mapped ring. `slot` is its number, the name of its file."""

    def __init__(self, path: Path, file: BinaryIO, mapping: mmap.mmap) -> None:
        self.path, self.slot = path, int(path.stem)
        self._file, self._mapping = file, mapping
        try:
            self.ring = Ring(mapping)
        except RingError as error:
            raise RingError(f"{path}: {error}") from error

    def sync(self) -> None:
        """Blocks until what was appended is on the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Releases the mapping, and the slot if this process owns it."""
        self.ring.close()
        self._mapping.close()
        self._file.close()


def claim(data_dir: Path, capacity: int = DEFAULT_CAPACITY) -> RingFile:
    """The first slot no living worker owns; a new file gets `capacity` bytes, rounded up to whole pages.

    An existing file keeps its own capacity. Raises `RingError` when the disk has no room or the file is not ours.
    """
    directory = rings_directory(data_dir)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for slot in range(MAX_SLOTS):
        if (owned := _claim_slot(directory / f"{slot}{_SUFFIX}", capacity)) is not None:
            return owned
    raise RingError(f"{directory}: all {MAX_SLOTS} ring slots are owned by running workers")


def _claim_slot(path: Path, capacity: int) -> RingFile | None:
    file = _open(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    try:
        if not _has_ring(file):
            _lay_out(path, file, capacity)
        return RingFile(path, file, mmap.mmap(file.fileno(), 0))
    except BaseException:
        file.close()
        raise


def _open(path: Path, flags: int) -> BinaryIO:
    return open(os.open(path, flags, 0o600), "r+b", buffering=0)


def _has_ring(file: BinaryIO) -> bool:
    """False for a file that is new, or whose layout a dying worker left unfinished."""
    return is_initialized(os.pread(file.fileno(), HEADER_BYTES, 0))


def _lay_out(path: Path, file: BinaryIO, capacity: int) -> None:
    size = HEADER_BYTES + -(-capacity // mmap.PAGESIZE) * mmap.PAGESIZE
    try:
        os.ftruncate(file.fileno(), 0)
        _reserve(file.fileno(), size)
    except OSError as error:
        os.ftruncate(file.fileno(), 0)
        raise RingError(f"{path}: cannot reserve {size} bytes for a log ring: {error.strerror}") from error
    with mmap.mmap(file.fileno(), size) as mapping:
        initialize(mapping)


def _reserve(fd: int, size: int) -> None:
    """Allocates the blocks now: a mapped page without one would mean SIGBUS on a full disk."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
        return
    zeros = bytes(1 << 20)
    for offset in range(0, size, len(zeros)):
        os.pwrite(fd, zeros[: size - offset], offset)


def slots(data_dir: Path) -> list[Path]:
    """The ring files there are, in the order of their slots."""
    paths = [p for p in rings_directory(data_dir).glob(f"*{_SUFFIX}") if p.stem.isdecimal()]
    return sorted(paths, key=lambda p: int(p.stem))


def open_existing(path: Path) -> RingFile | None:
    """The ring for reading, without owning its slot; None while its worker has not finished making it."""
    file = _open(path, os.O_RDWR)
    try:
        if not _has_ring(file):
            file.close()
            return None
        return RingFile(path, file, mmap.mmap(file.fileno(), 0))
    except BaseException:
        file.close()
        raise
