"""Properties of the ring: it equals a deque, it survives any damage, its checksum is XXH64."""

from collections import deque

import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from t0._core.log_ring import HEADER_BYTES, Ring, checksum, initialize
from t0.errors import RingError

CAPACITY = 4096


def fresh() -> bytearray:
    buffer = bytearray(HEADER_BYTES + CAPACITY)
    initialize(buffer)
    return buffer


def space(payload: bytes) -> int:
    return (16 + len(payload) + 15) // 16 * 16


class RingIsADeque(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.buffer = fresh()
        self.producer, self.consumer = Ring(self.buffer), Ring(self.buffer)
        self.model: deque[bytes] = deque()
        self.appended = 0

    @rule(payload=st.binary(max_size=2000) | st.integers(0, 5000).map(lambda n: b"z" * n))
    def append(self, payload):
        fits = sum(map(space, self.model)) + space(payload) <= CAPACITY
        assert self.producer.append(payload) is fits
        if fits:
            self.model.append(payload)
            self.appended += 1

    @rule(max_bytes=st.integers(0, 5000))
    def read_some_and_commit(self, max_bytes):
        records, position = self.consumer.read(max_bytes, self.consumer.tail)
        assert records == [self.model.popleft() for _ in records]
        assert sum(map(len, records)) <= max_bytes or len(records) <= 1
        self.consumer.commit(position)

    @rule()
    def read_all_and_leave_it(self):
        assert self.consumer.read(1 << 30, self.consumer.tail) == (list(self.model), self.producer.head)

    @rule()
    def restart_both(self):
        self.producer, self.consumer = Ring(self.buffer), Ring(self.buffer)

    @invariant()
    def counters_agree(self):
        assert (self.producer.queued, self.producer.records) == (len(self.model), self.appended)
        assert self.producer.corrupted == 0


TestRingIsADeque = RingIsADeque.TestCase
TestRingIsADeque.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(payload=st.binary(max_size=300), seed=st.integers(0, 2**64 - 1))
def test_the_checksum_is_xxh64(payload, seed):
    assert checksum(payload, seed) == xxhash.xxh64_intdigest(payload, seed)


@given(head=st.binary(max_size=200), body=st.binary(max_size=64), offset=st.integers(0, CAPACITY - 64))
def test_arbitrary_bytes_give_our_error_or_a_working_ring(head, body, offset):
    buffer = fresh()
    buffer[: len(head)] = head
    buffer[HEADER_BYTES + offset : HEADER_BYTES + offset + len(body)] = body
    use_or_refuse(buffer)


@given(words=st.lists(st.tuples(st.integers(0, 23), st.integers(0, 2**64 - 1)), max_size=6))
def test_arbitrary_header_words_give_our_error_or_a_working_ring(words):
    buffer = fresh()
    for index, word in words:
        buffer[index * 8 : index * 8 + 8] = word.to_bytes(8, "little")
    use_or_refuse(buffer)


def use_or_refuse(buffer):
    try:
        ring = Ring(buffer)
    except RingError:
        return
    ring.append(b"x" * 100)
    _, position = ring.read(1 << 30, ring.tail)
    ring.commit(position)
    assert (ring.tail, ring.queued) == (ring.head, 0)


@given(
    texts=st.lists(st.binary(max_size=200), min_size=1, max_size=12),
    start=st.integers(0, 3000),
    damage=st.binary(min_size=1, max_size=100),
    data=st.data(),
)
def test_damage_costs_only_the_records_it_touches(texts, start, damage, data):
    payloads = [bytes([i]) + text for i, text in enumerate(texts)]
    buffer = fresh()
    ring = Ring(buffer)
    ring.append(b"s" * start)
    ring.commit(ring.head)
    base, ends = ring.tail, []
    for payload in payloads:
        ring.append(payload)
        ends.append(ring.head)
    at = data.draw(st.integers(base, ring.head - 1))
    for i, byte in enumerate(damage[: ring.head - at]):
        buffer[HEADER_BYTES + (at + i) % CAPACITY] = byte
    spans = zip([base, *ends], ends, payloads, strict=False)
    untouched = [p for first, end, p in spans if end <= at or first >= at + len(damage)]
    records, position = ring.read(1 << 30, base)
    assert position == ring.head
    assert set(untouched) <= set(records) <= set(payloads)
    assert records == sorted(records, key=payloads.index)
