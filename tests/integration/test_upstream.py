"""The upstream client against servers that behave and that do not, on asyncio's loop and on uvloop's."""

import asyncio
import gzip
import zlib
from contextlib import asynccontextmanager

import pytest
import uvloop

from misbehaving import OK, answering, keep_answering, serving
from t0.errors import (
    ConnectFailed,
    ConnectionLost,
    MalformedResponse,
    UnsendableRequest,
    UpstreamError,
    UpstreamTimeout,
)
from t0.upstream.aiohttp_transport import AiohttpTransport
from t0.upstream.base import HttpRequest, Limits, Url
from t0.upstream.client import Client

OK_ANSWER = (200, {"content-length": "2"}, b"ok")


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    """Runs a coroutine function on a fresh loop."""
    if request.param == "uvloop":
        return lambda main: uvloop.run(main())
    return lambda main: asyncio.run(main())


@asynccontextmanager
async def client(transport=Client, **limits):
    made = transport(limits=Limits(**{"total_s": 10.0, **limits}))
    try:
        yield made
    finally:
        await made.close()


def request_to(server, body=b"{}", method="POST"):
    return HttpRequest(method, Url.parse(f"http://127.0.0.1:{server.port}/v1?a=b"), (("x-test", "1"),), body)


async def complete(transport, request):
    answer = await transport.send(request)
    return answer.status, dict(answer.headers), answer.body


async def streamed(transport, request):
    stream = await transport.stream(request)
    try:
        body = b""
        while data := await stream.read():
            body += data
        assert await stream.read() == b""
        return stream.status, dict(stream.headers), body
    finally:
        stream.close()


async def outcome(call, server):
    """The answer, or the error's class and text with the origin replaced."""
    try:
        return await call
    except UpstreamError as e:
        return type(e), str(e).replace(f"http://127.0.0.1:{server.port}", "ORIGIN")


def head(*fields, status="200 OK"):
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode()


# -- one exchange ------------------------------------------------------------------------------------------------------


def dripping(answer):
    async def script(peer):
        await peer.request()
        await peer.drip(answer)

    return script


def resetting(answer):
    async def script(peer):
        await peer.request()
        await peer.send(answer)
        await asyncio.sleep(0.02)
        peer.reset()

    return script


def stalling(answer):
    async def script(peer):
        await peer.request()
        await peer.send(answer)
        await peer.closed()

    return script


async def reading_nothing_first(peer):
    """Answers before it has read the request, and never reads it."""
    await peer.send(OK)
    await asyncio.sleep(0.05)


async def flooding_interim_answers(peer):
    await peer.request()
    while True:
        await peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * 100)


async def flooding_a_field(peer):
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\nx: ")
    while True:
        await peer.send(b"y" * 65536)


async def dripping_for_ever(peer):
    await peer.request()
    await peer.send(head("content-length: 100000"))
    await peer.drip(b"x" * 100_000, pause_s=0.01)


LENGTH_5 = {"content-length": "5"}
CHUNKED = {"transfer-encoding": "chunked"}
CHUNKS = head("transfer-encoding: chunked") + b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\ntrailer: 1\r\n\r\n"
ZIPPED = gzip.compress(b"hello" * 100)
TWO_MEMBERS = gzip.compress(b"hello") + gzip.compress(b" world")
RAW_DEFLATED = zlib.compress(b"hello", wbits=-15)


def compressed(coding, body):
    return head(f"content-encoding: {coding}", f"content-length: {len(body)}") + body


def compressed_answer(coding, body, plain):
    return 200, {"content-encoding": coding, "content-length": str(len(body))}, plain


def lost(when):
    return ConnectionLost, f"ORIGIN closed the connection {when}"


def unusable(why):
    return MalformedResponse, f"The answer of ORIGIN is unusable: {why}"


