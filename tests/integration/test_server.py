"""The server on real sockets: many clients, slow ones, those that leave, and a server that closes."""

import asyncio
import errno
import functools
import hashlib
import http.client
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Self

import h11
import pytest
import uvloop

import t0.server.server
from t0.routes.http import EventStream, Request, Response
from t0.server.connection import Handler, ServerLimits
from t0.server.server import Server

MB = 1_000_000
LIMITS = ServerLimits(max_body_bytes=32 * MB)
TEST_LIMIT_S = 60.0


def in_uvloop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs an async test in a loop as a worker has it."""

    @functools.wraps(test)
    def in_loop(*args: Any, **kwargs: Any) -> None:
        uvloop.run(asyncio.wait_for(test(*args, **kwargs), TEST_LIMIT_S))

    return in_loop


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        listening.setblocking(False)
        yield listening


class Iterated(EventStream):
    def __init__(self, events: AsyncIterator[bytes]) -> None:
        self._events = events

    async def next(self) -> bytes:
        events = await anext(self._events, None)
        self.ended = events is None
        return events or b""


@asynccontextmanager
async def serving(listener: socket.socket, handler: Handler, limits: ServerLimits = LIMITS) -> AsyncIterator[Server]:
    server = Server(listener, handler, limits)
    server.start()
    try:
        yield server
    finally:
        await server.close()


async def echo(request: Request) -> Response:
    return Response(content_type=b"text/plain", body=request.body or request.path.encode())


class Gate:
    """A handler whose requests wait until it is opened; `entered` and `left` are their paths."""

    def __init__(self) -> None:
        self.entered: list[str] = []
        self.left: list[str] = []
        self._opened = asyncio.Event()

    def open(self) -> None:
        self._opened.set()

    async def answer(self, request: Request) -> Response:
        self.entered.append(request.path)
        await self._opened.wait()
        self.left.append(request.path)
        return await echo(request)

    async def wait_for(self, requests: int) -> None:
        while len(self.entered) < requests:
            await asyncio.sleep(0.005)


class Client:
    """A client and its connection; h11 judges and reads what it is sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._h11 = h11.Connection(h11.CLIENT)

    @classmethod
    async def of(cls, listener: socket.socket, receive_buffer: int | None = None) -> Self:
        sock = socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, listener.getsockname())
        return cls(*await asyncio.open_connection(sock=sock))

    def send(self, path: str, body: bytes = b"") -> None:
        fields = [("host", "t0"), ("content-length", str(len(body)))]
        events = [h11.Request(method="POST", target=path, headers=fields), h11.Data(data=body), h11.EndOfMessage()]
        self.writer.write(b"".join([self._h11.send(event) or b"" for event in events]))

    async def answer(self) -> tuple[int, bytes, bool]:
        """Status and body of the next answer, and whether the server keeps the connection."""
        status, parts = 0, []
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                self._h11.receive_data(await self.reader.read(65_536))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                raise AssertionError(f"the answer ends with {event}")
        keeps = self._h11.their_state is h11.DONE
        if keeps:
            self._h11.start_next_cycle()
        return status, b"".join(parts), keeps

    async def ask(self, path: str, body: bytes = b"") -> tuple[int, bytes, bool]:
        self.send(path, body)
        return await self.answer()

    async def is_closed_by_server(self) -> bool:
        """Waits for the server's end of the connection."""
        return await self.reader.read(1) == b""

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    def reset(self) -> None:
        """Leaves without a word: what is on the way is lost."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


# -- requests and answers ----------------------------------------------------------------------------------------------


@in_uvloop
async def test_one_connection_carries_request_after_request(listener: socket.socket) -> None:
    def ask() -> tuple[list[tuple[int, bytes]], int]:
        host, port = listener.getsockname()
        connection = http.client.HTTPConnection(host, port, timeout=30)
        answers, addresses = [], set()
        for i in range(20):
            connection.request("POST", f"/{i}", b"x" * i * 1000)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
            assert connection.sock is not None
            addresses.add(connection.sock.getsockname())
        connection.close()
        return answers, len(addresses)

    async with serving(listener, echo):
        answers, connections = await asyncio.to_thread(ask)
    assert answers == [(200, b"x" * i * 1000 or b"/0") for i in range(20)]
    assert connections == 1


@in_uvloop
async def test_a_large_answer_to_a_slow_reader_arrives_whole(listener: socket.socket) -> None:
    large = os.urandom(5 * MB)

    async def answer(request: Request) -> Response:
        return Response(content_type=b"text/plain", body=large if request.path == "/large" else b"small")

    async with serving(listener, answer), await Client.of(listener, 4096) as slow, await Client.of(listener) as other:
        slow.send("/large")
        assert await other.ask("/small") == (200, b"small", True)
        head, received = await slow.reader.readuntil(b"\r\n\r\n"), b""
        assert b"\r\ncontent-length: 5000000\r\n" in head
        while len(received) < len(large):
            await asyncio.sleep(0)
            received += await slow.reader.read(10_000)
        assert received == large
        assert await other.ask("/small") == (200, b"small", True)


@in_uvloop
async def test_a_stream_goes_no_further_than_its_client_reads(listener: socket.socket) -> None:
    given = 0

    async def events() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(400):
            given += 1
            yield b"data: " + b"x" * 50_000 + b"\n\n"

    async def answer(_: Request) -> EventStream:
        return Iterated(events())

    async with serving(listener, answer), await Client.of(listener, 4096) as client:
        client.send("/")
        await asyncio.sleep(0.3)
        assert 0 < given < 400
        assert await client.answer() == (200, (b"data: " + b"x" * 50_000 + b"\n\n") * 400, True)
        assert given == 400


@in_uvloop
async def test_two_hundred_clients_at_once(listener: socket.socket) -> None:
    gate = Gate()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(listener, gate.answer))
        clients = [await stack.enter_async_context(await Client.of(listener)) for _ in range(200)]
        for i, client in enumerate(clients):
            client.send(f"/{i}")
        await gate.wait_for(200)
        gate.open()
        answers = await asyncio.gather(*(client.answer() for client in clients))
        assert answers == [(200, b"/%d" % i, True) for i in range(200)]
        again = await asyncio.gather(*(client.ask("/again") for client in clients))
        assert again == [(200, b"/again", True)] * 200


@in_uvloop
async def test_thousands_of_requests_sent_ahead_are_answered_in_order(listener: socket.socket) -> None:
    count = 4000
    requests = b"".join([b"GET /%d HTTP/1.1\r\nhost: t0\r\n\r\n" % i for i in range(count)])
    async with serving(listener, echo), await Client.of(listener) as client:
        client.writer.write(requests)
        bodies = []
        for _ in range(count):
            head = await client.reader.readuntil(b"\r\n\r\n")
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            bodies.append(await client.reader.readexactly(length))
        assert bodies == [b"/%d" % i for i in range(count)]


def upload(address: tuple[str, int], *bodies: bytes) -> list[bytes]:
    """The answers to uploads on one connection."""
    connection = http.client.HTTPConnection(*address, timeout=30)
    answers = []
    for body in bodies:
        connection.request("POST", "/", body)
        answers.append(connection.getresponse().read())
    connection.close()
    return answers


async def judge(request: Request) -> Response:
    """Tells what it has got."""
    return Response(
        body=f"{request.is_too_long} {len(request.body)} {hashlib.sha256(request.body).hexdigest()}".encode()
    )


@in_uvloop
async def test_a_large_upload_arrives_whole(listener: socket.socket) -> None:
    large = os.urandom(20 * MB)
    async with serving(listener, judge):
        answers = await asyncio.to_thread(upload, listener.getsockname(), large, b"small")
    hashes = [hashlib.sha256(body).hexdigest() for body in (large, b"small")]
    assert answers == [f"False {20 * MB} {hashes[0]}".encode(), f"False 5 {hashes[1]}".encode()]


@in_uvloop
async def test_an_upload_beyond_the_limit_leaves_the_connection_usable(listener: socket.socket) -> None:
    async with serving(listener, judge, ServerLimits(max_body_bytes=MB)):
        answers = await asyncio.to_thread(upload, listener.getsockname(), bytes(20 * MB), b"small")
    hashes = [hashlib.sha256(body).hexdigest() for body in (b"", b"small")]
    assert answers == [f"True 0 {hashes[0]}".encode(), f"False 5 {hashes[1]}".encode()]


@in_uvloop
async def test_a_client_that_ends_its_side_still_gets_its_answer(listener: socket.socket) -> None:
    gate = Gate()
    async with serving(listener, gate.answer), await Client.of(listener) as client:
        client.send("/a")
        client.writer.write_eof()
        await gate.wait_for(1)
        gate.open()
        assert await client.answer() == (200, b"/a", False)
        assert await client.is_closed_by_server()


@pytest.mark.parametrize(
    ("begins", "reads"),
    [
        (b"", False),
        (b"GET /a HT", False),
        (b"POST /a HTTP/1.1\r\nhost: t0\r\ncontent-length: 9\r\n\r\nxyz", False),
        (b"GET /wait HTTP/1.1\r\nhost: t0\r\n\r\n", False),
        (b"GET /large HTTP/1.1\r\nhost: t0\r\n\r\n", True),
        (b"GET /stream HTTP/1.1\r\nhost: t0\r\n\r\n", True),
    ],
    ids=["at once", "in the head", "in the body", "before the answer", "in the answer", "in a stream"],
)
@in_uvloop
async def test_clients_that_reset_their_connections(listener: socket.socket, begins: bytes, reads: bool) -> None:
    gate = Gate()
    streams_ended = 0

    async def events() -> AsyncIterator[bytes]:
        nonlocal streams_ended
        for _ in range(20):
            yield b"x" * 100_000
            await asyncio.sleep(0.005)
        streams_ended += 1

    async def answer(request: Request) -> Response | EventStream:
        if request.path == "/wait":
            return await gate.answer(request)
        if request.path == "/stream":
            return Iterated(events())
        return Response(body=bytes(5 * MB) if request.path == "/large" else b"")

    async with serving(listener, answer):
        for _ in range(10):
            client = await Client.of(listener)
            client.writer.write(begins)
            if reads:
                await client.reader.readexactly(100)
            elif begins.startswith(b"GET /wait"):
                await gate.wait_for(len(gate.left) + 1)
            client.reset()
        gate.open()
        async with await Client.of(listener) as last:
            assert await last.ask("/") == (200, b"", True)
    assert gate.left == gate.entered
    assert streams_ended == (10 if b"stream" in begins else 0)


# -- closing -----------------------------------------------------------------------------------------------------------


@in_uvloop
async def test_closing_answers_what_is_under_way_and_closes_what_is_idle(listener: socket.socket) -> None:
    gate = Gate()
    server = Server(listener, gate.answer, LIMITS)
    server.start()
    async with await Client.of(listener) as new, await Client.of(listener) as busy, await Client.of(listener) as other:
        busy.send("/busy")
        other.send("/other")
        await gate.wait_for(2)
        closing = asyncio.create_task(server.close())
        assert await new.is_closed_by_server()
        assert not closing.done()
        gate.open()
        assert await busy.answer() == (200, b"/busy", False)
        assert await other.answer() == (200, b"/other", False)
        assert await busy.is_closed_by_server()
        assert await other.is_closed_by_server()
        await closing


@in_uvloop
async def test_closing_closes_a_connection_that_has_served(listener: socket.socket) -> None:
    server = Server(listener, echo, LIMITS)
    server.start()
    async with await Client.of(listener) as client:
        assert await client.ask("/a") == (200, b"/a", True)
        await server.close()
        assert await client.is_closed_by_server()


@in_uvloop
async def test_a_request_sent_while_the_server_begins_to_close_is_answered(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(t0.server.server, "LINGER_S", 0.5)
    server = Server(listener, echo, LIMITS)
    server.start()
    async with await Client.of(listener) as client:
        assert await client.ask("/a") == (200, b"/a", True)
        closing = asyncio.create_task(server.close())
        await asyncio.sleep(0)
        assert await client.ask("/b") == (200, b"/b", False)
        assert await client.is_closed_by_server()
        await closing


@in_uvloop
async def test_a_server_without_clients_closes(listener: socket.socket) -> None:
    server = Server(listener, echo, LIMITS)
    server.start()
    await server.close()


@in_uvloop
async def test_who_connects_to_a_closing_server_is_left_to_another_one(listener: socket.socket) -> None:
    gate = Gate()
    server = Server(listener, gate.answer, LIMITS)
    server.start()
    async with await Client.of(listener) as busy:
        busy.send("/busy")
        await gate.wait_for(1)
        closing = asyncio.create_task(server.close())
        await asyncio.sleep(0)
        async with await Client.of(listener) as late:
            late.send("/late")
            gate.open()
            assert await busy.answer() == (200, b"/busy", False)
            await closing
            assert gate.entered == ["/busy"]
            async with serving(listener, echo):
                assert await late.answer() == (200, b"/late", True)


@pytest.mark.parametrize("resets", [False, True])
@in_uvloop
async def test_closing_waits_for_a_request_whose_client_has_left(listener: socket.socket, resets: bool) -> None:
    gate = Gate()
    server = Server(listener, gate.answer, LIMITS)
    server.start()
    client = await Client.of(listener)
    client.send("/a")
    await gate.wait_for(1)
    if resets:
        client.reset()
    else:
        await client.close()
    closing = asyncio.create_task(server.close())
    await asyncio.sleep(3 * t0.server.server.LINGER_S)
    assert (closing.done(), gate.left) == (False, [])
    gate.open()
    await closing
    assert gate.left == ["/a"]


# -- accepting ---------------------------------------------------------------------------------------------------------


@in_uvloop
async def test_beyond_the_most_connections_clients_wait_until_one_leaves(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(t0.server.server, "MAX_CONNECTIONS", 2)
    seen = []

    async def answer(request: Request) -> Response:
        seen.append(request.path)
        return await echo(request)

    async with serving(listener, answer), await Client.of(listener) as first, await Client.of(listener) as second:
        assert await first.ask("/first") == (200, b"/first", True)
        assert await second.ask("/second") == (200, b"/second", True)
        async with await Client.of(listener) as third:
            third.send("/third")
            for _ in range(20):
                await first.ask("/first")
                await second.ask("/second")
            assert seen == ["/first", "/second"] * 21
            await first.close()
            assert await third.answer() == (200, b"/third", True)
            assert await third.ask("/third") == (200, b"/third", True)
            assert await second.ask("/second") == (200, b"/second", True)


@in_uvloop
async def test_a_full_server_closes(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of its connections does not make it accept again."""
    monkeypatch.setattr(t0.server.server, "MAX_CONNECTIONS", 1)
    gate = Gate()
    gate.open()
    server = Server(listener, gate.answer, LIMITS)
    server.start()
    async with await Client.of(listener) as first, await Client.of(listener) as second:
        assert await first.ask("/first") == (200, b"/first", True)
        second.send("/second")
        await server.close()
        assert await first.is_closed_by_server()
        await asyncio.sleep(0.05)
        assert gate.entered == ["/first"]
        async with serving(listener, echo):
            assert await second.answer() == (200, b"/second", True)


