import asyncio
import errno
import os
import threading

import pytest

from t0.recorder import codec, ring_file, spill
from t0.recorder.writer import Writer
from t0.types.record import Record

CAPACITY = 8192


@pytest.fixture
def writer(tmp_path):
    writer = Writer(tmp_path, capacity=CAPACITY)
    yield writer
    writer.close()


@pytest.fixture
def ring(tmp_path, writer):
    (path,) = ring_file.slots(tmp_path)
    file = ring_file.open_existing(path)
    yield file.ring
    file.close()


def fill(writer, build):
    """Appends until a record goes elsewhere; returns the records in the ring and the last receipt."""
    kept = []
    while isinstance(receipt := writer.append(record := build.record()), int):
        kept.append(record)
    return kept, record, receipt


def test_a_record_is_in_the_ring_when_append_returns(writer, ring, build):
    record = build.record()
    receipt = writer.append(record)
    payloads, position = ring.read(1 << 20, 0)
    assert ([codec.decode(p) for p in payloads], position) == ([record], receipt)


def test_a_full_ring_spills(tmp_path, writer, ring, build):
    kept, spilled, path = fill(writer, build)
    assert [codec.decode(p) for p in ring.read(1 << 20, 0)[0]] == kept
    assert [codec.decode(p) for p in spill.read_records(path)] == [spilled]
    assert (ring.spilled, ring.dropped, ring.spill_failed) == (1, 0, 0)


def test_a_record_larger_than_the_ring_spills(writer, ring, build):
    record = build.record(tags={"big": "x" * CAPACITY})
    path = writer.append(record)
    assert [codec.decode(p) for p in spill.read_records(path)] == [record]
    assert isinstance(writer.append(build.record()), int)


def test_on_an_event_loop_one_spill_file_takes_what_comes_in_a_while(tmp_path, build):
    async def spilled():
        writer = Writer(tmp_path, capacity=4096, loop=asyncio.get_running_loop())
        big = [build.record(tags={"big": "x" * 5000}) for _ in range(3)]
        paths = [writer.append(record) for record in big]
        still_open = spill.claim_all(tmp_path)
        await asyncio.sleep(0.3)
        (claimed,) = spill.claim_all(tmp_path)
        later = writer.append(big[0])
        writer.close()
        stored = [codec.decode(p) for p in spill.read_records(claimed)]
        return len(set(paths)), still_open, stored == big, later in paths, len(spill.claim_all(tmp_path))

    assert asyncio.run(spilled()) == (1, [], True, False, 2)


def test_a_spill_that_fails_is_counted_and_the_request_goes_on(writer, ring, build, monkeypatch):
    def refuse(fd, parts):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "writev", refuse)
    _, _, receipt = fill(writer, build)
    assert receipt is None
    assert (ring.spilled, ring.spill_failed) == (0, 1)
    assert asyncio.run(writer.wait_stored(receipt)) is False


def test_with_a_limit_new_rows_are_dropped_but_their_counts_kept(tmp_path, build):
    writer = Writer(tmp_path, capacity=CAPACITY, max_queued_rows=2)
    records = [build.record() for _ in range(4)]
    assert [type(writer.append(r)) for r in records] == [int, int, type(None), type(None)]
    file = ring_file.open_existing(ring_file.slots(tmp_path)[0])
    expected = [*records[:2], Record(count=records[2].count), Record(count=records[3].count)]
    payloads, position = file.ring.read(1 << 20, 0)
    assert [codec.decode(p) for p in payloads] == expected
    assert file.ring.dropped == 2
    file.ring.commit(position)
    assert isinstance(writer.append(build.record()), int)
    file.close()
    writer.close()


def test_the_limit_counts_spilled_rows_too(tmp_path, build):
    writer = Writer(tmp_path, capacity=4096, max_queued_rows=3)
    big = [build.record(tags={"big": "x" * 5000}) for _ in range(5)]
    receipts = [writer.append(r) for r in big]
    assert [type(r) for r in receipts] == [type(receipts[0])] * 3 + [type(None)] * 2
    for path in spill.claim_all(tmp_path):
        path.unlink()
    file = ring_file.open_existing(ring_file.slots(tmp_path)[0])
    file.ring.commit(file.ring.head)
    file.close()
    assert writer.append(big[0]) is not None
    writer.close()


def test_wait_stored_returns_once_the_tail_has_passed(writer, ring, build):
    receipt = writer.append(build.record())
    threading.Timer(0.02, ring.commit, [receipt]).start()
    assert asyncio.run(writer.wait_stored(receipt)) is True


def test_wait_stored_returns_once_the_spill_file_is_gone(tmp_path, writer, build):
    path = writer.append(build.record(tags={"big": "x" * CAPACITY}))
    (claimed,) = spill.claim_all(tmp_path)
    threading.Timer(0.02, claimed.unlink).start()
    assert asyncio.run(writer.wait_stored(path)) is True


def test_wait_stored_gives_up_while_the_recorder_fails(writer, ring, build):
    receipt = writer.append(build.record())
    ring.failing = True
    assert asyncio.run(writer.wait_stored(receipt)) is False


def test_wait_stored_gives_up_in_time(writer, build):
    receipt = writer.append(build.record())
    assert asyncio.run(writer.wait_stored(receipt, timeout_s=0.01)) is False


def test_a_restarted_worker_continues_the_slot(tmp_path, build):
    first = Writer(tmp_path, capacity=CAPACITY)
    before = build.record()
    first.append(before)
    first.close()
    second = Writer(tmp_path, capacity=CAPACITY)
    after = build.record()
    second.append(after)
    file = ring_file.open_existing(ring_file.slots(tmp_path)[0])
    assert (second.slot, [codec.decode(p) for p in file.ring.read(1 << 20, 0)[0]]) == (0, [before, after])
    file.close()
    second.close()
