"""h11 is the judge of what a well-formed message says; where t0 is stricter on purpose, test_http1* say so."""

import re
from itertools import pairwise

import h11
from hypothesis import given
from hypothesis import strategies as st

from t0._core.http1 import RequestParser, ResponseParser, encode_head
from t0.errors import MalformedRequest, MalformedResponse, UnsendableRequest

LIMIT = 16_384

TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789!#$%&'*+-.^_`|~", min_size=1, max_size=12)
VALUES = st.text([chr(c) for c in range(33, 127)] + [" ", "\t", "\x80", "é", "\xff"], max_size=30).map(str.strip)
OTHER_NAMES = TOKENS.filter(
    lambda name: name.lower() not in ("content-length", "transfer-encoding", "connection", "upgrade", "keep-alive")
)
FIELDS = st.lists(st.tuples(OTHER_NAMES, VALUES), max_size=5)
CONNECTION = st.sampled_from([[], [("Connection", "close")], [("connection", "keep-alive")]])
SPACES = st.sampled_from(["", " ", "\t "])
BODIES = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


@st.composite
def answers(draw):
    """`(bytes, whether the request was HEAD, whether the body ends with the connection)`."""
    status = draw(st.sampled_from([200, 201, 204, 304, 400, 429, 503, 999]))
    fields = draw(FIELDS) + draw(CONNECTION)
    pieces = draw(BODIES)
    framing = draw(st.sampled_from(["length", "chunks", "close"]))
    to_head = draw(st.booleans())
    body = b"".join(pieces)
    if framing == "length":
        fields.append((draw(st.sampled_from(["Content-Length", "content-length"])), str(len(body))))
    elif framing == "chunks":
        fields.append(("Transfer-Encoding", "chunked"))
        body = draw(chunks(pieces))
    if to_head or status in (204, 304):
        body, framing = b"", "none"
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 x\r\nLink: y\r\n\r\n"]))
    reason = draw(VALUES)
    head = f"HTTP/1.1 {status} {reason}\r\n" + "".join(
        f"{name}:{draw(SPACES)}{value}{draw(SPACES)}\r\n" for name, value in draw(st.permutations(fields))
    )
    return interim + head.encode("latin-1") + b"\r\n" + body, to_head, framing == "close"


@st.composite
def chunks(draw, pieces):
    encoded = b"".join(
        draw(st.sampled_from([b"%x%s\r\n%s\r\n", b"00%X%s\r\n%s\r\n"]))
        % (len(piece), draw(st.sampled_from([b"", b";a", b';a="b"'])), piece)
        for piece in pieces
    )
    return encoded + draw(st.sampled_from([b"0\r\n\r\n", b"000\r\nT: 1\r\n\r\n"]))


