"""The ring: what one process appends another reads, whole, in order, until it commits."""

import struct
from importlib.machinery import ExtensionFileLoader

import pytest

from t0._core import log_ring
from t0._core.log_ring import HEADER_BYTES, Ring, initialize, is_initialized
from t0.errors import RingError

CAPACITY = 4096


@pytest.fixture
def buffer():
    buffer = bytearray(HEADER_BYTES + CAPACITY)
    initialize(buffer)
    return buffer


def test_the_compiled_module_is_the_one_loaded():
    assert isinstance(log_ring.__loader__, ExtensionFileLoader)


def test_records_come_back_in_order_and_stay_until_they_are_committed(buffer):
    ring = Ring(buffer)
    assert [ring.append(p) for p in (b"one", b"", b"three" * 10)] == [True, True, True]
    assert ring.read(1000, 0) == ([b"one", b"", b"three" * 10], ring.head)
    assert ring.read(1000, 0) == ([b"one", b"", b"three" * 10], ring.head)
    ring.commit(ring.head)
    assert (ring.tail, ring.queued, ring.records, ring.payload_bytes) == (ring.head, 0, 3, 53)
    assert ring.read(1000, ring.tail) == ([], ring.head)


def test_a_buffer_is_copied(buffer):
    ring, payload = Ring(buffer), bytearray(b"first")
    ring.append(payload)
    payload[:] = b"second"
    ring.append(payload)
    assert ring.read(100, 0) == ([b"first", b"second"], ring.head)


@pytest.mark.parametrize("payload", [None, "text", memoryview(b"x")], ids=["nothing", "text", "view"])
def test_other_payloads_are_refused(buffer, payload):
    ring = Ring(buffer)
    with pytest.raises(TypeError, match=f"payload is a {type(payload).__name__}, expected bytes or bytearray"):
        ring.append(payload)
    assert (ring.head, ring.records) == (0, 0)


def test_a_second_mapping_sees_the_same_ring(buffer):
    producer, consumer = Ring(buffer), Ring(buffer)
    producer.append(b"across")
    assert consumer.read(100, consumer.tail) == ([b"across"], 32)
    consumer.commit(32)
    assert producer.tail == 32


def test_read_stops_before_max_bytes_but_returns_at_least_one_record(buffer):
    ring = Ring(buffer)
    for payload in (b"a" * 100, b"b" * 100, b"c" * 100):
        ring.append(payload)
    first, position = ring.read(250, 0)
    assert first == [b"a" * 100, b"b" * 100]
    assert ring.read(1, position) == ([b"c" * 100], ring.head)
    assert ring.read(1000, 0, position) == (first, position)


def test_a_payload_may_cross_the_end_of_the_ring(buffer):
    ring = Ring(buffer)
    ring.append(b"x" * 3000)
    ring.commit(ring.head)
    payload = bytes(range(256)) * 10
    assert ring.append(payload)
    assert ring.read(1, ring.tail) == ([payload], ring.head)
    assert ring.head > CAPACITY


@pytest.mark.parametrize(
    ("size", "fits"),
    [
        pytest.param(CAPACITY - 16, True, id="exactly_full"),
        pytest.param(CAPACITY - 15, False, id="a_byte_too_much"),
        pytest.param(10 * CAPACITY, False, id="larger_than_the_ring"),
    ],
)
def test_append_says_whether_the_record_fits(buffer, size, fits):
    ring = Ring(buffer)
    assert ring.append(b"x" * size) is fits
    assert ring.queued == (1 if fits else 0)


def test_a_full_ring_takes_records_again_after_a_commit(buffer):
    ring = Ring(buffer)
    while ring.append(b"x" * 1100):
        pass
    assert ring.queued == 3
    ring.commit(ring.read(1, 0)[1])
    assert (ring.queued, ring.append(b"y" * 1100), ring.append(b"y" * 1100)) == (2, True, False)


def test_positions_outside_the_ring_are_refused(buffer):
    ring = Ring(buffer)
    ring.append(b"one")
    ring.commit(32)
    for position in (0, 33, 64):
        with pytest.raises(RingError, match=f"position {position} is not between tail 32 and head 32"):
            ring.read(1, position)
        with pytest.raises(RingError, match=f"position {position} is not between"):
            ring.commit(position)


