import pytest

from t0._core.http1 import ResponseParser, encode_head, find_field, has_prefixed_field
from t0.errors import MalformedResponse, UnsendableRequest

LIMIT = 1000


def _answer(data, *, to_head=False, pieces=1, eof=False):
    """`(status, headers, body, complete, reusable)` of an answer that arrives in pieces of a size, 0 for whole."""
    parser = ResponseParser(LIMIT)
    parser.start(to_head)
    size = pieces or len(data)
    body = b"".join(parser.feed(data[i : i + size]) for i in range(0, len(data), size))
    if eof:
        parser.feed_eof()
    return parser.status, parser.headers, body, parser.complete, parser.reusable


def _head(*fields, status="200 OK", version="1.1"):
    return f"HTTP/{version} {status}\r\n".encode() + b"".join(f.encode("latin-1") + b"\r\n" for f in fields) + b"\r\n"


LENGTH_2 = {"content-length": "2"}
CHUNKED = {"transfer-encoding": "chunked"}

ANSWERS = [
    pytest.param(_head("Content-Length: 2") + b"ok", (200, LENGTH_2, b"ok", True, True), id="content-length"),
    pytest.param(_head("Content-Length: 0"), (200, {"content-length": "0"}, b"", True, True), id="empty"),
    pytest.param(_head("Content-Length: 2") + b"o", (200, LENGTH_2, b"o", False, False), id="unfinished"),
    pytest.param(_head("Content-Length: 2", status="200") + b"ok", (200, LENGTH_2, b"ok", True, True), id="no-reason"),
    pytest.param(
        _head("Content-Length: 2", status="599 \xe9\t") + b"ok", (599, LENGTH_2, b"ok", True, True), id="reason"
    ),
    pytest.param(
        _head("Content-Length: 2", "content-length: 2,2 , 2") + b"ok",
        (200, {"content-length": "2, 2,2 , 2"}, b"ok", True, True),
        id="equal-lengths",
    ),
    pytest.param(
        _head("A:1", "a: 1", "B:", "c: \t x y\t ", "d: é", "Content-Length:2") + b"ok",
        (200, {"a": "1, 1", "b": "", "c": "x y", "d": "é", "content-length": "2"}, b"ok", True, True),
        id="fields",
    ),
    pytest.param(
        _head("Transfer-Encoding: Chunked") + b"0\r\n\r\n",
        (200, {"transfer-encoding": "Chunked"}, b"", True, True),
        id="no-chunks",
    ),
    pytest.param(
        _head("transfer-encoding: chunked") + b"2\r\nok\r\n00b\r\nhello world\r\n0\r\n\r\n",
        (200, CHUNKED, b"okhello world", True, True),
        id="chunks",
    ),
    pytest.param(
        _head("transfer-encoding: chunked") + b'A;a=b;c="d"\r\n0123456789\r\n1 \r\n!\r\n000 ;x\r\nt: 1\r\nu: 2\r\n\r\n',
        (200, CHUNKED, b"0123456789!", True, True),
        id="extensions-and-trailers",
    ),
    pytest.param(
        _head("transfer-encoding: chunked") + b"2\r\nok\r\n0\r\n",
        (200, CHUNKED, b"ok", False, False),
        id="no-last-line",
    ),
    pytest.param(
        _head(status="100 Continue") + _head("link: x", status="103 Early Hints") + _head("content-length: 2") + b"ok",
        (200, LENGTH_2, b"ok", True, True),
        id="interim-answers",
    ),
    pytest.param(_head(status="204 No Content"), (204, {}, b"", True, True), id="204"),
    pytest.param(
        _head("content-length: 2", status="204 No Content"), (204, LENGTH_2, b"", True, True), id="204-length"
    ),
    pytest.param(_head("content-length: 2", status="304 Not Modified"), (304, LENGTH_2, b"", True, True), id="304"),
    pytest.param(_head("content-length: 2") + b"okHTTP", (200, LENGTH_2, b"ok", True, False), id="surplus"),
    pytest.param(
        _head("transfer-encoding: chunked") + b"0\r\n\r\n\r\n",
        (200, CHUNKED, b"", True, False),
        id="surplus-after-chunks",
    ),
    pytest.param(
        _head("connection: close", "content-length: 0"),
        (200, {"connection": "close", "content-length": "0"}, b"", True, False),
        id="close",
    ),
    pytest.param(
        _head("connection: x, Close ,y", "content-length: 0"),
        (200, {"connection": "x, Close ,y", "content-length": "0"}, b"", True, False),
        id="close-in-a-list",
    ),
    pytest.param(_head("content-length: 2", version="1.0") + b"ok", (200, LENGTH_2, b"ok", True, False), id="http-1.0"),
    pytest.param(
        _head("connection: Keep-Alive", "content-length: 0", version="1.0"),
        (200, {"connection": "Keep-Alive", "content-length": "0"}, b"", True, True),
        id="http-1.0-keep-alive",
    ),
]


