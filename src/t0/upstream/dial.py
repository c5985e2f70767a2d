"""Opens connections: name resolution shared for a short while, happy eyeballs (RFC 8305), TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

import aiohappyeyeballs

RESOLVED_FOR_S = 10.0
NEXT_ADDRESS_AFTER_S = 0.25

# A model may think for minutes without a byte; probes keep the path through NATs and load balancers open.
KEEPALIVE_OPTIONS = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6))


class Dialer:
    """Connects to one host and port. Raises `OSError` (`ssl.SSLError` among them); limits are the caller's."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._lookup: asyncio.Task[list[Any]] | None = None
        self._resolved_until_s = 0.0

    async def dial(self, protocol: Callable[[], asyncio.Protocol]) -> asyncio.BaseTransport:
        loop = asyncio.get_running_loop()
        addresses = await self._addresses(loop)
        sock = await aiohappyeyeballs.start_connection(
            addresses, happy_eyeballs_delay=NEXT_ADDRESS_AFTER_S, interleave=1, loop=loop
        )
        try:
            _keep_alive(sock)
            transport, _ = await loop.create_connection(
                protocol, sock=sock, ssl=self._tls, server_hostname=self._host if self._tls else None
            )
        except BaseException:
            sock.close()
            raise
        return transport

    async def _addresses(self, loop: asyncio.AbstractEventLoop) -> list[Any]:
        """A burst of new connections asks the resolver once."""
        if self._lookup is None or (self._lookup.done() and loop.time() >= self._resolved_until_s):
            self._lookup = loop.create_task(self._resolve(loop))
            # Its failure is seen by those who wait; there may be none left.
            self._lookup.add_done_callback(lambda lookup: lookup.cancelled() or lookup.exception())
        # One waiter's cancellation must not take the answer from the others.
        return await asyncio.shield(self._lookup)

    async def _resolve(self, loop: asyncio.AbstractEventLoop) -> list[Any]:
        self._resolved_until_s = 0.0
        addresses = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        self._resolved_until_s = loop.time() + RESOLVED_FOR_S
        return list(addresses)


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE_OPTIONS:
        option = getattr(socket, name, None)  # not all systems have all of them
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
