"""Single exchanges with servers that behave and that do not, on asyncio's loop and on uvloop's."""

import asyncio
import gzip
import zlib

import pytest

from misbehaving import OK, answering, keep_answering, serving, stalling
from t0.errors import ConnectFailed, MalformedResponse, UnsendableRequest, UpstreamTimeout
from t0.upstream.aiohttp_transport import AiohttpTransport
from t0.upstream.base import HttpRequest, Url
from t0.upstream.client import Client
from upstream_kit import (
    BEFORE_THE_END,
    CHUNKED,
    OK_ANSWER,
    client,
    complete,
    head,
    lost,
    outcome,
    request_to,
    streamed,
    unusable,
)


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
CHUNKS = head("transfer-encoding: chunked") + b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\ntrailer: 1\r\n\r\n"
ZIPPED = gzip.compress(b"hello" * 100)
TWO_MEMBERS = gzip.compress(b"hello") + gzip.compress(b" world")
RAW_DEFLATED = zlib.compress(b"hello", wbits=-15)


def compressed(coding, body):
    return head(f"content-encoding: {coding}", f"content-length: {len(body)}") + body


def compressed_answer(coding, body, plain):
    return 200, {"content-encoding": coding, "content-length": str(len(body))}, plain


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
    pytest.param(stalling(b""), (UpstreamTimeout, "ORIGIN was silent for 0.15 s"), id="silent"),
    pytest.param(stalling(b"HTTP/1.1 200"), (UpstreamTimeout, "ORIGIN was silent for 0.15 s"), id="silent-in-the-head"),
    pytest.param(
        stalling(head("content-length: 5") + b"hel"),
        (UpstreamTimeout, "ORIGIN was silent for 0.15 s"),
        id="silent-in-the-body",
    ),
    pytest.param(
        dripping_for_ever,
        (UpstreamTimeout, "The exchange with ORIGIN took longer than 0.4 s"),
        id="slower-than-the-total",
    ),
]

# It waits out a flood of interim answers, decodes more, reads one gzip member, and takes a reset for an end.
AIOHTTP_IS_LENIENT = (
    "surplus",
    "brotli-unasked",
    "flood-of-interim-answers",
    "gzip-members-byte-by-byte",
    "reset-where-close-is-the-end",
)


@pytest.mark.parametrize("receive", [complete, streamed])
@pytest.mark.parametrize(("script", "expected"), EXCHANGES)
def test_an_exchange(run, script, expected, receive):
    async def main():
        async with serving(script) as server, client(total_s=0.4, read_s=0.15, max_head_bytes=2048) as transport:
            assert await outcome(receive(transport, request_to(server)), server) == expected

    run(main)


@pytest.mark.parametrize("receive", [complete, streamed])
@pytest.mark.parametrize(
    ("script", "expected"),
    [case for case in EXCHANGES if case.id not in AIOHTTP_IS_LENIENT],
)
def test_aiohttp_gives_the_same_answers_and_kinds_of_errors(script, expected, receive):
    async def main():
        limits = {"total_s": 0.4, "read_s": 0.15, "max_head_bytes": 2048}
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