@pytest.mark.parametrize("size", [0, 1, 7])
@pytest.mark.parametrize(("data", "expected"), ANSWERS)
def test_an_answer(data, expected, size):
    assert _answer(data, pieces=size) == expected


@pytest.mark.parametrize("framing", ["content-length: 5", "transfer-encoding: chunked", "x: y"])
def test_an_answer_to_head_has_no_body(framing):
    name, value = framing.split(": ")
    assert _answer(_head(framing), to_head=True) == (200, {name: value}, b"", True, True)


@pytest.mark.parametrize("size", [0, 1])
def test_a_body_without_length_ends_with_the_connection(size):
    data = _head("a: b") + b"all of it"
    assert _answer(data, pieces=size) == (200, {"a": "b"}, b"all of it", False, False)
    assert _answer(data, pieces=size, eof=True) == (200, {"a": "b"}, b"all of it", True, False)


@pytest.mark.parametrize(
    "data",
    [b"", b"HTTP/1.1 200 OK\r\n", _head("content-length: 2") + b"o", _head("transfer-encoding: chunked") + b"0\r\n"],
    ids=["nothing", "head", "content-length", "chunks"],
)
def test_the_end_of_the_connection_completes_nothing_else(data):
    assert _answer(data, eof=True)[3] is False


REFUSED = [
    pytest.param(b"", b"http/1.1 200 OK", "the answer does not begin with `HTTP/1.`", 0, id="lower-case"),
    pytest.param(b"", b"\r\nHTTP/1.1 200 OK\r\n", "the answer does not begin with `HTTP/1.`", 0, id="blank-line-first"),
    pytest.param(b"", b"HTTP/2", "the answer does not begin with `HTTP/1.`", 5, id="http-2"),
    pytest.param(b"", b"HTTP/1.2 200 OK\r\n", "the status line is not `HTTP/1.x code reason`", 0, id="http-1.2"),
    pytest.param(b"", b"HTTP/1.1  200 OK\r\n", "the status line is not `HTTP/1.x code reason`", 0, id="two-spaces"),
    pytest.param(b"", b"HTTP/1.1\t200 OK\r\n", "the status line is not `HTTP/1.x code reason`", 0, id="tab"),
    pytest.param(b"", b"HTTP/1.1 20\r\n", "the status line is not `HTTP/1.x code reason`", 0, id="two-digits"),
    pytest.param(b"", b"HTTP/1.1 2000\r\n", "the status line is not `HTTP/1.x code reason`", 0, id="four-digits"),
    pytest.param(b"", b"HTTP/1.1 2x0 OK\r\n", "the status code is not a number of three digits", 10, id="no-number"),
    pytest.param(b"", b"HTTP/1.1 099 OK\r\n", "the status code is below 100", 9, id="status-99"),
    pytest.param(
        b"", b"HTTP/1.1 200 O\x00K\r\n", "the reason phrase holds a control character", 14, id="nul-in-reason"
    ),
    pytest.param(b"", b"HTTP/1.1 200 OK\n", "a line ends without CR", 15, id="bare-lf-status"),
    pytest.param(b"", b"HTTP/1.1 101 X\r\n\r\n", "the protocol is switched without having been asked to", 16, id="101"),
    pytest.param(b"HTTP/1.1 200 OK\r\n", b"a: b\n", "a line ends without CR", 4, id="bare-lf"),
    pytest.param(b"HTTP/1.1 200 OK\r\n", b"\n", "a line ends without CR", 0, id="bare-lf-blank"),
    pytest.param(b"HTTP/1.1 200 OK\r\n", b"a: b\rc: d\r\n", "a field value holds a control character", 4, id="bare-cr"),
    pytest.param(b"HTTP/1.1 200 OK\r\n", b"a: b\x7f\r\n", "a field value holds a control character", 4, id="del"),
    pytest.param(b"HTTP/1.1 200 OK\r\n", b"a: \x00\r\n", "a field value holds a control character", 3, id="nul"),
    pytest.param(b"HTTP/1.1 200 OK\r\na: b\r\n", b" c\r\n", "a field is folded over several lines", 0, id="obs-fold"),
    pytest.param(b"HTTP/1.1 200 OK\r\n", b"\ta: b\r\n", "a field is folded over several lines", 0, id="leading-tab"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\n", b"a : b\r\n", "a field name holds an invalid character", 1, id="space-before-colon"
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\n", b"\xe9: b\r\n", "a field name holds an invalid character", 0, id="name-not-ascii"
    ),
    pytest.param(b"HTTP/1.1 200 OK\r\n", b": b\r\n", "a field has no name", 0, id="no-name"),
    pytest.param(b"HTTP/1.1 200 OK\r\n", b"abc\r\n", "a field has no name", 0, id="no-colon"),
    *(
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-length: ",
            value + b"\r\n",
            "`content-length` is not a length",
            0,
            id=f"length-{i}",
        )
        for i, value in enumerate([b"-1", b"+1", b"1 1", b"0x1", b"1.0", b"1,", b"1,,1", b"1;a", b"9" * 19, b"x"])
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\ncontent-length:", b"\r\n", "`content-length` is not a length", 0, id="length-empty"
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: ",
        b"2\r\n",
        "`content-length` is given twice and differs",
        0,
        id="lengths-differ",
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\ncontent-length: ",
        b"1, 2\r\n",
        "`content-length` is given twice and differs",
        0,
        id="list-differs",
    ),
    *(
        pytest.param(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: ",
            value + b"\r\n",
            "`transfer-encoding` is not `chunked`",
            0,
            id=f"coding-{value.decode()}",
        )
        for value in [b"gzip", b"gzip, chunked", b"chunked, chunked", b"identity", b"xchunked", b"chunked;a"]
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: ",
        b"chunked\r\n",
        "`transfer-encoding` is not `chunked`",
        0,
        id="chunked-twice",
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n",
        b"\r\n",
        "`content-length` and `transfer-encoding` are both given",
        0,
        id="both-framings",
    ),
    pytest.param(
        b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n",
        b"\r\n",
        "`transfer-encoding` is given in HTTP/1.0",
        0,
        id="chunked-in-1.0",
    ),
    *(
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", data, what, at, id=f"chunk-{i}")
        for i, (data, what, at) in enumerate(
            [
                (b"\r\n", "a chunk has no size", 0),
                (b"g\r\n", "a chunk has no size", 0),
                (b"-1\r\n", "a chunk has no size", 0),
                (b" 1\r\n", "a chunk has no size", 0),
                (b"0x1\r\n", "a chunk size is followed by neither `;` nor the line's end", 1),
                (b"1 1\r\n", "a chunk size is followed by neither `;` nor the line's end", 2),
                (b"1" * 16 + b"\r\n", "the chunk size is absurd", 15),
                (b"1;\x01\r\n", "a chunk extension holds a control character", 2),
                (b"1\n", "a line ends without CR", 1),
                (b"1;" + b"a" * 5000, "a line or section is longer than the limit", 0),
                (b"1\r\nab\r\n", "a chunk goes on beyond its size", 4),
                (b"1\r\na\n", "a line ends without CR", 4),
                (b"0\r\na\r\n", "a field has no name", 3),
                (b"0\r\na : b\r\n", "a field name holds an invalid character", 4),
                (b"0\r\n" + b"a: b\r\n" * 170, "a line or section is longer than the limit", 999),
            ]
        )
    ),
    pytest.param(b"", b"HTTP/1.1 200 " + b"x" * LIMIT, "a line or section is longer than the limit", 0, id="long-line"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\n", b"abcdef: b\r\n" * 90, "a line or section is longer than the limit", 979, id="long-head"
    ),
    pytest.param(
        b"",
        b"HTTP/1.1 100 \r\n\r\n" * 70,
        "a line or section is longer than the limit",
        986,
        id="flood-of-interim-answers",
    ),
]


