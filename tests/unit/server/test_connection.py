"""One client's connection: what it is sent, when it is refused, and what becomes of requests whose client has left."""

import asyncio
import functools
import logging
import re
from math import inf

import pytest

from kit import run
from t0.routes.http import EventStream, Request, Response
from t0.server.connection import CLOSING_S, PING, PING_S, Connection, ServerLimits, split_target
from t0.timers import TimerWheel
from t0.version import VERSION

HOST = b"host: t0\r\n"
DATE = re.compile(rb"\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n")
KIND = b"content-type: application/json\r\n"
OURS = b"x-tensorzero-gateway-version: " + VERSION.encode() + b"\r\ndate: <now>\r\n"
CLOSE = b"connection: close\r\n"
KEEP_ALIVE = b"connection: keep-alive\r\n"
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n" + OURS
CHUNKED = b"transfer-encoding: chunked\r\n"
LAST_CHUNK = b"0\r\n\r\n"
SILENT_S = 1000.0
"""Longer than every limit."""


class Wire(asyncio.Transport):
    """The client's side in memory; `pieces` are what it was sent, with the date replaced.

    As in a loop, the connection learns in a later step that it has been closed.
    """

    def __init__(self):
        super().__init__()
        self.connection = None
        self.pieces, self.is_closed, self.is_paused = [], False, False

    @property
    def sent(self):
        return b"".join(self.pieces)

    def write(self, data):
        self.pieces.append(DATE.sub(b"\r\ndate: <now>\r\n", data))

    def close(self):
        if not self.is_closed:
            self.is_closed = True
            asyncio.get_running_loop().call_soon(self.connection.connection_lost, None)

    def abort(self):
        self.close()

    def pause_reading(self):
        self.is_paused = True

    def resume_reading(self):
        self.is_paused = False


class Rig:
    """A connection between a wire and a handler that gives `replies` in their order. Must be made inside a loop.

    A reply that is a future is waited for, an error is raised.
    """

    def __init__(self, *replies, **limits):
        self.loop = asyncio.get_running_loop()
        self.replies, self.requests, self.ends = list(replies), [], 0
        self.wire = Wire()
        options = ServerLimits(**{"max_body_bytes": 1000, **limits})
        self.connection = Connection(self.loop, self._handle, options, TimerWheel(self.loop), self._on_end)
        self.wire.connection = self.connection
        self.connection.connection_made(self.wire)

    async def _handle(self, request):
        self.requests.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, asyncio.Future):
            reply = await reply
        if isinstance(reply, Exception):
            raise reply
        return reply

    def _on_end(self, connection):
        assert connection is self.connection
        self.ends += 1

    @property
    def paths(self):
        return [r.path for r in self.requests]

    @property
    def bodies(self):
        return [r.body for r in self.requests]

    async def receive(self, *pieces):
        """Pieces of requests, each of which has its effect before the next one."""
        for piece in pieces:
            self.connection.data_received(piece)
            await settle()

    async def leave(self):
        self.connection.connection_lost(ConnectionResetError())
        self.wire.is_closed = True
        await settle()

    async def close_server(self):
        self.connection.closing_s = self.loop.time()
        self.connection.finish()
        await settle()


class Events(EventStream):
    """A stream that gives what it is told to, when it is told to; `given` counts what was taken."""

    def __init__(self):
        self._queue = asyncio.Queue()
        self.given = 0

    def tell(self, *batches):
        for batch in batches:
            self._queue.put_nowait(batch)

    def end(self):
        self._queue.put_nowait(None)

    async def next(self):
        batch = await self._queue.get()
        if batch is None:
            self.ended = True
            return b""
        self.given += 1
        if isinstance(batch, Exception):
            raise batch
        return batch


def in_loop(test):
    """Runs an async test in a loop in which pauses take no time."""

    @functools.wraps(test)
    def in_instant_loop(*args, **kwargs):
        run(test(*args, **kwargs))

    return in_instant_loop


async def settle():
    """All that can happen without a timer's help does; pings and limits are far longer."""
    await asyncio.sleep(0.5)


def asked(target=b"/a", fields=b"", body=b"", *, method=b"GET", minor=1):
    length = b"content-length: %d\r\n" % len(body) if body else b""
    return b"%b %b HTTP/1.%d\r\n%b%b%b\r\n%b" % (method, target, minor, HOST, fields, length, body)


def answered(body=b"{}", fields=b"", *, status=b"200 OK"):
    length = b"content-length: %d\r\n" % len(body)
    return b"HTTP/1.1 %b\r\n%b%b%b%b\r\n%b" % (status, KIND, OURS, length, fields, body)


def refused(status, text):
    return answered(b'{"error":"Malformed HTTP request: %b"}' % text, CLOSE, status=status)


TOO_LATE = refused(b"408 Request Timeout", b"the request did not arrive in time")


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


def says(text):
    return Response(body=text)


# -- one request, one answer -------------------------------------------------------------------------------------------


