"""The test provider: answers by model name, without a network.

Its wire format is its own. A complete answer is a response whose body is what raw responses show and whose header
`x-dummy-answer` holds the blocks; a stream is one JSON object a line, a chunk or a failure. The names are the
reference's: its own tests rely on them.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from t0.config.credentials import Credential, CredentialStore, parse_location
from t0.config.schema.common import ProviderConfig
from t0.errors import ConfigError, ProviderFailure
from t0.providers.base import Headers, Provider
from t0.providers.dummy_server import ANSWER_HEADER, FAILURE_HEADER, DummyRequest, DummyTransport, Failure, Line
from t0.providers.visible import refuse_provider_tools
from t0.types.model import Chunk, ModelRequest, ModelResponse
from t0.upstream.base import HttpRequest, Url

URL = Url("http", "dummy.invalid", 80, "/")

_answers = msgspec.json.Decoder(ModelResponse)
_failures = msgspec.json.Decoder(Failure)
_lines = msgspec.json.Decoder(Line)


class DummyConfig(ProviderConfig, frozen=True, kw_only=True):
    model_name: str
    api_key_location: str = "none"

    def check(self, path: str) -> None:
        form, _ = parse_location(self.api_key_location)
        if form not in ("none", "dynamic"):
            raise ConfigError("Invalid api_key_location for Dummy provider", key=path)


class Dummy(Provider):
    type = "dummy"
    label = "Dummy"
    Config = DummyConfig

    def __init__(self, name: str, config: Any, credentials: CredentialStore) -> None:
        super().__init__(name, config, credentials)
        form, key = parse_location(config.api_key_location)
        self._credential = Credential(self.label, dynamic=key if form == "dynamic" else None)
        self.transport = DummyTransport()

    def request(self, call: ModelRequest, credentials: Mapping[str, str]) -> HttpRequest:
        refuse_provider_tools(call, self.name, self.type)
        key = self._credential.value(credentials)
        return DummyRequest("POST", URL, (), b"raw request", self.config.model_name, call, key, self.name, self.config)

    def response(self, call: ModelRequest, headers: Headers, body: bytes) -> ModelResponse:
        try:
            return _answers.decode(headers[ANSWER_HEADER])
        except (KeyError, msgspec.DecodeError) as e:
            raise self.server_failure(f"Error parsing JSON response: {e}", body.decode("utf-8", "replace")) from e

    def decoder(self, call: ModelRequest) -> "DummyDecoder":
        return DummyDecoder(self)

    def failure(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        text = body.decode("utf-8", "replace")
        try:
            return self.make_failure(_failures.decode(headers[FAILURE_HEADER]))
        except (KeyError, msgspec.DecodeError):
            return ProviderFailure("server", text, self.type, upstream_status=status, raw_response=text)

    stream_failure = failure

    def make_failure(self, failure: Failure) -> ProviderFailure:
        return ProviderFailure(
            failure.kind,
            failure.message,
            self.type,
            upstream_status=failure.status,
            raw_request=failure.raw_request,
            raw_response=failure.raw_response,
            api_type=self.api_type,
        )


class DummyDecoder:
    """A `StreamDecoder` for lines of JSON."""

    def __init__(self, provider: Dummy) -> None:
        self.done = False
        self._provider = provider
        self._rest = b""

    def feed(self, data: bytes) -> list[Chunk | ProviderFailure]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [] if self.done else [self._item(line) for line in lines]

    def end(self) -> list[Chunk | ProviderFailure]:
        lines, self._rest = [self._rest] if self._rest else [], b""
        return [] if self.done else [self._item(line) for line in lines]

    def _item(self, line: bytes) -> Chunk | ProviderFailure:
        try:
            item = _lines.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
            return self._provider.server_failure(f"Error parsing chunk. Error: {e}", line.decode("utf-8", "replace"))
        if item.chunk is not None:
            return item.chunk
        failure = item.failure or Failure("neither chunk nor failure", kind="server")
        return self._provider.make_failure(failure)
