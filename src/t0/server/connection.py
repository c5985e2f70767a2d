"""One client's connection: its requests, one after the other, and their answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from math import inf
from typing import cast
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from t0._core.http1 import RequestParser
from t0.errors import MalformedRequest
from t0.routes.http import EventStream, Request, Response
from t0.server import answers
from t0.timers import TimerWheel

log = logging.getLogger("t0")

Handler = Callable[[Request], Awaitable[Response | EventStream]]
"""Must not raise: what goes wrong is an answer as well."""

PING = b":\n\n"
PING_S = 15.0
"""A comment is sent into a stream that has been silent for so long, so that nothing on the way takes it for dead."""

CLOSING_S = 5.0
"""How long a request may still take to arrive once the server closes."""


class ServerLimits(Struct, frozen=True, kw_only=True):
    """What one connection may ask of the server. Times in seconds."""

    max_head_bytes: int = 65_536
    max_body_bytes: int
    """Of what is longer, the rest is read and dropped, so that the client gets an answer."""
    head_s: float = 30.0
    """From the first byte of a request to the end of its head."""
    silence_s: float = 60.0
    """Between two pieces of a body, and how long a client may leave an answer unread."""
    max_waiting_bytes: int = 65_536
    """Of requests sent before the answer to an earlier one; while more are held, the socket is not read."""


def split_target(target: str) -> tuple[str, bytes]:
    """The path, decoded, and the query, as it is. A proxy may have named scheme and authority as well."""
    path, _, query = target.partition("?")
    if not path.startswith("/"):
        _, scheme_ends, rest = path.partition("://")
        path = "/" + rest.partition("/")[2] if scheme_ends else path
    return unquote(path) if "%" in path else path, query.encode()


class Connection(asyncio.Protocol):
    """Reads a request, has it answered, writes the answer, and begins again.

    A request is answered to its end whatever becomes of the client: it is paid for, and has to be recorded.
    """

    __slots__ = (
        "_began_s",
        "_body",
        "_body_bytes",
        "_continued",
        "_handler",
        "_heard_s",
        "_is_answering",
        "_is_read_paused",
        "_is_streaming",
        "_keep",
        "_limits",
        "_loop",
        "_minor",
        "_on_end",
        "_parser",
        "_paused_s",
        "_stream_start",
        "_task",
        "_transport",
        "_waiting",
        "_wheel",
        "_writable",
        "_written_s",
        "checked_s",
        "closing_s",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        handler: Handler,
        limits: ServerLimits,
        wheel: TimerWheel,
        on_end: Callable[[Connection], None],
    ) -> None:
        """`on_end` is called when the client is gone and its last request has been answered to the end."""
        self._loop, self._handler, self._limits, self._wheel, self._on_end = loop, handler, limits, wheel, on_end
        self._parser = RequestParser(limits.max_head_bytes)
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        """Not None while the client reads more slowly than it is written to."""
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._waiting = b""
        self._is_answering = self._is_streaming = self._is_read_paused = self._continued = False
        self._keep = True
        self._minor = True
        self._stream_start = b""
        """The head of an event stream that has sent nothing yet."""
        self._began_s = self._heard_s = self._written_s = self._paused_s = 0.0
        self.checked_s = inf
        self.closing_s = inf
        """When the server began to close."""

    # -- for the server ------------------------------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a request is here and nothing of an answer has to be sent."""
        return not self._is_answering and not self._began_s

    def finish(self) -> None:
        """Ends the connection after the request under way; one that has not arrived whole is given some seconds."""
        if self._transport is None:
            return
        if self.is_idle:
            self._transport.close()
        elif not self._is_answering:
            self._wheel.schedule(self, self.closing_s + CLOSING_S)

    # -- from the event loop -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._is_answering:
            self._hold(data)
        elif data != b"\r\n" or self._began_s:  # some clients end a body with a line of its own
            self._read(data)

    def eof_received(self) -> bool:
        """A client may end its side after a request and still read the answer."""
        self._keep = False
        return self._is_answering

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()
        self._paused_s = self._loop.time()
        self._wheel.schedule(self, self._due())

    def resume_writing(self) -> None:
        if self._writable is not None:
            self._writable.set_result(None)
            self._writable = None

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._wheel.discard(self)
        self.resume_writing()
        if not self._is_answering:
            self._on_end(self)

    def on_timer(self, now_s: float) -> float:
        due_s = self._due()
        if due_s > now_s:
            return due_s
        if self._writable is not None and self._transport is not None:
            self._transport.abort()
            return inf
        if self._is_streaming:
            self._write_events(PING)
            return self._due()
        self._refuse(MalformedRequest("the request did not arrive in time", status=408))
        return inf

    def _due(self) -> float:
        """When the client has read nothing or sent nothing for too long, or the silence in a stream is to be broken."""
        if self._writable is not None:
            return self._paused_s + self._limits.silence_s
        if self._is_streaming:
            return self._written_s + PING_S
        if self.is_idle or self._is_answering:
            return inf
        limits = self._limits
        due_s = self._heard_s + limits.silence_s if self._parser.has_head else self._began_s + limits.head_s
        return min(due_s, self.closing_s + CLOSING_S)

    # -- reading -------------------------------------------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        parser = self._parser
        try:
            body = parser.feed(data)
        except MalformedRequest as e:
            self._refuse(e)
            return
        if parser.complete and not self._body_bytes and len(body) <= self._limits.max_body_bytes:
            self._answer(body)
        else:
            self._read_on(body)

    def _read_on(self, part: bytes) -> None:
        """A request that arrives in pieces."""
        self._body_bytes += len(part)
        if self._body_bytes > self._limits.max_body_bytes:
            self._body.clear()
        elif part:
            self._body.append(part)
        parser = self._parser
        if parser.complete:
            self._answer(b"".join(self._body))
            return
        now_s = self._loop.time()
        self._began_s = self._began_s or now_s
        self._heard_s = now_s
        if parser.expects_continue and parser.has_head and not self._continued:
            self._continued = True
            self._write(answers.CONTINUE)
        self._wheel.schedule(self, self._due())

    def _hold(self, data: bytes) -> None:
        """A request that was sent before the answer to the one before it."""
        self._waiting += data
        is_too_much = len(self._waiting) > self._limits.max_waiting_bytes
        if is_too_much and not self._is_read_paused and self._transport is not None:
            self._is_read_paused = True
            self._transport.pause_reading()

    def _refuse(self, error: MalformedRequest) -> None:
        """After this, nobody knows where the next request would begin."""
        body = msgspec.json.encode({"error": f"Malformed HTTP request: {error}"})
        response = Response(status=error.status, body=body)
        self._write(answers.whole(response, minor=self._minor, keep=False))
        self._close()

    # -- answering -----------------------------------------------------------------------------------------------------

    def _answer(self, body: bytes) -> None:
        parser = self._parser
        self._is_answering = True
        self._keep = self._keep and parser.reusable
        self._minor = parser.minor
        if parser.surplus:
            self._hold(parser.surplus)
        path, query = split_target(parser.target)
        is_too_long = self._body_bytes > self._limits.max_body_bytes
        request = Request(parser.method, path, query, parser.headers, body, is_too_long)
        # PERF: without a name the task would format one.
        self._task = asyncio.Task(self._serve(request), loop=self._loop, name="request")

    async def _serve(self, request: Request) -> None:
        try:
            response = await self._handler(request)
            keep = self._keep = self._keep and self.closing_s == inf
            if isinstance(response, Response):
                bodiless = request.method == "HEAD"
                self._write(answers.whole(response, minor=self._minor, keep=keep, bodiless=bodiless))
            else:
                await self._stream(response)
            while self._writable is not None:
                await self._writable
        except Exception:
            log.exception("%s %s could not be answered", request.method, request.path)
            self._keep = False
        except BaseException:  # the loop ends
            self._keep = False
            raise
        finally:
            self._begin_again()

    def _begin_again(self) -> None:
        self._is_answering = False
        if self._transport is None:
            self._on_end(self)
            return
        if not self._keep or self.closing_s != inf:
            self._close()
            return
        self._parser.start()
        self._task = None
        self._began_s = 0.0
        if self._body_bytes:
            self._body_bytes = 0
            self._body.clear()
        self._continued = False
        if self._waiting:
            waiting, self._waiting = self._waiting, b""
            self._read(waiting)
        if self._is_read_paused and len(self._waiting) <= self._limits.max_waiting_bytes:
            self._is_read_paused = False
            if self._transport is not None:
                self._transport.resume_reading()

    # -- writing -------------------------------------------------------------------------------------------------------

    async def _stream(self, stream: EventStream) -> None:
        """Sends the events as they come, and drives them to their end without the client when it has left."""
        self._keep = self._keep and self._minor
        self._stream_start = answers.stream_start(minor=self._minor, keep=self._keep)
        self._written_s = self._loop.time()
        self._is_streaming = True
        self._wheel.schedule(self, self._due())
        try:
            while not stream.ended:
                events = await stream.next()
                self._write_events(events, is_end=stream.ended)
                while self._writable is not None:
                    await self._writable
        except Exception:
            log.exception("an event stream failed")
            self._write_events(b"")
            self._keep = False  # and without a last chunk, so that the client knows
        finally:
            self._is_streaming = False

    def _write_events(self, events: bytes, *, is_end: bool = False) -> None:
        """PERF: head, events and end leave in one write where they are there together."""
        data = self._stream_start
        if self._minor:
            if events:
                data += answers.chunk(events)
            if is_end:
                data += answers.LAST_CHUNK
        else:
            data += events
        if data:
            self._stream_start = b""
            self._written_s = self._loop.time()
            self._write(data)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _close(self) -> None:
        """Once all that was written is sent."""
        if self._transport is not None:
            self._transport.close()
