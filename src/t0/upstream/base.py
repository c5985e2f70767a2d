"""The interface every way of reaching a provider has: a request out, a response or a stream of bytes back."""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import quote, urlsplit

from msgspec import Struct

from t0.errors import ConfigError

DEFAULT_PORTS = {"http": 80, "https": 443}

# What RFC 3986 allows in a path and a query, and `%`, so that quoted text stays as it is.
TARGET_CHARACTERS = "/?:@!$&'()*+,;=%-._~"


class Url(Struct, frozen=True):
    """An absolute http(s) URL, split once so that no request parses it again."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query, as they go on the request line."""

    @classmethod
    def parse(cls, text: str) -> "Url":
        """Raises `ConfigError` for what is not an absolute http or https URL, or carries a user name."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as e:
            raise ConfigError(f"`{text}` is not a URL: {e}") from e
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ConfigError(f"`{text}` is not an absolute http or https URL")
        if parts.username is not None:
            raise ConfigError(f"The URL of host `{parts.hostname}` carries a user name; put credentials in a header")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if port is None:
            port = DEFAULT_PORTS[parts.scheme]
        return cls(parts.scheme, _ascii_host(parts.hostname), port, quote(target, safe=TARGET_CHARACTERS))

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """The value of the `host` field: the port is there only if it is not the scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def base(self) -> str:
        """The origin as text, as errors name it."""
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        return self.base + self.target


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError as e:
        raise ConfigError(f"`{host}` is not a host name: {e}") from e


class HttpRequest(Struct, frozen=True):
    """`headers` is a tuple so that a transport may cache its encoding; names are lower-case."""

    method: str
    url: Url
    headers: tuple[tuple[str, str], ...]
    body: bytes


class HttpResponse(Struct):
    status: int
    headers: Mapping[str, str]
    """Names in lower case; repeated fields joined with `, `."""
    body: bytes


class HttpStream(Protocol):
    """A response whose body is read as it arrives. `close` must be called; it never raises."""

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes:
        """The bytes that have arrived, at least one; b"" at the end. Raises `UpstreamError`."""

    def close(self) -> None:
        """Ends the exchange; the connection is reused only when the body had been read to its end."""


class Limits(Struct, frozen=True, kw_only=True):
    """How long an exchange may take and how much it may hold. Seconds and bytes; None means no limit."""

    total_s: float | None = 900.0
    """From the call to the last byte of the answer, waiting for a connection included."""
    connect_s: float | None = 30.0
    """Name resolution, TCP and TLS together."""
    read_s: float | None = None
    """The longest silence between received bytes, also before the first one."""

    max_head_bytes: int = 128 * 1024
    max_body_bytes: int = 1024 * 1024 * 1024
    """Of an answer that is collected; a stream may go on for ever."""
    stream_buffer_bytes: int = 256 * 1024
    """What a stream holds unread before the socket is no longer read."""

    max_connections: int = 8192
    """Per origin; further requests wait for a connection, in order."""
    max_idle_connections: int = 1024
    """Per origin."""
    idle_s: float = 60.0
    """How long an unused connection is kept."""


class Transport(Protocol):
    """Sends requests. Both calls raise `UpstreamError` when no whole answer came back."""

    async def send(self, request: HttpRequest) -> HttpResponse: ...

    async def stream(self, request: HttpRequest) -> HttpStream: ...


class ClosableTransport(Transport, Protocol):
    async def close(self) -> None:
        """Ends all connections; exchanges under way fail with `ConnectionLost`."""
