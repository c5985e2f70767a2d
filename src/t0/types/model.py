"""One call of one model: what goes in and what comes out, the same for every provider."""

from typing import Any, Literal

from msgspec import Struct

from t0.types.content import BlockChunk, ModelMessage, OutputBlock
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.params import ChatCompletionParams
from t0.types.tools import ToolConfig

FinishReason = Literal["stop", "stop_sequence", "length", "tool_call", "content_filter", "unknown"]
ApiType = Literal["chat_completions", "responses", "embeddings", "other"]


class Usage(Struct):
    """Tokens as the provider counted them; None where it did not say. `cost` is in dollars."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    provider_cache_read_input_tokens: int | None = None
    provider_cache_write_input_tokens: int | None = None
    cost: float | None = None


class ModelRequest(Struct, kw_only=True):
    """A provider-independent model call.

    `params.json_mode` is never "tool" here: that mode has become a tool by then. `variant_extra_…` hold the variant's
    entries, `extra_…` the request's, filtered by variant but not by model and provider; between the two come the model
    provider's own.
    """

    model_name: str
    messages: list[ModelMessage]
    system: str | None = None
    tools: ToolConfig | None = None
    params: ChatCompletionParams
    json_mode: Literal["off", "on", "strict"] = "off"
    function_type: Literal["chat", "json"] = "chat"
    output_schema: Any = None
    stream: bool = False
    variant_extra_body: list[ExtraBody] = []
    variant_extra_headers: list[ExtraHeader] = []
    extra_body: list[ExtraBody] = []
    extra_headers: list[ExtraHeader] = []
    fetch_and_encode_files: bool = False


class ModelResponse(Struct, kw_only=True):
    """A complete answer. `raw_usage` is the provider's usage value, unchanged; None when it sent none."""

    output: list[OutputBlock]
    usage: Usage
    raw_usage: Any = None
    finish_reason: FinishReason | None = None


class Chunk(Struct, kw_only=True):
    """One event of a streamed answer; `raw` is the event's text as the provider sent it."""

    content: list[BlockChunk]
    usage: Usage | None = None
    raw_usage: Any = None
    finish_reason: FinishReason | None = None
    raw: str = ""