@in_loop
async def test_a_request_reaches_the_handler_and_its_answer_the_client():
    rig = Rig(Response(body=b'{"a":1}'))
    await rig.receive(
        b"POST /a%20b?c=%20d HTTP/1.1\r\nHost: t0\r\nX-Some: Thing \r\nContent-Length: 4\r\n\r\nbody",
    )
    headers = [(b"host", b"t0"), (b"x-some", b"Thing"), (b"content-length", b"4")]
    assert rig.requests == [Request("POST", "/a b", b"c=%20d", headers, b"body")]
    assert rig.wire.sent == (
        b"HTTP/1.1 200 OK\r\n"
        b"content-type: application/json\r\n"
        b"x-tensorzero-gateway-version: " + VERSION.encode() + b"\r\n"
        b"date: <now>\r\n"
        b"content-length: 7\r\n"
        b"\r\n"
        b'{"a":1}'
    )
    assert (rig.wire.is_closed, rig.connection.is_idle, rig.ends) == (False, True, 0)


@in_loop
async def test_the_answer_to_head_tells_the_length_and_has_no_body():
    rig = Rig(says(b"12345"))
    await rig.receive(asked(method=b"HEAD"))
    assert rig.wire.sent == answered(b"12345")[:-5]


@in_loop
async def test_an_answer_without_a_type_and_with_fields_of_its_own():
    rig = Rig(Response(status=405, content_type=b"", headers=((b"allow", b"GET"), (b"x-more", b"1"))))
    await rig.receive(asked())
    expected = b"HTTP/1.1 405 Method Not Allowed\r\n" + OURS + b"content-length: 0\r\nallow: GET\r\nx-more: 1\r\n\r\n"
    assert rig.wire.sent == expected


@in_loop
async def test_a_status_without_a_name():
    rig = Rig(Response(status=529))
    await rig.receive(asked())
    assert rig.wire.sent == answered(b"", status=b"529 ")


@pytest.mark.parametrize(
    ("request_bytes", "connection_field", "closes"),
    [
        (asked(), b"", False),
        (asked(fields=CLOSE), CLOSE, True),
        (asked(fields=b"connection: Keep-Alive, Close\r\n"), CLOSE, True),
        (asked(minor=0), CLOSE, True),
        (asked(minor=0, fields=KEEP_ALIVE), KEEP_ALIVE, False),
        (b"GET /a HTTP/1.0\r\n\r\n", CLOSE, True),
    ],
    ids=["1.1", "1.1 close", "1.1 both", "1.0", "1.0 keep-alive", "1.0 without a host"],
)
@in_loop
async def test_whether_the_connection_is_kept(request_bytes, connection_field, closes):
    rig = Rig(says(b"1"))
    await rig.receive(request_bytes)
    assert rig.wire.sent == answered(b"1", connection_field)
    assert (rig.wire.is_closed, rig.ends) == (closes, int(closes))


@in_loop
async def test_a_kept_connection_serves_request_after_request():
    rig = Rig(says(b"1"), says(b"2"), says(b"3"))
    await rig.receive(asked(b"/a", body=b"A"), asked(b"/b", minor=0, fields=KEEP_ALIVE), asked(b"/c", body=b"C"))
    assert (rig.paths, rig.bodies) == (["/a", "/b", "/c"], [b"A", b"", b"C"])
    assert rig.wire.sent == answered(b"1") + answered(b"2", KEEP_ALIVE) + answered(b"3")


@in_loop
async def test_nothing_is_read_after_the_last_request_of_a_connection():
    rig = Rig(says(b"1"))
    await rig.receive(asked(fields=CLOSE) + asked(b"/b"))
    assert (rig.paths, rig.wire.sent, rig.ends) == (["/a"], answered(b"1", CLOSE), 1)


@in_loop
async def test_a_handler_that_raises_is_logged_and_ends_the_connection(caplog):
    rig = Rig(ValueError("no answer"))
    with caplog.at_level(logging.ERROR, "t0"):
        await rig.receive(asked() + asked())
    assert [(r.message, str(r.exc_info[1])) for r in caplog.records] == [("GET /a could not be answered", "no answer")]
    assert (rig.wire.sent, rig.wire.is_closed, rig.ends, len(rig.requests)) == (b"", True, 1, 1)


# -- pieces ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 7, 50])
@pytest.mark.parametrize(
    "request_bytes",
    [
        asked(method=b"POST", body=b"0123456789"),
        asked(method=b"POST", fields=CHUNKED) + b"4;x=y\r\n0123\r\n6\r\n456789\r\n0\r\ntrailer: 1\r\n\r\n",
    ],
    ids=["length", "chunked"],
)
@in_loop
async def test_a_request_in_pieces(request_bytes, size):
    rig = Rig(says(b"1"), says(b"2"))
    pieces = [request_bytes[i : i + size] for i in range(0, len(request_bytes), size)]
    await rig.receive(*pieces)
    await rig.receive(*pieces)
    assert rig.bodies == [b"0123456789"] * 2
    assert rig.wire.sent == answered(b"1") + answered(b"2")


