"""Batches of one model: the provider that takes them on, and the exchanges with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from t0.errors import AllModelProvidersFailed, RequestError
from t0.models.call import ModelCall
from t0.models.exchange import exchange
from t0.models.model import Model
from t0.providers.batch import BatchProvider, Steps
from t0.types.batch import BatchState, StartedBatch
from t0.types.model import ModelRequest
from t0.upstream.base import Transport

T = TypeVar("T")

_AT_ONCE = 100


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """The items; after every hundred, other requests get their turn."""
    for i, item in enumerate(items):
        if i % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
        yield item


class BatchCall(Struct):
    """One call of a batch."""

    inference_id: str
    call: ModelCall


class ModelBatch(Struct, kw_only=True):
    """A started batch. `requests` and `rows` are in the order of the calls: what was asked, and how it was written."""

    provider_name: str
    requests: list[ModelRequest]
    rows: list[str]
    started: StartedBatch


class BatchModelProvider:
    """`[models.M.providers.P]`, ready to be given batches."""

    def __init__(self, provider: BatchProvider, transport: Transport) -> None:
        self.name = provider.name
        self.provider = provider
        self._transport = provider.transport or transport

    async def start(self, calls: Sequence[BatchCall], credentials: Mapping[str, str]) -> ModelBatch:
        """Raises `RequestError`."""
        requests, rows = [], []
        async for asked in in_turns(calls):
            call = asked.call
            request = call.request
            if call.files is not None:
                request = await call.files.for_provider(self.provider, request)
            requests.append(request)
            rows.append(self.provider.batch_row(asked.inference_id, request))
        await self._prepare(credentials)
        started = await self._run(self.provider.start_batch(rows, credentials))
        return ModelBatch(provider_name=self.name, requests=requests, rows=rows, started=started)

    async def poll(self, params: Mapping[str, Any]) -> BatchState:
        """Raises `RequestError`."""
        await self._prepare({})
        return await self._run(self.provider.poll_batch(params))

    async def fetch_output(self, output: str) -> bytes:
        """Raises `RequestError`."""
        await self._prepare({})
        return await self._run(self.provider.fetch_output(output))

    async def _prepare(self, credentials: Mapping[str, str]) -> None:
        if self.provider.prepares:
            await self.provider.prepare(credentials, self._transport)

    async def _run(self, steps: Steps[T]) -> T:
        try:
            request = next(steps)
            while True:
                request = steps.send(await exchange(self.provider, self._transport, request))
        except StopIteration as e:
            result: T = e.value
            return result


async def start_batch(
    model: Model, find: Callable[[str, str], BatchModelProvider], calls: Sequence[BatchCall]
) -> ModelBatch:
    """The batch at the first provider that takes it; `find` is `ModelTable.batch_provider`.

    Raises `AllModelProvidersFailed`.
    """
    errors: dict[str, RequestError] = {}
    for provider in model.providers:
        try:
            return await find(model.name, provider.name).start(calls, calls[0].call.credentials)
        except RequestError as e:
            errors[provider.name] = e
    raise AllModelProvidersFailed(errors)