BEFORE_THE_END = "before the end of the answer"
EXCHANGES = [
    pytest.param(answering(OK), OK_ANSWER, id="answer"),
    pytest.param(answering(head("Content-Length: 0", status="503 x")), (503, {"content-length": "0"}, b""), id="empty"),
    pytest.param(answering(head(status="204 x")), (204, {}, b""), id="204"),
    pytest.param(answering(CHUNKS), (200, CHUNKED, b"hello"), id="chunks-and-trailers"),
    pytest.param(answering(head("a: b") + b"hello"), (200, {"a": "b"}, b"hello"), id="until-close"),
    pytest.param(answering(head(status="100 x") + head(status="103 x") + OK), OK_ANSWER, id="interim-answers"),
    pytest.param(answering(OK + b"surplus"), OK_ANSWER, id="surplus"),
    pytest.param(dripping(OK), OK_ANSWER, id="byte-by-byte"),
    pytest.param(dripping(CHUNKS), (200, CHUNKED, b"hello"), id="chunks-byte-by-byte"),
    pytest.param(reading_nothing_first, OK_ANSWER, id="answers-before-it-reads"),
    pytest.param(
        answering(compressed("gzip", ZIPPED)), compressed_answer("gzip", ZIPPED, b"hello" * 100), id="gzip-unasked"
    ),
    pytest.param(
        dripping(compressed("x-gzip", TWO_MEMBERS)),
        compressed_answer("x-gzip", TWO_MEMBERS, b"hello world"),
        id="gzip-members-byte-by-byte",
    ),
    pytest.param(
        answering(compressed("deflate", RAW_DEFLATED)),
        compressed_answer("deflate", RAW_DEFLATED, b"hello"),
        id="raw-deflate",
    ),
    pytest.param(
        answering(compressed("br", b"hello")),
        unusable("The body is compressed with `br`, which was not asked for"),
        id="brotli-unasked",
    ),
    pytest.param(answering(b""), lost("without an answer"), id="closes-at-once"),
    pytest.param(answering(b"HTTP/1.1 200 OK\r\nconte"), lost(BEFORE_THE_END), id="cut-in-the-head"),
    pytest.param(answering(head("content-length: 5") + b"hel"), lost(BEFORE_THE_END), id="cut-in-the-body"),
    pytest.param(answering(CHUNKS[:-2]), lost(BEFORE_THE_END), id="cut-in-the-trailers"),
    pytest.param(
        resetting(head("content-length: 5") + b"hel"),
        lost(f"{BEFORE_THE_END}: [Errno 104] Connection reset by peer"),
        id="reset-in-the-body",
    ),
    pytest.param(
        resetting(head("a: b") + b"hel"),
        lost(f"{BEFORE_THE_END}: [Errno 104] Connection reset by peer"),
        id="reset-where-close-is-the-end",
    ),
    pytest.param(
        answering(b"SSH-2.0-x\r\n"), unusable("the answer does not begin with `HTTP/1.`, at byte 0"), id="not-http"
    ),
    pytest.param(
        answering(head("content-length: 5", "transfer-encoding: chunked")),
        unusable("`content-length` and `transfer-encoding` are both given, at byte 64"),
        id="two-framings",
    ),
    pytest.param(
        answering(head("transfer-encoding: chunked") + b"2\r\nhello"),
        unusable("a chunk goes on beyond its size, at byte 52"),
        id="chunk-too-long",
    ),
    pytest.param(
        flooding_interim_answers,
        unusable("a line or section is longer than the limit, at byte 2035"),
        id="flood-of-interim-answers",
    ),
    pytest.param(
        flooding_a_field, unusable("a line or section is longer than the limit, at byte 17"), id="endless-field"
    ),
    pytest.param(stalling(b""), (UpstreamTimeout, "ORIGIN was silent for 0.3 s"), id="silent"),
    pytest.param(stalling(b"HTTP/1.1 200"), (UpstreamTimeout, "ORIGIN was silent for 0.3 s"), id="silent-in-the-head"),
    pytest.param(
        stalling(head("content-length: 5") + b"hel"),
        (UpstreamTimeout, "ORIGIN was silent for 0.3 s"),
        id="silent-in-the-body",
    ),
    pytest.param(
        dripping_for_ever,
        (UpstreamTimeout, "The exchange with ORIGIN took longer than 0.6 s"),
        id="slower-than-the-total",
    ),
]


@pytest.mark.parametrize("receive", [complete, streamed])
@pytest.mark.parametrize(("script", "expected"), EXCHANGES)
def test_an_exchange(run, script, expected, receive):
    async def main():
        async with serving(script) as server, client(total_s=0.6, read_s=0.3, max_head_bytes=2048) as transport:
            assert await outcome(receive(transport, request_to(server)), server) == expected

    run(main)


