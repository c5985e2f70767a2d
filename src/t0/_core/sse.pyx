"""Server-sent events (WHATWG HTML, 9.2): an incremental parser for the data of events, and their encoder."""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyByteArray_Resize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memchr, memcmp, memcpy

DEFAULT_MAX_EVENT_BYTES = 64 * 1024 * 1024


cdef inline const char *_find(const char *start, const char *end, char byte) noexcept:
    # The first `byte`, or `end`.
    cdef const char *found = <const char *>memchr(start, byte, end - start)
    return end if found == NULL else found


@cython.final
@cython.auto_pickle(False)
cdef class Parser:
    cdef Py_ssize_t _max_event_bytes
    cdef bytearray _partial  # the beginning of a line whose end has not come
    cdef list _data  # the data lines of the event that is open
    cdef Py_ssize_t _data_size
    cdef bint _at_start
    cdef bint _after_cr

    def __cinit__(self):
        self._max_event_bytes = DEFAULT_MAX_EVENT_BYTES
        self._partial = bytearray()
        self._data = []
        self._data_size = 0
        self._at_start = True
        self._after_cr = False

    def __init__(self, Py_ssize_t max_event_bytes=DEFAULT_MAX_EVENT_BYTES):
        self._max_event_bytes = max_event_bytes

    cdef int _check(self, Py_ssize_t size) except -1:
        if size > self._max_event_bytes:
            raise ValueError(f"an event has more than {self._max_event_bytes} bytes")
        return 0

    cdef int _keep(self, const char *start, const char *end) except -1:
        cdef Py_ssize_t kept = PyByteArray_GET_SIZE(self._partial)
        self._check(kept + (end - start))
        PyByteArray_Resize(self._partial, kept + (end - start))
        memcpy(PyByteArray_AS_STRING(self._partial) + kept, start, end - start)
        return 0

    cdef int _on_partial_end(self, list events) except -1:
        cdef bytearray line = self._partial
        cdef const char *start = PyByteArray_AS_STRING(line)
        self._partial = bytearray()
        return self._on_line(start, start + PyByteArray_GET_SIZE(line), events)

    cdef int _on_line(self, const char *start, const char *end, list events) except -1:
        self._check(end - start)
        if self._at_start:
            self._at_start = False
            if end - start >= 3 and memcmp(start, b"\xef\xbb\xbf", 3) == 0:
                start += 3
        if start == end:
            return self._on_blank_line(events)
        if end - start >= 4 and memcmp(start, b"data", 4) == 0:
            if end - start == 4:
                return self._on_data(end, end)
            if start[4] == c':':
                return self._on_data(start + 5, end)
        return 0

    cdef int _on_data(self, const char *start, const char *end) except -1:
        if start < end and start[0] == c' ':
            start += 1
        self._data_size += end - start + (1 if self._data else 0)
        self._check(self._data_size)
        self._data.append(PyBytes_FromStringAndSize(start, end - start))
        return 0

    cdef int _on_blank_line(self, list events) except -1:
        if not self._data:
            return 0
        events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
        self._data.clear()
        self._data_size = 0
        return 0

    cdef int _on_bytes(self, const char *start, const char *end, list events) except -1:
        # PERF: a chunk is searched once for CR and once for LF, however many lines it has, and the one data line of an
        # event is copied once, into its payload (bench/kernels/test_sse.py).
        cdef const char *cr = _find(start, end, c'\r')
        cdef const char *line_end
        while start < end:
            if cr < start:
                cr = _find(start, end, c'\r')
            line_end = _find(start, cr, c'\n')
            if line_end == end:
                return self._keep(start, end)
            if PyByteArray_GET_SIZE(self._partial):
                self._keep(start, line_end)
                self._on_partial_end(events)
            else:
                self._on_line(start, line_end, events)
            start = line_end + 1
            if line_end == cr:
                if start == end:
                    self._after_cr = True
                elif start[0] == c'\n':
                    start += 1
        return 0

    # Public API

    def feed(self, bytes data not None):
        cdef list events = []
        cdef const char *start = PyBytes_AS_STRING(data)
        cdef const char *end = start + PyBytes_GET_SIZE(data)
        if self._after_cr and start < end:
            self._after_cr = False
            if start[0] == c'\n':
                start += 1
        self._on_bytes(start, end, events)
        return events

    def end(self):
        cdef list events = []
        if PyByteArray_GET_SIZE(self._partial):
            self._on_partial_end(events)
        self._on_blank_line(events)
        return events


def encode(list payloads not None):
    cdef Py_ssize_t size = 0
    cdef bytes payload, result
    cdef char *out
    for payload in payloads:
        if b"\n" in payload or b"\r" in payload:
            raise ValueError(f"an event's payload is {payload!r}, expected one line")
        size += PyBytes_GET_SIZE(payload) + 8
    result = PyBytes_FromStringAndSize(NULL, size)
    out = PyBytes_AS_STRING(result)
    for payload in payloads:
        memcpy(out, b"data: ", 6)
        memcpy(out + 6, PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        out += PyBytes_GET_SIZE(payload) + 6
        memcpy(out, b"\n\n", 2)
        out += 2
    return result
