import pytest

from t0._core.http1 import RequestParser
from t0.errors import MalformedRequest

LIMIT = 1000


def _requests(data, size=0):
    """`(method, target, headers, body, complete, reusable)` of each request, all read by one parser.

    They arrive in pieces of a size, 0 for whole; what follows a request in its last piece begins the next one.
    """
    parser = RequestParser(LIMIT)
    size = size or len(data)
    requests = []
    while data:
        parser.start()
        body = b""
        while data and not parser.complete:
            body += parser.feed(data[:size])
            data = data[size:]
        data = parser.surplus + data
        requests.append((parser.method, parser.target, parser.headers, body, parser.complete, parser.reusable))
    return requests


def _head(*fields, line="POST /v1 HTTP/1.1"):
    return "".join(f"{text}\r\n" for text in (line, "Host: h", *fields, "")).encode("latin-1")


def _sent(method, target, *fields, body=b"", complete=True, reusable=True):
    """What `_requests` gives for a head of `_head`."""
    return method, target, [(b"host", b"h"), *fields], body, complete, reusable


LENGTH_2 = (b"content-length", b"2")
CHUNKED = (b"transfer-encoding", b"chunked")
NOTHING = ("", "", [], b"", False, False)

REQUESTS = [
    pytest.param(_head("Content-Length: 2") + b"ok", _sent("POST", "/v1", LENGTH_2, body=b"ok"), id="content-length"),
    pytest.param(_head("Content-Length: 0"), _sent("POST", "/v1", (b"content-length", b"0")), id="empty"),
    pytest.param(
        _head("Content-Length: 2") + b"o",
        _sent("POST", "/v1", LENGTH_2, body=b"o", complete=False, reusable=False),
        id="unfinished",
    ),
    pytest.param(
        _head("Content-Length: 2", "content-length: 2,2 , 2") + b"ok",
        _sent("POST", "/v1", LENGTH_2, (b"content-length", b"2,2 , 2"), body=b"ok"),
        id="equal-lengths",
    ),
    pytest.param(_head(), _sent("POST", "/v1"), id="no-body"),
    pytest.param(_head(line="GET / HTTP/1.1"), _sent("GET", "/"), id="get"),
    pytest.param(
        _head("content-length: 2", line="GET / HTTP/1.1") + b"ok",
        _sent("GET", "/", LENGTH_2, body=b"ok"),
        id="get-with-body",
    ),
    pytest.param(
        _head("transfer-encoding: chunked", line="GET / HTTP/1.1") + b"2\r\nok\r\n0\r\n\r\n",
        _sent("GET", "/", CHUNKED, body=b"ok"),
        id="get-with-chunks",
    ),
    pytest.param(
        _head("content-length: 2", line="HEAD / HTTP/1.1") + b"ok",
        _sent("HEAD", "/", LENGTH_2, body=b"ok"),
        id="head-with-body",
    ),
    pytest.param(_head(line="!#a|Z~ / HTTP/1.1"), _sent("!#a|Z~", "/"), id="any-token-as-method"),
    pytest.param(
        _head("A:1", "a: 1", "B:", "c: \t x y\t ", "d: é\x80ÿ", "Content-Length:2", "!#$%&'*+-.^_`|~9Z: z") + b"ok",
        _sent(
            "POST",
            "/v1",
            (b"a", b"1"),
            (b"a", b"1"),
            (b"b", b""),
            (b"c", b"x y"),
            (b"d", b"\xe9\x80\xff"),
            LENGTH_2,
            (b"!#$%&'*+-.^_`|~9z", b"z"),
            body=b"ok",
        ),
        id="fields",
    ),
    pytest.param(
        _head("Transfer-Encoding: Chunked") + b"0\r\n\r\n",
        _sent("POST", "/v1", (b"transfer-encoding", b"Chunked")),
        id="no-chunks",
    ),
    pytest.param(
        _head("transfer-encoding: chunked") + b"2\r\nok\r\n00b\r\nhello world\r\n0\r\n\r\n",
        _sent("POST", "/v1", CHUNKED, body=b"okhello world"),
        id="chunks",
    ),
    pytest.param(
        _head("transfer-encoding: chunked") + b'A;a=b;c="d"\r\n0123456789\r\n1 \r\n!\r\n000 ;x\r\nt: 1\r\nu: 2\r\n\r\n',
        _sent("POST", "/v1", CHUNKED, body=b"0123456789!"),
        id="extensions-and-trailers",
    ),
    pytest.param(
        _head("transfer-encoding: chunked") + b"2\r\nok\r\n0\r\nt: 1\r\n",
        _sent("POST", "/v1", CHUNKED, body=b"ok", complete=False, reusable=False),
        id="no-last-line",
    ),
    pytest.param(b"\r\n" + _head(), _sent("POST", "/v1"), id="leading-blank-line"),
    pytest.param(b"\r\n" * 9 + _head(), _sent("POST", "/v1"), id="leading-blank-lines"),
    pytest.param(b"\r\n\r\n", NOTHING, id="only-blank-lines"),
    pytest.param(
        b"GET / HTTP/1.0\r\ncontent-length: 2\r\n\r\nok",
        ("GET", "/", [LENGTH_2], b"ok", True, False),
        id="http-1.0-without-host",
    ),
    pytest.param(
        _head("content-length: 2", line="POST / HTTP/1.0") + b"ok",
        _sent("POST", "/", LENGTH_2, body=b"ok", reusable=False),
        id="http-1.0",
    ),
    pytest.param(
        _head("connection: x, Keep-Alive", line="GET / HTTP/1.0"),
        _sent("GET", "/", (b"connection", b"x, Keep-Alive")),
        id="http-1.0-keep-alive",
    ),
    pytest.param(
        _head("connection: keep-alive", "connection: close", line="GET / HTTP/1.0"),
        _sent("GET", "/", (b"connection", b"keep-alive"), (b"connection", b"close"), reusable=False),
        id="http-1.0-keep-alive-and-close",
    ),
    pytest.param(
        _head("connection: close"), _sent("POST", "/v1", (b"connection", b"close"), reusable=False), id="close"
    ),
    pytest.param(
        _head("connection: x, Close ,y"),
        _sent("POST", "/v1", (b"connection", b"x, Close ,y"), reusable=False),
        id="close-in-a-list",
    ),
    pytest.param(
        _head("connection: ,closed, x close"),
        _sent("POST", "/v1", (b"connection", b",closed, x close")),
        id="close-in-other-words",
    ),
]