def test_counters_of_both_sides_are_kept_in_the_buffer(buffer):
    ring = Ring(buffer)
    ring.spilled += 2
    ring.dropped += 3
    ring.spill_failed += 4
    ring.failing = True
    again = Ring(buffer)
    assert (again.spilled, again.dropped, again.spill_failed, again.failing) == (2, 3, 4, True)
    again.failing = False
    assert ring.failing is False


def test_a_closed_ring_releases_its_buffer_and_refuses_everything(buffer):
    ring = Ring(buffer)
    with pytest.raises(BufferError):
        buffer.append(0)
    ring.close()
    ring.close()
    buffer.append(0)
    for use in (lambda: ring.append(b""), lambda: ring.read(1, 0), lambda: ring.commit(0), lambda: ring.head):
        with pytest.raises(RingError, match="the ring is closed"):
            use()


def test_a_layout_is_there_only_once_it_is_finished():
    buffer = bytearray(HEADER_BYTES + CAPACITY)
    assert not is_initialized(buffer)
    initialize(buffer)
    assert is_initialized(buffer)
    assert not is_initialized(b"")


def _patched(offset: int, fmt: str, *values: int) -> bytearray:
    buffer = bytearray(HEADER_BYTES + CAPACITY)
    initialize(buffer)
    struct.pack_into(fmt, buffer, offset, *values)
    return buffer


@pytest.mark.parametrize(
    ("buffer", "message"),
    [
        pytest.param(bytearray(100), "a file of 100 bytes is too small for a ring", id="too_small"),
        pytest.param(bytearray(HEADER_BYTES + 5000), "the capacity 5000 is not a multiple of 16", id="odd_capacity"),
        pytest.param(bytearray(HEADER_BYTES + CAPACITY), "not a ring: its first bytes are not `t0 ring`", id="zeros"),
        pytest.param(_patched(8, "=I", 7), "ring of version 7, expected 1", id="version"),
        pytest.param(_patched(16, "=Q", 8192), "ring of 8192 bytes in a file for 4096", id="capacity"),
        pytest.param(_patched(64, "=Q", 8192), "damaged ring: head 8192 and tail 0 of 4096 bytes", id="head"),
        pytest.param(_patched(128, "=Q", 16), "damaged ring: head 0 and tail 16 of 4096 bytes", id="tail"),
        pytest.param(_patched(64, "=Q", 24), "damaged ring: head 24 and tail 0 of 4096 bytes", id="unaligned"),
    ],
)
def test_what_is_no_ring_is_refused(buffer, message):
    with pytest.raises(RingError) as caught:
        Ring(buffer)
    assert str(caught.value) == message


def test_a_header_damaged_while_open_is_noticed(buffer):
    ring = Ring(buffer)
    struct.pack_into("=Q", buffer, 64, 1 << 60)
    with pytest.raises(RingError, match="damaged ring"):
        ring.append(b"x")


@pytest.mark.parametrize(
    ("offset", "lost"),
    [
        pytest.param(64 + 20, 1, id="payload"),
        pytest.param(64 + 8, 1, id="checksum"),
        pytest.param(64 + 0, 1, id="length"),
        pytest.param(64 + 12, 1, id="header_check"),
    ],
)
def test_a_damaged_record_is_counted_and_the_rest_is_read(buffer, offset, lost):
    ring = Ring(buffer)
    for payload in (b"a" * 40, b"b" * 40, b"c" * 40):
        ring.append(payload)
    buffer[HEADER_BYTES + offset] ^= 0xFF
    assert ring.read(1000, 0) == ([b"a" * 40, b"c" * 40], ring.head)
    ring.read(1000, 0)
    assert (ring.corrupted, ring.corrupted_bytes) == (lost, 64)


def test_damage_up_to_the_head_leaves_nothing_to_read(buffer):
    ring = Ring(buffer)
    ring.append(b"a" * 40)
    buffer[HEADER_BYTES : HEADER_BYTES + 64] = b"\xff" * 64
    assert ring.read(1000, 0) == ([], ring.head)
    assert (ring.queued, ring.corrupted, ring.corrupted_bytes) == (0, 1, 64)


def test_a_payload_that_holds_a_record_is_not_taken_for_one(buffer):
    donor = bytearray(HEADER_BYTES + CAPACITY)
    initialize(donor)
    Ring(donor).append(b"forged")
    ring = Ring(buffer)
    ring.append(bytes(donor[HEADER_BYTES : HEADER_BYTES + 32]))
    buffer[HEADER_BYTES + 12] ^= 0xFF
    assert ring.read(1000, 0) == ([], ring.head)