@pytest.mark.parametrize("receive", [complete, streamed])
@pytest.mark.parametrize(
    ("script", "expected"),
    [case for case in EXCHANGES if case.id not in ("answers-before-it-reads", "surplus", "brotli-unasked")],
)
def test_aiohttp_gives_the_same_answers_and_kinds_of_errors(script, expected, receive):
    async def main():
        limits = {"total_s": 0.6, "read_s": 0.3, "max_head_bytes": 2048}
        async with serving(script) as server, client(AiohttpTransport, **limits) as transport:
            answer = await outcome(receive(transport, request_to(server)), server)
            assert answer[0] == expected[0]
            if len(answer) == 3:
                assert answer == expected

    asyncio.run(main())


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("receive", [complete, streamed])
def test_a_compressed_body_that_is_cut_short(run, coding, receive):
    body = (ZIPPED if coding == "gzip" else zlib.compress(b"hello" * 100))[:-4]

    async def main():
        async with serving(answering(compressed(coding, body))) as server, client() as transport:
            kind, text = await outcome(receive(transport, request_to(server)), server)
            assert kind is MalformedResponse
            assert text.endswith("The compressed body is cut short")

    run(main)


def test_a_body_longer_than_the_limit(run):
    async def main():
        script = answering(CHUNKS, compressed("gzip", ZIPPED))
        async with serving(script) as server, client(max_body_bytes=4) as transport:
            results = [await outcome(complete(transport, request_to(server)), server) for _ in range(2)]
            assert await streamed(transport, request_to(server)) == (200, CHUNKED, b"hello")
            assert results[0] == unusable("the body is longer than 4 bytes")

    run(main)


def test_a_body_that_decodes_to_more_than_the_limit(run):
    async def main():
        async with serving(answering(compressed("gzip", ZIPPED))) as server, client(max_body_bytes=100) as transport:
            result = await outcome(complete(transport, request_to(server)), server)
            assert result == unusable("The decoded body is longer than 100 bytes")

    run(main)


@pytest.mark.parametrize("size", [0, 2, 40_000, 3_000_000])
def test_what_the_server_receives(run, size):
    body = b"x" * size
    received = []

    async def script(peer):
        received.append(await peer.request())
        await peer.send(OK)

    async def main():
        async with serving(script) as server, client() as transport:
            assert await complete(transport, request_to(server, body)) == OK_ANSWER
            host = f"127.0.0.1:{server.port}"
            head = f"POST /v1?a=b HTTP/1.1\r\nx-test: 1\r\nhost: {host}\r\ncontent-length: {size}\r\n\r\n"
            assert received == [(head.encode(), body)]

    run(main)


def test_an_answer_to_head_has_no_body(run):
    async def main():
        async with serving(answering(head("content-length: 5"), OK)) as server, client() as transport:
            assert await complete(transport, request_to(server, b"", "HEAD")) == (200, LENGTH_5, b"")
            assert await complete(transport, request_to(server)) == OK_ANSWER
            assert len(server.peers) == 1

    run(main)


def test_a_request_that_http_cannot_carry_reaches_no_server(run):
    async def main():
        async with serving(keep_answering) as server:
            url = Url.parse(f"http://127.0.0.1:{server.port}/")
            for kind in (Client, AiohttpTransport):
                async with client(kind) as transport:
                    with pytest.raises(UnsendableRequest) as caught:
                        await transport.send(HttpRequest("POST", url, (("x-key", "secret\r\n"),), b""))
                    assert str(caught.value) == "The header `x-key` holds the byte 0x0d, which HTTP forbids there"
            assert server.peers == []

    run(main)


def test_nobody_listens(run):
    async def main():
        async with serving(keep_answering) as server:
            pass
        async with client() as transport:
            expected = (ConnectFailed, f"Could not connect to ORIGIN: Connect call failed ('127.0.0.1', {server.port})")
            assert await outcome(complete(transport, request_to(server)), server) == expected

    run(main)


def test_a_host_that_is_no_name(run):
    async def main():
        async with client() as transport:
            with pytest.raises(ConnectFailed) as caught:
                await transport.send(HttpRequest("GET", Url.parse(f"http://{'a' * 64}.test/"), (), b""))
            assert str(caught.value).startswith(f"Could not connect to http://{'a' * 64}.test: ")

    run(main)