@pytest.mark.parametrize("size", [0, 1, 7])
@pytest.mark.parametrize(("data", "expected"), REQUESTS)
def test_a_request(data, expected, size):
    assert _requests(data, size) == [expected]


TARGETS = ["/", "//a", "*", "http://h:1/a?b=c", "h:443", "/a%20b?c=%C3%A9&d=e%0d%0a", "/\"#<>[]\\^`{|}~?'!$&()*+,;=:@"]


@pytest.mark.parametrize("size", [0, 1, 7])
@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_left_as_it_was_sent(target, size):
    assert _requests(_head(line=f"OPTIONS {target} HTTP/1.1"), size) == [_sent("OPTIONS", target)]


PIPELINED = [
    pytest.param(_head(line="GET /a HTTP/1.1"), _sent("GET", "/a"), id="no-body"),
    pytest.param(_head("content-length: 2") + b"ok", _sent("POST", "/v1", LENGTH_2, body=b"ok"), id="content-length"),
    pytest.param(
        _head("transfer-encoding: chunked") + b"2\r\nok\r\n0\r\n\r\n",
        _sent("POST", "/v1", CHUNKED, body=b"ok"),
        id="one-chunk",
    ),
    pytest.param(
        _head("transfer-encoding: chunked") + b"2\r\nok\r\n1\r\n!\r\n0\r\n\r\n",
        _sent("POST", "/v1", CHUNKED, body=b"ok!"),
        id="chunks",
    ),
    pytest.param(
        _head("transfer-encoding: chunked") + b"0\r\nt: 1\r\n\r\n", _sent("POST", "/v1", CHUNKED), id="no-chunks"
    ),
]


@pytest.mark.parametrize("expectation", [b"100-continue", b"x"])
def test_http_1_0_knows_no_expectations(expectation):
    parser = RequestParser(LIMIT)
    parser.feed(b"POST / HTTP/1.0\r\nexpect: " + expectation + b"\r\ncontent-length: 2\r\n\r\n")
    assert (parser.has_head, parser.expects_continue, parser.minor) == (True, False, False)