@in_loop
async def test_the_end_of_a_request_may_come_with_the_beginning_of_the_next():
    rig = Rig(says(b"1"), says(b"2"))
    both = asked(b"/a", body=b"one") + asked(b"/b", body=b"two")
    await rig.receive(both[:20], both[20:100], both[100:])
    assert (rig.paths, rig.bodies) == (["/a", "/b"], [b"one", b"two"])
    assert rig.wire.sent == answered(b"1") + answered(b"2")


EXPECTS = asked(method=b"POST", fields=b"expect: 100-continue\r\n", body=b"0123456789")
EXPECTS_HEAD = EXPECTS[:-10]
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@in_loop
async def test_a_client_that_waits_before_its_body_is_told_once_to_go_on():
    rig = Rig(says(b"1"))
    await rig.receive(EXPECTS_HEAD[:30])
    assert rig.wire.pieces == []
    await rig.receive(EXPECTS_HEAD[30:])
    assert rig.wire.pieces == [CONTINUE]
    await rig.receive(b"01", b"234", b"56789")
    assert (rig.wire.pieces, rig.bodies) == ([CONTINUE, answered(b"1")], [b"0123456789"])


@in_loop
async def test_each_request_that_waits_is_told_to_go_on():
    rig = Rig(says(b"1"), says(b"2"))
    await rig.receive(EXPECTS_HEAD, b"0123456789", EXPECTS_HEAD, b"0123456789")
    assert rig.wire.pieces == [CONTINUE, answered(b"1"), CONTINUE, answered(b"2")]


@in_loop
async def test_a_body_that_came_with_its_head_needs_no_word_to_go_on():
    rig = Rig(says(b"1"))
    await rig.receive(EXPECTS)
    assert (rig.wire.pieces, rig.bodies) == ([answered(b"1")], [b"0123456789"])


@in_loop
async def test_a_client_that_waits_is_not_told_to_go_on_before_it_is_its_turn():
    first = asyncio.get_running_loop().create_future()
    rig = Rig(first, says(b"2"))
    await rig.receive(asked() + EXPECTS_HEAD)
    assert rig.wire.pieces == []
    first.set_result(says(b"1"))
    await settle()
    await rig.receive(b"0123456789")
    assert rig.wire.pieces == [answered(b"1"), CONTINUE, answered(b"2")]


# -- too long ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 64, 10_000])
@pytest.mark.parametrize("is_chunked", [False, True])
@in_loop
async def test_of_a_body_beyond_the_limit_the_handler_learns_only_that(is_chunked, size):
    rig = Rig(says(b"1"), says(b"2"), max_body_bytes=100)
    if is_chunked:
        request = asked(fields=CHUNKED, method=b"POST") + (chunk(b"x" * 50) + chunk(b"y" * 51)) * 3 + LAST_CHUNK
    else:
        request = asked(method=b"POST", body=b"x" * 101)
    await rig.receive(*[request[i : i + size] for i in range(0, len(request), size)])
    await rig.receive(asked(b"/b", body=b"z" * 100))
    assert [(r.path, r.body, r.is_too_long) for r in rig.requests] == [("/a", b"", True), ("/b", b"z" * 100, False)]
    assert (rig.wire.sent, rig.wire.is_closed) == (answered(b"1") + answered(b"2"), False)


@in_loop
async def test_a_request_behind_a_body_beyond_the_limit_is_answered():
    rig = Rig(says(b"1"), says(b"2"), max_body_bytes=100)
    await rig.receive(asked(b"/a", body=b"x" * 101) + asked(b"/b", body=b"y"))
    assert [(r.path, r.body, r.is_too_long) for r in rig.requests] == [("/a", b"", True), ("/b", b"y", False)]


# -- malformed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        (b"nonsense\r\n", b"400 Bad Request", b"the request line is not `method target HTTP/1.x`, at byte 0"),
        (b"\x16\x03\x01", b"400 Bad Request", b"the request does not begin with a method, at byte 0"),
        (
            b"GET /a HTTP/2.0\r\n",
            b"505 HTTP Version Not Supported",
            b"the version is not HTTP/1.0 or HTTP/1.1, at byte 7",
        ),
        (asked(fields=HOST), b"400 Bad Request", b"`host` is not given exactly once, at byte 37"),
        (b"GET /a HTTP/1.1\r\n\r\n", b"400 Bad Request", b"`host` is not given exactly once, at byte 17"),
        (asked(fields=b"no colon\r\n"), b"400 Bad Request", b"a field has no name, at byte 27"),
        (
            asked(fields=b"transfer-encoding: gzip\r\n"),
            b"501 Not Implemented",
            b"`transfer-encoding` is not `chunked`, at byte 46",
        ),
        (
            asked(fields=b"expect: miracles\r\n"),
            b"417 Expectation Failed",
            b"`expect` is not `100-continue`, at byte 35",
        ),
        (
            asked(fields=b"x: " + b"y" * 300),
            b"431 Request Header Fields Too Large",
            b"a line or section is longer than the limit, at byte 27",
        ),
    ],
    ids=[
        "request line",
        "tls",
        "version",
        "two hosts",
        "no host",
        "field without a name",
        "coding",
        "expectation",
        "head beyond the limit",
    ],
)
@in_loop
async def test_what_is_malformed_is_refused_and_ends_the_connection(data, status, text):
    rig = Rig(max_head_bytes=300)
    await rig.receive(data)
    assert rig.wire.sent == refused(status, text)
    assert (rig.requests, rig.wire.is_closed, rig.ends) == ([], True, 1)


