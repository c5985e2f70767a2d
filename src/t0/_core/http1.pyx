"""HTTP/1.1: strict parsing of requests and answers, encoding of request heads (RFC 9112). No I/O.

A message is read line by line up to its body, so that a split anywhere gives what the whole gives; what is left of a
line waits in `tail` for the next buffer. Body bytes are never kept: `feed` hands them out.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memchr, memcmp, memcpy

from t0.errors import MalformedRequest, MalformedResponse, UnsendableRequest

ctypedef unsigned char byte

cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    byte* PyUnicode_1BYTE_DATA(object text)
    str PyUnicode_DecodeLatin1(const char* data, Py_ssize_t size, const char* errors)
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL

cdef enum:
    MAX_FIELDS = 256
    MAX_CHUNK_LINE = 4096
    # Lengths beyond these digits are absurd, and could overflow.
    MAX_DECIMAL_DIGITS = 18
    MAX_HEX_DIGITS = 15
    MAX_DECIMAL_TEXT = 20

cdef enum State:
    FIRST_LINE
    FIELD_LINE
    FIXED_BODY
    CHUNK_LINE
    CHUNK_DATA
    CHUNK_END
    TRAILER_LINE
    UNTIL_CLOSE
    DONE

# TOKEN maps the characters of a field name to their lower case, all others to 0; VALUE holds 1 for those of a field
# value (RFC 9110 5.5); TARGET for those of a request target; HEX the digit's value, or 255.
cdef byte[256] TOKEN
cdef byte[256] VALUE
cdef byte[256] TARGET
cdef byte[256] HEX


cdef int fill_tables() except -1:
    cdef int c
    for c in range(256):
        TOKEN[c] = ord(chr(c).lower()) if c < 128 and (chr(c).isalnum() or chr(c) in "!#$%&'*+-.^_`|~") else 0
        VALUE[c] = c == 9 or (c >= 32 and c != 127)
        TARGET[c] = 33 <= c <= 126
        HEX[c] = int(chr(c), 16) if chr(c) in "0123456789abcdefABCDEF" else 255
    return 0


fill_tables()


cdef inline bint is_blank(char c) noexcept:
    return c == 32 or c == 9


cdef inline bint equals(const char* text, Py_ssize_t n, const char* lower, Py_ssize_t m) noexcept:
    """Whether `text`, in any case, is the token `lower`."""
    cdef Py_ssize_t i
    if n != m:
        return False
    for i in range(n):
        if TOKEN[<byte>text[i]] != <byte>lower[i]:
            return False
    return True


cdef inline void lower_token(byte* out, const char* text, Py_ssize_t n) noexcept:
    """Writes the `n` characters of a token in lower case."""
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = TOKEN[<byte>text[i]]


cdef bytes piece(bytes buffer, Py_ssize_t start, Py_ssize_t size):
    """A part of `buffer`, or `buffer` itself where that is all of it."""
    if size == len(buffer):
        return buffer
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(buffer) + start, size)


cdef Py_ssize_t first_outside(const byte* table, const char* text, Py_ssize_t n) noexcept:
    """The position of the first character that is not in `table`, or -1."""
    cdef Py_ssize_t i
    for i in range(n):
        if not table[<byte>text[i]]:
            return i
    return -1


cdef class MessageParser:
    """What requests and answers have in common: lines, fields, framing, bodies.

    A subclass reads the first line, keeps the fields, and says what follows the head.
    """

    cdef readonly bint has_head
    cdef readonly bint complete
    cdef readonly bint reusable
    cdef readonly bint minor        # HTTP/1.x

    cdef State state
    cdef bytes tail
    cdef Py_ssize_t offset          # of the buffer's first byte in the message
    cdef Py_ssize_t max_head_bytes
    cdef Py_ssize_t head_bytes      # of all heads so far: interim answers count as well; of the trailers, when in them
    cdef int fields
    cdef bint chunked
    cdef bint closes
    cdef bint keeps_alive
    cdef long long length           # Content-Length, or -1
    cdef long long left             # of the body or of the chunk

    def __cinit__(self, Py_ssize_t max_head_bytes):
        self.max_head_bytes = max_head_bytes

    cdef int fail(self, Py_ssize_t position, str what, int status=400) except -1:
        """Raises the error of the kind of message; `status` is what the sender of a request is told."""
        raise NotImplementedError

    cdef int check_first_line(self, const char* data, Py_ssize_t start, Py_ssize_t n) except -1:
        """Refuses at once what cannot become a first line: its end may never come."""
        raise NotImplementedError

    cdef int on_first_line(self, const char* data, Py_ssize_t start, Py_ssize_t end) except -1:
        raise NotImplementedError

    cdef int add_field(
        self, const char* data, Py_ssize_t start, Py_ssize_t name_end, Py_ssize_t first, Py_ssize_t last
    ) except -1:
        """Keeps a field, whose name and value lie between these positions."""
        raise NotImplementedError

    cdef int on_head_complete(self, Py_ssize_t position) except -1:
        raise NotImplementedError

    cdef int on_surplus(self, bytes buffer, Py_ssize_t position) except -1:
        """Bytes follow the end of the message."""
        raise NotImplementedError

    cdef int begin(self) except -1:
        self.tail = b""
        self.offset = 0
        self.head_bytes = 0
        self.complete = False
        self.reusable = False
        self.begin_head()
        return 0

    cdef int begin_head(self) except -1:
        self.state = FIRST_LINE
        self.has_head = False
        self.fields = 0
        self.chunked = self.closes = self.keeps_alive = False
        self.length = -1
        return 0

    cdef void finish(self) noexcept:
        self.state = DONE
        self.complete = True
        self.reusable = not self.closes and (self.minor or self.keeps_alive)

    cdef Py_ssize_t line_end(self, const char* data, Py_ssize_t start, Py_ssize_t n, Py_ssize_t limit) except -2:
        """The position of the line's CR, or -1 when the line goes on beyond the buffer."""
        cdef const char* lf = <const char*>memchr(data + start, c"\n", n - start)
        cdef Py_ssize_t end = lf - data if lf != NULL else n
        if end - start >= limit:
            if self.state == CHUNK_END:
                self.fail(start, "a chunk goes on beyond its size")
            self.fail(start, "a line or section is longer than the limit", 431)
        if lf == NULL:
            return -1
        if end == start or data[end - 1] != c"\r":
            self.fail(end, "a line ends without CR")
        return end - 1

    cdef int on_line(self, const char* data, Py_ssize_t start, Py_ssize_t end) except -1:
        if self.state == FIRST_LINE:
            self.on_first_line(data, start, end)
        elif self.state == CHUNK_LINE:
            self.on_chunk_line(data, start, end)
        elif self.state == CHUNK_END:
            self.state = CHUNK_LINE
        elif end > start:
            self.on_field(data, start, end)
        elif self.state == TRAILER_LINE:
            self.finish()
        else:
            self.on_head_complete(start)
        return 0

    cdef int on_field(self, const char* data, Py_ssize_t start, Py_ssize_t end) except -1:
        cdef const char* colon = <const char*>memchr(data + start, c":", end - start)
        cdef Py_ssize_t name_end, first, last, bad
        self.fields += 1
        if self.fields > MAX_FIELDS:
            self.fail(start, f"there are more than {MAX_FIELDS} fields", 431)
        if is_blank(data[start]):
            self.fail(start, "a field is folded over several lines")
        if colon == NULL or colon == data + start:
            self.fail(start, "a field has no name")
        name_end = colon - data
        bad = first_outside(TOKEN, data + start, name_end - start)
        if bad >= 0:
            self.fail(start + bad, "a field name holds an invalid character")
        first, last = name_end + 1, end
        bad = first_outside(VALUE, data + first, last - first)
        if bad >= 0:
            self.fail(first + bad, "a field value holds a control character")
        while first < last and is_blank(data[first]):
            first += 1
        while first < last and is_blank(data[last - 1]):
            last -= 1
        if self.state == FIELD_LINE:
            self.add_field(data, start, name_end, first, last)
        return 0

    cdef int on_content_length(self, const char* data, Py_ssize_t first, Py_ssize_t last) except -1:
        """One length, or a list of equal ones (RFC 9112 6.3)."""
        cdef Py_ssize_t i = first, digits
        cdef long long length
        while True:
            while i < last and is_blank(data[i]):
                i += 1
            length, digits = 0, 0
            while i < last and c"0" <= data[i] <= c"9":
                if digits < MAX_DECIMAL_DIGITS:
                    length = length * 10 + (data[i] - c"0")
                digits += 1
                i += 1
            while i < last and is_blank(data[i]):
                i += 1
            if digits == 0 or digits > MAX_DECIMAL_DIGITS or (i < last and data[i] != c","):
                self.fail(first, "`content-length` is not a length")
            if self.length >= 0 and self.length != length:
                self.fail(first, "`content-length` is given twice and differs")
            self.length = length
            if i == last:
                return 0
            i += 1

    cdef int on_transfer_encoding(self, const char* data, Py_ssize_t first, Py_ssize_t last) except -1:
        if self.chunked or not equals(data + first, last - first, "chunked", 7):
            self.fail(first, "`transfer-encoding` is not `chunked`", 501)
        self.chunked = True
        return 0

    cdef int on_framing_field(
        self, const char* data, Py_ssize_t start, Py_ssize_t name_end, Py_ssize_t first, Py_ssize_t last
    ) except -1:
        """Reads the fields that frame the message."""
        cdef Py_ssize_t n = name_end - start
        if n == 14 and equals(data + start, n, "content-length", 14):
            self.on_content_length(data, first, last)
        elif n == 17 and equals(data + start, n, "transfer-encoding", 17):
            self.on_transfer_encoding(data, first, last)
        elif n == 10 and equals(data + start, n, "connection", 10):
            self.on_connection(data, first, last)
        return 0

    cdef int check_framing(self, Py_ssize_t position) except -1:
        if self.chunked and self.length >= 0:
            self.fail(position, "`content-length` and `transfer-encoding` are both given")
        if self.chunked and not self.minor:
            self.fail(position, "`transfer-encoding` is given in HTTP/1.0")
        return 0

    cdef int on_connection(self, const char* data, Py_ssize_t first, Py_ssize_t last) except -1:
        cdef Py_ssize_t i = first, start, end
        while i < last:
            while i < last and (is_blank(data[i]) or data[i] == c","):
                i += 1
            start = i
            while i < last and data[i] != c",":
                i += 1
            end = i
            while end > start and is_blank(data[end - 1]):
                end -= 1
            if equals(data + start, end - start, "close", 5):
                self.closes = True
            elif equals(data + start, end - start, "keep-alive", 10):
                self.keeps_alive = True
        return 0

    cdef int on_chunk_line(self, const char* data, Py_ssize_t start, Py_ssize_t end) except -1:
        """Extensions are checked for control characters and dropped."""
        cdef Py_ssize_t i = start, bad
        self.left = 0
        while i < end and HEX[<byte>data[i]] != 255:
            if i - start >= MAX_HEX_DIGITS:
                self.fail(i, "the chunk size is absurd")
            self.left = self.left * 16 + HEX[<byte>data[i]]
            i += 1
        if i == start:
            self.fail(i, "a chunk has no size")
        bad = first_outside(VALUE, data + i, end - i)
        if bad >= 0:
            self.fail(i + bad, "a chunk extension holds a control character")
        while i < end and is_blank(data[i]):
            i += 1
        if i < end and data[i] != c";":
            self.fail(i, "a chunk size is followed by neither `;` nor the line's end")
        if self.left > 0:
            self.state = CHUNK_DATA
        else:
            self.state = TRAILER_LINE
            self.head_bytes = 0
            self.fields = 0
        return 0

    cdef Py_ssize_t line_limit(self) noexcept:
        if self.state == CHUNK_LINE:
            return MAX_CHUNK_LINE
        if self.state == CHUNK_END:
            return 2
        return self.max_head_bytes - self.head_bytes

    cdef Py_ssize_t read_lines(self, bytes buffer, Py_ssize_t position, Py_ssize_t n) except -1:
        """Reads lines until body bytes, the message's end or the buffer's end come; gives the position after them."""
        cdef const char* data = PyBytes_AS_STRING(buffer)
        cdef Py_ssize_t end
        while position < n and self.state not in (FIXED_BODY, CHUNK_DATA, UNTIL_CLOSE, DONE):
            if self.state == FIRST_LINE:
                self.check_first_line(data, position, n)
            end = self.line_end(data, position, n, self.line_limit())
            if end < 0:
                self.tail = buffer[position:]
                return n
            if self.state in (FIRST_LINE, FIELD_LINE, TRAILER_LINE):
                self.head_bytes += end + 2 - position
            self.on_line(data, position, end)
            position = end + 2
        return position

    cdef Py_ssize_t body_run(self, Py_ssize_t available) noexcept:
        """How many of the bytes at hand belong to the body or the chunk; they count as taken."""
        cdef Py_ssize_t taken = available
        if self.state == UNTIL_CLOSE:
            return taken
        if self.left < taken:
            taken = <Py_ssize_t>self.left
        self.left -= taken
        if self.left == 0:
            if self.state == CHUNK_DATA:
                self.state = CHUNK_END
            else:
                self.finish()
        return taken

    cdef bytes read_chunks(self, bytes buffer, Py_ssize_t first, Py_ssize_t first_size, Py_ssize_t n):
        """The data of a run of chunks, joined; its first piece has been found already."""
        cdef const char* data = PyBytes_AS_STRING(buffer)
        cdef Py_ssize_t position = self.read_lines(buffer, first + first_size, n)
        cdef Py_ssize_t size = first_size, taken
        cdef char* joined
        if self.state != CHUNK_DATA or position >= n:
            self.check_surplus(buffer, position, n)
            return piece(buffer, first, first_size)
        joined = <char*>PyMem_Malloc(n - first)
        if joined == NULL:
            raise MemoryError
        try:
            memcpy(joined, data + first, first_size)
            while self.state == CHUNK_DATA and position < n:
                taken = self.body_run(n - position)
                memcpy(joined + size, data + position, taken)
                size += taken
                position = self.read_lines(buffer, position + taken, n)
            self.check_surplus(buffer, position, n)
            return PyBytes_FromStringAndSize(joined, size)
        finally:
            PyMem_Free(joined)

    cdef int check_surplus(self, bytes buffer, Py_ssize_t position, Py_ssize_t n) except -1:
        if self.complete and position < n:
            self.on_surplus(buffer, position)
        return 0

    # -- Public API --------------------------------------------------------------------------------------------------

    def feed(self, bytes data not None):
        cdef bytes buffer = data
        cdef Py_ssize_t waiting = len(self.tail), n, position, taken
        cdef bytes body = b""
        if waiting:
            buffer = self.tail + data
            self.tail = b""
        n = len(buffer)
        position = self.read_lines(buffer, 0, n)
        if position < n and self.state != DONE:
            if self.state == CHUNK_DATA:
                taken = self.body_run(n - position)
                body = self.read_chunks(buffer, position, taken, n)
            else:
                taken = self.body_run(n - position)
                body = piece(buffer, position, taken)
                self.check_surplus(buffer, position + taken, n)
        else:
            self.check_surplus(buffer, position, n)
        self.offset += n - len(self.tail)
        return body


