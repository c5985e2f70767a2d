import errno
import fcntl
import os

import pytest

from t0.recorder import spill
from t0.recorder.spill import SpillWriter


def records(paths):
    return [r for p in paths for r in spill.read_records(p)]


def test_records_are_read_in_the_order_they_came(tmp_path):
    writer = SpillWriter(tmp_path, 0)
    paths = [writer.append(p) for p in (b"one", b"", b"three")]
    assert len(set(paths)) == 1
    assert spill.is_waiting(paths[0])
    assert spill.backlog(tmp_path) == (1, 3 * 16 + 8)
    writer.close()
    assert records(spill.claim_all(tmp_path)) == [b"one", b"", b"three"]


def test_a_file_is_taken_over_once_its_worker_has_left_it(tmp_path):
    writer = SpillWriter(tmp_path, 0)
    first = writer.append(b"one")
    assert spill.claim_all(tmp_path) == []
    writer.close()
    (claimed,) = spill.claim_all(tmp_path)
    second = writer.append(b"two")
    assert second != first
    assert records([claimed]) == [b"one"]
    writer.close()
    assert records(spill.claim_all(tmp_path)) == [b"one", b"two"]


def test_the_death_of_its_worker_leaves_a_file_to_the_recorder(tmp_path):
    if os.fork() == 0:
        SpillWriter(tmp_path, 0).append(b"one")
        os._exit(0)
    os.wait()
    assert records(spill.claim_all(tmp_path)) == [b"one"]


def test_a_file_that_is_taken_over_before_it_is_locked_is_left(tmp_path, monkeypatch):
    writer, flock = SpillWriter(tmp_path, 0), fcntl.flock

    def taken_over_first(fd, operation):
        monkeypatch.setattr(fcntl, "flock", flock)
        assert len(spill.claim_all(tmp_path)) == 1
        flock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", taken_over_first)
    writer.append(b"one")
    writer.close()
    assert [list(spill.read_records(p)) for p in spill.claim_all(tmp_path)] == [[], [b"one"]]


def test_a_file_waits_until_it_is_deleted(tmp_path):
    writer = SpillWriter(tmp_path, 0)
    path = writer.append(b"one")
    writer.close()
    (claimed,) = spill.claim_all(tmp_path)
    assert (spill.is_waiting(path), writer.queued()) == (True, 1)
    writer.append(b"two")
    assert writer.queued() == 2
    claimed.unlink()
    assert (spill.is_waiting(path), writer.queued()) == (False, 1)


def test_files_stay_small(tmp_path, monkeypatch):
    monkeypatch.setattr(spill, "MAX_FILE_BYTES", 100)
    writer = SpillWriter(tmp_path, 0)
    for i in range(6):
        writer.append(bytes([i]) * 60)
    claimed = spill.claim_all(tmp_path)
    assert len(claimed) == 3
    assert records(claimed) == [bytes([i]) * 60 for i in range(6)]


def test_workers_of_one_slot_never_share_a_file(tmp_path):
    for text in (b"before", b"after"):
        writer = SpillWriter(tmp_path, 3)
        writer.append(text)
        writer.close()
    assert records(spill.claim_all(tmp_path)) == [b"before", b"after"]
    assert spill.backlog(tmp_path)[0] == 2


@pytest.mark.parametrize("cut", [pytest.param(1, id="in_the_payload"), pytest.param(8, id="in_the_frame")])
def test_a_record_its_worker_did_not_finish_is_not_there(tmp_path, cut):
    writer = SpillWriter(tmp_path, 0)
    writer.append(b"whole")
    path = writer.append(b"cut")
    os.truncate(path, path.stat().st_size - cut)
    assert list(spill.read_records(path)) == [b"whole"]


def test_a_damaged_record_is_reported_and_the_rest_is_read(tmp_path):
    writer = SpillWriter(tmp_path, 0)
    for text in (b"one", b"two", b"three"):
        path = writer.append(text)
    body = bytearray(path.read_bytes())
    body[16 + 3 + 16] ^= 1
    path.write_bytes(body)
    assert list(spill.read_records(path)) == [b"one", None, b"three"]


def test_a_write_the_disk_refuses_leaves_nothing_behind(tmp_path, monkeypatch):
    writer = SpillWriter(tmp_path, 0)
    path = writer.append(b"one")
    real = os.writev

    def cut_short(fd, parts):
        return real(fd, [parts[0], parts[1][:2]])

    def refuse(fd, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full_disk:
        full_disk.setattr(os, "writev", cut_short)
        full_disk.setattr(os, "write", refuse)
        with pytest.raises(OSError, match="No space left"):
            writer.append(b"two")
    assert writer.append(b"three") == path
    assert list(spill.read_records(path)) == [b"one", b"three"]
    assert writer.queued() == 2


def test_a_short_write_is_continued(tmp_path, monkeypatch):
    real = os.writev
    monkeypatch.setattr(os, "writev", lambda fd, parts: real(fd, [b"".join(parts)[:5]]))
    path = SpillWriter(tmp_path, 0).append(b"payload")
    assert list(spill.read_records(path)) == [b"payload"]


def test_without_spill_files_there_is_nothing(tmp_path):
    assert (spill.claim_all(tmp_path), spill.backlog(tmp_path)) == ([], (0, 0))