@in_loop
async def test_what_turns_out_to_be_malformed_in_its_body():
    rig = Rig()
    await rig.receive(asked(method=b"POST", fields=CHUNKED) + chunk(b"12345"), b"zz\r\n")
    assert rig.wire.sent == refused(b"400 Bad Request", b"a chunk has no size, at byte 68")
    assert (rig.requests, rig.wire.is_closed, rig.ends) == ([], True, 1)


@in_loop
async def test_what_is_malformed_behind_a_request_is_refused_after_its_answer():
    first = asyncio.get_running_loop().create_future()
    rig = Rig(first)
    await rig.receive(asked() + b"nonsense\r\n")
    assert (rig.wire.sent, rig.wire.is_closed) == (b"", False)
    first.set_result(says(b"1"))
    await settle()
    text = b"the request line is not `method target HTTP/1.x`, at byte 0"
    assert rig.wire.sent == answered(b"1") + refused(b"400 Bad Request", text)
    assert (rig.wire.is_closed, rig.ends) == (True, 1)


# -- several at once ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_whole", [True, False], ids=["at once", "one after the other"])
@in_loop
async def test_requests_sent_ahead_are_answered_in_order_and_one_at_a_time(is_whole):
    loop = asyncio.get_running_loop()
    replies = [loop.create_future() for _ in range(3)]
    rig = Rig(*replies)
    requests = [asked(b"/a", body=b"A"), asked(b"/b"), asked(b"/c", body=b"C")]
    await rig.receive(*([b"".join(requests)] if is_whole else requests))
    seen = []
    for i in (2, 0, 1):
        replies[i].set_result(says(b"%d" % i))
        await settle()
        seen.append((rig.paths, rig.wire.sent))
    first, second, third = (answered(b"%d" % i) for i in range(3))
    assert seen == [(["/a"], b""), (["/a", "/b"], first), (["/a", "/b", "/c"], first + second + third)]
    assert rig.bodies == [b"A", b"", b"C"]


@in_loop
async def test_a_request_sent_ahead_may_be_whole_only_later():
    first = asyncio.get_running_loop().create_future()
    rig = Rig(first, says(b"2"))
    ahead = asked(b"/b", body=b"0123456789")
    await rig.receive(asked() + ahead[:5], ahead[5:20])
    first.set_result(says(b"1"))
    await settle()
    assert rig.wire.sent == answered(b"1")
    await rig.receive(ahead[20:])
    assert (rig.wire.sent, rig.bodies) == (answered(b"1") + answered(b"2"), [b"", b"0123456789"])


@in_loop
async def test_a_client_that_sends_too_much_ahead_is_not_read_until_it_has_its_answer():
    first = asyncio.get_running_loop().create_future()
    ahead = asked(b"/b", body=b"x" * 200)
    rig = Rig(first, says(b"2"), max_waiting_bytes=len(ahead))
    await rig.receive(asked(), ahead)
    assert not rig.wire.is_paused
    await rig.receive(b"G")
    assert rig.wire.is_paused
    first.set_result(says(b"1"))
    await settle()
    assert (rig.wire.is_paused, rig.wire.sent) == (False, answered(b"1") + answered(b"2"))


@in_loop
async def test_what_is_held_for_later_is_bounded_however_it_came():
    request = asked(b"/b", body=b"x" * 100)
    first = asyncio.get_running_loop().create_future()
    rig = Rig(first, *[says(b"")] * 10, max_waiting_bytes=3 * len(request))
    await rig.receive(request * 10)
    assert rig.wire.is_paused
    rig.replies[5] = asyncio.get_running_loop().create_future()
    first.set_result(says(b""))
    await settle()
    assert (len(rig.requests), rig.wire.is_paused) == (7, False)


# -- limits of time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begins_with", [b"G", b"GET /a HTTP/1.1\r\nhost: t0\r\n"], ids=["a byte", "fields"])
@in_loop
async def test_a_head_that_takes_too_long_is_refused(begins_with):
    rig = Rig(head_s=100)
    await rig.receive(begins_with)
    for _ in range(4):
        await asyncio.sleep(20)
        await rig.receive(b"x")
    assert rig.wire.sent == b""
    await asyncio.sleep(40)
    assert (rig.wire.sent, rig.wire.is_closed, rig.ends, rig.requests) == (TOO_LATE, True, 1, [])