@pytest.mark.parametrize("size", [0, 1, 7])
@pytest.mark.parametrize(("before", "data", "what", "at"), REFUSED)
def test_a_malformed_answer(before, data, what, at, size):
    with pytest.raises(MalformedResponse) as caught:
        _answer(before + data, pieces=size)
    assert str(caught.value) == f"{what}, at byte {len(before) + at}"


def test_fields_are_bounded_in_number():
    parser = ResponseParser(1 << 20)
    assert parser.feed(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 256) == b""
    with pytest.raises(MalformedResponse) as caught:
        parser.feed(b"a: b\r\n")
    assert str(caught.value) == "there are more than 256 fields, at byte 1553"


def test_body_bytes_are_handed_out_as_they_come():
    parser = ResponseParser(LIMIT)
    pieces = [
        _head("transfer-encoding: chunked") + b"5\r\nhe",
        b"llo\r",
        b"\n3\r\n",
        b"abc\r\n2\r\nde\r\n0",
        b"\r\n\r\n",
    ]
    assert [parser.feed(piece) for piece in pieces] == [b"he", b"llo", b"", b"abcde", b""]
    assert (parser.has_head, parser.complete) == (True, True)


def test_a_buffer_that_is_all_body_is_not_copied():
    parser = ResponseParser(LIMIT)
    parser.feed(_head("content-length: 1000"))
    piece = b"x" * 500
    assert parser.feed(piece) is piece


