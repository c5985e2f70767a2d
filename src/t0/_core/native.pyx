"""ClickHouse's Native format: a block of rows, column after column, in the form in which the server holds it."""

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_CheckExact
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from t0._core.uuid7 cimport read as read_uuid

cdef enum Kind:
    TEXT, UUID, BOOL, UINT32, UINT256, FLOAT32, DECIMAL, LIST, MAP

cdef dict KINDS = {
    "String": TEXT,
    "UUID": UUID,
    "Bool": BOOL,
    "UInt32": UINT32,
    "UInt256": UINT256,
    "Float32": FLOAT32,
    "Decimal(18, 9)": DECIMAL,
    "Array(String)": LIST,
    "Map(String, String)": MAP,
}
cdef Py_ssize_t[9] WIDTH = [0, 16, 1, 4, 32, 4, 8, 0, 0]
cdef object DECIMAL_END = 10**18
cdef Py_ssize_t PIECE = 256 * 1024
cdef Py_ssize_t SMALLEST = 4096


cdef inline void _put_little_endian(uint8_t *out, uint64_t number, int width) noexcept:
    cdef int i
    for i in range(width):
        out[i] = <uint8_t>(number >> (8 * i))


@cython.final
@cython.auto_pickle(False)
cdef class _Buffer:
    # Bytes that grow. What was once allocated stays, for the next block. Views of it (`memoryview`) share its memory.
    cdef uint8_t *_data
    cdef Py_ssize_t _size
    cdef Py_ssize_t _capacity
    cdef Py_ssize_t _views

    def __dealloc__(self):
        free(self._data)

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self._data, self._size, True, flags)
        self._views += 1

    def __releasebuffer__(self, Py_buffer *view):
        self._views -= 1

    cdef _Buffer emptied(self):
        # The buffer for the next block: another one while somebody looks at this.
        if self._views:
            return _Buffer()
        self._size = 0
        return self

    cdef uint8_t *room(self, Py_ssize_t size) except NULL:
        # Where the next `size` bytes go; they count once `_size` is raised.
        cdef Py_ssize_t capacity
        cdef void *data
        if self._views:
            raise BufferError("the column is being sent")
        if size > self._capacity - self._size:
            capacity = max(self._size + size, 2 * self._capacity, SMALLEST)
            data = realloc(self._data, capacity)
            if data == NULL:
                raise MemoryError()
            self._data, self._capacity = <uint8_t *>data, capacity
        return self._data + self._size

    cdef int put_varint(self, uint64_t number) except -1:
        # LEB128, as everywhere in the format
        cdef uint8_t *out = self.room(10)
        cdef Py_ssize_t size = 0
        while number >= 0x80:
            out[size] = <uint8_t>(number | 0x80)
            number >>= 7
            size += 1
        out[size] = <uint8_t>number
        self._size += size + 1
        return 0

    cdef bint put_text(self, object value) except -1:
        # Whether the value is text.
        cdef Py_ssize_t size = 0
        cdef const char *chars
        if PyUnicode_CheckExact(value):
            chars = PyUnicode_AsUTF8AndSize(value, &size)
        elif PyBytes_CheckExact(value):
            chars, size = PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)
        else:
            return False
        self.put_varint(size)
        memcpy(self.room(size), chars, size)
        self._size += size
        return True