@in_loop
async def test_a_body_may_take_long_but_not_be_silent_for_long():
    rig = Rig(head_s=10, silence_s=100)
    await rig.receive(asked(method=b"POST", body=b"0123456789")[:-10])
    for _ in range(9):
        await asyncio.sleep(80)
        await rig.receive(b"x")
    assert rig.wire.sent == b""
    await asyncio.sleep(120)
    assert (rig.wire.sent, rig.wire.is_closed, rig.ends, rig.requests) == (TOO_LATE, True, 1, [])


@in_loop
async def test_a_slow_body_that_arrives_is_answered():
    rig = Rig(says(b"1"), head_s=10, silence_s=100)
    await rig.receive(asked(method=b"POST", body=b"0123456789")[:-10])
    for _ in range(10):
        await asyncio.sleep(80)
        await rig.receive(b"x")
    assert (rig.wire.sent, rig.bodies) == (answered(b"1"), [b"x" * 10])


@in_loop
async def test_a_request_sent_ahead_has_its_time_from_its_turn_on():
    first = asyncio.get_running_loop().create_future()
    rig = Rig(first, head_s=100)
    await rig.receive(asked() + b"GET /b")
    await asyncio.sleep(150)
    first.set_result(says(b"1"))
    await asyncio.sleep(80)
    assert rig.wire.sent == answered(b"1")
    await asyncio.sleep(40)
    assert (rig.wire.sent, rig.wire.is_closed) == (answered(b"1") + TOO_LATE, True)


@in_loop
async def test_a_line_of_its_own_after_a_body_begins_no_request():
    rig = Rig(says(b"1"), says(b"2"))
    await rig.receive(asked(), b"\r\n")
    await asyncio.sleep(SILENT_S)
    await rig.receive(asked(b"/b"))
    assert (rig.paths, rig.wire.is_closed) == (["/a", "/b"], False)


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@in_loop
async def test_a_client_that_does_not_read_its_answer_is_given_up(is_streamed):
    rig = Rig(EventsOf(b"a", b"b") if is_streamed else says(b"1"), silence_s=60.0)
    rig.connection.pause_writing()
    await rig.receive(asked())
    await asyncio.sleep(59.0)
    assert (rig.wire.is_closed, rig.ends) == (False, 0)
    await asyncio.sleep(1.0)
    assert (rig.wire.is_closed, rig.ends) == (True, 1)


@in_loop
async def test_an_idle_connection_lives_on():
    rig = Rig(says(b"1"), says(b"2"), says(b"3"))
    await asyncio.sleep(SILENT_S)
    await rig.receive(asked())
    await asyncio.sleep(SILENT_S)
    await rig.receive(asked()[:5], asked()[5:])
    await asyncio.sleep(SILENT_S)
    await rig.receive(asked())
    assert (rig.wire.sent, rig.ends) == (answered(b"1") + answered(b"2") + answered(b"3"), 0)


@in_loop
async def test_a_handler_may_take_its_time():
    slow = asyncio.get_running_loop().create_future()
    rig = Rig(slow)
    await rig.receive(asked()[:5], asked()[5:])
    await asyncio.sleep(SILENT_S)
    assert (rig.wire.sent, rig.wire.is_closed) == (b"", False)
    slow.set_result(says(b"1"))
    await settle()
    assert rig.wire.sent == answered(b"1")


# -- streams -----------------------------------------------------------------------------------------------------------


class EventsOf(EventStream):
    """All of them at once, one batch after the other; an empty one at the end tells the end by itself."""

    def __init__(self, *batches):
        self._batches = list(batches)

    async def next(self):
        batch = self._batches.pop(0)
        self.ended = not self._batches
        return batch


def after_head(rig):
    """The pieces that were written; the first one without the head that it begins with."""
    _, ends, first = b"".join(rig.wire.pieces[:1]).partition(b"\r\n\r\n")
    return [first, *rig.wire.pieces[1:]] if ends else []


@in_loop
async def test_a_stream_is_sent_in_chunks_and_the_connection_goes_on():
    rig = Rig(EventsOf(b"data: 1\n\n", b"data: 23456789\n\n" * 2), says(b"2"))
    await rig.receive(asked(), asked())
    assert rig.wire.pieces == [
        EVENTS + CHUNKED + b"\r\n9\r\ndata: 1\n\n\r\n",
        b"20\r\ndata: 23456789\n\ndata: 23456789\n\n\r\n0\r\n\r\n",
        answered(b"2"),
    ]


@in_loop
async def test_a_stream_that_is_there_as_a_whole_leaves_in_one_piece():
    rig = Rig(EventsOf(b"data: 1\n\n"))
    await rig.receive(asked())
    assert rig.wire.pieces == [EVENTS + CHUNKED + b"\r\n9\r\ndata: 1\n\n\r\n0\r\n\r\n"]


@in_loop
async def test_a_stream_without_an_event():
    rig = Rig(EventsOf(b""), says(b"2"))
    await rig.receive(asked(), asked())
    assert rig.wire.pieces == [EVENTS + CHUNKED + b"\r\n0\r\n\r\n", answered(b"2")]


