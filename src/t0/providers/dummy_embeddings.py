"""Embeddings of the test provider: zeros, without a network."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from t0.config.credentials import CredentialStore
from t0.providers.base import Headers
from t0.providers.dummy import URL, Dummy
from t0.providers.dummy_server import FAILURE_HEADER, named_failure
from t0.providers.embeddings import EmbeddingProvider
from t0.types.embedding import EmbeddingRequest, EmbeddingResponse
from t0.types.model import Usage
from t0.upstream.base import HttpRequest, HttpResponse, HttpStream

COUNT_HEADER = "x-dummy-count"
DIMENSIONS = 1536
SLOW_S = 30

_RAW = b'{"usage": {"prompt_tokens": 10, "total_tokens": 10}}'


class DummyEmbeddings(EmbeddingProvider, Dummy):
    def __init__(self, name: str, config: Any, credentials: CredentialStore) -> None:
        super().__init__(name, config, credentials)
        self.transport = DummyEmbeddingTransport()

    def embedding_request(self, call: EmbeddingRequest, credentials: Mapping[str, str]) -> HttpRequest:
        key = self._credential.value(credentials)
        return DummyEmbeddingRequest("POST", URL, (), b"raw request", self.config.model_name, call.count, key)

    def embedding_response(self, headers: Headers, body: bytes) -> EmbeddingResponse:
        vector = Raw(msgspec.json.encode([0.0] * DIMENSIONS))
        return EmbeddingResponse(embeddings=[vector] * int(headers[COUNT_HEADER]), usage=Usage(10, 0))


class DummyEmbeddingRequest(HttpRequest, frozen=True):
    """A request that carries what the answer depends on, since there is no wire to put it on."""

    model: str
    count: int
    key: str | None


class DummyEmbeddingTransport:
    async def send(self, request: HttpRequest) -> HttpResponse:
        assert isinstance(request, DummyEmbeddingRequest)
        if "slow" in request.model:
            await asyncio.sleep(SLOW_S)
        failure = named_failure(request.model, request.key)
        if failure is None:
            return HttpResponse(200, {COUNT_HEADER: str(request.count)}, _RAW)
        failure.message = failure.message.replace("from Dummy provider", "from Dummy embedding provider")
        return HttpResponse(failure.status or 500, {FAILURE_HEADER: msgspec.json.encode(failure).decode()}, b"")

    async def stream(self, request: HttpRequest) -> HttpStream:
        raise NotImplementedError("embeddings do not stream")