@pytest.mark.parametrize("size", [0, 1, 7])
@pytest.mark.parametrize(("second", "expected_second"), PIPELINED)
@pytest.mark.parametrize(("first", "expected_first"), PIPELINED)
def test_requests_follow_one_another(first, expected_first, second, expected_second, size):
    between = [expected_first, expected_second, expected_first]
    assert _requests(first + second + first, size) == between
    assert _requests(first + b"\r\n" + second + b"\r\n\r\n" + first + b"\r\n", size) == [*between, NOTHING]


@pytest.mark.parametrize(("first", "expected"), PIPELINED)
def test_surplus_is_the_beginning_of_the_next_request(first, expected):
    parser = RequestParser(LIMIT)
    begun = b"GET /next HTTP/1.1\r\nho"
    assert (parser.feed(first + begun), parser.complete, parser.surplus) == (expected[3], True, begun)
    parser.start()
    assert (parser.complete, parser.surplus) == (False, b"")
    assert parser.feed(begun + b"st: h\r\n\r\n") == b""
    assert (parser.target, parser.complete, parser.surplus) == ("/next", True, b"")


@pytest.mark.parametrize(("first", "expected"), PIPELINED)
def test_there_is_no_surplus_where_nothing_follows(first, expected):
    parser = RequestParser(LIMIT)
    assert (parser.feed(first), parser.complete, parser.surplus) == (expected[3], True, b"")


def test_one_parser_serves_one_request_after_the_other():
    parser = RequestParser(LIMIT)
    first = parser.feed(_head("content-length: 2", "expect: 100-continue") + b"ok")
    kept = parser.headers
    parser.start()
    assert (parser.has_head, parser.complete, parser.reusable, parser.expects_continue) == (False, False, False, False)
    assert (parser.method, parser.target, parser.headers) == ("", "", [])
    assert (first, parser.feed(_head("content-length: 3", line="PUT /a HTTP/1.1") + b"yes")) == (b"ok", b"yes")
    assert (parser.method, parser.target, parser.expects_continue) == ("PUT", "/a", False)
    assert kept == [(b"host", b"h"), LENGTH_2, (b"expect", b"100-continue")]
    assert parser.headers == [(b"host", b"h"), (b"content-length", b"3")]


def test_positions_are_counted_from_the_beginning_of_each_request():
    parser = RequestParser(LIMIT)
    parser.feed(_head("content-length: 2") + b"ok")
    parser.start()
    with pytest.raises(MalformedRequest) as caught:
        parser.feed(b"GET / HTTP/1.1\n")
    assert str(caught.value) == f"{NO_CR}, at byte 14"


def test_the_limit_is_that_of_each_request():
    head = _head("a: " + "x" * 900)
    assert [request[4] for request in _requests(head * 3)] == [True, True, True]


@pytest.mark.parametrize(("version", "minor"), [("1.0", False), ("1.1", True)])
def test_the_version_is_told(version, minor):
    parser = RequestParser(LIMIT)
    parser.feed(_head(line=f"GET / HTTP/{version}"))
    assert parser.minor is minor


@pytest.mark.parametrize("value", ["100-continue", "100-Continue", "\t100-CONTINUE "])
@pytest.mark.parametrize("framing", ["content-length: 2", "transfer-encoding: chunked"])
def test_a_client_may_wait_before_it_sends_the_body(framing, value):
    parser = RequestParser(LIMIT)
    parser.feed(_head(framing, f"Expect:{value}"))
    assert (parser.has_head, parser.complete, parser.expects_continue) == (True, False, True)


def test_a_client_waits_only_when_it_says_so():
    parser = RequestParser(LIMIT)
    parser.feed(_head("content-length: 2"))
    assert (parser.has_head, parser.complete, parser.expects_continue) == (True, False, False)


@pytest.mark.parametrize(
    ("framing", "body"),
    [("content-length: 2", b"ok"), ("transfer-encoding: chunked", b"2\r\nok\r\n0\r\n\r\n")],
    ids=["content-length", "chunks"],
)
def test_the_head_is_there_before_the_body(framing, body):
    parser = RequestParser(LIMIT)
    head = _head(framing)
    parser.feed(head[:-1])
    assert parser.has_head is False
    parser.feed(head[-1:])
    assert (parser.has_head, parser.complete) == (True, False)
    assert (parser.method, parser.target, len(parser.headers)) == ("POST", "/v1", 2)
    assert (parser.feed(body), parser.has_head, parser.complete) == (b"ok", True, True)


def test_body_bytes_are_handed_out_as_they_come():
    parser = RequestParser(LIMIT)
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
    parser = RequestParser(LIMIT)
    parser.feed(_head("content-length: 1000"))
    piece = b"x" * 500
    assert parser.feed(piece) is piece


