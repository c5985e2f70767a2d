"""What a variant is: one way of answering a function's input with model calls."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Literal, Protocol

from msgspec import Struct

from t0.files.resolve import RequestFiles
from t0.models.cache_slot import CacheUse
from t0.models.call import ModelResult
from t0.models.stream import ModelStream
from t0.types.content import OutputBlock
from t0.types.inference import InferenceRequest
from t0.types.params import ChatCompletionParams
from t0.types.tools import ToolConfig


class VariantCall(Struct, kw_only=True):
    """One attempt's input: the request as validated by its function."""

    request: InferenceRequest
    function_type: Literal["chat", "json"]
    tools: ToolConfig | None
    output_schema: Any
    exchanges: list[tuple[float, float]]
    files: RequestFiles | None = None
    cache: CacheUse | None = None


class VariantResult(Struct, kw_only=True):
    """A complete answer. `calls` are all model calls that fed it, in order; the last one gave `output`."""

    variant_name: str
    params: ChatCompletionParams
    output: list[OutputBlock]
    calls: list[ModelResult]


class VariantStream(Struct, kw_only=True):
    """A streamed answer that has begun: `earlier` calls are complete, `stream` is the one being passed on."""

    variant_name: str
    params: ChatCompletionParams
    stream: ModelStream
    earlier: list[ModelResult] = []


class Variant(Protocol):
    """`[functions.F.variants.V]`, ready to run."""

    name: str
    namespace: str | None
    template_names: frozenset[str]
    """The templates that template blocks may name."""

    def namespaced_models(self) -> list[tuple[str, str]]:
        """Name and namespace of every namespaced model this variant uses."""

    def infer(self, call: VariantCall) -> Awaitable[VariantResult]: ...

    async def stream(self, call: VariantCall) -> VariantStream: ...
