"""Answers read as they come, and calls that are cancelled."""

import asyncio

import pytest

from misbehaving import OK, answering, keep_answering, serving, stalling
from t0.errors import ConnectionLost
from upstream_kit import CHUNKED, OK_ANSWER, client, complete, eventually, head, outcome, request_to, streamed


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
            await eventually(lambda: server.open, 0)
            assert await complete(transport, request_to(server)) == OK_ANSWER
            assert len(server.peers) == 2

    run(main)


def test_a_shutdown_ends_what_is_under_way_and_what_waits(run):
    async def main():
        async with serving(stalling(b"")) as server, client(max_connections=1) as transport:
            calls = [asyncio.ensure_future(outcome(complete(transport, request_to(server)), server)) for _ in range(3)]
            await asyncio.sleep(0.05)
            await transport.close()
            ended = (ConnectionLost, "The exchange with ORIGIN was ended by a shutdown")
            assert await asyncio.gather(*calls) == [ended] * 3
            await eventually(lambda: (len(server.peers), server.open), (1, 0))

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