LINE = b"POST / HTTP/1.1\r\n"
LENGTH = LINE + b"content-length: "
CODING = LINE + b"transfer-encoding: "
EXPECT = LINE + b"expect: "
CHUNKS = CODING + b"chunked\r\nhost: h\r\n\r\n"

NO_METHOD = "the request does not begin with a method"
NO_REQUEST_LINE = "the request line is not `method target HTTP/1.x`"
NO_VERSION = "the version is not HTTP/1.0 or HTTP/1.1"
NO_CR = "a line ends without CR"
TOO_LONG = "a line or section is longer than the limit"
CONTROL = "a field value holds a control character"
FOLDED = "a field is folded over several lines"
NO_NAME_CHARACTER = "a field name holds an invalid character"
NO_NAME = "a field has no name"
NOT_ONE_HOST = "`host` is not given exactly once"
NO_LENGTH = "`content-length` is not a length"
LENGTHS_DIFFER = "`content-length` is given twice and differs"
BOTH_FRAMINGS = "`content-length` and `transfer-encoding` are both given"
NO_CODING = "`transfer-encoding` is not `chunked`"
CODING_IN_1_0 = "`transfer-encoding` is given in HTTP/1.0"
NO_EXPECTATION = "`expect` is not `100-continue`"
NO_CHUNK_SIZE = "a chunk has no size"
NO_CHUNK_END = "a chunk size is followed by neither `;` nor the line's end"

