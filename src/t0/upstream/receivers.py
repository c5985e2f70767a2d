"""What becomes of an answer: collected whole, or read as it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Generic, TypeVar

from t0._core.http1 import ResponseParser
from t0.errors import MalformedResponse, UpstreamError
from t0.upstream.base import HttpResponse, Limits
from t0.upstream.connection import Connection
from t0.upstream.decoding import Inflater, decoded, inflater_for

T = TypeVar("T")


class Receiver(Generic[T]):
    """An exchange that gives a `T` once enough of the answer is there."""

    __slots__ = ("_connection", "_limits", "opened")

    def __init__(self, connection: Connection, limits: Limits, opened: asyncio.Future[T]) -> None:
        self._connection, self._limits, self.opened = connection, limits, opened

    def on_data(self, parser: ResponseParser, body: bytes) -> None:
        raise NotImplementedError

    def on_error(self, error: UpstreamError) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)


class Collector(Receiver[HttpResponse]):
    """Gives the whole answer."""

    __slots__ = ("_parts", "_size")

    def __init__(self, connection: Connection, limits: Limits, opened: asyncio.Future[HttpResponse]) -> None:
        super().__init__(connection, limits, opened)
        self._parts: list[bytes] = []
        self._size = 0

    def on_data(self, parser: ResponseParser, body: bytes) -> None:
        self._size += len(body)
        if self._size > self._limits.max_body_bytes:
            raise MalformedResponse(f"the body is longer than {self._limits.max_body_bytes} bytes")
        if not parser.complete:
            self._parts.append(body)
            return
        if self._parts:
            body = b"".join((*self._parts, body))
        if "content-encoding" in parser.headers:
            body = decoded(parser.headers, body, self._limits.max_body_bytes)
        if not self.opened.done():
            self.opened.set_result(HttpResponse(parser.status, parser.headers, body))


class ResponseStream(Receiver["ResponseStream"]):
    """An `HttpStream`. Once the unread bytes exceed a limit, the socket is no longer read."""

    __slots__ = ("_ended", "_error", "_inflater", "_parts", "_size", "_waiter", "headers", "status")

    def __init__(self, connection: Connection, limits: Limits, opened: asyncio.Future[ResponseStream]) -> None:
        super().__init__(connection, limits, opened)
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._parts: list[bytes] = []
        self._size = 0
        self._ended = False
        self._error: UpstreamError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._inflater: Inflater | None = None

    async def read(self) -> bytes:
        while True:
            data = self._take()
            if data:
                return data
            if self._error is not None:
                raise self._error
            if self._ended:
                if self._inflater is not None:
                    self._inflater.end()
                return b""
            self._waiter = self.opened.get_loop().create_future()
            await self._waiter

    def close(self) -> None:
        self._connection.leave(self)
        self._ended = True
        self._inflater = None
        self._parts.clear()
        self._wake()

    def on_data(self, parser: ResponseParser, body: bytes) -> None:
        if not self.status and parser.has_head:
            self._inflater = inflater_for(parser.headers)
            self.status, self.headers = parser.status, parser.headers
            if not self.opened.done():
                self.opened.set_result(self)
        self._ended = parser.complete
        if body:
            self._parts.append(body)
            self._size += len(body)
            if self._size > self._limits.stream_buffer_bytes and not self._ended:
                self._connection.pause()
        if body or self._ended:
            self._wake()

    def on_error(self, error: UpstreamError) -> None:
        self._error = error
        super().on_error(error)
        self._wake()

    def _take(self) -> bytes:
        if not self._parts:
            return b""
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        if not self._ended:
            self._connection.resume()
        return data if self._inflater is None else self._inflater.feed(data)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