@cython.final
cdef class ResponseParser(MessageParser):
    cdef readonly int status
    cdef readonly dict headers
    cdef bint to_head

    def __cinit__(self, Py_ssize_t max_head_bytes):
        self.begin()

    cdef int fail(self, Py_ssize_t position, str what, int status=400) except -1:
        raise MalformedResponse(f"{what}, at byte {self.offset + position}")

    cdef int begin_head(self) except -1:
        MessageParser.begin_head(self)
        self.status = 0
        self.headers = {}
        return 0

    cdef int check_first_line(self, const char* data, Py_ssize_t start, Py_ssize_t n) except -1:
        cdef const char* expected = "HTTP/1."
        cdef Py_ssize_t i
        for i in range(min(n - start, 7)):
            if data[start + i] != expected[i]:
                self.fail(start + i, "the answer does not begin with `HTTP/1.`")
        return 0

    cdef int on_first_line(self, const char* data, Py_ssize_t start, Py_ssize_t end) except -1:
        cdef const char* line = data + start
        cdef Py_ssize_t n = end - start, i, bad
        if n < 12 or (line[7] != c"0" and line[7] != c"1") or line[8] != 32 or (n > 12 and line[12] != 32):
            self.fail(start, "the status line is not `HTTP/1.x code reason`")
        self.minor = line[7] == c"1"
        self.status = 0
        for i in range(9, 12):
            if not c"0" <= line[i] <= c"9":
                self.fail(start + i, "the status code is not a number of three digits")
            self.status = self.status * 10 + (line[i] - c"0")
        if self.status < 100:
            self.fail(start + 9, "the status code is below 100")
        bad = first_outside(VALUE, line + 12, n - 12)
        if bad >= 0:
            self.fail(start + 12 + bad, "the reason phrase holds a control character")
        self.state = FIELD_LINE
        return 0

    cdef int add_field(
        self, const char* data, Py_ssize_t start, Py_ssize_t name_end, Py_ssize_t first, Py_ssize_t last
    ) except -1:
        cdef Py_ssize_t n = name_end - start
        cdef object name = PyUnicode_New(n, 127), value, known
        lower_token(PyUnicode_1BYTE_DATA(name), data + start, n)
        value = PyUnicode_DecodeLatin1(data + first, last - first, NULL)
        known = self.headers.get(name)
        self.headers[name] = value if known is None else f"{known}, {value}"
        return self.on_framing_field(data, start, name_end, first, last)

    cdef int on_head_complete(self, Py_ssize_t position) except -1:
        self.check_framing(position)
        if self.status == 101:
            self.fail(position, "the protocol is switched without having been asked to")
        if self.status < 200:
            self.begin_head()
            return 0
        self.has_head = True
        if self.to_head or self.status == 204 or self.status == 304:
            self.finish()
        elif self.chunked:
            self.state = CHUNK_LINE
        elif self.length > 0:
            self.state = FIXED_BODY
            self.left = self.length
        elif self.length == 0:
            self.finish()
        else:
            self.state = UNTIL_CLOSE
            self.closes = True
        return 0

    cdef int on_surplus(self, bytes buffer, Py_ssize_t position) except -1:
        """They belong to nothing that was asked: such a connection is not to be trusted again."""
        self.reusable = False
        return 0

    # -- Public API --------------------------------------------------------------------------------------------------

    def start(self, bint to_head=False):
        self.to_head = to_head
        self.begin()

    def feed_eof(self):
        if self.state == UNTIL_CLOSE:
            self.finish()
        return self.complete