def _judged(data, to_head, eof):
    """What h11 makes of it: status, header dict, body, whether it is complete and the connection reusable."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="HEAD" if to_head else "POST", target="/", headers=[("host", "h")]))
    connection.send(h11.EndOfMessage())
    if data:  # nothing at all means the end to h11
        connection.receive_data(data)
    if eof:
        connection.receive_data(b"")
    status, headers, body, complete = 0, {}, b"", False
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
            break
        if isinstance(event, h11.Response):
            status = event.status_code
            for name, value in event.headers.raw_items():
                key, text = name.decode().lower(), value.decode("latin-1")
                headers[key] = f"{headers[key]}, {text}" if key in headers else text
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            complete = True
            break
    return status, headers, body, complete, complete and not eof and connection.their_state is h11.DONE


def _parsed(pieces, to_head=False, eof=False):
    parser = ResponseParser(LIMIT)
    parser.start(to_head)
    try:
        body = b"".join([parser.feed(piece) for piece in pieces])
        if eof:
            parser.feed_eof()
    except MalformedResponse as error:
        return str(error)
    return parser.status, parser.headers, body, parser.complete, parser.reusable


def _split(data, cuts):
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


CUTS = st.lists(st.integers(0, 10_000), max_size=8)


@given(answers())
def test_h11_reads_the_same(answer):
    data, to_head, eof = answer
    assert _parsed([data], to_head, eof) == _judged(data, to_head, eof)


@given(answers(), st.integers(0, 10_000))
def test_h11_agrees_on_what_is_cut_short(answer, cut):
    data, to_head, _ = answer
    start = data[: cut % (len(data) + 1)]
    ours, judged = _parsed([start], to_head), _judged(start, to_head, False)
    # A status line and fields are visible here as they come, in h11 with the head's end.
    assert ours[2:] == judged[2:]


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 200\r\n",
        b"HTTP/1.1 100 c\r\n\r\n",
        b"HTTP/1.1 204 \r\n",
        b"Content-Length: 3\r\n",
        b"content-length: 3, 3\r\n",
        b"content-length: 4\r\n",
        b"transfer-encoding: chunked\r\n",
        b"connection: close\r\n",
        b"a: b\r\n",
        b" c\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"3\r\nabc\r\n",
        b"2;x=y\r\nab\r\n",
        b"1\r\nab\r\n",
        b"0\r\n",
        b"f" * 17,
        b"abc",
        b":",
        b"\x00",
    ]
)
NEARLY_ANSWERS = st.lists(PIECES | st.binary(max_size=3), max_size=14).map(b"".join)


@given(NEARLY_ANSWERS, CUTS, st.booleans(), st.booleans())
def test_whole_equals_any_split_equals_byte_by_byte(data, cuts, to_head, eof):
    whole = _parsed([data], to_head, eof)
    assert _parsed(_split(data, cuts), to_head, eof) == whole
    assert _parsed([data[i : i + 1] for i in range(len(data))], to_head, eof) == whole


@given(answers(), CUTS)
def test_a_sound_answer_reads_the_same_in_any_split(answer, cuts):
    data, to_head, eof = answer
    assert _parsed(_split(data, cuts), to_head, eof) == _parsed([data], to_head, eof)


@given(NEARLY_ANSWERS, st.booleans())
def test_what_is_accepted_here_is_accepted_by_h11(data, eof):
    """Strictness: no answer is complete for t0 and malformed or different for h11."""
    ours = _parsed([data], False, eof)
    if not isinstance(ours, str) and ours[3] and b"HTTP/1.0" not in data:
        judged = _judged(data, False, eof)
        assert ours[:4] == judged[:4]


TARGETS = st.text([chr(c) for c in range(33, 127)], min_size=1, max_size=30)
REQUEST_FIELDS = FIELDS.map(lambda fields: [field for field in fields if field[0].lower() not in ("host", "expect")])


@st.composite
def requests(draw):
    """A sound request. In HTTP/1.0, h11 reads keep-alive, `expect` and chunks in its own way: none of them is there."""
    version = draw(st.sampled_from(["1.1", "1.1", "1.1", "1.0"]))
    fields = [*draw(REQUEST_FIELDS), (draw(st.sampled_from(["Host", "host"])), draw(VALUES))]
    framing = draw(st.sampled_from(["none", "length", "chunks" if version == "1.1" else "length"]))
    pieces = draw(BODIES)
    body = b""
    if framing == "length":
        body = b"".join(pieces)
        fields.append((draw(st.sampled_from(["Content-Length", "content-length"])), str(len(body))))
    elif framing == "chunks":
        body = draw(chunks(pieces))
        fields.append(("Transfer-Encoding", "chunked"))
    if version == "1.1":
        fields += draw(CONNECTION) + draw(st.sampled_from([[], [("Expect", "100-continue")]]))
    head = f"{draw(TOKENS)} {draw(TARGETS)} HTTP/{version}\r\n" + "".join(
        f"{name}:{draw(SPACES)}{value}{draw(SPACES)}\r\n" for name, value in draw(st.permutations(fields))
    )
    return head.encode("latin-1") + b"\r\n" + body


def _judged_request(data):
    """What h11 makes of the first request: `(head, body, complete, reusable, surplus)`; head is None until whole."""
    connection = h11.Connection(h11.SERVER)
    if data:  # nothing at all means the end to h11
        connection.receive_data(data)
    head, body, complete = None, b"", False
    while not complete and (event := connection.next_event()) is not h11.NEED_DATA:
        if isinstance(event, h11.Request):
            waits = connection.they_are_waiting_for_100_continue
            head = event.method.decode(), event.target.decode(), list(event.headers), waits
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        else:
            complete = isinstance(event, h11.EndOfMessage)
    surplus = connection.trailing_data[0] if complete else b""
    return head, body, complete, complete and connection.their_state is h11.DONE, surplus


def _read_request(data):
    """What t0 makes of it, in the same form, or an error's text."""
    parser = RequestParser(LIMIT)
    try:
        body = parser.feed(data)
    except MalformedRequest as error:
        return str(error)
    head = parser.method, parser.target, parser.headers, parser.expects_continue
    return head if parser.has_head else None, body, parser.complete, parser.reusable, parser.surplus


