"""The way of an embedding request: model, call, count. Nothing of it is stored but the count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Raw, Struct

from t0._core import uuid7
from t0.errors import InvalidRequest, RequestError
from t0.inference.response import failed_responses
from t0.models.cache_slot import cache_use
from t0.models.embedding import EmbeddingCall, EmbeddingResult
from t0.types.embedding import EmbeddingRequest
from t0.types.inference import CacheOptions, RawEntry
from t0.types.model import Usage
from t0.types.record import CountRecord, Record

if TYPE_CHECKING:
    from t0.gateway import Gateway


class EmbedRequest(Struct, kw_only=True):
    model_name: str
    request: EmbeddingRequest
    credentials: dict[str, str] = {}
    dryrun: bool = False
    cache_options: CacheOptions
    include_raw_response: bool = False


class EmbedAnswer(Struct, kw_only=True):
    """`embeddings` are JSON as the provider wrote it; `raw_response` is None unless it was asked for."""

    model_name: str
    embeddings: list[Raw]
    usage: Usage
    raw_response: list[RawEntry] | None = None


async def embed(gateway: Gateway, request: EmbedRequest) -> EmbedAnswer:
    """The embeddings of the inputs, in their order. Raises `RequestError`."""
    if request.request.input == []:
        raise InvalidRequest("Input cannot be empty")
    model = gateway.models.embeddings.get(request.model_name)
    cache = cache_use(gateway.cache, request.cache_options, dryrun=request.dryrun)
    try:
        result = await model.embed(EmbeddingCall(request.request, request.credentials, cache))
    except RequestError:
        _count(gateway, request, Usage())
        raise
    usage = result.response.usage
    usage.cost = None if result.cost is None else float(result.cost)
    _count(gateway, request, usage)
    return EmbedAnswer(
        model_name=request.model_name,
        embeddings=result.response.embeddings,
        usage=usage,
        raw_response=_raw_responses(result) if request.include_raw_response else None,
    )


def _raw_responses(result: EmbeddingResult) -> list[RawEntry]:
    failed = failed_responses(result.failures)
    if result.cached:
        return failed
    own = RawEntry(
        model_inference_id=uuid7.new(),
        provider_type=result.provider_type,
        api_type=result.api_type,
        data=result.raw_response,
    )
    return [*failed, own]


def _count(gateway: Gateway, request: EmbedRequest, usage: Usage) -> None:
    if request.dryrun:
        return
    count = CountRecord(
        endpoint="embeddings",
        model_name=request.model_name,
        inferences=request.request.count,
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
    )
    gateway.append(Record(count=count))