@cython.final
cdef class RequestParser(MessageParser):
    cdef readonly str method
    cdef readonly str target
    cdef readonly list headers
    cdef readonly bint expects_continue
    cdef readonly bytes surplus
    cdef int hosts

    def __cinit__(self, Py_ssize_t max_head_bytes):
        self.begin()

    cdef int fail(self, Py_ssize_t position, str what, int status=400) except -1:
        raise MalformedRequest(f"{what}, at byte {self.offset + position}", status=status)

    cdef int begin_head(self) except -1:
        MessageParser.begin_head(self)
        self.method = self.target = ""
        self.headers = []
        self.expects_continue = False
        self.surplus = b""
        self.hosts = 0
        return 0

    cdef int check_first_line(self, const char* data, Py_ssize_t start, Py_ssize_t n) except -1:
        if not TOKEN[<byte>data[start]] and data[start] != c"\r":
            self.fail(start, "the request does not begin with a method")
        return 0

    cdef int on_first_line(self, const char* data, Py_ssize_t start, Py_ssize_t end) except -1:
        cdef Py_ssize_t target, version, bad
        if start == end:
            # A client may have ended the last body with a line of its own (RFC 9112 2.2).
            return 0
        bad = first_outside(TOKEN, data + start, end - start)
        target = start + bad + 1
        if bad < 0 or data[target - 1] != 32:
            self.fail(start, "the request line is not `method target HTTP/1.x`")
        bad = first_outside(TARGET, data + target, end - target)
        version = target + bad + 1
        if bad <= 0 or data[version - 1] != 32 or end - version != 8 or memcmp(data + version, b"HTTP/", 5) != 0:
            self.fail(start, "the request line is not `method target HTTP/1.x`")
        if memcmp(data + version + 5, b"1.", 2) != 0 or not c"0" <= data[version + 7] <= c"1":
            self.fail(version, "the version is not HTTP/1.0 or HTTP/1.1", 505)
        self.minor = data[version + 7] == c"1"
        self.method = PyUnicode_DecodeLatin1(data + start, target - 1 - start, NULL)
        self.target = PyUnicode_DecodeLatin1(data + target, version - 1 - target, NULL)
        self.state = FIELD_LINE
        return 0

    cdef int add_field(
        self, const char* data, Py_ssize_t start, Py_ssize_t name_end, Py_ssize_t first, Py_ssize_t last
    ) except -1:
        cdef Py_ssize_t n = name_end - start
        cdef bytes name = PyBytes_FromStringAndSize(NULL, n)
        lower_token(<byte*>PyBytes_AS_STRING(name), data + start, n)
        self.headers.append((name, PyBytes_FromStringAndSize(data + first, last - first)))
        if n == 4 and equals(data + start, n, "host", 4):
            self.hosts += 1
        elif n == 6 and self.minor and equals(data + start, n, "expect", 6):
            if not equals(data + first, last - first, "100-continue", 12):
                self.fail(first, "`expect` is not `100-continue`", 417)
            self.expects_continue = True
        return self.on_framing_field(data, start, name_end, first, last)

    cdef int on_head_complete(self, Py_ssize_t position) except -1:
        self.check_framing(position)
        if self.hosts > 1 or (self.minor and self.hosts == 0):
            self.fail(position, "`host` is not given exactly once")
        self.has_head = True
        if self.chunked:
            self.state = CHUNK_LINE
        elif self.length > 0:
            self.state = FIXED_BODY
            self.left = self.length
        else:
            self.finish()
        return 0

    cdef int on_surplus(self, bytes buffer, Py_ssize_t position) except -1:
        self.surplus = buffer[position:]
        return 0

    # -- Public API --------------------------------------------------------------------------------------------------

    def start(self):
        self.begin()


