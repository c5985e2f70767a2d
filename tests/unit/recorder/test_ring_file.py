import errno
import os
import struct

import pytest

from t0._core.log_ring import HEADER_BYTES
from t0.errors import RingError
from t0.recorder import ring_file

CAPACITY = 8192


def test_each_living_worker_owns_a_slot_and_a_dead_ones_is_taken_over(tmp_path):
    first, second = ring_file.claim(tmp_path, CAPACITY), ring_file.claim(tmp_path, CAPACITY)
    assert (first.slot, second.slot) == (0, 1)
    first.ring.append(b"left behind")
    first.close()
    heir = ring_file.claim(tmp_path, CAPACITY)
    assert heir.slot == 0
    assert heir.ring.read(100, 0)[0] == [b"left behind"]
    heir.close()
    second.close()


def test_the_recorder_reads_a_ring_that_a_worker_owns(tmp_path):
    worker = ring_file.claim(tmp_path, CAPACITY)
    worker.ring.append(b"hello")
    (path,) = ring_file.slots(tmp_path)
    reader = ring_file.open_existing(path)
    assert reader.ring.read(100, 0) == ([b"hello"], 32)
    reader.ring.commit(32)
    reader.sync()
    assert worker.ring.tail == 32
    reader.close()
    worker.close()


def test_the_capacity_in_the_file_wins(tmp_path):
    ring_file.claim(tmp_path, CAPACITY).close()
    again = ring_file.claim(tmp_path, 10 * CAPACITY)
    assert again.ring.capacity == CAPACITY
    again.close()


def test_the_blocks_are_allocated_at_once_and_only_the_owner_may_read(tmp_path):
    claimed = ring_file.claim(tmp_path, 1024 * 1024)
    stat = claimed.path.stat()
    assert stat.st_blocks * 512 >= 1024 * 1024 + HEADER_BYTES
    assert stat.st_mode & 0o777 == 0o600
    claimed.close()


def test_capacity_is_rounded_up_to_pages(tmp_path):
    claimed = ring_file.claim(tmp_path, CAPACITY + 1)
    assert claimed.ring.capacity == CAPACITY + 4096
    claimed.close()


def test_a_layout_that_was_not_finished_is_made_again(tmp_path):
    (tmp_path / "rings").mkdir()
    path = tmp_path / "rings" / "0.ring"
    path.write_bytes(bytes(5000))
    assert ring_file.open_existing(path) is None
    claimed = ring_file.claim(tmp_path, CAPACITY)
    assert (claimed.slot, claimed.ring.capacity) == (0, CAPACITY)
    claimed.close()


def test_a_full_disk_shows_at_the_start(tmp_path, monkeypatch):
    def refuse(fd, offset, size):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(RingError) as caught:
        ring_file.claim(tmp_path, CAPACITY)
    path = tmp_path / "rings" / "0.ring"
    assert str(caught.value) == f"{path}: cannot reserve 12288 bytes for a log ring: No space left on device"
    assert path.stat().st_size == 0


def test_without_fallocate_the_file_is_filled(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate")
    claimed = ring_file.claim(tmp_path, CAPACITY)
    assert claimed.path.stat().st_blocks * 512 >= CAPACITY + HEADER_BYTES
    claimed.close()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda f: os.pwrite(f, struct.pack("=I", 9), 8), "ring of version 9, expected 1", id="version"),
        pytest.param(lambda f: os.ftruncate(f, 9000), "the capacity 4904 is not a multiple of 16", id="cut"),
        pytest.param(lambda f: os.ftruncate(f, 16384), "ring of 8192 bytes in a file for 12288", id="grown"),
    ],
)
def test_another_kind_of_ring_is_refused_with_its_path(tmp_path, damage, message):
    ring_file.claim(tmp_path, CAPACITY).close()
    path = tmp_path / "rings" / "0.ring"
    with path.open("r+b") as file:
        damage(file.fileno())
    for attempt in (lambda: ring_file.claim(tmp_path, CAPACITY), lambda: ring_file.open_existing(path)):
        with pytest.raises(RingError) as caught:
            attempt()
        assert str(caught.value) == f"{path}: {message}"


def test_slots_are_listed_by_number(tmp_path):
    assert ring_file.slots(tmp_path) == []
    (tmp_path / "rings").mkdir()
    for name in ("10.ring", "9.ring", "x.ring", "1.txt"):
        (tmp_path / "rings" / name).touch()
    assert [p.name for p in ring_file.slots(tmp_path)] == ["9.ring", "10.ring"]