@cython.final
@cython.auto_pickle(False)
cdef class Column:
    # In the order in which they are sent: which values are null or where the lists end; the values, or the keys of
    # maps; the values of maps.
    cdef str _name
    cdef str _type
    cdef int _kind
    cdef bint _nullable
    cdef _Buffer _layout
    cdef _Buffer _values
    cdef _Buffer _map_values
    cdef Py_ssize_t _rows
    cdef uint64_t _items
    cdef Py_ssize_t[3] _sizes_before
    cdef Py_ssize_t _rows_before
    cdef uint64_t _items_before
    cdef str _hash_text
    cdef bytes _hash

    def __cinit__(self, str name not None, str type not None):
        self._name, self._type = name, type
        self._nullable = type.startswith("Nullable(")
        kind = KINDS.get(type[9:len(type) - 1] if self._nullable else type)
        if kind is None or self._nullable and kind in (LIST, MAP):
            raise ValueError(f"the type of `{name}` is `{type}`, expected Nullable or one of {', '.join(KINDS)}")
        self._kind = kind
        self._layout, self._values, self._map_values = _Buffer(), _Buffer(), _Buffer()

    cdef bint _put(self, object value) except -1:
        # Whether the value is one of the column's.
        cdef bint is_null = value is None
        cdef uint8_t *out
        if self._kind == LIST:
            return type(value) is list and self._put_list(value, None)
        if self._kind == MAP:
            return type(value) is dict and self._put_list(value, value.values())
        if self._nullable:
            self._layout.room(1)[0] = is_null
            self._layout._size += 1
        if self._kind == TEXT:
            return self._values.put_text("" if is_null and self._nullable else value)
        out = self._values.room(WIDTH[self._kind])
        self._values._size += WIDTH[self._kind]
        if is_null and self._nullable:
            memset(out, 0, WIDTH[self._kind])
            return True
        return self._put_fixed(out, value)

    cdef bint _put_list(self, object keys, object values) except -1:
        for key in keys:
            if not self._values.put_text(key):
                return False
            self._items += 1
        if values is not None:
            for value in values:
                if not self._map_values.put_text(value):
                    return False
        _put_little_endian(self._layout.room(8), self._items, 8)
        self._layout._size += 8
        return True

    cdef bint _put_fixed(self, uint8_t *out, object value) except -1:
        if self._kind == UUID:
            return type(value) is str and _put_uuid(out, value)
        if self._kind == BOOL:
            out[0] = value is True
            return type(value) is bool
        if self._kind == UINT32:
            return type(value) is int and _put_uint32(out, value)
        if self._kind == UINT256:
            return type(value) is str and self._put_uint256(out, value)
        if self._kind == DECIMAL:
            return type(value) is str and _put_decimal(out, value)
        return type(value) in (float, int) and _put_float32(out, value)

    cdef bint _put_uint256(self, uint8_t *out, str text) except -1:
        # PERF: the rows of a block mostly have the same one.
        if text != self._hash_text:
            if not (text.isascii() and text.isdecimal()):
                return False
            self._hash = int(text).to_bytes(32, "little")
            self._hash_text = text
        memcpy(out, PyBytes_AS_STRING(self._hash), 32)
        return True

    cdef void _remember(self) noexcept:
        self._sizes_before[0] = self._layout._size
        self._sizes_before[1] = self._values._size
        self._sizes_before[2] = self._map_values._size
        self._rows_before, self._items_before = self._rows, self._items

    cdef void _restore(self) noexcept:
        self._layout._size = self._sizes_before[0]
        self._values._size = self._sizes_before[1]
        self._map_values._size = self._sizes_before[2]
        self._rows, self._items = self._rows_before, self._items_before

    # Public API

    def __len__(self):
        return self._rows

    @property
    def size(self):
        return self._layout._size + self._values._size + self._map_values._size

    def extend(self, list values not None):
        cdef bint fits
        with cython.critical_section(self):
            self._remember()
            try:
                for value in values:
                    try:
                        fits = self._put(value)
                    except (ValueError, OverflowError):
                        fits = False
                    if not fits:
                        raise ValueError(f"`{self._name}` is {value!r:.100}, expected {self._type}")
                    self._rows += 1
            except BaseException:
                self._restore()
                raise

    def undo(self):
        with cython.critical_section(self):
            self._restore()

    def clear(self):
        with cython.critical_section(self):
            self._layout = self._layout.emptied()
            self._values = self._values.emptied()
            self._map_values = self._map_values.emptied()
            self._rows = self._items = 0
            self._remember()

    def pieces(self):
        cdef _Buffer head = _Buffer(), buffer
        cdef Py_ssize_t start
        head.put_text(self._name)
        head.put_text(self._type)
        for buffer in (head, self._layout, self._values, self._map_values):
            if buffer._size:
                view = memoryview(buffer)
                for start in range(0, buffer._size, PIECE):
                    yield view[start:start + PIECE]


cdef bint _put_uuid(uint8_t *out, str text) except -1:
    # Two words of 64 bits, the more significant one first, each of them in little endian.
    cdef uint8_t[16] raw
    cdef int i
    read_uuid(text, &raw[0])
    for i in range(8):
        out[i] = raw[7 - i]
        out[8 + i] = raw[15 - i]
    return True


cdef bint _put_uint32(uint8_t *out, int64_t number) except -1:
    _put_little_endian(out, <uint64_t>number, 4)
    return 0 <= number <= 0xFFFFFFFF


cdef bint _put_decimal(uint8_t *out, str text) except -1:
    # As a whole number of the ninth digits after the point.
    whole, _, fraction = text.partition(".")
    digits = whole.removeprefix("-") + fraction
    if len(fraction) != 9 or len(digits) < 10 or not (digits.isascii() and digits.isdecimal()):
        return False
    number = int(whole + fraction)
    if not -DECIMAL_END < number < DECIMAL_END:
        return False
    _put_little_endian(out, <uint64_t><int64_t>number, 8)
    return True


cdef bint _put_float32(uint8_t *out, double number) except -1:
    cdef float rounded = <float>number
    cdef uint32_t bits
    memcpy(&bits, &rounded, 4)
    _put_little_endian(out, bits, 4)
    return True


def head(Py_ssize_t columns, Py_ssize_t rows):
    cdef _Buffer out = _Buffer()
    if columns < 0 or rows < 0:
        raise ValueError(f"columns is {columns} and rows is {rows}, expected at least 0")
    out.put_varint(columns)
    out.put_varint(rows)
    return PyBytes_FromStringAndSize(<char *>out._data, out._size)
