"""The key of a cached model call: a canonical byte form of plain values, and its hash.

Every value is a tag, then either a fixed number of bytes or a count and what it counts, so no byte string is the form
of two values and none is the beginning of another:

    N T F            None, True, False
    i 8 bytes        an int of 64 bits, two's complement
    I count bytes    a longer int, two's complement
    d 8 bytes        a float, IEEE 754
    s count bytes    a str in UTF-8
    b count bytes    bytes
    l count values   a list or tuple
    m count pairs    a dict: key (as `s`), value; by key

Numbers are little-endian; a count is written in groups of 7 bits, the lowest first, the high bit set in all but the
last.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from xxhash import xxh3_128_hexdigest

cdef enum:
    INLINE_BYTES = 1024
    MAX_COUNT_BYTES = 10
    MAX_DEPTH = 512

cdef uint64_t FIRST_SEED = 0
cdef uint64_t SECOND_SEED = <uint64_t>0x9E3779B97F4A7C15


@cython.final
@cython.auto_pickle(False)
cdef class _Writer:
    cdef char *_data
    cdef Py_ssize_t _size
    cdef Py_ssize_t _capacity
    cdef int _depth
    cdef char[INLINE_BYTES] _inline

    def __cinit__(self):
        self._data = &self._inline[0]
        self._size = 0
        self._capacity = INLINE_BYTES
        self._depth = 0

    def __dealloc__(self):
        if self._data != &self._inline[0]:
            PyMem_Free(self._data)

    cdef int _grow(self, Py_ssize_t extra) except -1:
        cdef Py_ssize_t capacity = 2 * (self._size + extra)
        cdef bint is_inline = self._data == &self._inline[0]
        cdef char *data = <char *>(PyMem_Malloc(capacity) if is_inline else PyMem_Realloc(self._data, capacity))
        if data == NULL:
            raise MemoryError()
        if is_inline:
            memcpy(data, self._data, self._size)
        self._data = data
        self._capacity = capacity
        return 0

    cdef inline int _reserve(self, Py_ssize_t extra) except -1:
        if self._size + extra > self._capacity:
            self._grow(extra)
        return 0

    cdef inline int _put_tag(self, char tag) except -1:
        self._reserve(1)
        self._data[self._size] = tag
        self._size += 1
        return 0

    cdef int _put_word(self, char tag, uint64_t word) except -1:
        cdef int i
        self._put_tag(tag)
        self._reserve(8)
        for i in range(8):
            self._data[self._size + i] = <char>(word >> (8 * i) & 0xFF)
        self._size += 8
        return 0

    cdef int _put_count(self, char tag, Py_ssize_t count) except -1:
        self._put_tag(tag)
        self._reserve(MAX_COUNT_BYTES)
        while count > 127:
            self._data[self._size] = <char>(count & 127 | 128)
            self._size += 1
            count >>= 7
        self._data[self._size] = <char>count
        self._size += 1
        return 0

    cdef int _put_bytes(self, char tag, const char *data, Py_ssize_t size) except -1:
        self._put_count(tag, size)
        self._reserve(size)
        memcpy(self._data + self._size, data, size)
        self._size += size
        return 0

    cdef int _put_str(self, object value) except -1:
        cdef Py_ssize_t size = 0
        cdef const char *text = PyUnicode_AsUTF8AndSize(value, &size)
        return self._put_bytes(c's', text, size)

    cdef int _put_int(self, object value) except -1:
        cdef int overflow = 0
        cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
        cdef bytes wide
        if not overflow:
            return self._put_word(c'i', <uint64_t>number)
        wide = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return self._put_bytes(c'I', PyBytes_AS_STRING(wide), PyBytes_GET_SIZE(wide))

    cdef int _put_float(self, double value) except -1:
        cdef uint64_t bits
        memcpy(&bits, &value, 8)
        return self._put_word(c'd', bits)

    cdef int _put_items(self, object values) except -1:
        self._enter()
        self._put_count(c'l', len(values))
        for value in values:
            self._put(value)
        self._depth -= 1
        return 0

    cdef int _put_dict(self, dict values) except -1:
        self._enter()
        for key in values:
            if not isinstance(key, str):
                raise TypeError(f"a cache key holds a dict key of type `{type(key).__name__}`, expected `str`")
        self._put_count(c'm', len(values))
        for key in sorted(values):
            self._put_str(key)
            self._put(values[key])
        self._depth -= 1
        return 0

    cdef inline int _enter(self) except -1:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ValueError(f"a cache key is nested deeper than {MAX_DEPTH} levels")
        return 0

    cdef int _put(self, object value) except -1:
        if isinstance(value, str):
            return self._put_str(value)
        if value is None:
            return self._put_tag(c'N')
        if isinstance(value, bool):  # before int, of which it is a subclass
            return self._put_tag(c'T' if value else c'F')
        if isinstance(value, int):
            return self._put_int(value)
        if isinstance(value, float):
            return self._put_float(value)
        if isinstance(value, dict):
            return self._put_dict(value)
        if isinstance(value, (list, tuple)):
            return self._put_items(value)
        if isinstance(value, bytes):
            return self._put_bytes(c'b', PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        kind = type(value).__name__
        raise TypeError(f"a cache key holds a value of type `{kind}`, expected a plain JSON value or bytes")


# Public API


def material(value):
    cdef _Writer writer = _Writer()
    writer._put(value)
    return PyBytes_FromStringAndSize(writer._data, writer._size)


def digest(bytes material not None):
    return xxh3_128_hexdigest(material, FIRST_SEED) + xxh3_128_hexdigest(material, SECOND_SEED)


def short_key(str digest not None):
    if len(digest) != 64:
        raise ValueError(f"digest has {len(digest)} characters, expected 64 hexadecimal digits")
    return int.from_bytes(bytes.fromhex(digest[:16]), "little")
