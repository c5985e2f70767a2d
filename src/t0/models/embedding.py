"""An embedding model: providers in their order, each tried until one answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Raw, Struct

from t0.errors import ModelProviderTimeout, ModelTimeout, ProviderFailure, RequestError
from t0.models.cache_slot import CacheUse
from t0.models.exchange import exchange, with_raw_bodies
from t0.models.fallback import first_answer
from t0.models.limits import within
from t0.providers.cost import CostRules
from t0.providers.embeddings import EmbeddingProvider
from t0.storage.cache.base import CacheEntry
from t0.types.embedding import EmbeddingRequest, EmbeddingResponse
from t0.types.model import ApiType, Usage
from t0.upstream.base import Transport

_SETTING = "non_streaming.total_ms"
"""How the texts of both timeouts call `timeout_ms`."""


class EmbeddingCall(Struct):
    """An embedding request with the caller's dynamic credentials; `cache` is None when the cache is left aside."""

    request: EmbeddingRequest
    credentials: Mapping[str, str]
    cache: CacheUse | None = None


class EmbeddingResult(Struct, kw_only=True):
    """One successful embedding call. `failures` are the errors of the providers tried before."""

    response: EmbeddingResponse
    provider_type: str
    api_type: ApiType
    raw_request: str
    raw_response: str
    cost: Decimal | None
    cached: bool = False
    failures: list[RequestError] = []


class EmbeddingModelProvider:
    """`[embedding_models.E.providers.P]`, ready to be called."""

    def __init__(
        self,
        model_name: str,
        provider: EmbeddingProvider,
        transport: Transport,
        timeout_ms: int | None,
        cost: CostRules | None,
    ) -> None:
        self.name = provider.name
        self._model_name = model_name
        self.provider = provider
        self._transport = provider.transport or transport
        self._timeout_ms = timeout_ms
        self._cost = cost

    async def embed(self, call: EmbeddingCall) -> EmbeddingResult:
        """Raises `RequestError`."""
        limit = self._timeout_ms
        work = self._embed(call) if call.cache is None else self._embed_cached(call, call.cache)
        return await within(limit, lambda: ModelProviderTimeout(self.name, _SETTING, limit or 0), work)

    async def _embed_cached(self, call: EmbeddingCall, cache: CacheUse) -> EmbeddingResult:
        slot = cache.of_embedding(self._model_name, self.name, call.request)
        if (found := await slot.find_embedding()) is not None:
            return self._cached_result(*found)
        result = await self._embed(call)
        slot.keep_embedding(result)
        return result

    def _cached_result(self, entry: CacheEntry, embedding: Raw) -> EmbeddingResult:
        """The result that an entry of the cache amounts to: it cost nothing."""
        return EmbeddingResult(
            response=EmbeddingResponse(embeddings=[embedding], usage=Usage(0, 0)),
            provider_type=self.provider.type,
            api_type=self.provider.api_type,
            raw_request=entry.raw_request,
            raw_response=entry.raw_response,
            cost=Decimal(0),
            cached=True,
        )

    async def _embed(self, call: EmbeddingCall) -> EmbeddingResult:
        provider = self.provider
        if provider.prepares:
            await provider.prepare(call.credentials, self._transport)
        request = provider.embedding_request(call.request, call.credentials)
        answer = await exchange(provider, self._transport, request)
        try:
            response = provider.embedding_response(answer.headers, answer.body)
        except ProviderFailure as e:
            raise with_raw_bodies(provider, e, request.body, answer.body) from None
        raw_response = answer.body.decode("utf-8", "replace")
        return EmbeddingResult(
            response=response,
            provider_type=provider.type,
            api_type=provider.api_type,
            raw_request=request.body.decode(),
            raw_response=raw_response,
            cost=self._cost.complete(raw_response) if self._cost else None,
        )


class EmbeddingModel:
    """`[embedding_models.E]`, or a shorthand model with its one provider."""

    def __init__(self, name: str, providers: Sequence[EmbeddingModelProvider], timeout_ms: int | None = None) -> None:
        self.name = name
        self.providers = providers
        self._timeout_ms = timeout_ms

    async def embed(self, call: EmbeddingCall) -> EmbeddingResult:
        """The first provider's answer that comes. Raises `AllModelProvidersFailed` or `ModelTimeout`."""
        limit = self._timeout_ms
        return await within(limit, lambda: ModelTimeout(self.name, _SETTING, limit or 0), self._embed(call))

    async def _embed(self, call: EmbeddingCall) -> EmbeddingResult:
        return await first_answer(self.providers, lambda provider: provider.embed(call))
