from libc.stdint cimport uint8_t

# The 16 bytes of a UUID, most significant first. Raises ValueError as `parse` does.
cdef int read(str text, uint8_t *raw) except -1
