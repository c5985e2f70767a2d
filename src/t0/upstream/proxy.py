"""Which requests go through an egress proxy: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, either case."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from t0.errors import ConfigError
from t0.upstream.base import Url


class ProxyRules:
    """Immutable after construction. `proxy_for` gives the proxy's URL, user and password included, or None."""

    def __init__(self, proxies: Mapping[str, str], exempt: str = "") -> None:
        self._proxies = dict(proxies)
        self._exempt = [entry.strip().lower() for entry in exempt.split(",") if entry.strip()]

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "ProxyRules":
        """Raises `ConfigError` for a proxy that is not an http or https URL."""
        everything = _variable(env, "ALL_PROXY")
        proxies = {}
        for scheme, name in (("http", "HTTP_PROXY"), ("https", "HTTPS_PROXY")):
            # A CGI server puts the caller's `Proxy` header into HTTP_PROXY (CVE-2016-5385).
            own = "" if name == "HTTP_PROXY" and "REQUEST_METHOD" in env else _variable(env, name)
            if own or everything:
                proxies[scheme] = _proxy_url(name if own else "ALL_PROXY", own or everything)
        return cls(proxies, _variable(env, "NO_PROXY"))

    @property
    def any(self) -> bool:
        """Whether there is a proxy at all."""
        return bool(self._proxies)

    def proxy_for(self, url: Url) -> str | None:
        proxy = self._proxies.get(url.scheme)
        if proxy is None or any(_exempts(entry, url.host.lower(), url.port) for entry in self._exempt):
            return None
        return proxy


def _variable(env: Mapping[str, str], name: str) -> str:
    return env.get(name) or env.get(name.lower()) or ""


def _proxy_url(name: str, text: str) -> str:
    url = text if "://" in text else f"http://{text}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        # Only the scheme is shown: the URL may hold a password.
        raise ConfigError(f"`{name}` has the scheme `{parts.scheme}`; expected an http or https URL with a host")
    return url


def _exempts(entry: str, host: str, port: int) -> bool:
    """Whether one entry of NO_PROXY, a domain, address, network or `*`, with or without port, covers the host."""
    if entry == "*":
        return True
    name, separator, entry_port = entry.rpartition(":")
    if separator and entry_port.isdigit() and ("]" in name or ":" not in name):
        if int(entry_port) != port:
            return False
        entry = name
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        domain = entry.removeprefix("*").removeprefix(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
