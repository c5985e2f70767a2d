"""The native HTTP/1.1 client: t0's way to every provider that is reached without a proxy."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from math import inf
from typing import Any, TypeVar

from t0._core.http1 import encode_head
from t0.errors import ConnectionLost
from t0.timers import TimerWheel
from t0.upstream.base import HttpRequest, HttpResponse, Limits, Url
from t0.upstream.pool import Pool
from t0.upstream.receivers import Collector, Receiver, ResponseStream
from t0.upstream.tls import ClientContext, client_context

T = TypeVar("T")

# Origins may come with requests; beyond this number, pools that hold no connection are forgotten.
MAX_POOLS = 1024


class Client:
    """Implements `Transport`. Belongs to the event loop of its first request.

    A request is sent a second time only when a kept-alive connection turned out to have been closed by the server
    before it could read the request. Cancelling a call closes its connection.
    """

    def __init__(self, limits: Limits | None = None, tls: ClientContext | None = None) -> None:
        self._limits = limits or Limits()
        self._total_s = inf if self._limits.total_s is None else self._limits.total_s
        self._tls = tls or client_context({})
        self._pools: dict[tuple[str, str, int], Pool] = {}
        self._wheel: TimerWheel | None = None

    def send(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse]:
        return self._exchange(request, Collector)

    def stream(self, request: HttpRequest) -> Coroutine[Any, Any, ResponseStream]:
        return self._exchange(request, ResponseStream)

    async def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        if self._wheel is not None:
            self._wheel.close()
        await asyncio.sleep(0)  # the sockets close in the loop's next turn

    async def _exchange(self, request: HttpRequest, receiver: type[Receiver[T]]) -> T:
        pool = self._pools.get(request.url.origin) or self._new_pool(request.url)
        loop = pool.loop
        deadline_s = loop.time() + self._total_s
        body = request.body
        head = encode_head(request.method, request.url.target, pool.authority, request.headers, len(body))
        connection = pool.take_idle() or await pool.acquire(deadline_s)
        retried = False
        while True:
            exchange = receiver(connection, self._limits, loop.create_future())
            connection.begin(head, body, exchange, deadline_s, to_head=request.method == "HEAD")
            try:
                return await exchange.opened
            except asyncio.CancelledError:
                connection.cancel(exchange)
                raise
            except ConnectionLost:
                if retried or not connection.was_stale:
                    raise
            retried = True
            connection = await pool.acquire(deadline_s, fresh=True)

    def _new_pool(self, url: Url) -> Pool:
        if self._wheel is None:
            self._wheel = TimerWheel(asyncio.get_running_loop())
        if len(self._pools) >= MAX_POOLS:
            self._pools = {origin: pool for origin, pool in self._pools.items() if pool.in_use}
        tls = self._tls if url.scheme == "https" else None
        pool = self._pools[url.origin] = Pool(url, tls, self._wheel, self._limits)
        return pool
