"""Accepts connections from a listening socket that several processes may share."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket

from t0.server.connection import Connection, Handler, ServerLimits
from t0.server.shares import Share, Shares
from t0.timers import TimerWheel

log = logging.getLogger("t0")

MAX_CONNECTIONS = 16_384
"""Of one process; beyond it, clients wait in the socket's backlog."""

LINGER_S = 0.1
"""What clients sent before they could know that the server closes is still answered."""

_TURN_S = 0.001
"""How long a process that is ahead leaves a connection to the others; then it takes it nevertheless."""

_PAUSE_S = 0.1
"""When the system has no descriptor or memory left, or the network fails."""


class Server:
    """Serves until it is closed. `listener` does not block, and stays the caller's."""

    def __init__(
        self, listener: socket.socket, handler: Handler, limits: ServerLimits, share: Share | None = None
    ) -> None:
        """`share` is this process's part of the connections, when it has the listener together with others."""
        self._listener, self._handler, self._limits = listener, handler, limits
        self._share = share or Shares(1).of(0)
        self._has_waited = False
        self._loop = asyncio.get_running_loop()
        self._wheel = TimerWheel(self._loop)
        self._connections: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._is_full = False
        self._all_ended: asyncio.Future[None] | None = None

    def start(self) -> None:
        self._loop.add_reader(self._listener.fileno(), self._accept)

    async def close(self) -> None:
        """Accepts no more, answers the requests under way, and returns when the last connection has ended."""
        self._is_closing = True
        self._loop.remove_reader(self._listener.fileno())
        now_s = self._loop.time()
        for connection in self._connections:
            connection.closing_s = now_s
        await asyncio.sleep(LINGER_S)
        if self._opening:
            await asyncio.wait(self._opening)
        for connection in tuple(self._connections):
            connection.closing_s = now_s
            connection.finish()
        if self._connections:
            self._all_ended = self._loop.create_future()
            await self._all_ended
        self._wheel.close()

    def _accept(self) -> None:
        """Takes one connection, so that processes that share the socket take turns."""
        if self._share.is_ahead and not self._has_waited:
            self._has_waited = True
            self._loop.remove_reader(self._listener.fileno())
            self._loop.call_later(_TURN_S, self._accept_again)
            return
        self._has_waited = False
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as e:
            self._loop.remove_reader(self._listener.fileno())
            if e.errno != errno.EINVAL:  # which says that the socket was shut down
                log.error("no connection can be accepted for now: %s", e)
                self._loop.call_later(_PAUSE_S, self._accept_again)
            return
        client.setblocking(False)
        connection = Connection(self._loop, self._handler, self._limits, self._wheel, self._on_end)
        self._connections.add(connection)
        self._share.connections = len(self._connections)
        task = self._loop.create_task(self._open(connection, client))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        if len(self._connections) >= MAX_CONNECTIONS:
            self._is_full = True
            self._loop.remove_reader(self._listener.fileno())

    def _accept_again(self) -> None:
        if not self._is_closing and not self._is_full:
            self.start()

    async def _open(self, connection: Connection, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: connection, client)
        except OSError as e:
            log.debug("a client left at once: %s", e)
            client.close()
            self._on_end(connection)

    def _on_end(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._share.connections = len(self._connections)
        if self._is_full:
            self._is_full = False
            self._accept_again()
        if self._all_ended is not None and not self._connections and not self._all_ended.done():
            self._all_ended.set_result(None)
