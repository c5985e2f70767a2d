"""What the AWS providers share: places, credentials, the order of headers, errors."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from t0.config.credentials import CredentialStore
from t0.errors import ProviderFailure, status_line
from t0.providers.aws.auth import Auth, SignatureAuth
from t0.providers.aws.credentials import key_source
from t0.providers.aws.event_stream import is_event_stream
from t0.providers.aws.settings import Place
from t0.providers.base import USER_AGENT, HeaderItems, Headers, Provider
from t0.providers.extra import applicable, apply_headers, change_body
from t0.providers.json_provider import body_text
from t0.providers.notices import warn_once
from t0.types.model import ModelRequest
from t0.upstream.base import HttpRequest, Transport

COMPLETE = (("content-type", "application/json"), ("accept", "application/json"))
STREAMED = (("content-type", "application/json"), ("accept", "*/*"))

_encoder = msgspec.json.Encoder()


class AWSProvider(Provider):
    service: ClassVar[str]
    """What signatures are scoped to."""
    host: ClassVar[str]
    """The service's part of the address."""
    error_name: ClassVar[str]
    """How errors call the service."""

    def __init__(self, name: str, config: Any, credentials: CredentialStore) -> None:
        super().__init__(name, config, credentials)
        self._place = Place(config, credentials.env, self.host)
        self._auth = self.make_auth(credentials)
        self.prepares = self._auth.prepares
        if self._place.endpoint_is_dynamic and not self._auth.is_dynamic:
            warn_once(f"Provider `{name}` sends its own AWS credentials to endpoints that its callers name")

    def make_auth(self, credentials: CredentialStore) -> Auth:
        return SignatureAuth(key_source(self.config, credentials), self.service)

    async def prepare(self, credentials: Mapping[str, str], transport: Transport) -> None:
        await self._auth.prepare()

    # -- request -------------------------------------------------------------------------------------------------------

    def request(self, call: ModelRequest, credentials: Mapping[str, str]) -> HttpRequest:
        content = self.body(call)
        change_body(content, call, self.name, self.config.extra_body)
        body = _encoder.encode(content)
        destination = self._place.destination(self.path(stream=call.stream), credentials)
        headers = self._auth.prove(self._headers(call), destination, body, credentials)
        return HttpRequest("POST", destination.url, headers, body)

    def body(self, call: ModelRequest) -> dict[str, Any]:
        """The request body before `extra_body`, its top level not shared. Raises `RequestError`."""
        raise NotImplementedError

    def path(self, *, stream: bool) -> str:
        """Where calls go, below the address, percent-encoded."""
        raise NotImplementedError

    def _headers(self, call: ModelRequest) -> HeaderItems:
        """All but what proves who calls. The content types win over `extra_headers`, unlike those of other vendors."""
        own = STREAMED if call.stream else COMPLETE
        layers = (call.variant_extra_headers, self.config.extra_headers, call.extra_headers)
        entries = [e for layer in layers for e in applicable(layer, call, self.name)]
        extra = (h for h in apply_headers((USER_AGENT,), entries) if h[0] not in ("content-type", "accept"))
        return (*extra, *own)

    # -- answers -------------------------------------------------------------------------------------------------------

    def opens_stream(self, status: int, headers: Headers) -> bool:
        return status // 100 == 2 and is_event_stream(headers)

    def failure(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        return self._failure(f"{self.error_name} returned error status {status_line(status)}: ", status, body)

    def stream_failure(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        if status // 100 != 2:
            return self.failure(status, headers, body)
        found = headers.get("content-type", "")
        return self._failure(f"{self.error_name} answered with `{found}` instead of an event stream: ", status, body)

    def _failure(self, text: str, status: int, body: bytes) -> ProviderFailure:
        shown = body_text(body)
        return ProviderFailure(
            "server",
            text + shown,
            self.type,
            upstream_status=status,
            raw_response=shown,
            api_type=self.api_type,
        )