@in_loop
async def test_events_are_sent_as_they_come():
    events = Events()
    rig = Rig(events)
    await rig.receive(asked())
    seen = [rig.wire.pieces[:]]
    for batch in (b"a", b"b"):
        events.tell(batch)
        await settle()
        seen.append(rig.wire.pieces[:])
    first = EVENTS + CHUNKED + b"\r\n" + chunk(b"a")
    assert seen == [[], [first], [first, chunk(b"b")]]


@pytest.mark.parametrize("fields", [b"", KEEP_ALIVE])
@in_loop
async def test_in_http_1_0_a_stream_ends_with_the_connection(fields):
    rig = Rig(EventsOf(b"a", b"b"))
    await rig.receive(asked(minor=0, fields=fields))
    assert rig.wire.pieces == [EVENTS + CLOSE + b"\r\na", b"b"]
    assert (rig.wire.is_closed, rig.ends) == (True, 1)


@in_loop
async def test_a_stream_on_a_connection_that_is_to_be_closed():
    rig = Rig(EventsOf(b"a"))
    await rig.receive(asked(fields=CLOSE))
    assert rig.wire.pieces == [EVENTS + CHUNKED + CLOSE + b"\r\n" + chunk(b"a") + LAST_CHUNK]
    assert (rig.wire.is_closed, rig.ends) == (True, 1)


@pytest.mark.parametrize("minor", [1, 0])
@in_loop
async def test_a_silent_stream_is_kept_alive_by_comments(minor):
    framed = chunk if minor else bytes
    events = Events()
    rig = Rig(events)
    await rig.receive(asked(minor=minor))
    seen = []
    for seconds in (PING_S - 3, 6, PING_S, PING_S):
        await asyncio.sleep(seconds)
        seen.append(rig.wire.pieces[:])
    ping = framed(PING)
    first = EVENTS + (CHUNKED if minor else CLOSE) + b"\r\n" + ping
    assert seen == [[], [first], [first, ping], [first, ping, ping]]


@in_loop
async def test_no_comment_is_sent_between_events_that_come_in_time():
    events = Events()
    rig = Rig(events)
    await rig.receive(asked())
    for _ in range(4):
        await asyncio.sleep(PING_S - 3)
        events.tell(b"a")
    await asyncio.sleep(PING_S - 3)
    assert after_head(rig) == [chunk(b"a")] * 4
    await asyncio.sleep(6)
    assert after_head(rig) == [chunk(b"a")] * 4 + [chunk(PING)]


@in_loop
async def test_no_comment_is_sent_after_a_stream():
    rig = Rig(EventsOf(b"a"))
    await rig.receive(asked())
    sent = rig.wire.sent
    await asyncio.sleep(SILENT_S)
    assert (rig.wire.sent, rig.wire.is_closed) == (sent, False)


@in_loop
async def test_a_stream_waits_for_a_client_that_reads_slowly():
    events = Events()
    rig = Rig(events)
    await rig.receive(asked())
    events.tell(b"a", b"b", b"c")
    rig.connection.pause_writing()
    await settle()
    assert (events.given, after_head(rig)) == (1, [chunk(b"a")])
    rig.connection.resume_writing()
    rig.connection.pause_writing()
    await settle()
    assert events.given == 1
    rig.connection.resume_writing()
    await settle()
    assert after_head(rig) == [chunk(b"a"), chunk(b"b"), chunk(b"c")]


@in_loop
async def test_the_next_request_waits_until_the_answer_is_taken():
    rig = Rig(says(b"1"), says(b"2"))
    rig.connection.pause_writing()
    await rig.receive(asked() + asked(b"/b"))
    assert (rig.paths, rig.wire.sent) == (["/a"], answered(b"1"))
    rig.connection.resume_writing()
    await settle()
    assert (rig.paths, rig.wire.sent) == (["/a", "/b"], answered(b"1") + answered(b"2"))


@in_loop
async def test_a_stream_that_fails_is_logged_and_breaks_off(caplog):
    events = Events()
    rig = Rig(events)
    events.tell(b"a", b"", ValueError("broken"))
    with caplog.at_level(logging.ERROR, "t0"):
        await rig.receive(asked())
    assert [(r.message, str(r.exc_info[1])) for r in caplog.records] == [("an event stream failed", "broken")]
    assert (events.given, after_head(rig), rig.wire.is_closed, rig.ends) == (3, [chunk(b"a")], True, 1)


@in_loop
async def test_an_empty_batch_does_not_end_a_stream():
    rig = Rig(EventsOf(b"a", b"", b"b"))
    await rig.receive(asked())
    assert after_head(rig) == [chunk(b"a"), chunk(b"b") + LAST_CHUNK]


# -- clients that leave ------------------------------------------------------------------------------------------------


@in_loop
async def test_a_client_that_leaves_while_idle():
    rig = Rig(says(b"1"))
    await rig.receive(asked())
    await rig.leave()
    assert (rig.wire.sent, rig.ends) == (answered(b"1"), 1)


