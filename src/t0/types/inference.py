"""An inference as t0 understands it, whichever face it came in by, and its answer."""

from typing import Any, Literal

from msgspec import Struct

from t0.types.content import BlockChunk, ChatBlock, Input, JsonOutput
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.model import FinishReason, Usage
from t0.types.params import ChatCompletionParams
from t0.types.tools import CustomTool, FunctionTool, ProviderTool, ToolChoice


class DynamicTools(Struct, kw_only=True):
    """The tool fields of a request; None where the function's own setting applies."""

    allowed: list[str] | None = None
    additional: list[FunctionTool] | None = None
    custom: list[CustomTool] = []
    choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    provider_tools: list[ProviderTool] = []


class CacheOptions(Struct, kw_only=True):
    enabled: Literal["on", "off", "read_only", "write_only"] = "off"
    max_age_s: int | None = None


class Include(Struct, kw_only=True):
    """What the caller wants beside the answer itself."""

    raw_response: bool = False
    raw_usage: bool = False
    original_response: bool = False
    aggregated_response: bool = False


class InferenceRequest(Struct, kw_only=True):
    """One inference. Exactly one of `function_name` and `model_name` is set once the target has been checked."""

    function_name: str | None = None
    model_name: str | None = None
    episode_id: str | None = None
    namespace: str | None = None
    input: Input
    stream: bool = False
    params: ChatCompletionParams
    variant_name: str | None = None
    dryrun: bool = False
    internal: bool = False
    tags: dict[str, str] = {}
    tools: DynamicTools
    output_schema: Any = None
    credentials: dict[str, str] = {}
    cache_options: CacheOptions
    include: Include
    extra_body: list[ExtraBody] = []
    extra_headers: list[ExtraHeader] = []
    dynamic_variant: dict[str, Any] | None = None


class RawEntry(Struct, kw_only=True, omit_defaults=True):
    """One element of `raw_usage` or `raw_response`; failed attempts have no `model_inference_id`."""

    model_inference_id: str | None = None
    provider_type: str
    api_type: str
    data: Any


class Answer(Struct, kw_only=True):
    """A complete answer; the faces encode it. Raw lists are None unless they were asked for."""

    inference_id: str
    episode_id: str
    variant_name: str
    output: list[ChatBlock] | JsonOutput
    usage: Usage
    finish_reason: FinishReason | None = None
    raw_usage: list[RawEntry] | None = None
    raw_response: list[RawEntry] | None = None
    original_response: str | None = None


class AnswerChunk(Struct, kw_only=True):
    """One event of a streamed answer. Chat functions fill `content`, json functions `raw`.

    `final` marks the last chunk, the only one with `usage` and `finish_reason`.
    """

    content: list[BlockChunk] = []
    raw: str | None = None
    final: bool = False
    usage: Usage | None = None
    finish_reason: FinishReason | None = None
    raw_usage: list[RawEntry] | None = None
    raw_response: list[RawEntry] | None = None
    raw_chunk: str | None = None
    original_chunk: str | None = None
    aggregated: list[ChatBlock] | JsonOutput | None = None
