"""The deterministic draw of a variant: SHA-256 of function and episode, and the two ways to pick with it."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.math cimport INFINITY
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from t0._core.uuid7 import to_bytes

cdef double TWO_32 = 4294967296.0

# FIPS 180-4, 4.2.2 and 5.3.3.
cdef uint32_t[64] ROUND_CONSTANTS = [
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
]
cdef uint32_t[8] INITIAL_STATE = [
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
]


cdef inline uint32_t _rotate(uint32_t word, int bits) noexcept nogil:
    return word >> bits | word << (32 - bits)


cdef inline uint32_t _read_big_endian(const uint8_t *at) noexcept nogil:
    return <uint32_t>at[0] << 24 | <uint32_t>at[1] << 16 | <uint32_t>at[2] << 8 | at[3]


cdef void _expand(const uint8_t *block, uint32_t *schedule) noexcept nogil:
    cdef uint32_t early, late
    cdef int i
    for i in range(16):
        schedule[i] = _read_big_endian(block + 4 * i)
    for i in range(16, 64):
        early, late = schedule[i - 15], schedule[i - 2]
        schedule[i] = (
            schedule[i - 16]
            + (_rotate(early, 7) ^ _rotate(early, 18) ^ early >> 3)
            + schedule[i - 7]
            + (_rotate(late, 17) ^ _rotate(late, 19) ^ late >> 10)
        )


cdef void _compress(uint32_t *state, const uint8_t *block) noexcept nogil:
    cdef uint32_t[64] schedule
    cdef uint32_t a = state[0], b = state[1], c = state[2], d = state[3]
    cdef uint32_t e = state[4], f = state[5], g = state[6], h = state[7]
    cdef uint32_t first, second
    cdef int i
    _expand(block, &schedule[0])
    for i in range(64):
        first = (
            h
            + (_rotate(e, 6) ^ _rotate(e, 11) ^ _rotate(e, 25))
            + (e & f ^ ~e & g)
            + ROUND_CONSTANTS[i]
            + schedule[i]
        )
        second = (_rotate(a, 2) ^ _rotate(a, 13) ^ _rotate(a, 22)) + (a & b ^ a & c ^ b & c)
        h, g, f, e = g, f, e, d + first
        d, c, b, a = c, b, a, first + second
    state[0] += a
    state[1] += b
    state[2] += c
    state[3] += d
    state[4] += e
    state[5] += f
    state[6] += g
    state[7] += h


cdef uint32_t _first_word(const uint8_t *name, Py_ssize_t name_size, const uint8_t *episode) noexcept nogil:
    # The first four bytes of SHA-256(name ‖ episode). What remains of the name, the episode, the end mark and the
    # length need at most 63 + 16 + 1 + 8 bytes: two blocks.
    cdef uint32_t[8] state
    cdef uint8_t[128] tail
    cdef uint64_t bits = <uint64_t>(name_size + 16) * 8
    cdef Py_ssize_t rest = name_size % 64
    cdef Py_ssize_t whole = name_size - rest
    cdef Py_ssize_t tail_size = 64 if rest + 16 + 9 <= 64 else 128
    cdef Py_ssize_t i
    memcpy(&state[0], &INITIAL_STATE[0], sizeof(state))
    for i in range(0, whole, 64):
        _compress(&state[0], name + i)
    memset(&tail[0], 0, sizeof(tail))
    memcpy(&tail[0], name + whole, rest)
    memcpy(&tail[rest], episode, 16)
    tail[rest + 16] = 0x80
    for i in range(8):
        tail[tail_size - 1 - i] = <uint8_t>(bits >> (8 * i))
    for i in range(0, tail_size, 64):
        _compress(&state[0], &tail[i])
    return state[0]


cdef int _check_draw(double u) except -1:
    if not 0.0 <= u < 1.0:
        raise ValueError(f"u is {u}, expected at least 0 and less than 1")
    return 0


# Public API


def uniform(str function_name not None, str episode_id not None):
    cdef Py_ssize_t size = 0
    cdef const char *name = PyUnicode_AsUTF8AndSize(function_name, &size)
    cdef bytes episode = to_bytes(episode_id)
    return _first_word(<const uint8_t *>name, size, <const uint8_t *>PyBytes_AS_STRING(episode)) / TWO_32


def pick_uniform(double u, Py_ssize_t n):
    _check_draw(u)
    if n < 1:
        raise ValueError(f"n is {n}, expected at least 1")
    return min(<Py_ssize_t>(u * n), n - 1)


def pick_weighted(double u, weights):
    cdef double total = 0.0, reached = 0.0, weight
    cdef Py_ssize_t last = -1, index
    _check_draw(u)
    for index, weight in enumerate(weights):
        if not 0.0 <= weight < INFINITY:
            raise ValueError(f"weights[{index}] is {weight}, expected a finite number of at least 0")
        total += weight
    for index, weight in enumerate(weights):
        if weight == 0.0:
            continue
        last = index
        reached += weight
        if reached > u * total:
            return index
    return last