# -- connections -------------------------------------------------------------------------------------------------------


def test_connections_are_kept(run):
    async def main():
        async with serving(keep_answering) as server, client() as transport:
            for receive in (complete, streamed, complete):
                assert await receive(transport, request_to(server)) == OK_ANSWER
            assert len(server.peers) == 1

    run(main)


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        head("connection: close", "content-length: 2") + b"ok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ],
    ids=["surplus", "close", "http-1.0"],
)
def test_a_connection_is_not_used_again_after(run, answer):
    async def script(peer):
        await peer.request()
        await peer.send(answer)
        assert await peer.closed() == b""

    async def main():
        async with serving(script) as server, client() as transport:
            for _ in range(3):
                assert (await complete(transport, request_to(server)))[2] == b"ok"
            assert len(server.peers) == 3

    run(main)


def test_what_comes_unasked_is_nobodys_answer(run):
    async def script(peer):
        await peer.request()
        await peer.send(OK)
        await asyncio.sleep(0.02)
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        assert await peer.closed() == b""

    async def main():
        async with serving(script) as server, client() as transport:
            assert await complete(transport, request_to(server)) == OK_ANSWER
            await asyncio.sleep(0.05)
            assert await complete(transport, request_to(server)) == OK_ANSWER
            assert len(server.peers) == 2

    run(main)


def test_a_server_may_close_idle_connections(run):
    async def main():
        async with serving(answering(OK)) as server, client() as transport:
            for _ in range(3):
                assert await complete(transport, request_to(server)) == OK_ANSWER
                await asyncio.sleep(0.02)
            assert len(server.peers) == 3

    run(main)


async def closing_the_kept_alive(peer):
    """Answers the first request of a connection, and closes when the second one comes; the third connection is good."""
    await peer.request()
    await peer.send(OK)
    await peer.request()
    if peer.number == 2:
        await peer.send(OK)


@pytest.mark.parametrize("receive", [complete, streamed])
def test_a_request_on_a_connection_found_closed_is_sent_once_more(run, receive):
    async def main():
        async with serving(closing_the_kept_alive) as server, client() as transport:
            answers = [await receive(transport, request_to(server)) for _ in range(3)]
            assert answers == [OK_ANSWER] * 3
            assert len(server.peers) == 3

    run(main)


def test_a_request_is_not_sent_a_third_time(run):
    async def script(peer):
        await peer.request()
        if peer.number == 0:
            await peer.send(OK)
            await peer.request()

    async def main():
        async with serving(script) as server, client() as transport:
            assert await complete(transport, request_to(server)) == OK_ANSWER
            assert await outcome(complete(transport, request_to(server)), server) == lost("without an answer")
            assert len(server.peers) == 2

    run(main)


def test_a_request_is_not_sent_again_once_a_byte_of_the_answer_came(run):
    async def script(peer):
        await peer.request()
        await peer.send(OK)
        await peer.request()
        await peer.send(b"H")

    async def main():
        async with serving(script) as server, client() as transport:
            assert await complete(transport, request_to(server)) == OK_ANSWER
            assert await outcome(complete(transport, request_to(server)), server) == lost(BEFORE_THE_END)
            assert len(server.peers) == 1

    run(main)


def test_an_answer_that_comes_before_the_body_was_sent(run):
    async def script(peer):
        await peer.head()
        await peer.send(OK)
        await asyncio.sleep(0.1)
        peer.reset()

    async def main():
        async with serving(script) as server, client() as transport:
            for _ in range(2):
                assert await complete(transport, request_to(server, b"x" * 20_000_000)) == OK_ANSWER
            assert len(server.peers) == 2

    run(main)


def test_connections_are_bounded_in_number(run):
    async def script(peer):
        while True:
            await peer.request()
            await asyncio.sleep(0.01)
            await peer.send(OK)

    async def main():
        async with serving(script) as server, client(max_connections=2) as transport:
            answers = await asyncio.gather(*(complete(transport, request_to(server)) for _ in range(10)))
            assert answers == [OK_ANSWER] * 10
            assert len(server.peers) == 2

    run(main)


