"""A ring of records in shared memory: one producer, one consumer, in two processes.

The buffer is a header page followed by `capacity` bytes of records. Positions count bytes since the ring was made and
never wrap; `position % capacity` is the place. The producer owns `head`, the consumer `tail`; records lie between them.

A record is a 16-byte header and its payload, padded to 16 bytes, so that a header never crosses the end of the ring
while a payload may. The producer stores the bytes first and `head` last, with release order, and the consumer moves
`tail` only when it needs the bytes no more. Whichever instruction a process dies at, the other one sees whole records.

Checksums guard against what the processes cannot: a disk that lost pages in a power failure. A damaged payload costs
its record; a damaged header costs the bytes up to the next header that is right for its own position.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from libc.string cimport memcmp, memcpy, memset

from t0.errors import RingError

cdef extern from *:
    """
    #include <stdint.h>
    static inline uint64_t t0_load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
    static inline void t0_store(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
    """
    uint64_t t0_load(const uint64_t *p) noexcept nogil
    void t0_store(uint64_t *p, uint64_t v) noexcept nogil

HEADER_BYTES = 4096
MIN_CAPACITY = 4096
VERSION = 1

cdef const char *MAGIC = b"t0 ring\n"
cdef uint64_t PAGE = 4096
cdef uint64_t ALIGN = 16
cdef uint64_t RECORD_HEADER = 16

cdef uint64_t P1 = 0x9E3779B185EBCA87
cdef uint64_t P2 = 0xC2B2AE3D27D4EB4F
cdef uint64_t P3 = 0x165667B19E3779F9
cdef uint64_t P4 = 0x85EBCA77C2B2AE63
cdef uint64_t P5 = 0x27D4EB2F165667C5

cdef struct RingHeader:
    char magic[8]
    uint32_t version
    uint32_t header_bytes
    uint64_t capacity
    uint64_t pad0[5]
    # 64: the producer's line, and what it counts
    uint64_t head
    uint64_t records
    uint64_t payload_bytes
    uint64_t spilled
    uint64_t dropped
    uint64_t spill_failed
    uint64_t pad1[2]
    # 128: the consumer's line
    uint64_t tail
    uint64_t corrupted
    uint64_t corrupted_bytes
    uint64_t failing

cdef struct RecordHeader:
    uint32_t length
    uint32_t number
    uint32_t checksum
    uint32_t check


# -- hashing: XXH64 as specified in the xxHash algorithm description -----------------------------------------------------


cdef inline uint64_t rotl(uint64_t x, int bits) noexcept nogil:
    return (x << bits) | (x >> (64 - bits))


cdef inline uint64_t word64(const unsigned char *p) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, p, 8)
    return word


cdef inline uint64_t word32(const unsigned char *p) noexcept nogil:
    cdef uint32_t word
    memcpy(&word, p, 4)
    return word


cdef inline uint64_t xx_round(uint64_t lane, uint64_t word) noexcept nogil:
    return rotl(lane + word * P2, 31) * P1


cdef inline uint64_t xx_merge(uint64_t h, uint64_t lane) noexcept nogil:
    return (h ^ xx_round(0, lane)) * P1 + P4


cdef uint64_t xxh64(const unsigned char *p, uint64_t size, uint64_t seed) noexcept nogil:
    cdef const unsigned char *end = p + size
    cdef uint64_t h, v1, v2, v3, v4
    if size >= 32:
        v1, v2, v3, v4 = seed + P1 + P2, seed + P2, seed, seed - P1
        while end - p >= 32:
            v1 = xx_round(v1, word64(p))
            v2 = xx_round(v2, word64(p + 8))
            v3 = xx_round(v3, word64(p + 16))
            v4 = xx_round(v4, word64(p + 24))
            p += 32
        h = rotl(v1, 1) + rotl(v2, 7) + rotl(v3, 12) + rotl(v4, 18)
        h = xx_merge(xx_merge(xx_merge(xx_merge(h, v1), v2), v3), v4)
    else:
        h = seed + P5
    h += size
    while end - p >= 8:
        h = rotl(h ^ xx_round(0, word64(p)), 27) * P1 + P4
        p += 8
    if end - p >= 4:
        h = rotl(h ^ (word32(p) * P1), 23) * P2 + P3
        p += 4
    while p < end:
        h = rotl(h ^ (p[0] * P5), 11) * P1
        p += 1
    h = (h ^ (h >> 33)) * P2
    h = (h ^ (h >> 29)) * P3
    return h ^ (h >> 32)


cdef inline uint32_t header_check(const RecordHeader *record, uint64_t position) noexcept nogil:
    """Ties a header to its place, so that neither stale bytes nor a payload that looks like a header passes for one."""
    cdef uint64_t h = xx_round(position + P5, (<uint64_t>record.length << 32) | record.number)
    h = xx_round(h, record.checksum)
    return <uint32_t>((h ^ (h >> 29)) * P3 >> 32)


cdef inline uint64_t stride(uint64_t length) noexcept nogil:
    """The bytes a record takes: header, payload, padding."""
    return (RECORD_HEADER + length + ALIGN - 1) & ~(ALIGN - 1)


@cython.final
cdef class Ring:
    cdef Py_buffer _buffer
    cdef bint _held
    cdef RingHeader *_header
    cdef unsigned char *_data
    cdef uint64_t _capacity
    cdef uint64_t _inspected

    def __cinit__(self, buffer):
        PyObject_GetBuffer(buffer, &self._buffer, PyBUF_SIMPLE | PyBUF_WRITABLE)
        self._held = True
        _check_size(&self._buffer)
        self._header = <RingHeader *>self._buffer.buf
        self._data = <unsigned char *>self._buffer.buf + PAGE
        self._capacity = <uint64_t>self._buffer.len - PAGE
        self._check_header()
        self._window()

    def __dealloc__(self):
        if self._held:
            PyBuffer_Release(&self._buffer)

    cdef int _check_header(self) except -1:
        cdef RingHeader *header = self._header
        if memcmp(header.magic, MAGIC, 8) != 0:
            raise RingError("not a ring: its first bytes are not `t0 ring`")
        if header.version != <uint32_t>VERSION or header.header_bytes != PAGE:
            raise RingError(f"ring of version {header.version}, expected {VERSION}")
        if header.capacity != self._capacity:
            raise RingError(f"ring of {header.capacity} bytes in a file for {self._capacity}")
        return 0

    cdef uint64_t _window(self) except? 0:
        """The checked head; another process owns half of the header, so it is checked whenever it is used."""
        if not self._held:
            raise RingError("the ring is closed")
        cdef uint64_t head = t0_load(&self._header.head), tail = t0_load(&self._header.tail)
        if tail > head or head - tail > self._capacity or (head | tail) & (ALIGN - 1):
            raise RingError(f"damaged ring: head {head} and tail {tail} of {self._capacity} bytes")
        return head

    cdef inline RecordHeader *_at(self, uint64_t position) noexcept nogil:
        return <RecordHeader *>(self._data + position % self._capacity)

    cdef inline bint _is_record(self, uint64_t position, uint64_t head) noexcept nogil:
        cdef RecordHeader *record = self._at(position)
        return stride(record.length) <= head - position and record.check == header_check(record, position)

    cdef uint64_t _next_record(self, uint64_t position, uint64_t head) noexcept nogil:
        position += ALIGN
        while position < head and not self._is_record(position, head):
            position += ALIGN
        return position

    cdef void _copy_in(self, uint64_t position, const char *source, uint64_t size) noexcept nogil:
        cdef uint64_t start = position % self._capacity
        cdef uint64_t first = min(size, self._capacity - start)
        memcpy(self._data + start, source, first)
        memcpy(self._data, source + first, size - first)

    cdef bytes _copy_out(self, uint64_t position, uint64_t size):
        cdef uint64_t start = position % self._capacity
        cdef uint64_t first = min(size, self._capacity - start)
        payload = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>size)
        cdef char *target = PyBytes_AS_STRING(payload)
        memcpy(target, self._data + start, first)
        memcpy(target + first, self._data, size - first)
        return payload

    cdef void _count_damage(self, uint64_t position, uint64_t size) noexcept nogil:
        """Once per place, however often it is read."""
        if position >= self._inspected:
            self._header.corrupted += 1
            self._header.corrupted_bytes += size

    # Public API

    def append(self, payload):
        cdef uint64_t head = self._window()
        cdef const char *source
        cdef uint64_t length
        if isinstance(payload, bytes):
            source, length = PyBytes_AS_STRING(payload), <uint64_t>PyBytes_GET_SIZE(payload)
        elif isinstance(payload, bytearray):
            source, length = PyByteArray_AS_STRING(payload), <uint64_t>PyByteArray_GET_SIZE(payload)
        else:
            raise TypeError(f"payload is a {type(payload).__name__}, expected bytes or bytearray")
        cdef uint64_t used = head - t0_load(&self._header.tail)
        if length > 0xFFFFFFFF or stride(length) > self._capacity - used:
            return False
        cdef RecordHeader *record = self._at(head)
        record.length = <uint32_t>length
        record.number = <uint32_t>self._header.records
        record.checksum = <uint32_t>xxh64(<const unsigned char *>source, length, head)
        record.check = header_check(record, head)
        self._copy_in(head + RECORD_HEADER, source, length)
        self._header.records += 1
        self._header.payload_bytes += length
        t0_store(&self._header.head, head + stride(length))
        return True

    def read(self, Py_ssize_t max_bytes, uint64_t position, end=None):
        cdef uint64_t head = self._window()
        cdef uint64_t following, length
        cdef RecordHeader *record
        cdef Py_ssize_t taken = 0
        cdef list records = []
        self._check_position(position, head)
        if end is not None:
            head = min(head, <uint64_t>end)
        while position < head:
            if not self._is_record(position, head):
                following = self._next_record(position, head)
                self._count_damage(position, following - position)
                position = following
                continue
            record = self._at(position)
            length = record.length
            if records and taken + <Py_ssize_t>length > max_bytes:
                break
            payload = self._copy_out(position + RECORD_HEADER, length)
            if <uint32_t>xxh64(<const unsigned char *>PyBytes_AS_STRING(payload), length, position) == record.checksum:
                records.append(payload)
                taken += <Py_ssize_t>length
            else:
                self._count_damage(position, stride(length))
            position += stride(length)
        self._inspected = max(self._inspected, position)
        return records, position

    cdef int _check_position(self, uint64_t position, uint64_t head) except -1:
        cdef uint64_t tail = t0_load(&self._header.tail)
        if position < tail or position > head or position & (ALIGN - 1):
            raise RingError(f"position {position} is not between tail {tail} and head {head}")
        return 0

    def commit(self, uint64_t position):
        self._check_position(position, self._window())
        t0_store(&self._header.tail, position)

    def close(self):
        if self._held:
            self._held = False
            PyBuffer_Release(&self._buffer)

    @property
    def capacity(self):
        return self._capacity

    @property
    def head(self):
        return self._window()

    @property
    def tail(self):
        self._window()
        return t0_load(&self._header.tail)

    @property
    def queued(self):
        cdef uint64_t head = self._window()
        cdef uint64_t tail = t0_load(&self._header.tail)
        if tail == head or not self._is_record(tail, head):
            return 0
        return <uint32_t>(<uint32_t>self._header.records - self._at(tail).number)

    @property
    def records(self):
        self._window()
        return self._header.records

    @property
    def payload_bytes(self):
        self._window()
        return self._header.payload_bytes

    @property
    def spilled(self):
        self._window()
        return self._header.spilled

    @spilled.setter
    def spilled(self, uint64_t value):
        self._window()
        self._header.spilled = value

    @property
    def dropped(self):
        self._window()
        return self._header.dropped

    @dropped.setter
    def dropped(self, uint64_t value):
        self._window()
        self._header.dropped = value

    @property
    def spill_failed(self):
        self._window()
        return self._header.spill_failed

    @spill_failed.setter
    def spill_failed(self, uint64_t value):
        self._window()
        self._header.spill_failed = value

    @property
    def failing(self):
        self._window()
        return self._header.failing != 0

    @failing.setter
    def failing(self, bint value):
        self._window()
        self._header.failing = value

    @property
    def corrupted(self):
        self._window()
        return self._header.corrupted

    @property
    def corrupted_bytes(self):
        self._window()
        return self._header.corrupted_bytes


cdef int _check_size(Py_buffer *buffer) except -1:
    if buffer.len < HEADER_BYTES + MIN_CAPACITY:
        raise RingError(f"a file of {buffer.len} bytes is too small for a ring")
    if (buffer.len - HEADER_BYTES) % ALIGN:
        raise RingError(f"the capacity {buffer.len - HEADER_BYTES} is not a multiple of {ALIGN}")
    if <uintptr_t>buffer.buf & 7:
        raise RingError("the buffer is not aligned to 8 bytes")
    return 0


def initialize(buffer):
    cdef Py_buffer view
    cdef RingHeader *header
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE | PyBUF_WRITABLE)
    try:
        _check_size(&view)
        header = <RingHeader *>view.buf
        memset(header, 0, PAGE)
        header.version = <uint32_t>VERSION
        header.header_bytes = <uint32_t>PAGE
        header.capacity = <uint64_t>view.len - PAGE
        # The magic comes last, as one word: a process that dies before it leaves a file that is laid out again.
        t0_store(<uint64_t *>header.magic, word64(<const unsigned char *>MAGIC))
    finally:
        PyBuffer_Release(&view)


def is_initialized(buffer):
    cdef Py_buffer view
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
    cdef bint result = view.len >= 8 and t0_load(<const uint64_t *>view.buf) != 0
    PyBuffer_Release(&view)
    return result


def checksum(bytes payload not None, uint64_t seed=0):
    return xxh64(<const unsigned char *>PyBytes_AS_STRING(payload), <uint64_t>PyBytes_GET_SIZE(payload), seed)