REFUSED = [
    pytest.param(b"", b"\x16", NO_METHOD, 0, 400, id="tls-first-byte"),
    pytest.param(b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", NO_METHOD, 0, 400, id="tls"),
    pytest.param(b"", b" / HTTP/1.1", NO_METHOD, 0, 400, id="no-method"),
    pytest.param(b"", b"\x00", NO_METHOD, 0, 400, id="nul-first"),
    pytest.param(b"", b"\xe9", NO_METHOD, 0, 400, id="not-ascii-first"),
    pytest.param(b"", b"\nGET / HTTP/1.1\r\n", NO_METHOD, 0, 400, id="bare-lf-first"),
    pytest.param(b"\r\n\r\n", b"\tGET / HTTP/1.1\r\n", NO_METHOD, 0, 400, id="no-method-after-blank-lines"),
    *(
        pytest.param(b"", line + b"\r\n", NO_REQUEST_LINE, 0, 400, id=f"line-{i}")
        for i, line in enumerate(
            [
                b"GET",
                b"GET ",
                b"GET /",
                b"GET / ",
                b"GET HTTP/1.1",
                b"GET  HTTP/1.1",
                b"GET  / HTTP/1.1",
                b"GET /  HTTP/1.1",
                b"GET / HTTP/1.1 ",
                b"GET / x HTTP/1.1",
                b"GET\t/ HTTP/1.1",
                b"GET /\tHTTP/1.1",
                b"GET / HTTP/1.1\t",
                b"G:T / HTTP/1.1",
                b"G\x00T / HTTP/1.1",
                b"G\xe9T / HTTP/1.1",
                b"GET /a\x00 HTTP/1.1",
                b"GET /a\x1f HTTP/1.1",
                b"GET /a\x7f HTTP/1.1",
                b"GET /a\r HTTP/1.1",
                b"GET /\xc3\xa9 HTTP/1.1",
                b"GET / http/1.1",
                b"GET / Http/1.1",
                b"GET / HTTP 1.1",
                b"GET / HTTP/1",
                b"GET / HTTP/2",
                b"GET / HTTP/11.1",
                b"GET / HTTP/1.1\r",
                b"\rGET / HTTP/1.1",
                b"\r",
            ]
        )
    ),
    *(
        pytest.param(b"", line, NO_VERSION, line.index(b"HTTP"), 505, id=line[-10:-2].decode())
        for line in [
            b"GET / HTTP/2.0\r\n",
            b"PRI * HTTP/2.0\r\n",
            b"GET /a HTTP/1.2\r\n",
            b"GET / HTTP/1.9\r\n",
            b"GET / HTTP/0.9\r\n",
            b"GET / HTTP/3.1\r\n",
        ]
    ),
    pytest.param(b"", b"GET / HTTP/1.1\n", NO_CR, 14, 400, id="bare-lf-line"),
    pytest.param(b"\r\n", b"GET\n", NO_CR, 3, 400, id="bare-lf-after-a-blank-line"),
    pytest.param(LINE, b"a: b\n", NO_CR, 4, 400, id="bare-lf"),
    pytest.param(LINE + b"host: h\r\n", b"\n", NO_CR, 0, 400, id="bare-lf-blank"),
    pytest.param(LINE, b"a: b\rc: d\r\n", CONTROL, 4, 400, id="bare-cr"),
    pytest.param(LINE, b"a: b\x7f\r\n", CONTROL, 4, 400, id="del"),
    pytest.param(LINE, b"a: \x00\r\n", CONTROL, 3, 400, id="nul"),
    pytest.param(LINE + b"a: b\r\n", b" c\r\n", FOLDED, 0, 400, id="obs-fold"),
    pytest.param(LINE, b"\ta: b\r\n", FOLDED, 0, 400, id="leading-tab"),
    pytest.param(LINE, b"a : b\r\n", NO_NAME_CHARACTER, 1, 400, id="space-before-colon"),
    pytest.param(LINE, b"a b: c\r\n", NO_NAME_CHARACTER, 1, 400, id="space-in-name"),
    pytest.param(LINE, b"\xe9: b\r\n", NO_NAME_CHARACTER, 0, 400, id="name-not-ascii"),
    pytest.param(LINE, b": b\r\n", NO_NAME, 0, 400, id="no-name"),
    pytest.param(LINE, b"abc\r\n", NO_NAME, 0, 400, id="no-colon"),
    pytest.param(LINE, b"\r\n", NOT_ONE_HOST, 0, 400, id="no-host"),
    pytest.param(LINE + b"x-host: h\r\nhosts: h\r\n", b"\r\n", NOT_ONE_HOST, 0, 400, id="no-host-but-alike"),
    pytest.param(LINE + b"host: h\r\na: b\r\nHost: h\r\n", b"\r\n", NOT_ONE_HOST, 0, 400, id="two-hosts"),
    pytest.param(
        b"GET / HTTP/1.0\r\nhost: h\r\nhost: i\r\n", b"\r\n", NOT_ONE_HOST, 0, 400, id="two-hosts-in-http-1.0"
    ),
    *(
        pytest.param(LENGTH, value + b"\r\n", NO_LENGTH, 0, 400, id=f"length-{i}")
        for i, value in enumerate(
            [b"-1", b"+1", b"1 1", b"0x1", b"1.0", b"1,", b"1,,1", b"1;a", b"9" * 19, b"9" * 100, b"x", b"\xb2"]
        )
    ),
    pytest.param(LINE + b"content-length:", b"\r\n", NO_LENGTH, 0, 400, id="length-empty"),
    pytest.param(LENGTH + b"1\r\nContent-Length: ", b"2\r\n", LENGTHS_DIFFER, 0, 400, id="lengths-differ"),
    pytest.param(LENGTH, b"1, 2\r\n", LENGTHS_DIFFER, 0, 400, id="list-differs"),
    *(
        pytest.param(CODING, value + b"\r\n", NO_CODING, 0, 501, id=f"coding-{value.decode()}")
        for value in [b"gzip", b"gzip, chunked", b"chunked, chunked", b"identity", b"xchunked", b"chunked;a"]
    ),
    pytest.param(LINE + b"transfer-encoding:", b"\r\n", NO_CODING, 0, 501, id="coding-empty"),
    pytest.param(CODING + b"chunked\r\nTransfer-Encoding: ", b"chunked\r\n", NO_CODING, 0, 501, id="chunked-twice"),
    pytest.param(
        CODING + b"chunked\r\nhost: h\r\ncontent-length: 1\r\n", b"\r\n", BOTH_FRAMINGS, 0, 400, id="both-framings"
    ),
    pytest.param(
        LENGTH + b"0\r\nhost: h\r\ntransfer-encoding: chunked\r\n", b"\r\n", BOTH_FRAMINGS, 0, 400, id="no-length"
    ),
    pytest.param(
        b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n", b"\r\n", CODING_IN_1_0, 0, 400, id="chunked-in-1.0"
    ),
    *(
        pytest.param(EXPECT, value + b"\r\n", NO_EXPECTATION, 0, 417, id=f"expect-{value.decode()}")
        for value in [b"x", b"100", b"100-continue, x", b"100-continues", b"100-continue;a"]
    ),
    pytest.param(LINE + b"expect:", b"\r\n", NO_EXPECTATION, 0, 417, id="expect-empty"),
    pytest.param(EXPECT + b"100-continue\r\nExpect: ", b"x\r\n", NO_EXPECTATION, 0, 417, id="expect-twice"),
    *(
        pytest.param(CHUNKS, data, what, at, 400, id=f"chunk-{i}")
        for i, (data, what, at) in enumerate(
            [
                (b"\r\n", NO_CHUNK_SIZE, 0),
                (b"g\r\n", NO_CHUNK_SIZE, 0),
                (b"-1\r\n", NO_CHUNK_SIZE, 0),
                (b" 1\r\n", NO_CHUNK_SIZE, 0),
                (b";a\r\n", NO_CHUNK_SIZE, 0),
                (b"0x1\r\n", NO_CHUNK_END, 1),
                (b"1 1\r\n", NO_CHUNK_END, 2),
                (b"1" * 16 + b"\r\n", "the chunk size is absurd", 15),
                (b"1;\x01\r\n", "a chunk extension holds a control character", 2),
                (b"1;a\rb\r\n", "a chunk extension holds a control character", 3),
                (b"1\n", NO_CR, 1),
                (b"1\r\nab\r\n", "a chunk goes on beyond its size", 4),
                (b"1\r\na\n", NO_CR, 4),
                (b"1\r\na\r\r\n", "a chunk goes on beyond its size", 4),
                (b"0\r\na\r\n", NO_NAME, 3),
                (b"0\r\na : b\r\n", NO_NAME_CHARACTER, 4),
                (b"0\r\na: \x00\r\n", CONTROL, 6),
                (b"0\r\n b\r\n", FOLDED, 3),
                (b"0\r\n\n", NO_CR, 3),
            ]
        )
    ),
    pytest.param(CHUNKS, b"1;" + b"a" * 5000, TOO_LONG, 0, 431, id="long-chunk-line"),
    pytest.param(CHUNKS + b"0\r\n", b"a: b\r\n" * 170, TOO_LONG, 996, 431, id="long-trailers"),
    pytest.param(b"", b"GET /" + b"x" * LIMIT, TOO_LONG, 0, 431, id="long-line"),
    pytest.param(LINE, b"a: " + b"x" * LIMIT, TOO_LONG, 0, 431, id="long-field"),
    pytest.param(LINE, b"abcdef: b\r\n" * 90, TOO_LONG, 979, 431, id="long-head"),
    pytest.param(b"", b"\r\n" * 501, TOO_LONG, 1000, 431, id="flood-of-blank-lines"),
]


@pytest.mark.parametrize("size", [0, 1, 7])
@pytest.mark.parametrize(("before", "data", "what", "at", "status"), REFUSED)
def test_a_malformed_request(before, data, what, at, status, size):
    with pytest.raises(MalformedRequest) as caught:
        _requests(before + data, size)
    assert (str(caught.value), caught.value.status) == (f"{what}, at byte {len(before) + at}", status)


@pytest.mark.parametrize("size", [0, 1, 7])
def test_a_head_may_be_as_long_as_the_limit(size):
    head = _head("a: " + "x" * (LIMIT - len(_head("a: "))))
    assert len(head) == LIMIT
    assert [request[4:] for request in _requests(head, size)] == [(True, True)]
    with pytest.raises(MalformedRequest) as caught:
        _requests(b"\r\n" + head, size)
    assert (str(caught.value), caught.value.status) == (f"{TOO_LONG}, at byte {LIMIT}", 431)


def test_fields_are_bounded_in_number():
    parser = RequestParser(1 << 20)
    assert parser.feed(LINE + b"a: b\r\n" * 256) == b""
    with pytest.raises(MalformedRequest) as caught:
        parser.feed(b"a: b\r\n")
    assert (str(caught.value), caught.value.status) == ("there are more than 256 fields, at byte 1553", 431)


def test_trailers_are_counted_apart_from_the_fields():
    parser = RequestParser(1 << 20)
    begin = _head("transfer-encoding: chunked", *["a: b"] * 254) + b"0\r\n" + b"a: b\r\n" * 256
    assert (parser.feed(begin), len(parser.headers)) == (b"", 256)
    with pytest.raises(MalformedRequest) as caught:
        parser.feed(b"a: b\r\n")
    expected = f"there are more than 256 fields, at byte {len(begin)}"
    assert (str(caught.value), caught.value.status) == (expected, 431)