def test_a_freed_slot_goes_to_the_next_in_line(run):
    """Each answer ends its connection, so that every waiting request needs a connection of its own."""

    async def main():
        async with serving(answering(OK)) as server, client(max_connections=1) as transport:
            answers = await asyncio.gather(*(complete(transport, request_to(server)) for _ in range(5)))
            assert answers == [OK_ANSWER] * 5

    run(main)


def test_waiting_for_a_connection_counts_towards_the_total(run):
    async def main():
        async with serving(stalling(b"")) as server, client(max_connections=1, total_s=0.1) as transport:
            calls = [outcome(complete(transport, request_to(server)), server) for _ in range(3)]
            assert (
                await asyncio.gather(*calls)
                == [(UpstreamTimeout, "The exchange with ORIGIN took longer than 0.1 s")] * 3
            )

    run(main)


def test_one_who_leaves_the_line_takes_nothing_along(run):
    async def main():
        async with serving(keep_answering) as server, client(max_connections=1) as transport:
            calls = [asyncio.ensure_future(complete(transport, request_to(server))) for _ in range(6)]
            await asyncio.sleep(0)
            for call in calls[1::2]:
                call.cancel()
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert [r for r in results if not isinstance(r, asyncio.CancelledError)] == [OK_ANSWER] * 3
            assert await complete(transport, request_to(server)) == OK_ANSWER
            assert len(server.peers) == 1

    run(main)


def test_a_failure_to_connect_frees_its_slot(run):
    async def main():
        async with serving(keep_answering) as server:
            pass
        async with client(max_connections=1) as transport:
            calls = [outcome(complete(transport, request_to(server)), server) for _ in range(3)]
            assert [kind for kind, _ in await asyncio.gather(*calls)] == [ConnectFailed] * 3

    run(main)


def test_idle_connections_expire(run):
    async def main():
        async with serving(keep_answering) as server, client(idle_s=0.05) as transport:
            await asyncio.gather(*(complete(transport, request_to(server)) for _ in range(3)))
            assert server.open == 3
            await asyncio.sleep(0.15)
            assert server.open == 0
            assert await complete(transport, request_to(server)) == OK_ANSWER

    run(main)


def test_idle_connections_are_bounded_in_number(run):
    async def main():
        async with serving(keep_answering) as server, client(max_idle_connections=1) as transport:
            await asyncio.gather(*(complete(transport, request_to(server)) for _ in range(3)))
            await asyncio.sleep(0.02)
            assert server.open == 1

    run(main)


def test_the_connection_used_last_is_used_first(run):
    async def main():
        async with serving(keep_answering) as server, client(idle_s=0.2) as transport:
            await asyncio.gather(*(complete(transport, request_to(server)) for _ in range(3)))
            for _ in range(8):
                await complete(transport, request_to(server))
                await asyncio.sleep(0.05)
            assert (len(server.peers), server.open) == (3, 1)

    run(main)


# -- streams and cancellation ------------------------------------------------------------------------------------------


def test_a_stream_gives_what_has_arrived(run):
    async def script(peer):
        await peer.request()
        await peer.send(head("transfer-encoding: chunked"))
        for piece in (b"1\r\na\r\n2\r\nbc\r\n", b"1\r\nd\r\n"):
            await asyncio.sleep(0.02)
            await peer.send(piece)
        await peer.send(b"0\r\n\r\n")
        await peer.closed()

    async def main():
        async with serving(script) as server, client() as transport:
            stream = await transport.stream(request_to(server))
            assert (stream.status, stream.headers) == (200, CHUNKED)
            assert [await stream.read() for _ in range(4)] == [b"abc", b"d", b"", b""]
            stream.close()

    run(main)


def test_a_stream_that_breaks_gives_what_had_arrived_first(run):
    async def main():
        async with serving(answering(head("content-length: 5") + b"hel")) as server, client() as transport:
            stream = await transport.stream(request_to(server))
            await asyncio.sleep(0.05)
            assert await stream.read() == b"hel"
            for _ in range(2):
                with pytest.raises(ConnectionLost):
                    await stream.read()
            stream.close()

    run(main)


