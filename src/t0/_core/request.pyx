"""What a JSON decoder does not check of a request body: how deep it nests, and where an error is."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memchr


cdef const char *_skip_string(const char *start, const char *end) noexcept:
    # `start` is behind the opening quote; the result is behind the closing one, or `end`.
    cdef const char *quote = start
    cdef const char *at
    while True:
        quote = <const char *>memchr(quote, c'"', end - quote)
        if quote == NULL:
            return end
        at = quote
        while at > start and (at - 1)[0] == c'\\':
            at -= 1
        quote += 1
        if (quote - at) & 1:  # the quote itself and an even number of backslashes
            return quote


cdef const char *_find_excess(const char *at, const char *end, Py_ssize_t max_depth) noexcept:
    # The bracket that nests too deep, or NULL. Text behind the first value is the decoder's to refuse.
    cdef Py_ssize_t depth = 0
    cdef char folded
    while at < end:
        if at[0] == c'"':
            at = _skip_string(at + 1, end)
            continue
        folded = at[0] | 0x20  # `[` and `{` differ by this bit only, and so do `]` and `}`
        if folded == c'{':
            depth += 1
            if depth > max_depth:
                return at
        elif folded == c'}':
            depth -= 1
            if depth <= 0:
                return NULL
        at += 1
    return NULL


# Public API


def check(bytes body not None, Py_ssize_t max_depth=127):
    cdef const char *start = PyBytes_AS_STRING(body)
    cdef const char *excess = _find_excess(start, start + PyBytes_GET_SIZE(body), max_depth)
    if excess != NULL:
        line, column = line_and_column(body, excess - start + 1)
        raise ValueError(f"recursion limit exceeded at line {line} column {column}")


def line_and_column(bytes body not None, Py_ssize_t offset):
    if not 0 <= offset <= len(body):
        raise ValueError(f"offset is {offset}, expected 0 to {len(body)}")
    return body.count(b"\n", 0, offset) + 1, offset - body.rfind(b"\n", 0, offset) - 1