cdef Py_ssize_t text_size(object text) except -1:
    cdef Py_ssize_t n = 0
    PyUnicode_AsUTF8AndSize(text, &n)
    return n


cdef inline char* put_raw(char* out, const char* text, Py_ssize_t n) noexcept:
    memcpy(out, text, n)
    return out + n


cdef char* put(char* out, object text, const byte* allowed, str what, object name) except NULL:
    """Appends `text`, all of whose characters must be in `allowed`; gives the position after it."""
    cdef Py_ssize_t n = 0, bad
    cdef const char* source = PyUnicode_AsUTF8AndSize(text, &n)
    bad = first_outside(allowed, source, n)
    if bad >= 0:
        raise UnsendableRequest(f"{what} `{name}` holds the byte 0x{<byte>source[bad]:02x}, which HTTP forbids there")
    return put_raw(out, source, n)


cdef char* put_field(char* out, object name, object value) except NULL:
    if not name:
        raise UnsendableRequest("A header has no name")
    out = put_raw(put(out, name, TOKEN, "The header name", name), ": ", 2)
    return put_raw(put(out, value, VALUE, "The header", name), "\r\n", 2)


cdef char* put_content_length(char* out, Py_ssize_t value) noexcept:
    cdef char[MAX_DECIMAL_TEXT] digits
    cdef Py_ssize_t i = MAX_DECIMAL_TEXT
    while True:
        i -= 1
        digits[i] = <char>(c"0" + value % 10)
        value //= 10
        if value == 0:
            break
    out = put_raw(out, "content-length: ", 16)
    return put_raw(put_raw(out, digits + i, MAX_DECIMAL_TEXT - i), "\r\n", 2)


