"""One keep-alive connection to an origin, carrying one exchange at a time."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from math import inf
from typing import Protocol, cast

from t0._core.http1 import ResponseParser
from t0.errors import ConnectionLost, MalformedResponse, UpstreamError, UpstreamTimeout
from t0.timers import TimerWheel
from t0.upstream.base import Limits

# Below this, copying the body behind its head is cheaper than a second buffer.
COPIED_BODY_BYTES = 32 * 1024

# A kept-alive connection that is reset later than this after a request was not merely found closed.
STALE_WITHIN_S = 5.0

# Linux: `struct tcp_info` begins with the state; the number of segments without an acknowledgement is at 24.
TCP_INFO = struct.Struct("B23xI")
TCP_CLOSE = 7

# What a stream that was closed early may still deliver before its connection is given up.
DRAIN_BYTES = 16 * 1024
DRAIN_S = 0.25


class Exchange(Protocol):
    """Who receives an answer."""

    def on_data(self, parser: ResponseParser, body: bytes) -> None:
        """Something arrived: `parser` tells the head and whether this was the end, `body` may be empty.

        Raises `MalformedResponse` to end the exchange.
        """

    def on_error(self, error: UpstreamError) -> None:
        """The answer will not be whole. Called once, and nothing after it."""


class Owner(Protocol):
    """The pool a connection belongs to."""

    base: str

    def on_idle(self, connection: Connection) -> None: ...

    def on_lost(self, connection: Connection) -> None: ...


class Drain:
    """Reads an answer that nobody wants to its near end, so that its connection can be used again."""

    def __init__(self) -> None:
        self._left = DRAIN_BYTES

    def on_data(self, parser: ResponseParser, body: bytes) -> None:
        self._left -= len(body)
        if self._left < 0:
            raise MalformedResponse("too much was left of an answer that is no longer wanted")

    def on_error(self, error: UpstreamError) -> None:
        """Nobody waits."""


class Connection(asyncio.Protocol):
    """Goes back to its owner as soon as an exchange has ended cleanly, and is closed after any other end."""

    __slots__ = (
        "_deadline_s",
        "_exchange",
        "_heard_s",
        "_limits",
        "_loop",
        "_owner",
        "_parser",
        "_read_paused",
        "_received",
        "_started_s",
        "_taken",
        "_transport",
        "_wheel",
        "_write_paused",
        "checked_s",
        "closed",
        "exchanges",
    )

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop, wheel: TimerWheel, limits: Limits) -> None:
        self._owner, self._loop, self._wheel, self._limits = owner, loop, wheel, limits
        self._parser = ResponseParser(limits.max_head_bytes)
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._deadline_s = self.checked_s = inf
        self._started_s = self._heard_s = 0.0
        self._received = self._read_paused = self._write_paused = False
        self._taken = True  # whether the server may have read the request
        self.closed = False
        self.exchanges = 0
        """How many were begun."""

    # -- for the client and its exchanges ------------------------------------------------------------------------------

    def begin(self, head: bytes, body: bytes, exchange: Exchange, deadline_s: float, *, to_head: bool) -> None:
        """Sends a request; `exchange` hears the answer. The connection must be usable and idle."""
        assert self._transport is not None
        self._exchange, self._deadline_s = exchange, deadline_s
        self._started_s = self._heard_s = self._loop.time()
        self._received, self._taken = False, True
        self.exchanges += 1
        self._parser.start(to_head)
        if len(body) <= COPIED_BODY_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))
        self._watch()

    @property
    def was_stale(self) -> bool:
        """Whether the last exchange failed only because the server had closed the idle connection before."""
        return self.exchanges > 1 and not self._received and not self._taken

    @property
    def usable(self) -> bool:
        return not self.closed and self._transport is not None and not self._transport.is_closing()

    def abort(self) -> None:
        """Closes at once; the exchange under way hears nothing more."""
        self._exchange = None
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def cancel(self, exchange: Exchange) -> None:
        """Closes the connection if `exchange` is still under way on it; it hears nothing more."""
        if self._exchange is exchange:
            self.abort()

    def leave(self, exchange: Exchange) -> None:
        """As `cancel`, but when little is left of the answer that is read, and the connection stays."""
        if self._exchange is not exchange:
            return
        if self._read_paused:
            self.abort()
            return
        self._exchange = Drain()
        self._deadline_s = min(self._deadline_s, self._loop.time() + DRAIN_S)
        self._watch()

    def fail(self, error: UpstreamError) -> None:
        """Ends the exchange, if there is one, and the connection."""
        exchange = self._exchange
        self.abort()
        if exchange is not None:
            exchange.on_error(error)

    def pause(self) -> None:
        """Stops reading the socket: the exchange holds enough."""
        if not self._read_paused and not self.closed and self._transport is not None:
            self._read_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._read_paused:
            self._read_paused = False
            if not self.closed and self._transport is not None:
                self._transport.resume_reading()
                self._hear()

    def tls_object(self) -> object | None:
        """The `ssl.SSLObject` of the connection, None for plain text."""
        return self._transport.get_extra_info("ssl_object") if self._transport is not None else None

    # -- asyncio.Protocol ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._exchange is None:
            # Nothing was asked: whatever this is, the connection is not to be trusted.
            self.abort()
            return
        self._received = True
        if self._limits.read_s is not None:
            self._heard_s = self._loop.time()
        self._deliver(self._exchange, data)

    def eof_received(self) -> None:
        """The transport closes next. Some answers end so."""
        if self._exchange is None or self._transport is None:
            return
        if self._parser.feed_eof():
            self._deliver(self._exchange, b"")
        elif not self._received:
            self._taken = _was_taken(self._transport.get_extra_info("socket"))

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, ConnectionError):
            # A reset: the server closed without having read what was sent.
            self._taken = self._loop.time() - self._started_s > STALE_WITHIN_S
        when = "before the end of the answer" if self._received else "without an answer"
        why = f": {exc}" if exc is not None else ""
        self.fail(ConnectionLost(f"{self._owner.base} closed the connection {when}{why}"))
        self._wheel.discard(self)
        self._owner.on_lost(self)

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        self._hear()

    # -- the rest ------------------------------------------------------------------------------------------------------

    def _deliver(self, exchange: Exchange, data: bytes) -> None:
        parser = self._parser
        try:
            exchange.on_data(parser, parser.feed(data))
        except MalformedResponse as e:
            self.fail(MalformedResponse(f"The answer of {self._owner.base} is unusable: {e}"))
        else:
            if parser.complete:
                self._complete()

    def _complete(self) -> None:
        """The answer has been handed over."""
        assert self._transport is not None
        if self._exchange is None:
            # The exchange closed the connection while it took the last data.
            return
        self._exchange = None
        # An answer that came before the request was sent leaves a rest that the server may never read.
        if not self._parser.reusable or self.closed or self._transport.get_write_buffer_size():
            self.abort()
            return
        if self._read_paused:
            self.resume()
        self._heard_s = self._loop.time()
        self._owner.on_idle(self)
        self._watch()

    def _hear(self) -> None:
        """The silence of the server counts from now."""
        self._heard_s = self._loop.time()
        self._watch()

    def _due(self) -> float:
        if self._exchange is None:
            return self._heard_s + self._limits.idle_s
        if self._limits.read_s is None or self._read_paused or self._write_paused:
            return self._deadline_s
        return min(self._deadline_s, self._heard_s + self._limits.read_s)

    def _watch(self) -> None:
        due_s = self._due()
        # PERF: seen here, so that the usual answer costs no call.
        if due_s < self.checked_s and not self.closed:
            self._wheel.schedule(self, due_s)

    def on_timer(self, now_s: float) -> float:
        due_s = self._due()
        if due_s > now_s:
            return due_s
        if self._exchange is None:
            self.abort()
        elif self._deadline_s <= now_s:
            self.fail(total_timeout(self._owner.base, self._limits))
        else:
            silence = f"{self._owner.base} was silent for {self._limits.read_s} s"
            self.fail(UpstreamTimeout(silence, limit="read"))
        return inf


def _was_taken(sock: socket.socket) -> bool:
    """Whether the server may have read what was sent before it closed; True where the system cannot tell.

    Its end of the connection acknowledges what had arrived by then. A request that crossed with it is not acknowledged,
    and then answered with a reset. (Of a TLS connection that ends without an alert, uvloop tells only when its socket
    is closed; that counts as taken.)
    """
    if sys.platform != "linux":
        return True
    state: int
    unacknowledged: int
    state, unacknowledged = TCP_INFO.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO.size))
    return state != TCP_CLOSE and unacknowledged == 0


def total_timeout(base: str, limits: Limits) -> UpstreamTimeout:
    return UpstreamTimeout(f"The exchange with {base} took longer than {limits.total_s} s", limit="total")
