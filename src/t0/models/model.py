"""A model: providers in their order, each tried until one answers."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property

from t0.config.schema import Timeouts
from t0.errors import ModelTimeout
from t0.models.call import ModelCall, ModelResult
from t0.models.fallback import first_answer
from t0.models.limits import first_chunk_limit, total_deadline, within
from t0.models.provider import ModelProvider
from t0.models.stream import ModelStream


class Model:
    """`[models.M]`, or a shorthand model with its one provider."""

    def __init__(
        self,
        name: str,
        build_providers: Callable[[], Sequence[ModelProvider]],
        timeouts: Timeouts | None = None,
        namespace: str | None = None,
    ) -> None:
        """`build_providers` is called by the first use; what it raises fails that call."""
        self.name = name
        self._build_providers = build_providers
        self.namespace = namespace
        self._timeouts = timeouts or Timeouts()

    @cached_property
    def providers(self) -> Sequence[ModelProvider]:
        return self._build_providers()

    def infer(self, call: ModelCall) -> Awaitable[ModelResult]:
        """The first provider's answer that comes. Raises `AllModelProvidersFailed` or `ModelTimeout`."""
        limit = self._timeouts.non_streaming.total_ms
        if limit is None:
            return self._infer(call)
        return within(limit, lambda: ModelTimeout(self.name, "non_streaming.total_ms", limit), self._infer(call))

    def _infer(self, call: ModelCall) -> Awaitable[ModelResult]:
        return first_answer(self.providers, lambda provider: provider.infer(call))

    async def stream(self, call: ModelCall) -> ModelStream:
        """The first provider's stream that begins. Raises as `infer` does."""
        started = time.monotonic()
        limit, setting = first_chunk_limit(self._timeouts.streaming)
        stream = await within(limit, lambda: ModelTimeout(self.name, setting, limit or 0), self._stream(call))
        stream.limit(total_deadline(self._timeouts.streaming, started, ModelTimeout, self.name))
        return stream

    def _stream(self, call: ModelCall) -> Awaitable[ModelStream]:
        return first_answer(self.providers, lambda provider: provider.stream(call))
