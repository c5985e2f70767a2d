"""Picks the way to a provider: the native client, or aiohttp where the environment asks for an egress proxy."""

from collections.abc import Mapping

from t0.upstream.aiohttp_transport import AiohttpTransport
from t0.upstream.base import ClosableTransport, HttpRequest, HttpResponse, HttpStream, Limits, Url
from t0.upstream.client import Client
from t0.upstream.proxy import ProxyRules
from t0.upstream.tls import client_context

# Origins may come with requests; beyond this number, what was found out about them is forgotten.
MAX_ORIGINS = 1024


def make_transport(env: Mapping[str, str], limits: Limits | None = None) -> ClosableTransport:
    """The transport of a process; it belongs to the event loop of its first request.

    Raises `ConfigError` when a proxy or `SSL_CERT_FILE` of `env` is unusable.
    """
    limits = limits or Limits()
    tls = client_context(env)
    native = Client(limits=limits, tls=tls)
    proxies = ProxyRules.from_env(env)
    if not proxies.any:
        return native
    return Selector(native, AiohttpTransport(proxies, limits, tls), proxies)


class Selector:
    """Sends what the rules exempt through `native`, the rest through `proxied`."""

    def __init__(self, native: ClosableTransport, proxied: ClosableTransport, rules: ProxyRules) -> None:
        self._native, self._proxied, self._rules = native, proxied, rules
        self._proxied_origins: dict[tuple[str, str, int], bool] = {}

    async def send(self, request: HttpRequest) -> HttpResponse:
        return await self._transport(request.url).send(request)

    async def stream(self, request: HttpRequest) -> HttpStream:
        return await self._transport(request.url).stream(request)

    async def close(self) -> None:
        await self._native.close()
        await self._proxied.close()

    def _transport(self, url: Url) -> ClosableTransport:
        origin = url.origin
        proxied = self._proxied_origins.get(origin)
        if proxied is None:
            if len(self._proxied_origins) >= MAX_ORIGINS:
                self._proxied_origins.clear()
            proxied = self._proxied_origins[origin] = self._rules.proxy_for(url) is not None
        return self._proxied if proxied else self._native