@in_loop
async def test_a_client_that_leaves_in_the_middle_of_its_request_is_forgotten():
    rig = Rig(head_s=10)
    await rig.receive(b"GET /")
    await rig.leave()
    assert (rig.ends, rig.connection.checked_s) == (1, inf)
    await asyncio.sleep(SILENT_S)
    assert (rig.wire.sent, rig.ends) == (b"", 1)


@in_loop
async def test_a_client_that_leaves_before_its_answer_does_not_end_the_handler():
    reply = asyncio.get_running_loop().create_future()
    rig = Rig(reply)
    await rig.receive(asked() + asked(b"/b"))
    await rig.leave()
    assert (rig.ends, reply.cancelled()) == (0, False)
    reply.set_result(says(b"1"))
    await settle()
    assert (rig.wire.sent, rig.ends, rig.paths) == (b"", 1, ["/a"])


@in_loop
async def test_a_client_that_leaves_before_a_handler_fails(caplog):
    reply = asyncio.get_running_loop().create_future()
    rig = Rig(reply)
    await rig.receive(asked())
    await rig.leave()
    reply.set_exception(ValueError("no answer"))
    await settle()
    assert ([r.message for r in caplog.records], rig.ends) == (["GET /a could not be answered"], 1)


@in_loop
async def test_a_stream_is_driven_to_its_end_when_its_client_has_left():
    events = Events()
    rig = Rig(events)
    await rig.receive(asked())
    events.tell(b"a")
    await settle()
    sent = rig.wire.sent
    await rig.leave()
    events.tell(b"b", b"c")
    await asyncio.sleep(2 * PING_S)
    assert (events.given, events.ended, rig.ends) == (3, False, 0)
    events.end()
    await asyncio.sleep(SILENT_S)
    assert (events.ended, rig.ends, rig.wire.sent) == (True, 1, sent)


@in_loop
async def test_a_stream_that_begins_after_its_client_has_left_is_driven_to_its_end():
    reply, events = asyncio.get_running_loop().create_future(), Events()
    rig = Rig(reply)
    await rig.receive(asked()[:5], asked()[5:])
    await rig.leave()
    reply.set_result(events)
    events.tell(b"a", b"b")
    events.end()
    await asyncio.sleep(SILENT_S)
    assert (events.given, events.ended, rig.ends, rig.wire.sent) == (2, True, 1, b"")


@in_loop
async def test_a_stream_goes_on_when_a_client_leaves_that_did_not_read():
    events = Events()
    rig = Rig(events)
    await rig.receive(asked())
    rig.connection.pause_writing()
    events.tell(b"a", b"b")
    events.end()
    await settle()
    assert events.given == 1
    await rig.leave()
    assert (events.given, events.ended, rig.ends) == (2, True, 1)


@pytest.mark.parametrize("comes_whole", [True, False], ids=["whole", "in pieces"])
@in_loop
async def test_a_client_that_ends_its_side_still_gets_its_answer(comes_whole):
    reply = asyncio.get_running_loop().create_future()
    rig = Rig(reply)
    await rig.receive(*([asked()] if comes_whole else [asked()[:5], asked()[5:]]))
    assert rig.connection.eof_received()
    reply.set_result(says(b"1"))
    await settle()
    assert (rig.wire.sent, rig.wire.is_closed, rig.ends) == (answered(b"1", CLOSE), True, 1)


@in_loop
async def test_a_client_that_ends_its_side_still_gets_its_stream():
    events = Events()
    rig = Rig(events)
    await rig.receive(asked())
    assert rig.connection.eof_received()
    events.tell(b"a")
    events.end()
    await settle()
    assert rig.wire.pieces == [EVENTS + CHUNKED + b"\r\n" + chunk(b"a"), LAST_CHUNK]
    assert (rig.wire.is_closed, rig.ends) == (True, 1)


@pytest.mark.parametrize("begun", [b"", b"GET /a"], ids=["idle", "in a request"])
@in_loop
async def test_a_client_that_ends_its_side_without_a_request_is_let_go(begun):
    rig = Rig()
    if begun:
        await rig.receive(begun)
    assert not rig.connection.eof_received()


# -- targets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/", "/", b""),
        ("/a/b", "/a/b", b""),
        ("/a?", "/a", b""),
        ("/a?b=c&d", "/a", b"b=c&d"),
        ("/a?b?c", "/a", b"b?c"),
        ("/a%20b/%C3%BC?c=%20", "/a b/ü", b"c=%20"),
        ("/a%3Fb?c", "/a?b", b"c"),
        ("/a%FF%", "/a\ufffd%", b""),
        ("/a+b", "/a+b", b""),
        ("//a/b", "//a/b", b""),
        ("/a?b=http://c/d", "/a", b"b=http://c/d"),
        ("/a/http://b", "/a/http://b", b""),
        ("http://t0/a/b?c=d", "/a/b", b"c=d"),
        ("https://t0:443/a%20b", "/a b", b""),
        ("http://t0", "/", b""),
        ("http://t0/", "/", b""),
        ("http://t0?a=b", "/", b"a=b"),
        ("*", "*", b""),
    ],
)
def test_path_and_query_of_a_target(target, path, query):
    assert split_target(target) == (path, query)


