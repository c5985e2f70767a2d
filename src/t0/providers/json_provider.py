"""What all vendors share whose API takes a JSON body and a key: headers, late changes, errors of a bad answer."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from t0.config.credentials import Credential, CredentialStore
from t0.errors import ProviderFailure, status_line
from t0.providers.base import USER_AGENT, HeaderItems, Headers, Provider, endpoint
from t0.providers.extra import applicable, apply_headers, change_body
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.model import ModelRequest
from t0.upstream.base import HttpRequest, Url

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding any bytes as JSON into structs can raise."""

_encoder = msgspec.json.Encoder()


class JsonProvider(Provider):
    base_url: ClassVar[str] = ""
    """The fixed address; vendors whose `api_base` is required leave it empty."""
    path: str
    """Where calls go, below the address."""
    accepts_no_key: ClassVar[bool] = False
    client_statuses: ClassVar[frozenset[int]] = frozenset({400, 401, 403, 429})
    """Statuses that are the caller's fault; all others are the server's."""
    plain_stream_errors: ClassVar[bool] = False
    """Whether a stream that does not open is a plain server error, its body kept out of the text."""

    def __init__(self, name: str, config: Any, credentials: CredentialStore) -> None:
        super().__init__(name, config, credentials)
        self.credential = self.make_credential(credentials)
        self.url = self.make_url()
        """None when it depends on the request's credentials."""
        self._extra_body: list[ExtraBody] = config.extra_body
        self._extra_headers: list[ExtraHeader] = config.extra_headers
        self._fixed_headers: dict[bool, HeaderItems] = {}

    def make_credential(self, credentials: CredentialStore) -> Credential:
        return credentials.api_key(
            self.config.api_key_location,
            provider_type=self.type,
            owner=self.label,
            default=self.default_location(credentials),
            accepts_none=self.accepts_no_key,
        )

    def default_location(self, credentials: CredentialStore) -> str:
        return f"env::{self.type.upper()}_API_KEY"

    def make_url(self) -> Url | None:
        return endpoint(self.api_base(), self.path)

    def api_base(self) -> str:
        return getattr(self.config, "api_base", None) or self.base_url

    # -- request -------------------------------------------------------------------------------------------------------

    def request(self, call: ModelRequest, credentials: Mapping[str, str]) -> HttpRequest:
        body = self.body(call)
        change_body(body, call, self.name, self._extra_body)
        url = self.url_for(call, credentials)
        return HttpRequest("POST", url, self._headers(call, credentials), _encoder.encode(body))

    def body(self, call: ModelRequest) -> dict[str, Any]:
        """The request body before `extra_body`, its top level not shared. Raises `RequestError`."""
        raise NotImplementedError

    def url_for(self, call: ModelRequest, credentials: Mapping[str, str]) -> Url:
        return self.url or self.dynamic_url(credentials)

    def dynamic_url(self, credentials: Mapping[str, str]) -> Url:
        """The URL of one request, where `make_url` gave none."""
        raise NotImplementedError

    def _headers(self, call: ModelRequest, credentials: Mapping[str, str]) -> HeaderItems:
        headers = self._plain_headers(call.stream, credentials)
        if call.variant_extra_headers or call.extra_headers or self._extra_headers:
            layers = (call.variant_extra_headers, self._extra_headers, call.extra_headers)
            return apply_headers(headers, [e for layer in layers for e in applicable(layer, call, self.name)])
        return headers

    def _plain_headers(self, stream: bool, credentials: Mapping[str, str]) -> HeaderItems:
        # The same tuple for every request where possible: the transport keeps its encoding by identity.
        headers = self._fixed_headers.get(stream)
        if headers is None:
            headers = self._make_headers(self.credential.value(credentials), stream)
            if self.credential.is_static:
                self._fixed_headers[stream] = headers
        return headers

    def _make_headers(self, key: str | None, stream: bool) -> HeaderItems:
        accept = "text/event-stream" if stream else "*/*"
        fixed = (("content-type", "application/json"), ("accept", accept), USER_AGENT)
        return fixed + (self.auth_headers(key) if key is not None else ())

    def auth_headers(self, key: str) -> HeaderItems:
        return (("authorization", f"Bearer {key}"),)

    # -- failures ------------------------------------------------------------------------------------------------------

    def failure(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        kind = "client" if status in self.client_statuses else "server"
        return self._failure(kind, body_text(body) + self.request_id(headers), status, body)

    def stream_failure(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        message = f"Invalid status code: {status_line(status)}"
        if status // 100 == 2:
            content_type = headers.get("content-type", "")
            message = f"Expected content-type 'text/event-stream', got \"{content_type}\""
        if self.plain_stream_errors:
            return self._failure("server", message + self.stream_request_id(headers), status, body)
        return self._failure(
            "fatal_stream", f"{message}: {body_text(body)}{self.stream_request_id(headers)}", status, body
        )

    def request_id(self, headers: Headers) -> str:
        """What the text of a failed complete call ends with."""
        return ""

    def stream_request_id(self, headers: Headers) -> str:
        """What the text of a stream that did not open ends with."""
        return ""

    def _failure(self, kind: Any, message: str, status: int, body: bytes) -> ProviderFailure:
        raw = body_text(body) if self.raw_bodies_in_errors[1] else None
        return ProviderFailure(
            kind, message, self.type, upstream_status=status, raw_response=raw, api_type=self.api_type
        )


def shown_request_id(headers: Headers) -> str:
    """` [request_id: X]` for an answer that names its request."""
    found = headers.get("x-request-id")
    return f" [request_id: {found}]" if found else ""


def body_text(body: bytes) -> str:
    """A body as it is shown; bytes that are not UTF-8 become replacement characters."""
    return body.decode("utf-8", "replace")
