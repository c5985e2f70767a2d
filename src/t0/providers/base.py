"""What a provider is: a pure mapping between t0's model calls and one vendor's HTTP API.

A provider module holds its config struct, its class and the `type` string used in the TOML; `providers.registry` finds
it by walking the folder. Nothing here does I/O: `models.model` sends what `request` returns.
"""

import builtins
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from t0.config.credentials import CredentialStore
from t0.config.schema.common import ProviderConfig
from t0.errors import ConfigError, ProviderFailure
from t0.types.content import File
from t0.types.model import ApiType, Chunk, ModelRequest, ModelResponse
from t0.upstream.base import HttpRequest, Transport, Url
from t0.version import VERSION

Headers = Mapping[str, str]
HeaderItems = tuple[tuple[str, str], ...]

USER_AGENT = ("user-agent", f"t0/{VERSION}")


class StreamDecoder(Protocol):
    """Turns the bytes of one streamed answer into chunks. Fed any split of the bytes, it gives the same chunks."""

    done: bool
    """True once the provider said that the stream is over; what follows is ignored."""

    def feed(self, data: bytes) -> list[Chunk | ProviderFailure]:
        """The chunks that `data` completes; an unreadable event gives a failure in its place."""

    def end(self) -> list[Chunk | ProviderFailure]:
        """What is left when the connection has ended."""


class Provider:
    """One `[models.M.providers.P]` entry. Instances live as long as the configuration and hold no request state."""

    Config: ClassVar[builtins.type[ProviderConfig]]
    type: ClassVar[str]
    label: ClassVar[str]
    """The vendor's name in log and credential texts (`OpenAI`)."""
    supported: ClassVar[bool] = True
    """False while only the configuration of the type is known; such a provider cannot be built."""
    api_type: ApiType = "chat_completions"

    transport: Transport | None = None
    """Set by providers that answer by themselves (`dummy`); None means the network."""

    prepares: bool = False
    """Whether `prepare` must be awaited before `request`; providers without such a need pay nothing for it."""

    raw_bodies_in_errors: ClassVar[tuple[bool, bool]] = (True, True)
    """Whether failures keep the raw request and the raw response."""

    def __init__(self, name: str, config: Any, credentials: CredentialStore) -> None:
        """`name` is the provider's key in the model. Raises `ConfigError`, `ApiKeyMissing` for a static credential."""
        if not self.supported:
            raise ConfigError(f"t0 does not support providers of type `{self.type}` yet")
        self.name = name
        self.config = config

    async def check(self, transport: Transport) -> None:
        """Finds out at start-up what only I/O can tell about the configuration. Raises `RequestError`."""

    async def prepare(self, credentials: Mapping[str, str], transport: Transport) -> None:
        """Sees to what `request` needs and only I/O can give, such as a token. Raises `RequestError`."""

    def request(self, call: ModelRequest, credentials: Mapping[str, str]) -> HttpRequest:
        """The HTTP request for `call`. `credentials` are the request's dynamic ones.

        Raises `ApiKeyMissing`, `InvalidRequest`-like errors for what the vendor cannot take.
        """
        raise NotImplementedError

    @property
    def thought_type(self) -> str:
        """The `provider_type` of the thoughts that this provider makes, and that it gets to see again."""
        return self.type

    def forwards_url(self, file: File, call: ModelRequest) -> bool:
        """Whether a file given by URL is passed on as such.

        For any other, `request` wants its content: `data` and `mime_type` set, `url` None.
        """
        return False

    def response(self, call: ModelRequest, headers: Headers, body: bytes) -> ModelResponse:
        """The answer in a 2xx `body`. Raises `ProviderFailure` when it is not what the API promises."""
        raise NotImplementedError

    def decoder(self, call: ModelRequest) -> StreamDecoder:
        """A fresh decoder for one streamed answer."""
        raise NotImplementedError

    def opens_stream(self, status: int, headers: Headers) -> bool:
        """Whether a streamed answer follows; if not, `stream_failure` says why."""
        return status // 100 == 2 and headers.get("content-type", "").startswith("text/event-stream")

    def failure(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        """The error for a non-2xx answer of a complete call."""
        raise NotImplementedError

    def stream_failure(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        """The error for a stream that did not open: a non-2xx status or a wrong content type."""
        raise NotImplementedError

    def server_failure(self, message: str, raw_response: str | None = None) -> ProviderFailure:
        """The error for an answer that is not what the API promises. `raw_response` is dropped where it is not kept."""
        raw = raw_response if self.raw_bodies_in_errors[1] else None
        return ProviderFailure("server", message, self.type, raw_response=raw, api_type=self.api_type)


def endpoint(base: str, path: str) -> Url:
    """`path` below `base`, with or without its trailing slash; a query in `base` is lost."""
    head = base.partition("#")[0].partition("?")[0]
    return Url.parse(f"{head.rstrip('/')}/{path}" if head.endswith("/") else f"{head}/{path}")