@in_uvloop
async def test_two_servers_on_one_socket_both_serve(listener: socket.socket) -> None:
    def named(name: bytes) -> Handler:
        async def answer(_: Request) -> Response:
            return Response(body=name)

        return answer

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(await Client.of(listener)) for _ in range(20)]
        # One loop watches a descriptor once.
        with listener.dup() as same:
            same.setblocking(False)
            async with serving(listener, named(b"one")), serving(same, named(b"two")):
                answers = await asyncio.gather(*(client.ask("/") for client in clients))
    assert set(answers) == {(200, b"one", True), (200, b"two", True)}


class FailingOnce:
    """A listening socket whose first `accept` fails."""

    def __init__(self, listener: socket.socket, error: OSError) -> None:
        self._listener = listener
        self._errors = [error]

    def fileno(self) -> int:
        return self._listener.fileno()

    def accept(self) -> tuple[socket.socket, Any]:
        if self._errors:
            raise self._errors.pop()
        return self._listener.accept()


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (
            OSError(errno.EMFILE, "Too many open files"),
            ["no connection can be accepted for now: [Errno 24] Too many open files"],
        ),
        (
            OSError(errno.EPROTO, "Protocol error"),
            ["no connection can be accepted for now: [Errno 71] Protocol error"],
        ),
        (ConnectionAbortedError(errno.ECONNABORTED, "aborted"), []),
        (BlockingIOError(errno.EAGAIN, "another took it"), []),
    ],
    ids=["no descriptors", "network", "aborted", "taken by another"],
)
@in_uvloop
async def test_a_failed_accept_costs_no_connection(
    listener: socket.socket, caplog: pytest.LogCaptureFixture, error: OSError, logged: list[str]
) -> None:
    failing: Any = FailingOnce(listener, error)
    with caplog.at_level(logging.ERROR, "t0"):
        async with serving(failing, echo), await Client.of(listener) as first, await Client.of(listener) as second:
            assert await first.ask("/first") == (200, b"/first", True)
            assert await second.ask("/second") == (200, b"/second", True)
    assert [r.message for r in caplog.records if r.name == "t0"] == logged