def test_the_final_head_is_told_from_interim_ones():
    parser = ResponseParser(LIMIT)
    parser.feed(_head("a: b", status="103 Early Hints"))
    assert (parser.has_head, parser.headers) == (False, {})
    parser.feed(_head("c: d"))
    assert (parser.has_head, parser.headers) == (True, {"c": "d"})


def test_one_parser_serves_one_answer_after_the_other():
    parser = ResponseParser(LIMIT)
    first = parser.feed(_head("content-length: 2", "x: 1") + b"ok")
    kept = parser.headers
    parser.start()
    assert (parser.complete, parser.reusable, parser.has_head) == (False, False, False)
    assert (first, parser.feed(_head("content-length: 3") + b"yes")) == (b"ok", b"yes")
    assert (kept, parser.headers) == ({"content-length": "2", "x": "1"}, {"content-length": "3"})


def test_bytes_after_the_answer_spoil_the_connection():
    parser = ResponseParser(LIMIT)
    parser.feed(_head("content-length: 0"))
    assert parser.reusable
    assert parser.feed(b"x") == b""
    assert not parser.reusable


HEADS = [
    pytest.param(
        ("POST", "/v1?a=b", "h:1", (("Accept", "*/*"), ("x", "")), 12),
        b"POST /v1?a=b HTTP/1.1\r\nAccept: */*\r\nx: \r\nhost: h:1\r\ncontent-length: 12\r\n\r\n",
        id="post",
    ),
    pytest.param(
        ("POST", "/", "h", (), 0), b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n", id="empty-post"
    ),
    pytest.param(("GET", "/", "h", (), 0), b"GET / HTTP/1.1\r\nhost: h\r\n\r\n", id="get"),
    pytest.param(
        ("GET", "/", "h", (), 1), b"GET / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n\r\n", id="get-with-body"
    ),
    pytest.param(("GET", "/", "h", (("Host", "i"),), 0), b"GET / HTTP/1.1\r\nHost: i\r\n\r\n", id="own-host"),
    pytest.param(
        ("PUT", "/", "h", (("a", "é\t€"),), 2**62),
        b"PUT / HTTP/1.1\r\na: \xc3\xa9\t\xe2\x82\xac\r\nhost: h\r\ncontent-length: 4611686018427387904\r\n\r\n",
        id="utf-8",
    ),
]


