"""The wire form of `POST /inference`: request bytes to an `InferenceRequest`, answers to JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from t0._core import uuid7
from t0.errors import JsonRequest, ProviderFailure, RequestError, Verbosity
from t0.routes.blocks import WireInput, parse_input
from t0.routes.decode import decode
from t0.routes.fields import parse_extra_body, parse_extra_headers, parse_provider_tools, parse_tools
from t0.types.content import BlockChunk, ChatBlock, JsonOutput
from t0.types.inference import Answer, AnswerChunk, CacheOptions, DynamicTools, Include, InferenceRequest, RawEntry
from t0.types.model import Usage
from t0.types.params import ChatCompletionParams
from t0.types.tools import SpecificTool, ToolChoice

U32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
I32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]


class WireChatParams(Struct, forbid_unknown_fields=True):
    """`params.chat_completion`; `implicit_tool` is the older spelling of `tool`."""

    temperature: float | None = None
    max_tokens: U32 | None = None
    seed: U32 | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    json_mode: Literal["off", "on", "strict", "tool", "implicit_tool"] | None = None
    stop_sequences: list[str] | None = None
    reasoning_effort: str | None = None
    service_tier: Literal["auto", "default", "priority", "flex"] | None = None
    thinking_budget_tokens: I32 | None = None
    verbosity: str | None = None


class WireParams(Struct, forbid_unknown_fields=True):
    chat_completion: WireChatParams


class WireCacheOptions(Struct):
    enabled: Literal["on", "off", "read_only", "write_only"] = "off"
    max_age_s: U32 | None = None


class WireSpecificTool(Struct, forbid_unknown_fields=True):
    specific: str


class WireInference(Struct, kw_only=True, forbid_unknown_fields=True):
    function_name: str | None = None
    model_name: str | None = None
    episode_id: str | None = None
    namespace: str | None = None
    input: WireInput
    stream: bool | None = None
    params: WireParams = msgspec.field(default_factory=lambda: WireParams(WireChatParams()))
    variant_name: str | None = None
    dryrun: bool | None = None
    internal: bool = False
    tags: dict[str, str] = {}
    allowed_tools: list[str] | None = None
    additional_tools: list[dict[str, Any]] | None = None
    tool_choice: str | WireSpecificTool | None = None
    parallel_tool_calls: bool | None = None
    provider_tools: list[dict[str, Any]] = []
    output_schema: Any = None
    credentials: dict[str, str] = {}
    cache_options: WireCacheOptions = msgspec.field(default_factory=WireCacheOptions)
    include_raw_response: bool = False
    include_raw_usage: bool = False
    include_original_response: bool = False
    include_aggregated_response: bool = False
    extra_body: list[dict[str, Any]] = []
    extra_headers: list[dict[str, Any]] = []
    internal_dynamic_variant_config: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(WireInference)


def parse(body: bytes) -> InferenceRequest:
    """The request in `body`. Raises `JsonRequest`."""
    wire = decode(body, _decoder)
    function_tools, custom_tools = parse_tools(wire.additional_tools, "additional_tools")
    return InferenceRequest(
        function_name=wire.function_name,
        model_name=wire.model_name,
        episode_id=parse_uuid(wire.episode_id, "episode_id"),
        namespace=check_namespace(wire.namespace, "namespace"),
        input=parse_input(wire.input),
        stream=bool(wire.stream),
        params=to_params(wire.params.chat_completion),
        variant_name=wire.variant_name,
        dryrun=bool(wire.dryrun),
        internal=wire.internal,
        tags=wire.tags,
        tools=DynamicTools(
            allowed=wire.allowed_tools,
            additional=function_tools,
            custom=custom_tools,
            choice=parse_tool_choice(wire.tool_choice),
            parallel_tool_calls=wire.parallel_tool_calls,
            provider_tools=parse_provider_tools(wire.provider_tools, "provider_tools"),
        ),
        output_schema=wire.output_schema,
        credentials=wire.credentials,
        cache_options=to_cache_options(wire.cache_options),
        include=Include(
            raw_response=wire.include_raw_response,
            raw_usage=wire.include_raw_usage,
            original_response=wire.include_original_response,
            aggregated_response=wire.include_aggregated_response,
        ),
        extra_body=parse_extra_body(wire.extra_body, "extra_body"),
        extra_headers=parse_extra_headers(wire.extra_headers, "extra_headers"),
        dynamic_variant=wire.internal_dynamic_variant_config,
    )


def to_cache_options(wire: WireCacheOptions | None) -> CacheOptions:
    return CacheOptions() if wire is None else CacheOptions(enabled=wire.enabled, max_age_s=wire.max_age_s)


def to_params(wire: WireChatParams) -> ChatCompletionParams:
    return ChatCompletionParams(
        temperature=wire.temperature,
        max_tokens=wire.max_tokens,
        seed=wire.seed,
        top_p=wire.top_p,
        presence_penalty=wire.presence_penalty,
        frequency_penalty=wire.frequency_penalty,
        json_mode="tool" if wire.json_mode == "implicit_tool" else wire.json_mode,
        stop_sequences=wire.stop_sequences,
        reasoning_effort=wire.reasoning_effort,
        service_tier=wire.service_tier,
        thinking_budget_tokens=wire.thinking_budget_tokens,
        verbosity=wire.verbosity,
    )


def parse_uuid(text: str | None, field: str) -> str | None:
    """The canonical text of a UUID field. Raises `JsonRequest`."""
    if text is None:
        return None
    try:
        return uuid7.parse(text)
    except ValueError as e:
        raise JsonRequest(f"{field}: UUID parsing failed: {e}") from e


def check_namespace(namespace: str | None, field: str) -> str | None:
    if namespace == "":
        raise JsonRequest(f"{field}: Namespace identifier cannot be empty")
    if namespace is not None and namespace.startswith("tensorzero::"):
        raise JsonRequest(f"{field}: Namespace cannot start with `tensorzero::`: {namespace}")
    return namespace


def parse_tool_choice(choice: str | WireSpecificTool | None) -> ToolChoice | None:
    if isinstance(choice, WireSpecificTool):
        return SpecificTool(choice.specific)
    if choice in ("none", "auto", "required", None):
        return choice  # type: ignore[return-value]
    raise JsonRequest(
        f"tool_choice: unknown variant `{choice}`, expected one of `none`, `auto`, `required`, `specific`"
    )


# -- answers -----------------------------------------------------------------------------------------------------------


class WireUsage(Struct):
    input_tokens: int | None
    output_tokens: int | None
    provider_cache_read_input_tokens: int | UnsetType
    provider_cache_write_input_tokens: int | UnsetType
    cost: float | None


class WireChatAnswer(Struct, kw_only=True):
    inference_id: str
    episode_id: str
    variant_name: str
    content: list[ChatBlock]
    usage: WireUsage
    raw_usage: list[RawEntry] | UnsetType = UNSET
    raw_response: list[RawEntry] | UnsetType = UNSET
    original_response: str | UnsetType = UNSET
    finish_reason: str | UnsetType = UNSET


class WireJsonAnswer(Struct, kw_only=True):
    inference_id: str
    episode_id: str
    variant_name: str
    output: JsonOutput
    usage: WireUsage
    raw_usage: list[RawEntry] | UnsetType = UNSET
    raw_response: list[RawEntry] | UnsetType = UNSET
    original_response: str | UnsetType = UNSET
    finish_reason: str | UnsetType = UNSET


class _WireChunk(Struct, kw_only=True):
    inference_id: str
    episode_id: str
    variant_name: str
    usage: WireUsage | UnsetType = UNSET
    finish_reason: str | UnsetType = UNSET
    raw_usage: list[RawEntry] | UnsetType = UNSET
    raw_response: list[RawEntry] | UnsetType = UNSET
    raw_chunk: str | UnsetType = UNSET
    original_chunk: str | UnsetType = UNSET
    aggregated_response: list[ChatBlock] | JsonOutput | UnsetType = UNSET


class WireChatChunk(_WireChunk, kw_only=True):
    content: list[BlockChunk]


class WireJsonChunk(_WireChunk, kw_only=True):
    raw: str


_encode = msgspec.json.Encoder().encode


class NativeFace:
    """Encodes the answers to one native request; `start` is called once the variant is known."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def answer(self, answer: Answer) -> bytes:
        common: dict[str, Any] = {
            "inference_id": answer.inference_id,
            "episode_id": answer.episode_id,
            "variant_name": answer.variant_name,
            "usage": wire_usage(answer.usage),
            "raw_usage": _or_unset(answer.raw_usage),
            "raw_response": _or_unset(answer.raw_response),
            "original_response": _or_unset(answer.original_response),
            "finish_reason": _or_unset(answer.finish_reason),
        }
        if isinstance(answer.output, JsonOutput):
            return _encode(WireJsonAnswer(output=answer.output, **common))
        return _encode(WireChatAnswer(content=answer.output, **common))

    def start(self, inference_id: str, episode_id: str, variant_name: str) -> None:
        self._ids = {"inference_id": inference_id, "episode_id": episode_id, "variant_name": variant_name}

    def chunk(self, chunk: AnswerChunk) -> bytes:
        fields: dict[str, Any] = {
            **self._ids,
            "raw_usage": _or_unset(chunk.raw_usage),
            "raw_response": _or_unset(chunk.raw_response),
            "raw_chunk": _or_unset(chunk.raw_chunk),
            "original_chunk": _or_unset(chunk.original_chunk),
        }
        if chunk.final:
            fields["usage"] = wire_usage(chunk.usage or Usage())
            fields["finish_reason"] = _or_unset(chunk.finish_reason)
            fields["aggregated_response"] = _or_unset(chunk.aggregated)
        if chunk.raw is not None:
            return _encode(WireJsonChunk(raw=chunk.raw, **fields))
        return _encode(WireChatChunk(content=chunk.content, **fields))

    def stream_error(self, error: RequestError, raw_chunk: str | None) -> bytes:
        body = error_body(error)
        if raw_chunk is not None:
            body["raw_chunk"] = raw_chunk
        return _encode(body)

    def error(self, error: RequestError, include_raw_response: bool) -> bytes:
        body = error_body(error)
        if include_raw_response and (entries := failed_entries(error.provider_failures())):
            body["raw_response"] = entries
        return _encode(body)


def error_body(error: RequestError) -> dict[str, Any]:
    body: dict[str, Any] = {"error": error.text}
    if Verbosity.structured:
        body["error_json"] = error.describe()
    return body


def failed_entries(failures: list[ProviderFailure]) -> list[RawEntry]:
    """`raw_response` entries of failed attempts; those without a body have none."""
    return [
        RawEntry(provider_type=f.provider_type, api_type=f.api_type, data=f.raw_response)
        for f in failures
        if f.raw_response is not None
    ]


def wire_usage(usage: Usage) -> WireUsage:
    read, write = usage.provider_cache_read_input_tokens, usage.provider_cache_write_input_tokens
    return WireUsage(
        usage.input_tokens,
        usage.output_tokens,
        UNSET if read is None else read,
        UNSET if write is None else write,
        usage.cost,
    )


def _or_unset(value: Any) -> Any:
    return UNSET if value is None else value