cdef bint is_field(object name, str lower) except -1:
    """Whether `name`, in any case, is `lower`. PERF: most names differ in length already."""
    return len(name) == len(lower) and name.lower() == lower


cdef Py_ssize_t head_size(str method, str target, str authority, tuple headers) except -1:
    """An upper bound of the encoded size."""
    cdef Py_ssize_t size = 64 + MAX_DECIMAL_TEXT + text_size(method) + text_size(target) + text_size(authority)
    for name, value in headers:
        size += text_size(name) + text_size(value) + 4
    return size


# -- Public API ------------------------------------------------------------------------------------------------------


def find_field(list headers not None, bytes name not None):
    for field, value in headers:
        if field == name:
            return value
    return None


def has_prefixed_field(list headers not None, bytes prefix not None):
    cdef Py_ssize_t n = len(prefix)
    cdef bytes name
    for name, _ in headers:
        if len(name) >= n and memcmp(PyBytes_AS_STRING(name), PyBytes_AS_STRING(prefix), n) == 0:
            return True
    return False


def encode_head(
    str method not None, str target not None, str authority not None, tuple headers not None, Py_ssize_t body_size
):
    cdef char* start = NULL
    cdef char* out
    cdef bint has_host = False
    try:
        start = <char*>PyMem_Malloc(head_size(method, target, authority, headers))
        if start == NULL:
            raise MemoryError
        if not method or not target:
            raise UnsendableRequest("A request has no method or no target")
        out = put_raw(put(start, method, TOKEN, "The method", method), " ", 1)
        out = put_raw(put(out, target, TARGET, "The target", target), " HTTP/1.1\r\n", 11)
        for name, value in headers:
            if is_field(name, "host"):
                has_host = True
            elif is_field(name, "content-length") or is_field(name, "transfer-encoding"):
                raise UnsendableRequest(f"The header `{name}` cannot be set: it follows from the body")
            out = put_field(out, name, value)
        if not has_host:
            out = put_field(out, "host", authority)
        if body_size > 0 or method not in ("GET", "HEAD", "DELETE"):
            out = put_content_length(out, body_size)
        out = put_raw(out, "\r\n", 2)
        return PyBytes_FromStringAndSize(start, out - start)
    except UnicodeEncodeError as e:
        raise UnsendableRequest("The request's target or a header is not valid Unicode") from e
    finally:
        PyMem_Free(start)