@pytest.mark.parametrize(("arguments", "expected"), HEADS)
def test_a_request_head(arguments, expected):
    assert encode_head(*arguments) == expected


UNSENDABLE = [
    pytest.param(("", "/", "h", ()), "A request has no method or no target", id="no-method"),
    pytest.param(("GET", "", "h", ()), "A request has no method or no target", id="no-target"),
    pytest.param(("G T", "/", "h", ()), "The method `G T` holds the byte 0x20, which HTTP forbids there", id="method"),
    pytest.param(
        ("GET", "/a b", "h", ()), "The target `/a b` holds the byte 0x20, which HTTP forbids there", id="target"
    ),
    pytest.param(
        ("GET", "/é", "h", ()), "The target `/é` holds the byte 0xc3, which HTTP forbids there", id="target-utf-8"
    ),
    pytest.param(("GET", "/", "h", (("", "b"),)), "A header has no name", id="no-name"),
    pytest.param(
        ("GET", "/", "h", (("a:", "b"),)),
        "The header name `a:` holds the byte 0x3a, which HTTP forbids there",
        id="name",
    ),
    pytest.param(
        ("GET", "/", "h", (("authorization", "secret\n"),)),
        "The header `authorization` holds the byte 0x0a, which HTTP forbids there",
        id="value",
    ),
    pytest.param(
        ("GET", "/", "h", (("Content-Length", "1"),)),
        "The header `Content-Length` cannot be set: it follows from the body",
        id="content-length",
    ),
    pytest.param(
        ("GET", "/", "h", (("transfer-encoding", "chunked"),)),
        "The header `transfer-encoding` cannot be set: it follows from the body",
        id="transfer-encoding",
    ),
    pytest.param(
        ("GET", "/", "h", (("a", "\ud800"),)), "The request's target or a header is not valid Unicode", id="surrogate"
    ),
]


@pytest.mark.parametrize(("arguments", "text"), UNSENDABLE)
def test_a_head_that_http_cannot_carry(arguments, text):
    with pytest.raises(UnsendableRequest) as caught:
        encode_head(*arguments, 0)
    assert str(caught.value) == text


FIELDS = [(b"host", b"h"), (b"x-a", b"1"), (b"x-a", b"2"), (b"x", b"")]


@pytest.mark.parametrize(("name", "expected"), [(b"x-a", b"1"), (b"x", b""), (b"x-", None), (b"X-A", None)])
def test_the_first_field_of_a_name_is_found(name, expected):
    assert find_field(FIELDS, name) == expected


@pytest.mark.parametrize(
    ("prefix", "expected"), [(b"x-", True), (b"x-a", True), (b"x-aa", False), (b"host:", False), (b"y", False)]
)
def test_a_field_of_a_prefix_is_found(prefix, expected):
    assert has_prefixed_field(FIELDS, prefix) is expected
    assert not has_prefixed_field([], prefix)