# -- a server that closes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_served", [False, True])
@in_loop
async def test_an_idle_connection_is_closed_at_once(has_served):
    rig = Rig(says(b"1"))
    if has_served:
        await rig.receive(asked())
    await rig.close_server()
    assert (rig.wire.sent, rig.wire.is_closed, rig.ends) == (answered(b"1") if has_served else b"", True, 1)


@in_loop
async def test_a_request_under_way_is_answered_when_the_server_closes():
    reply = asyncio.get_running_loop().create_future()
    rig = Rig(reply)
    await rig.receive(asked() + asked(b"/b"))
    await rig.close_server()
    await asyncio.sleep(SILENT_S)
    assert (rig.wire.sent, rig.wire.is_closed) == (b"", False)
    reply.set_result(says(b"1"))
    await settle()
    assert (rig.wire.sent, rig.wire.is_closed, rig.ends) == (answered(b"1", CLOSE), True, 1)
    assert rig.paths == ["/a"]


@in_loop
async def test_a_request_that_becomes_a_stream_is_answered_when_the_server_closes():
    reply = asyncio.get_running_loop().create_future()
    rig = Rig(reply)
    await rig.receive(asked())
    await rig.close_server()
    reply.set_result(EventsOf(b"a"))
    await settle()
    assert rig.wire.pieces == [EVENTS + CHUNKED + CLOSE + b"\r\n" + chunk(b"a") + LAST_CHUNK]
    assert (rig.wire.is_closed, rig.ends) == (True, 1)


@in_loop
async def test_a_request_that_arrives_just_before_the_server_closes_its_connection_is_the_last():
    rig = Rig(says(b"1"))
    rig.connection.closing_s = rig.loop.time()
    await rig.receive(asked())
    assert (rig.wire.sent, rig.wire.is_closed, rig.ends) == (answered(b"1", CLOSE), True, 1)


HALVES = [
    (b"GET /a HT", b"TP/1.1\r\nhost: t0\r\n\r\n"),
    (asked(body=b"0123456789")[:-5], b"56789"),
]


@pytest.mark.parametrize(("half", "rest"), HALVES, ids=["head", "body"])
@in_loop
async def test_a_request_that_has_not_arrived_is_refused_some_seconds_after_the_server_closes(half, rest):
    rig = Rig()
    await rig.receive(half)
    await rig.close_server()
    await asyncio.sleep(CLOSING_S - 2)
    assert (rig.wire.sent, rig.wire.is_closed) == (b"", False)
    await asyncio.sleep(4)
    assert (rig.wire.sent, rig.wire.is_closed, rig.ends, rig.requests) == (TOO_LATE, True, 1, [])


@pytest.mark.parametrize(("half", "rest"), HALVES, ids=["head", "body"])
@in_loop
async def test_a_request_that_arrives_within_some_seconds_after_the_server_closes_is_answered(half, rest):
    rig = Rig(says(b"1"))
    await rig.receive(half)
    await rig.close_server()
    await asyncio.sleep(CLOSING_S - 2)
    await rig.receive(rest)
    await asyncio.sleep(CLOSING_S)
    assert (rig.wire.sent, rig.wire.is_closed, rig.ends) == (answered(b"1", CLOSE), True, 1)


@in_loop
async def test_a_drip_does_not_keep_a_server_from_closing():
    rig = Rig()
    await rig.receive(asked(body=b"0123456789")[:-10])
    await rig.close_server()
    for _ in range(9):
        if not rig.wire.is_closed:
            await rig.receive(b"x")
            await asyncio.sleep(1)
    assert (rig.wire.sent, rig.ends, rig.requests) == (TOO_LATE, 1, [])


@in_loop
async def test_a_connection_closes_after_a_stream_during_which_the_server_began_to_close():
    events = Events()
    rig = Rig(events)
    await rig.receive(asked())
    await rig.close_server()
    events.tell(b"a")
    events.end()
    await settle()
    assert (after_head(rig), rig.wire.is_closed, rig.ends) == ([chunk(b"a"), LAST_CHUNK], True, 1)


@in_loop
async def test_a_connection_closes_after_an_answer_that_was_read_late():
    rig = Rig(says(b"1"))
    rig.connection.pause_writing()
    await rig.receive(asked())
    await rig.close_server()
    rig.connection.resume_writing()
    await settle()
    assert (rig.wire.sent, rig.wire.is_closed) == (answered(b"1"), True)


@in_loop
async def test_closing_a_connection_whose_client_has_left_waits_for_its_handler():
    reply = asyncio.get_running_loop().create_future()
    rig = Rig(reply)
    await rig.receive(asked())
    await rig.leave()
    await rig.close_server()
    assert rig.ends == 0
    reply.set_result(says(b"1"))
    await settle()
    assert (rig.wire.sent, rig.ends) == (b"", 1)
