"""The ASGI application: routes, bodies, errors to HTTP. It knows no feature."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from t0.errors import InternalError, RequestError, RouteNotFound, UnsupportedEncoding
from t0.gateway import Gateway
from t0.routes.body import ENCODINGS, Receive, read_body
from t0.routes.http import EventStream, Request, Response
from t0.routes.native import error_body
from t0.routes.table import Route, find_route
from t0.routes.trace_headers import has_trace_extras, parse_trace_extras
from t0.version import VERSION

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]

log = logging.getLogger("t0")

_VERSION_HEADER = (b"x-tensorzero-gateway-version", VERSION.encode())
_STREAM_HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache"), _VERSION_HEADER]
_JSON_HEADER = (b"content-type", b"application/json")
_PING_S = 15.0
_PING = b":\n\n"


class App:
    """Serves one gateway, which `open_gateway` makes when the worker's event loop runs."""

    def __init__(self, open_gateway: Callable[[], Awaitable[Gateway]]) -> None:
        self._open_gateway = open_gateway
        self._gateway: Gateway
        self._prefix = ""
        self._streams: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._gateway = await self._open_gateway()
        self._prefix = self._gateway.config.gateway.route_prefix
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._streams:
            await asyncio.wait(self._streams)
        await self._gateway.close()
        await send({"type": "lifespan.shutdown.complete"})

    # -- one request ---------------------------------------------------------------------------------------------------

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        route = self._route(path)
        if route is None:
            await _send_error(send, RouteNotFound(method, path), error_body)
            return
        handler = route.handler(method)
        if handler is None:
            await _send_empty(send, 405, (b"allow", route.allow))
            return
        try:
            if has_trace_extras(scope["headers"]):
                parse_trace_extras(scope["headers"])
            body = await read_body(receive, _header(scope["headers"], b"content-encoding"))
            request = Request(method, path, scope["query_string"], scope["headers"], body)
            response = await handler(self._gateway, request)
        except UnsupportedEncoding:
            await _send_empty(send, 415, (b"accept-encoding", ENCODINGS))
        except RequestError as e:
            await _send_error(send, e, route.error_body)
        except Exception as e:
            log.exception("%s %s failed", method, path)
            await _send_error(send, InternalError(f"{type(e).__name__}: {e}"), route.error_body)
        else:
            await self._respond(send, response)

    def _route(self, path: str) -> Route | None:
        if not self._prefix:
            return find_route(path)
        return find_route(path[len(self._prefix) :]) if path.startswith(self._prefix + "/") else None

    async def _respond(self, send: Send, response: Response | EventStream) -> None:
        if isinstance(response, Response):
            await _send(send, response)
            return
        # A task of its own, so that the stream is driven to its end, and recorded, whatever becomes of the client.
        task = asyncio.get_running_loop().create_task(_stream(send, response))
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)
        await asyncio.shield(task)


def _header(headers: list[tuple[bytes, bytes]], name: bytes) -> bytes:
    for key, value in headers:
        if key == name:
            return value
    return b""


# -- sending -----------------------------------------------------------------------------------------------------------


async def _send(send: Send, response: Response) -> None:
    kind = _JSON_HEADER if response.content_type == _JSON_HEADER[1] else (b"content-type", response.content_type)
    length = (b"content-length", b"%d" % len(response.body))
    await send({"type": "http.response.start", "status": response.status, "headers": [kind, length, _VERSION_HEADER]})
    await send({"type": "http.response.body", "body": response.body})


async def _send_error(send: Send, error: RequestError, shape: Callable[[RequestError], dict[str, Any]]) -> None:
    await _send(send, Response(status=error.status, body=msgspec.json.encode(shape(error))))


async def _send_empty(send: Send, status: int, header: tuple[bytes, bytes]) -> None:
    headers = [header, (b"content-length", b"0"), _VERSION_HEADER]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _stream(send: Send, response: EventStream) -> None:
    """Sends the events, and a comment after every 15 s of silence. Goes on without the client when it has left."""
    client = _Client(send)
    await client.start()
    try:
        async for events in response.events:
            await client.write(events)
    except Exception:
        log.exception("an event stream failed")
    await client.finish()


class _Client:
    """The receiving end of a stream; once it is gone, writing does nothing."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._gone = False
        self._pings: asyncio.TimerHandle | None = None
        self._last_write = 0.0
        self._loop = asyncio.get_running_loop()
        self._ping_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._emit({"type": "http.response.start", "status": 200, "headers": _STREAM_HEADERS})
        self._last_write = self._loop.time()
        self._pings = self._loop.call_later(_PING_S, self._tick)

    async def write(self, data: bytes) -> None:
        self._last_write = self._loop.time()
        await self._emit({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self) -> None:
        if self._pings is not None:
            self._pings.cancel()
        await self._emit({"type": "http.response.body", "body": b""})

    async def _emit(self, message: dict[str, Any]) -> None:
        if self._gone:
            return
        try:
            await self._send(message)
        except Exception:  # the server's own classes: the connection is closed, the answer is still recorded
            self._gone = True

    def _tick(self) -> None:
        """Pings when 15 s have passed without a write; otherwise comes again when they will have."""
        silent = self._loop.time() - self._last_write
        if silent >= _PING_S:
            self._ping_task = self._loop.create_task(self.write(_PING))
            silent = 0.0
        self._pings = self._loop.call_later(_PING_S - silent, self._tick)
