"""UUIDv7 (RFC 9562): new ids, strictly increasing in one process, and the spellings of an id."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint64_t
from libc.string cimport memcmp, memcpy
from posix.time cimport CLOCK_REALTIME, clock_gettime, timespec

import os

cdef extern from "Python.h":
    str PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    uint8_t *PyUnicode_1BYTE_DATA(object text) noexcept

cdef int64_t MAX_UNIX_MS = (1 << 48) - 1
cdef uint64_t RAND_A = 0xFFF
cdef uint64_t RAND_B = 0x3FFFFFFFFFFFFFFF
cdef uint64_t VERSION_7 = 0x7000
cdef uint64_t RFC_VARIANT = <uint64_t>0x8000000000000000

# PERF: one system call for 256 ids takes 15 ns of each, a call for every id 270 ns (bench/kernels/test_uuid7.py).
cdef Py_ssize_t POOL_BYTES = 2048

cdef uint8_t NOT_HEX = 0xFF
cdef uint8_t[256] DIGIT_VALUE
cdef uint8_t[512] BYTE_TEXT
cdef int[5] GROUP_DIGITS = [8, 4, 4, 4, 12]
cdef frozenset HEX_OR_HYPHEN = frozenset("0123456789abcdefABCDEF-")


cdef int _fill_tables() except -1:
    cdef bytes digits = b"0123456789abcdef"
    cdef int byte
    for byte in range(256):
        DIGIT_VALUE[byte] = NOT_HEX
        BYTE_TEXT[2 * byte] = digits[byte >> 4]
        BYTE_TEXT[2 * byte + 1] = digits[byte & 15]
    for byte in range(16):
        DIGIT_VALUE[<uint8_t>digits[byte]] = byte
        DIGIT_VALUE[<uint8_t>digits.upper()[byte]] = byte
    return 0


_fill_tables()


cdef str _canonical(const uint8_t *raw):
    cdef str text = PyUnicode_New(36, 127)
    cdef uint8_t *out = PyUnicode_1BYTE_DATA(text)
    cdef int i
    for i in range(16):
        if i == 4 or i == 6 or i == 8 or i == 10:
            out[0] = c'-'
            out += 1
        memcpy(out, &BYTE_TEXT[2 * raw[i]], 2)
        out += 2
    return text


cdef inline void _put_big_endian(uint8_t *out, uint64_t word) noexcept:
    cdef int i
    for i in range(8):
        out[i] = <uint8_t>(word >> (56 - 8 * i))


cdef str _assemble(int64_t unix_ms, uint64_t rand_a, uint64_t rand_b):
    cdef uint8_t[16] raw
    _put_big_endian(&raw[0], <uint64_t>unix_ms << 16 | VERSION_7 | rand_a)
    _put_big_endian(&raw[8], RFC_VARIANT | rand_b)
    return _canonical(&raw[0])


cdef inline bint _read_digits(const char *digits, uint8_t *raw) noexcept:
    cdef uint8_t seen = 0, high, low
    cdef int i
    for i in range(16):
        high = DIGIT_VALUE[<uint8_t>digits[2 * i]]
        low = DIGIT_VALUE[<uint8_t>digits[2 * i + 1]]
        seen |= high | low
        raw[i] = high << 4 | low & 15
    return seen != NOT_HEX


cdef bint _read_groups(const char *text, uint8_t *raw) noexcept:
    cdef char[32] digits
    cdef char *out = &digits[0]
    cdef int group
    for group in range(5):
        if group:
            if text[0] != c'-':
                return False
            text += 1
        memcpy(out, text, GROUP_DIGITS[group])
        out += GROUP_DIGITS[group]
        text += GROUP_DIGITS[group]
    return _read_digits(&digits[0], raw)


cdef int read(str text, uint8_t *raw) except -1:
    cdef Py_ssize_t size = 0
    cdef const char *chars = PyUnicode_AsUTF8AndSize(text, &size)
    if size == 38 and chars[0] == c'{' and chars[37] == c'}':
        chars, size = chars + 1, 36
    elif size == 45 and memcmp(chars, b"urn:uuid:", 9) == 0:
        chars, size = chars + 9, 36
    if size == 36 and _read_groups(chars, raw) or size == 32 and _read_digits(chars, raw):
        return 0
    raise ValueError(_explain(text))


cdef str _explain(str text):
    # Clients of the reference read these texts: they are those of Rust's uuid crate, src/error.rs.
    cdef str body = text
    if len(text) > 1 and text[0] == "{" and text[len(text) - 1] == "}":
        body = text[1:len(text) - 1]
    elif text.startswith("urn:uuid:"):
        body = text[9:]
    for position, character in enumerate(body, 1 + text.index(body)):
        if character not in HEX_OR_HYPHEN:
            return (
                "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], "
                f"found `{character}` at {position}"
            )
    groups = body.split("-")
    if len(groups) == 1 and body is text:
        return f"invalid length: expected length 32 for simple format, found {len(text)}"
    if len(groups) != 5:
        return f"invalid group count: expected 5, found {len(groups)}"
    for group, digits in enumerate(groups):
        if len(digits) != GROUP_DIGITS[group]:
            break
    return f"invalid group length in group {group}: expected {GROUP_DIGITS[group]}, found {len(digits)}"


cdef int64_t _checked_ms(int64_t unix_ms) except -1:
    if not 0 <= unix_ms <= MAX_UNIX_MS:
        raise ValueError(f"unix_ms is {unix_ms}, expected 0 to {MAX_UNIX_MS}")
    return unix_ms


cdef int64_t _now_ms() noexcept:
    cdef timespec now
    clock_gettime(CLOCK_REALTIME, &now)
    return <int64_t>now.tv_sec * 1000 + now.tv_nsec // 1000000


@cython.final
@cython.auto_pickle(False)
cdef class Generator:
    # Within one millisecond `rand_b` counts up by random steps of at most 2**32 (RFC 9562, 6.2, method 2); it starts in
    # its lower half, so it lasts for 2**29 ids. Should it run out, the next millisecond is used before its time.
    cdef int64_t _unix_ms
    cdef uint64_t _rand_a
    cdef uint64_t _rand_b
    cdef bytes _pool
    cdef Py_ssize_t _used

    def __cinit__(self):
        self._unix_ms = -1
        self.reseed()

    cdef uint64_t _random(self) except? 1:
        cdef uint64_t word
        if self._used + 8 > PyBytes_GET_SIZE(self._pool):
            self._pool = os.urandom(POOL_BYTES)
            self._used = 0
        memcpy(&word, PyBytes_AS_STRING(self._pool) + self._used, 8)
        self._used += 8
        return word

    cdef int _start(self, int64_t unix_ms) except -1:
        self._rand_a = self._random() & RAND_A
        self._rand_b = self._random() & (RAND_B >> 1)
        self._unix_ms = unix_ms
        return 0

    cdef str _new(self, int64_t unix_ms):
        cdef uint64_t step
        with cython.critical_section(self):
            if unix_ms > self._unix_ms:
                self._start(unix_ms)
            else:
                step = 1 + (self._random() & 0xFFFFFFFF)
                if step > RAND_B - self._rand_b:
                    self._start(self._unix_ms + 1)
                else:
                    self._rand_b += step
            return _assemble(self._unix_ms, self._rand_a, self._rand_b)

    cdef str _new_at(self, int64_t unix_ms):
        with cython.critical_section(self):
            return _assemble(unix_ms, self._random() & RAND_A, self._random() & RAND_B)

    # Public API

    def new(self, int64_t unix_ms):
        return self._new(_checked_ms(unix_ms))

    def reseed(self):
        # An exhausted counter makes the next id start afresh, and above every id before.
        with cython.critical_section(self):
            self._rand_b = RAND_B
            self._pool = b""
            self._used = 0


cdef Generator _process_ids = Generator()
os.register_at_fork(after_in_child=_process_ids.reseed)


# Public API


def new():
    return _process_ids._new(_now_ms())


def new_at(int64_t unix_ms):
    return _process_ids._new_at(_checked_ms(unix_ms))


def parse(str text not None):
    cdef uint8_t[16] raw
    read(text, &raw[0])
    return _canonical(&raw[0])


def version(str text not None):
    cdef uint8_t[16] raw
    read(text, &raw[0])
    return raw[6] >> 4


def unix_ms(str text not None):
    cdef uint8_t[16] raw
    cdef uint64_t milliseconds = 0
    cdef int i
    read(text, &raw[0])
    for i in range(6):
        milliseconds = milliseconds << 8 | raw[i]
    return milliseconds


def to_bytes(str text not None):
    cdef uint8_t[16] raw
    read(text, &raw[0])
    return PyBytes_FromStringAndSize(<const char *>&raw[0], 16)
