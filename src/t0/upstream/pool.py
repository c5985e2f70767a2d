"""The connections to one origin: kept alive, bounded in number, the most recently used first."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from math import inf

from t0.errors import ConnectFailed, ConnectionLost, UpstreamError, UpstreamTimeout
from t0.timers import TimerWheel
from t0.upstream.base import Limits, Url
from t0.upstream.connection import Connection, total_timeout
from t0.upstream.dial import Dialer
from t0.upstream.tls import ClientContext


class Pool:
    """Lends connections. Each open or opening connection holds one of `max_connections` slots."""

    def __init__(self, url: Url, tls: ClientContext | None, wheel: TimerWheel, limits: Limits) -> None:
        self.base, self.authority = url.base, url.authority
        self.loop = asyncio.get_running_loop()
        self._limits, self._wheel, self._tls = limits, wheel, tls
        self._host = url.host
        self._dialer = Dialer(url.host, url.port, tls)
        self._connections: set[Connection] = set()
        self._idle: list[Connection] = []
        self._slots = limits.max_connections
        self._closed = False
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()

    def take_idle(self) -> Connection | None:
        """The connection that was used last; it is the likeliest to be alive, and the others may expire."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    async def acquire(self, deadline_s: float, *, fresh: bool = False) -> Connection:
        """A new connection; when all slots are taken, the next that comes free, unless it has to be `fresh`.

        Raises `UpstreamError`.
        """
        while self._slots == 0:
            granted = await self._wait(deadline_s)
            if granted is None:
                break
            if granted.usable and not fresh:
                return granted
            if granted in self._connections:
                # Its slot is taken over.
                self._connections.remove(granted)
                granted.abort()
                break
        else:
            self._slots -= 1
        try:
            connection = await self._connect(deadline_s)
        except BaseException:
            self._free_slot()
            raise
        self._connections.add(connection)
        return connection

    @property
    def in_use(self) -> bool:
        return self._slots < self._limits.max_connections

    def close(self) -> None:
        """Ends all exchanges, also those that wait for a connection or open one. Final."""
        self._closed = True
        while waiter := self._next_waiter():
            waiter.set_exception(self._shutdown())
        for connection in tuple(self._connections):
            connection.fail(self._shutdown())

    # -- for connections -----------------------------------------------------------------------------------------------

    def on_idle(self, connection: Connection) -> None:
        if self._tls is not None and connection.exchanges == 1:
            self._tls.remember(self._host, connection.tls_object())
        self._hand_on(connection)

    def on_lost(self, connection: Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)
        if connection in self._connections:
            self._connections.remove(connection)
            self._free_slot()

    # -- the rest ------------------------------------------------------------------------------------------------------

    def _hand_on(self, connection: Connection) -> None:
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(connection)
        elif len(self._idle) < self._limits.max_idle_connections:
            self._idle.append(connection)
        else:
            connection.abort()

    def _free_slot(self) -> None:
        """Gives the slot of a connection that is no more to the next waiter, if there is one."""
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(None)
        else:
            self._slots += 1

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    async def _wait(self, deadline_s: float) -> Connection | None:
        """A connection that came free, or None: a slot did, and is now the caller's."""
        waiter: asyncio.Future[Connection | None] = self.loop.create_future()
        self._waiters.append(waiter)
        try:
            async with _until(deadline_s):
                return await waiter
        except BaseException as e:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._give_back(waiter.result())
            if isinstance(e, TimeoutError):
                raise total_timeout(self.base, self._limits) from e
            raise

    def _give_back(self, granted: Connection | None) -> None:
        if granted is None:
            self._free_slot()
        elif granted.usable:
            self._hand_on(granted)

    async def _connect(self, deadline_s: float) -> Connection:
        connection = Connection(self, self.loop, self._wheel, self._limits)
        connect_by_s = deadline_s
        if self._limits.connect_s is not None:
            connect_by_s = min(deadline_s, self.loop.time() + self._limits.connect_s)
        limit = _until(connect_by_s)
        try:
            async with limit:
                await self._dialer.dial(lambda: connection)
        except (OSError, UnicodeError) as e:
            # The system has a TimeoutError of its own.
            if limit.expired():
                raise self._connect_timeout(connect_by_s < deadline_s) from e
            raise ConnectFailed(f"Could not connect to {self.base}: {_reason(e)}") from e
        if self._closed:
            connection.abort()
            raise self._shutdown()
        if not connection.usable:
            # It may have been lost before it could be counted as open.
            raise ConnectionLost(f"{self.base} closed the connection at once")
        return connection

    def _shutdown(self) -> ConnectionLost:
        return ConnectionLost(f"The exchange with {self.base} was ended by a shutdown")

    def _connect_timeout(self, own: bool) -> UpstreamError:
        if not own:
            return total_timeout(self.base, self._limits)
        return UpstreamTimeout(f"No connection to {self.base} within {self._limits.connect_s} s", limit="connect")


def _until(when_s: float) -> asyncio.Timeout:
    # uvloop has no timer for `inf`.
    return asyncio.timeout_at(None if when_s == inf else when_s)


def _reason(error: OSError | UnicodeError) -> str:
    """`certificate verify failed: …` or `Connection refused`, without codes and positions in OpenSSL's source."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    return getattr(error, "strerror", None) or str(error)
