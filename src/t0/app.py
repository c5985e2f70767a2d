"""The application: routes, bodies, errors to answers. It knows no feature."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from t0.errors import InternalError, RequestError, RouteNotFound, UnsupportedEncoding
from t0.gateway import Gateway
from t0.routes.body import ENCODINGS, read_body
from t0.routes.http import EventStream, Request, Response
from t0.routes.native import error_body
from t0.routes.table import Route, find_route
from t0.routes.trace_headers import has_trace_extras, parse_trace_extras

log = logging.getLogger("t0")


class App:
    """Serves one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._prefix = gateway.config.gateway.route_prefix

    async def answer(self, request: Request) -> Response | EventStream:
        """Never raises: what goes wrong is an answer in the shape of the route's errors."""
        route = self._route(request.path)
        if route is None:
            return _error(RouteNotFound(request.method, request.path), error_body)
        handler = route.handler(request.method)
        if handler is None:
            return _empty(405, b"allow", route.allow)
        try:
            if has_trace_extras(request.headers):
                parse_trace_extras(request.headers)
            request.body = read_body(request)
            return await handler(self._gateway, request)
        except UnsupportedEncoding:
            return _empty(415, b"accept-encoding", ENCODINGS)
        except RequestError as e:
            return _error(e, route.error_body)
        except Exception as e:
            log.exception("%s %s failed", request.method, request.path)
            return _error(InternalError(f"{type(e).__name__}: {e}"), route.error_body)

    def _route(self, path: str) -> Route | None:
        if not self._prefix:
            return find_route(path)
        return find_route(path[len(self._prefix) :]) if path.startswith(self._prefix + "/") else None


def _error(error: RequestError, shape: Callable[[RequestError], dict[str, Any]]) -> Response:
    return Response(status=error.status, body=msgspec.json.encode(shape(error)))


def _empty(status: int, name: bytes, value: bytes) -> Response:
    return Response(status=status, content_type=b"", headers=((name, value),))
