"""A streamed model call that has begun: its first chunk is known good."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from t0._core import uuid7
from t0.errors import ProviderFailure, RequestError, UpstreamError
from t0.models.cache_slot import CachedChunks, CacheSlot
from t0.models.call import ModelCall, ModelResult
from t0.models.collect import Collector
from t0.models.limits import Deadline, elapsed_ms
from t0.types.inference import RawEntry
from t0.types.model import Chunk
from t0.upstream.base import HttpStream

if TYPE_CHECKING:
    from t0.models.provider import ModelProvider

Item = Chunk | RequestError


class ModelStream:
    """Yields chunks and errors in batches, as they arrive together, and knows the whole once it has ended.

    An error does not end the stream, except a lost connection and a passed deadline: these are its last item.
    """

    def __init__(self, provider: ModelProvider, call: ModelCall, body: HttpStream, raw_request: str) -> None:
        self._provider, self._call, self._body, self._raw_request = provider, call, body, raw_request
        self._decoder = provider.provider.decoder(call.request)
        self._collector = Collector(call.request.function_type)
        self._started = time.monotonic()
        self._exchange_began = self._started
        self._first: list[Item] = []
        self._ended = False
        self._deadlines: list[Deadline] = []
        self._ttft_ms: int | None = None
        self._response_time_ms: int | None = None
        self._slot: CacheSlot | None = None
        self._passed_on: list[Item] = []
        """What is to be cached; filled only when it is."""
        self.cached = False
        self.failures: list[RequestError] = []
        self.entry_id = ""
        """The id of this call in raw lists, once a chunk has shown it."""

    async def open(self, started: float) -> None:
        """Waits for the first chunk. Raises what came instead of it."""
        self._started = started
        items: list[Item] = []
        while not items and not self._ended:
            items = await self._read()
        if not items:
            raise ProviderFailure("server", "Stream ended before first chunk", self._provider.name)
        if isinstance(items[0], RequestError):
            self.close()
            raise items[0]
        self._ttft_ms = elapsed_ms(started)
        self._first = items

    def limit(self, deadline: Deadline | None) -> None:
        """Adds a deadline for the rest of the stream."""
        if deadline is not None:
            self._deadlines.append(deadline)

    @property
    def ended(self) -> bool:
        """Whether `next` has given all there is."""
        return self._ended and not self._first

    def keep_in(self, slot: CacheSlot) -> None:
        """Has the stream cached once it has ended, unless an error came with it."""
        self._slot = slot

    async def next(self) -> list[Item]:
        """The next items, at least one unless the stream has ended."""
        items, self._first = self._first, []
        while not items and not self._ended:
            items = await (self._read_in_time() if self._deadlines else self._read())
        for item in items:
            if isinstance(item, Chunk):
                self._collector.add(item)
        if self._slot is not None:
            self._passed_on += items
            if self._ended:
                self._keep(self._slot)
        return items

    def _keep(self, slot: CacheSlot) -> None:
        chunks = [item for item in self._passed_on if isinstance(item, Chunk)]
        if len(chunks) == len(self._passed_on):
            slot.keep_stream(chunks, self.result())

    async def _read_in_time(self) -> list[Item]:
        deadline = min(self._deadlines, key=lambda d: d.at)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(loop.time() + deadline.at - time.monotonic()):
                return await self._read()
        except TimeoutError:
            self.close()
            return [deadline.error()]

    async def _read(self) -> list[Item]:
        try:
            data = await self._body.read()
        except UpstreamError as e:
            self.close()
            return [*self._decoder.end(), self._provider.stream_lost(e)]
        items: list[Item] = list(self._decoder.feed(data) if data else self._decoder.end())
        if not data or self._decoder.done:
            self.close()
        return items

    def close(self) -> None:
        if not self._ended:
            self._ended = True
            self._body.close()
            self._response_time_ms = elapsed_ms(self._started)
            self._call.exchanges.append((self._exchange_began, time.monotonic()))

    def usage_entry(self, data: Any) -> RawEntry:
        """A `raw_usage` entry of one chunk, under the id this call has in raw lists."""
        self.entry_id = self.entry_id or uuid7.new()
        provider = self._provider.provider
        return RawEntry(
            model_inference_id=self.entry_id, provider_type=provider.type, api_type=provider.api_type, data=data
        )

    def result(self) -> ModelResult:
        """The call as a whole; to be asked once the stream has ended."""
        collected = self._collector
        result = self._provider.result(
            self._call.request,
            raw_request=self._raw_request,
            raw_response="\n".join(collected.raw),
            output=collected.output(),
            usage=collected.usage,
            raw_usage=collected.raw_usage,
            finish_reason=collected.finish_reason,
            cost=self._provider.stream_cost(collected.raw),
            response_time_ms=self._response_time_ms or elapsed_ms(self._started),
            ttft_ms=self._ttft_ms,
        )
        result.failures, result.entry_id = self.failures, self.entry_id
        return result


class CachedStream(ModelStream):
    """A stream from the inference cache: all its chunks at once."""

    def __init__(self, provider: ModelProvider, call: ModelCall, found: CachedChunks) -> None:
        self._provider, self._call, self._entry = provider, call, found.entry
        self._collector = Collector(call.request.function_type)
        self._first = list(found.chunks)
        self._ended = True
        self._slot = None
        self.cached = True
        self.failures = []
        self.entry_id = ""

    def limit(self, deadline: Deadline | None) -> None:
        """Nothing is waited for."""

    def close(self) -> None:
        """Nothing is open."""

    def result(self) -> ModelResult:
        collected = self._collector
        raw_response = "\n".join(collected.raw)
        output = collected.output()
        result = self._provider.cached_result(self._call.request, self._entry, output=output, raw_response=raw_response)
        result.ttft_ms, result.failures = 0, self.failures
        return result