def test_a_stream_that_nobody_reads_fills_no_memory(run):
    total = 60_000_000
    sent = 0

    async def script(peer):
        nonlocal sent
        await peer.request()
        await peer.send(head(f"content-length: {total}"))
        while sent < total:
            await peer.send(b"x" * 100_000)
            sent += 100_000
        await keep_answering(peer)

    async def main():
        # What is unread is in the buffers of two sockets and of the stream. The pause is longer than `read_s`: a server
        # that is not listened to is not silent.
        async with serving(script) as server, client(stream_buffer_bytes=100_000, read_s=0.2) as transport:
            stream = await transport.stream(request_to(server))
            await asyncio.sleep(0.4)
            assert sent < 20_000_000
            received = 0
            while data := await stream.read():
                received += len(data)
            stream.close()
            assert received == total
            assert await complete(transport, request_to(server)) == OK_ANSWER
            assert len(server.peers) == 1

    run(main)


def ending_with(rest, pause_s):
    """Sends a first event, and after a pause the rest of the answer."""

    async def script(peer):
        while True:
            await peer.request()
            await peer.send(head("transfer-encoding: chunked") + b"1\r\na\r\n")
            await asyncio.sleep(pause_s)
            await peer.send(rest)

    return script


@pytest.mark.parametrize(
    ("rest", "pause_s", "connections"),
    [
        (b"0\r\n\r\n", 0.02, 1),
        (b"1\r\nb\r\n0\r\n\r\n", 0.02, 1),
        (b"7000\r\n" + b"x" * 0x7000 + b"\r\n0\r\n\r\n", 0.02, 2),
        (b"0\r\n\r\n", 0.5, 2),
        (b"nonsense\r\n", 0.02, 2),
    ],
    ids=["end", "short-rest", "long-rest", "late-rest", "nonsense"],
)
def test_a_stream_closed_early_keeps_its_connection_if_little_is_left(run, rest, pause_s, connections):
    async def main():
        async with serving(ending_with(rest, pause_s)) as server, client() as transport:
            for _ in range(2):
                stream = await transport.stream(request_to(server))
                assert await stream.read() == b"a"
                stream.close()
                assert await stream.read() == b""
                await asyncio.sleep(0.06 if pause_s < 0.1 else 0.35)
            assert len(server.peers) == connections

    run(main)


def test_closing_a_stream_wakes_its_reader(run):
    async def main():
        async with serving(stalling(head("content-length: 5"))) as server, client() as transport:
            stream = await transport.stream(request_to(server))
            reader = asyncio.ensure_future(stream.read())
            await asyncio.sleep(0.01)
            stream.close()
            assert await reader == b""

    run(main)


@pytest.mark.parametrize("receive", [complete, streamed])
@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200", head("content-length: 5") + b"hel"])
def test_a_cancelled_call_closes_its_connection(run, before, receive):
    async def script(peer):
        await peer.request()
        if peer.number == 0:
            await peer.send(before)
            assert await peer.closed() == b""
        else:
            await peer.send(OK)
            await peer.closed()

    async def main():
        async with serving(script) as server, client() as transport:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(receive(transport, request_to(server)), 0.05)
            await asyncio.sleep(0.3)
            assert server.open == 0
            assert await complete(transport, request_to(server)) == OK_ANSWER
            assert len(server.peers) == 2

    run(main)


def test_a_shutdown_ends_what_is_under_way(run):
    async def main():
        async with serving(stalling(b"")) as server, client() as transport:
            call = asyncio.ensure_future(outcome(complete(transport, request_to(server)), server))
            await asyncio.sleep(0.05)
            await transport.close()
            assert await call == (ConnectionLost, "The exchange with ORIGIN was ended by a shutdown")

    run(main)


def test_many_exchanges_at_once_never_mix_up_their_answers(run):
    async def script(peer):
        while True:
            _, body = await peer.request()
            answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            cut = len(body) % 7 * 11
            await peer.send(answer[:cut])
            await asyncio.sleep(0)
            await peer.send(answer[cut:])
            if len(body) % 5 == 0:
                return

    async def main():
        async with serving(script) as server, client(max_connections=20) as transport:

            async def one(number):
                body = b"%d " % number * (1 + number % 50)
                receive = streamed if number % 2 else complete
                if number % 9 == 0:
                    call = asyncio.ensure_future(receive(transport, request_to(server, body)))
                    await asyncio.sleep(0.001)
                    call.cancel()
                    return True
                return (await receive(transport, request_to(server, body)))[2] == body

            assert all(await asyncio.gather(*(one(number) for number in range(1, 400))))

    run(main)
