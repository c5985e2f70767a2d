"""The transport for what the native client leaves out: egress proxies. aiohttp is imported when first used."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from t0._core.http1 import encode_head
from t0.errors import ConnectFailed, ConnectionLost, MalformedResponse, UpstreamTimeout
from t0.upstream.base import HttpRequest, HttpResponse, Limits
from t0.upstream.proxy import ProxyRules
from t0.upstream.tls import client_context

if TYPE_CHECKING:
    import aiohttp


class AiohttpTransport:
    """Sends each request through the proxy that the rules name for it, or directly. Follows no redirect.

    Belongs to the event loop of its first request. `close` ends its connections.
    """

    def __init__(
        self,
        proxies: ProxyRules | None = None,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._proxies = proxies or ProxyRules({})
        self._limits = limits or Limits()
        self._tls = tls or client_context({})
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        response = await self._open(request)
        try:
            body = bytearray()
            while data := await _read(response, request, self._limits):
                body += data
                if len(body) > self._limits.max_body_bytes:
                    limit = self._limits.max_body_bytes
                    raise MalformedResponse(f"The answer of {request.url.base} is longer than {limit} bytes")
            return HttpResponse(response.status, _headers(response), bytes(body))
        finally:
            response.close()

    async def stream(self, request: HttpRequest) -> AiohttpStream:
        return AiohttpStream(await self._open(request), request, self._limits)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _open(self, request: HttpRequest) -> aiohttp.ClientResponse:
        import yarl

        if self._session is None:
            self._session = self._new_session()
        # Refuses what the native client refuses.
        encode_head(request.method, request.url.target, request.url.authority, request.headers, len(request.body))
        with _mapped_errors(request, self._limits):
            return await self._session.request(
                request.method,
                yarl.URL(str(request.url), encoded=True),
                headers=request.headers,
                data=request.body or None,
                proxy=self._proxies.proxy_for(request.url),
                allow_redirects=False,
                timeout=self._timeout(),
            )

    def _new_session(self) -> aiohttp.ClientSession:
        import aiohttp

        connector = aiohttp.TCPConnector(
            ssl=self._tls,
            limit=0,
            limit_per_host=self._limits.max_connections,
            keepalive_timeout=self._limits.idle_s,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            # An answer is compressed only if the caller asked for it.
            skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
            max_field_size=self._limits.max_head_bytes,
            max_line_size=self._limits.max_head_bytes,
        )

    def _timeout(self) -> aiohttp.ClientTimeout:
        import aiohttp

        limits = self._limits
        # aiohttp takes 0 for "no limit"; a configured 0 means that no time is left.
        total_s = 1e-9 if limits.total_s == 0 else limits.total_s
        return aiohttp.ClientTimeout(total=total_s, sock_connect=limits.connect_s, sock_read=limits.read_s)


class AiohttpStream:
    """An `HttpStream` over an aiohttp response."""

    def __init__(self, response: aiohttp.ClientResponse, request: HttpRequest, limits: Limits) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = _headers(response)
        self._response, self._request, self._limits = response, request, limits

    async def read(self) -> bytes:
        return await _read(self._response, self._request, self._limits)

    def close(self) -> None:
        self._response.close()


async def _read(response: aiohttp.ClientResponse, request: HttpRequest, limits: Limits) -> bytes:
    with _mapped_errors(request, limits):
        return await response.content.readany()


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


@contextmanager
def _mapped_errors(request: HttpRequest, limits: Limits) -> Iterator[None]:
    """The only place where aiohttp's exceptions become ours."""
    import aiohttp

    origin = request.url.base
    try:
        yield
    except (aiohttp.ServerTimeoutError, TimeoutError) as e:
        raise _timed_out(origin, e, limits) from e
    except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.InvalidURL) as e:
        raise ConnectFailed(f"Could not connect to {origin}: {e}") from e
    except aiohttp.ClientPayloadError as e:
        raise ConnectionLost(f"{origin} closed the connection before the end of the answer") from e
    except (aiohttp.ClientConnectionError, OSError) as e:
        raise ConnectionLost(f"The connection to {origin} was lost: {e}") from e
    except (aiohttp.ClientError, ValueError) as e:
        raise MalformedResponse(f"The answer of {origin} is not valid HTTP: {e}") from e


def _timed_out(origin: str, error: Exception, limits: Limits) -> UpstreamTimeout:
    import aiohttp

    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return UpstreamTimeout(f"No connection to {origin} within {limits.connect_s} s", limit="connect")
    if isinstance(error, aiohttp.SocketTimeoutError):
        return UpstreamTimeout(f"{origin} was silent for {limits.read_s} s", limit="read")
    return UpstreamTimeout(f"The exchange with {origin} took longer than {limits.total_s} s", limit="total")
