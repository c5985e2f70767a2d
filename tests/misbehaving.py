"""An HTTP server that does on each connection exactly what a script says, for better or worse."""

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Peer:
    """One accepted connection. `number` counts them from 0."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number, self._reader, self._writer = number, reader, writer

    async def head(self) -> bytes:
        """The next request's head. Raises `EOFError` when the client has closed the connection."""
        try:
            return await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError) as e:
            raise EOFError from e

    async def request(self) -> tuple[bytes, bytes]:
        """The next request's head and body."""
        head = await self.head()
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
        return head, await self._reader.readexactly(length)

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def drip(self, data: bytes, pause_s: float = 0) -> None:
        """Sends byte by byte, each in a packet of its own as far as the system lets it."""
        for i in range(len(data)):
            await self.send(data[i : i + 1])
            await asyncio.sleep(pause_s)

    async def closed(self) -> bytes:
        """Waits for the client to close; gives what it still sent."""
        with contextlib.suppress(ConnectionError):
            return await self._reader.read()
        return b""

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carries bytes between the client and another connection until one of them closes."""

        async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
            sink.close()

        await asyncio.gather(carry(reader, self._writer), carry(self._reader, writer))
        await writer.wait_closed()

    def close_now(self) -> None:
        """Closes at once, without the loop's help, so that the client's loop cannot have seen it when it goes on."""
        with socket.socket(fileno=os.dup(self._writer.get_extra_info("socket").fileno())) as sock:
            sock.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Ends the connection with a RST."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def tls(self) -> ssl.SSLObject:
        tls = self._writer.get_extra_info("ssl_object")
        assert isinstance(tls, ssl.SSLObject)
        return tls


Script = Callable[[Peer], Awaitable[None]]


class Server:
    """A listening server; `peers` are all connections so far, `open` counts those whose script has not ended."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.port = 0
        self.peers: list[Peer] = []
        self.open = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        peer = Peer(len(self.peers), reader, writer)
        self.peers.append(peer)
        self.open += 1
        try:
            # A script ends where its connection does.
            with contextlib.suppress(EOFError, ConnectionError):
                await self._script(peer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                await writer.wait_closed()

    async def stop(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server on a free port of 127.0.0.1; the connection of a script that returns is closed."""
    server = Server(script)
    listener = await asyncio.start_server(server._on_connection, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await server.stop()


def answering(*answers: bytes) -> Script:
    """A script that answers the requests of each connection with `answers` in turn, then closes."""

    async def script(peer: Peer) -> None:
        for answer in answers:
            await peer.request()
            await peer.send(answer)

    return script


async def keep_answering(peer: Peer) -> None:
    """A script that answers `ok` as long as the client asks."""
    while True:
        await peer.request()
        await peer.send(OK)


def stalling(answer: bytes) -> Script:
    """A script that sends no more than `answer`, and waits."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        await peer.closed()

    return script
