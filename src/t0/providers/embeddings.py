"""What an embedding provider is: a pure mapping, as `providers.base` describes it, for embedding calls.

A vendor's class stands beside its chat class, in the same module, and takes from it address, key and errors.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Raw, Struct

from t0.providers.base import HeaderItems, Headers, Provider
from t0.providers.chat.answer import wire_usage
from t0.providers.extra import apply_body, apply_headers
from t0.providers.json_provider import UNREADABLE, JsonProvider, body_text
from t0.types.embedding import EmbeddingRequest, EmbeddingResponse
from t0.types.model import ApiType, Usage
from t0.upstream.base import HttpRequest


class EmbeddingProvider(Provider):
    """One `[embedding_models.E.providers.P]` entry."""

    api_type: ApiType = "embeddings"

    def embedding_request(self, call: EmbeddingRequest, credentials: Mapping[str, str]) -> HttpRequest:
        """The HTTP request for `call`. Raises `RequestError`, as `Provider.request` does."""
        raise NotImplementedError

    def embedding_response(self, headers: Headers, body: bytes) -> EmbeddingResponse:
        """The answer in a 2xx `body`. Raises `ProviderFailure` when it is not what the API promises."""
        raise NotImplementedError


class WireEmbedding(Struct):
    embedding: Raw


class WireEmbeddings(Struct):
    data: list[WireEmbedding]
    usage: Any = None


_answers = msgspec.json.Decoder(WireEmbeddings)


class OpenAIEmbeddingAPI(EmbeddingProvider, JsonProvider):
    """The mapping that all vendors with OpenAI's embeddings API share."""

    path = "embeddings"
    names_model: ClassVar[bool] = True
    """Whether the body names the model; elsewhere the address does."""

    def embedding_request(self, call: EmbeddingRequest, credentials: Mapping[str, str]) -> HttpRequest:
        body = self._embedding_body(call)
        apply_body(body, self.config.extra_body)
        url = self.url or self.dynamic_url(credentials)
        return HttpRequest("POST", url, self._embedding_headers(credentials), msgspec.json.encode(body))

    def _embedding_body(self, call: EmbeddingRequest) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.config.model_name} if self.names_model else {}
        body["input"] = call.input
        if call.dimensions is not None:
            body["dimensions"] = call.dimensions
        body["encoding_format"] = call.encoding_format
        return body

    def _embedding_headers(self, credentials: Mapping[str, str]) -> HeaderItems:
        headers, extra = self._plain_headers(False, credentials), self.config.extra_headers
        return apply_headers(headers, extra) if extra else headers

    def embedding_response(self, headers: Headers, body: bytes) -> EmbeddingResponse:
        try:
            answer = _answers.decode(body)
            embeddings = [_vector(item.embedding) for item in answer.data]
            usage = Usage() if answer.usage is None else Usage(wire_usage(answer.usage).prompt_tokens, 0)
        except UNREADABLE as e:
            raise self.server_failure(f"Error parsing JSON response: {e}", body_text(body)) from e
        return EmbeddingResponse(embeddings=embeddings, usage=usage, raw_usage=answer.usage)


def _vector(raw: Raw) -> Raw:
    """Numbers are passed on as they are written, without being read: a long list of vectors would take its time."""
    if bytes(memoryview(raw)[:1]) not in (b"[", b'"'):
        raise msgspec.ValidationError("expected an array of numbers or a base64 string as `embedding`")
    return raw