def _read_requests(pieces):
    """All that one parser says of the requests in `pieces`, one after the other, up to the first error."""
    parser = RequestParser(LIMIT)
    said, body, waiting = [], b"", pieces[::-1]
    try:
        while waiting:
            body += parser.feed(waiting.pop())
            if parser.complete:
                said.append((parser.method, parser.target, parser.headers, body, parser.minor, parser.reusable))
                waiting += [parser.surplus] if parser.surplus else []
                parser.start()
                body = b""
    except MalformedRequest as error:
        return [*said, (str(error), error.status)]
    return [*said, (parser.method, parser.target, parser.headers, body, parser.has_head, parser.expects_continue)]


@given(requests(), requests() | st.binary(max_size=5) | st.just(b""))
def test_h11_reads_the_same_request(data, more):
    assert _read_request(data + more) == _judged_request(data + more)


@given(requests(), st.integers(0, 10_000))
def test_h11_agrees_on_what_is_cut_short_of_a_request(data, cut):
    start = data[: cut % (len(data) + 1)]
    assert _read_request(start) == _judged_request(start)


@given(st.lists(requests(), min_size=1, max_size=3), CUTS)
def test_sound_requests_read_the_same_in_any_split(several, cuts):
    data = b"".join(several)
    whole = _read_requests([data])
    assert len(whole) == len(several) + 1
    assert _read_requests(_split(data, cuts)) == whole
    assert _read_requests([data[i : i + 1] for i in range(len(data))]) == whole


FAULTS = st.sampled_from(
    [
        b"GET / HTTP/1.0\r\n",
        b"PUT http://h/a?b HTTP/1.1\r\n",
        b"GET / HTTP/1.2\r\n",
        b"GET  / HTTP/1.1\r\n",
        b"\x16\x03\x01",
        b"Host: i\r\n",
        b"Content-Length: 3\r\n",
        b"content-length: 3, 3\r\n",
        b"content-length: 4\r\n",
        b"content-length: -1\r\n",
        b"Transfer-Encoding: Chunked\r\n",
        b"transfer-encoding: gzip\r\n",
        b"connection: close\r\n",
        b"expect: 100-continue\r\n",
        b"expect: x\r\n",
        b"a : b\r\n",
        b" c\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"3\r\nabc\r\n",
        b"1\r\nab\r\n",
        b"0\r\n",
        b"f" * 17,
        b"abc",
        b":",
        b";",
        b"\x00",
    ]
)
LINES = st.sampled_from([b"POST / HTTP/1.1\r\n", b"GET /a?b=c HTTP/1.1\r\n", b"OPTIONS * HTTP/1.0\r\n"])
SMALL_FIELDS = st.sampled_from([b"a: b\r\n", b"A:\xe9\t\r\n", b"b:\r\n", b"connection: x, close\r\n"])
SOME_CHUNKS = [b"3\r\nabc\r\n", b"2;x=y\r\nab\r\n", b"0\r\n", b"t: u\r\n", b"\r\n"]
FRAMED = st.sampled_from(
    [
        [b"\r\n"],
        [b"content-length: 0\r\n", b"\r\n"],
        [b"content-length: 3\r\n", b"\r\n", b"abc"],
        [b"content-length: 3, 3\r\n", b"\r\n", b"abc"],
        [b"transfer-encoding: chunked\r\n", b"\r\n", *SOME_CHUNKS],
    ]
)


