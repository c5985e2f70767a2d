"""One provider of one model: the vendor's mapping, the transport, the limits and the price."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from t0.config.schema import ProviderConfig
from t0.errors import ModelProviderTimeout, ProviderFailure, RequestError, UpstreamError, UpstreamTimeout
from t0.models.cache_slot import CacheUse
from t0.models.call import ModelCall, ModelResult
from t0.models.exchange import TOO_SLOW, exchange, not_sent, with_raw_bodies
from t0.models.limits import elapsed_ms, first_chunk_limit, total_deadline, within
from t0.models.stream import CachedStream, ModelStream
from t0.providers.base import Provider
from t0.providers.cost import CostRules
from t0.storage.cache.base import CacheEntry
from t0.types.content import OutputBlock
from t0.types.model import FinishReason, ModelRequest, Usage
from t0.upstream.base import HttpRequest, HttpResponse, Transport


class ModelProvider:
    """`[models.M.providers.P]`, ready to be called."""

    def __init__(
        self, model_name: str, provider: Provider, config: ProviderConfig, transport: Transport, cost: CostRules | None
    ) -> None:
        self.name = provider.name
        self.provider = provider
        self._model_name = model_name
        self._timeouts = config.timeouts
        self._transport = provider.transport or transport
        self._cost = cost

    def infer(self, call: ModelCall) -> Awaitable[ModelResult]:
        """A complete answer. Raises `RequestError`."""
        limit = self._timeouts.non_streaming.total_ms
        work = self._infer(call) if call.cache is None else self._infer_cached(call, call.cache)
        if limit is None:
            return work
        return within(limit, lambda: self._too_slow("non_streaming.total_ms", limit), work)

    async def _infer_cached(self, call: ModelCall, cache: CacheUse) -> ModelResult:
        slot = cache.of_call(self.provider, call)
        if (found := await slot.find_answer()) is not None:
            raw_response = found.entry.raw_response
            return self.cached_result(call.request, found.entry, output=found.output, raw_response=raw_response)
        result = await self._infer(call)
        slot.keep_answer(result)
        return result

    async def _infer(self, call: ModelCall) -> ModelResult:
        if call.files is not None:
            call = replace(call, request=await call.files.for_provider(self.provider, call.request))
        if self.provider.prepares:
            await self.provider.prepare(call.credentials, self._transport)
        request = self.provider.request(call.request, call.credentials)
        started = time.monotonic()
        try:
            response = await exchange(self.provider, self._transport, request)
        finally:
            call.exchanges.append((started, time.monotonic()))
        return self._read(call.request, request, response, elapsed_ms(started))

    def _read(self, call: ModelRequest, sent: HttpRequest, response: HttpResponse, took_ms: int) -> ModelResult:
        try:
            answer = self.provider.response(call, response.headers, response.body)
        except ProviderFailure as e:
            raise with_raw_bodies(self.provider, e, sent.body, response.body) from None
        raw_response = response.body.decode("utf-8", "replace")
        return self.result(
            call,
            raw_request=sent.body.decode(),
            raw_response=raw_response,
            output=answer.output,
            usage=answer.usage,
            raw_usage=[] if answer.raw_usage is None else [answer.raw_usage],
            finish_reason=answer.finish_reason,
            cost=self._cost.complete(raw_response) if self._cost else None,
            response_time_ms=took_ms,
        )

    async def stream(self, call: ModelCall) -> ModelStream:
        """A streamed answer whose first chunk has come. Raises `RequestError`."""
        started = time.monotonic()
        limit, setting = first_chunk_limit(self._timeouts.streaming)
        work = self._open(call, started) if call.cache is None else self._open_cached(call, call.cache)
        stream = await within(limit, lambda: self._too_slow(setting, limit or 0), work)
        stream.limit(total_deadline(self._timeouts.streaming, started, ModelProviderTimeout, self.name))
        return stream

    async def _open_cached(self, call: ModelCall, cache: CacheUse) -> ModelStream:
        slot = cache.of_call(self.provider, call)
        if (found := await slot.find_stream()) is not None:
            return CachedStream(self, call, found)
        stream = await self._open(call, time.monotonic())
        stream.keep_in(slot)
        return stream

    async def _open(self, call: ModelCall, started: float) -> ModelStream:
        if call.files is not None:
            call = replace(call, request=await call.files.for_provider(self.provider, call.request))
            started = time.monotonic()
        if self.provider.prepares:
            await self.provider.prepare(call.credentials, self._transport)
        request = self.provider.request(call.request, call.credentials)
        try:
            body = await self._transport.stream(request)
        except UpstreamError as e:
            call.exchanges.append((started, time.monotonic()))
            raise not_sent(self.provider, e, request) from e
        stream: ModelStream | None = None
        try:
            if not self.provider.opens_stream(body.status, body.headers):
                raise await self._refused(request, body)
            stream = ModelStream(self, call, body, request.body.decode())
            await stream.open(started)
        except BaseException:
            stream.close() if stream is not None else body.close()
            raise
        return stream

    async def _refused(self, request: HttpRequest, body: Any) -> ProviderFailure:
        parts = []
        try:
            while data := await body.read():
                parts.append(data)
        except UpstreamError as e:
            return self.stream_lost(e)
        content = b"".join(parts)
        failure = self.provider.stream_failure(body.status, body.headers, content)
        return with_raw_bodies(self.provider, failure, request.body, content)

    # -- errors --------------------------------------------------------------------------------------------------------

    def _too_slow(self, setting: str, limit_ms: int) -> RequestError:
        return ModelProviderTimeout(self.name, setting, limit_ms)

    def stream_lost(self, error: UpstreamError) -> ProviderFailure:
        """The failure for a connection that ended in the middle of a stream."""
        text = TOO_SLOW if isinstance(error, UpstreamTimeout) else str(error)
        return ProviderFailure("fatal_stream", text, self.provider.type, api_type=self.provider.api_type)

    # -- results -------------------------------------------------------------------------------------------------------

    def stream_cost(self, raw_chunks: list[str]) -> Decimal | None:
        return self._cost.stream(raw_chunks) if self._cost else None

    def result(
        self,
        request: ModelRequest,
        *,
        raw_request: str,
        raw_response: str,
        output: list[OutputBlock],
        usage: Usage,
        raw_usage: list[Any],
        finish_reason: FinishReason | None,
        cost: Decimal | None,
        response_time_ms: int,
        ttft_ms: int | None = None,
        cached: bool = False,
    ) -> ModelResult:
        usage.cost = None if cost is None else float(cost)
        return ModelResult(
            request=request,
            model_name=self._model_name,
            provider_name=self.name,
            provider_type=self.provider.type,
            api_type=self.provider.api_type,
            raw_request=raw_request,
            raw_response=raw_response,
            output=output,
            usage=usage,
            raw_usage=raw_usage,
            finish_reason=finish_reason,
            cost=cost,
            response_time_ms=response_time_ms,
            ttft_ms=ttft_ms,
            cached=cached,
        )

    def cached_result(
        self, request: ModelRequest, entry: CacheEntry, *, output: list[OutputBlock], raw_response: str
    ) -> ModelResult:
        """The result that an entry of the cache amounts to: it cost nothing and took no time."""
        return self.result(
            request,
            raw_request=entry.raw_request,
            raw_response=raw_response,
            output=output,
            usage=Usage(entry.input_tokens, entry.output_tokens),
            raw_usage=[],
            finish_reason=entry.finish_reason,
            cost=Decimal(0),
            response_time_ms=0,
            cached=True,
        )