@st.composite
def nearly_requests(draw):
    """Requests, one after the other, into which faults have been put; few enough for some to remain sound."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        parts += [draw(LINES), b"Host: h\r\n", *draw(st.lists(SMALL_FIELDS, max_size=2)), *draw(FRAMED)]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(parts)))
        replaced = draw(st.integers(0, 1))
        parts[at : at + replaced] = draw(st.lists(FAULTS | st.binary(max_size=3), max_size=1))
    return b"".join(parts)


@given(nearly_requests(), CUTS)
def test_requests_read_the_same_whole_in_any_split_and_byte_by_byte(data, cuts):
    whole = _read_requests([data])
    assert _read_requests(_split(data, cuts)) == whole
    assert _read_requests([data[i : i + 1] for i in range(len(data))]) == whole


# What h11 refuses and RFC 9112 allows: a blank before `;`, and any field in the trailers, which mean nothing there.
ONLY_FOR_H11 = re.compile(rb"(?i)[ \t];|content-length|transfer-encoding")


@given(nearly_requests())
def test_a_request_that_is_accepted_here_is_accepted_by_h11(data):
    """Strictness: no request is complete for t0 and malformed or different for h11."""
    while data.startswith(b"\r\n"):
        data = data[2:]
    ours = _read_request(data)
    if isinstance(ours, str) or not ours[2]:
        return
    _, _, after_head = data[: len(data) - len(ours[4])].partition(b"\r\n\r\n")
    if not ONLY_FOR_H11.search(after_head):
        assert _without_framing(ours) == _without_framing(_judged_request(data))


def _without_framing(request):
    """h11 does not give framing fields as they were sent; the body shows what they said."""
    (method, target, headers, _), *rest = request
    kept = [field for field in headers if field[0] not in (b"content-length", b"transfer-encoding")]
    return method, target, kept, rest


@given(TOKENS, TARGETS, REQUEST_FIELDS, st.binary(max_size=50))
def test_h11_reads_what_is_sent(method, target, fields, body):
    head = encode_head(method, target, "example:8080", tuple(fields), len(body))
    server = h11.Connection(h11.SERVER)
    server.receive_data(head + body)
    request = server.next_event()
    expected = [(name.lower().encode(), value.encode()) for name, value in fields] + [(b"host", b"example:8080")]
    if body or method not in ("GET", "HEAD", "DELETE"):
        expected.append((b"content-length", str(len(body)).encode()))
    assert (request.method, request.target, list(request.headers)) == (method.encode(), target.encode(), expected)
    received = b""
    while isinstance(event := server.next_event(), h11.Data):
        received += bytes(event.data)
    assert received == body
    assert isinstance(event, h11.EndOfMessage)


TEXTS = st.text(max_size=5) | st.text(st.characters(max_codepoint=127), min_size=1, max_size=3)


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_no_text_breaks_out_of_its_place(method, target, name, value):
    try:
        head = encode_head(method, target, "h", ((name, value),), 0)
    except UnsendableRequest:
        return
    fields = 1 + (name.lower() != "host") + (method not in ("GET", "HEAD", "DELETE"))
    assert head.count(b"\r\n") == head.count(b"\n") == head.count(b"\r") == 2 + fields
    assert head.count(b"\r\n\r\n") == 1
