"""The wire form of `POST /openai/v1/chat/completions`: request bytes to an `InferenceRequest`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from t0.errors import InvalidOpenAIRequest, JsonRequest
from t0.routes.decode import decode
from t0.routes.fields import (
    Json,
    custom_tool,
    is_strict,
    mapping,
    optional_string,
    parse_extra_body,
    parse_extra_headers,
    parse_provider_tools,
    string,
)
from t0.routes.native import (
    U32,
    WireCacheOptions,
    WireParams,
    check_namespace,
    parse_uuid,
    to_cache_options,
    to_params,
)
from t0.routes.openai_messages import OpenAIMessage, parse_messages
from t0.types.inference import DynamicTools, Include, InferenceRequest
from t0.types.params import ChatCompletionParams
from t0.types.tools import CustomTool, FunctionTool, SpecificTool, ToolChoice

_FUNCTION_PREFIX = "tensorzero::function_name::"
_MODEL_PREFIX = "tensorzero::model_name::"


class WireStreamOptions(Struct):
    include_usage: bool = False


class WireJsonSchema(Struct):
    name: str
    description: str | None = None
    schema: Any = None
    strict: bool = False


class WireResponseFormat(Struct):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: WireJsonSchema | None = None


def _tz(name: str, default: Any) -> Any:
    """A `tensorzero::` field."""
    if isinstance(default, (list, dict)):
        return field(name=f"tensorzero::{name}", default_factory=type(default))
    return field(name=f"tensorzero::{name}", default=default)


class WireChatCompletion(Struct, kw_only=True):
    """Unknown keys are ignored, unless `tensorzero::deny_unknown_fields` is set."""

    model: str
    messages: list[OpenAIMessage]
    stream: bool | None = None
    stream_options: WireStreamOptions | None = None
    max_tokens: U32 | None = None
    max_completion_tokens: U32 | None = None
    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: U32 | None = None
    stop: list[str] | str | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    service_tier: Literal["auto", "default", "priority", "flex"] | None = None
    response_format: WireResponseFormat | None = None
    tools: list[Json] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    n: U32 | None = None
    variant_name: str | None = _tz("variant_name", None)
    dryrun: bool | None = _tz("dryrun", None)
    episode_id: str | None = _tz("episode_id", None)
    namespace: str | None = _tz("namespace", None)
    cache_options: WireCacheOptions | None = _tz("cache_options", None)
    extra_body: list[Json] = _tz("extra_body", [])
    extra_headers: list[Json] = _tz("extra_headers", [])
    tags: dict[str, str] = _tz("tags", {})
    credentials: dict[str, str] = _tz("credentials", {})
    provider_tools: list[Json] = _tz("provider_tools", [])
    params: WireParams | None = _tz("params", None)
    dynamic_variant: Json | None = _tz("internal_dynamic_variant_config", None)
    include_raw_usage: bool = _tz("include_raw_usage", False)
    include_raw_response: bool = _tz("include_raw_response", False)
    include_original_response: bool = _tz("include_original_response", False)
    deny_unknown_fields: bool = _tz("deny_unknown_fields", False)


_decoder = msgspec.json.Decoder(WireChatCompletion)
_KNOWN = {f.encode_name for f in msgspec.structs.fields(WireChatCompletion)}


class OpenAIRequest(Struct):
    """The inference, and whether a stream reports its usage."""

    inference: InferenceRequest
    include_usage: bool


def parse(body: bytes) -> OpenAIRequest:
    """The request in `body`. Raises `JsonRequest` and `InvalidOpenAIRequest`."""
    wire = decode(body, _decoder)
    if wire.deny_unknown_fields:
        _refuse_unknown_fields(body)
    if wire.n is not None and wire.n != 1:
        raise InvalidOpenAIRequest(
            "TensorZero does not support `n` other than 1. Please omit this parameter or set it to 1."
        )
    function_name, model_name = _target(wire.model)
    system_and_messages = parse_messages(wire.messages)
    tools = _dynamic_tools(wire)
    inference = InferenceRequest(
        function_name=function_name,
        model_name=model_name,
        episode_id=parse_uuid(wire.episode_id, "tensorzero::episode_id"),
        namespace=check_namespace(wire.namespace, "tensorzero::namespace"),
        input=system_and_messages,
        stream=bool(wire.stream),
        params=_params(wire),
        variant_name=wire.variant_name,
        dryrun=bool(wire.dryrun),
        tags=wire.tags,
        tools=tools,
        output_schema=_output_schema(wire.response_format),
        credentials=wire.credentials,
        cache_options=to_cache_options(wire.cache_options),
        include=Include(
            raw_response=wire.include_raw_response,
            raw_usage=wire.include_raw_usage,
            original_response=wire.include_original_response,
        ),
        extra_body=parse_extra_body(wire.extra_body, "tensorzero::extra_body"),
        extra_headers=parse_extra_headers(wire.extra_headers, "tensorzero::extra_headers"),
        dynamic_variant=wire.dynamic_variant,
    )
    return OpenAIRequest(inference, _include_usage(wire))


def _refuse_unknown_fields(body: bytes) -> None:
    unknown = sorted(set(msgspec.json.decode(body)) - _KNOWN)
    if unknown:
        raise InvalidOpenAIRequest(
            "`tensorzero::deny_unknown_fields` is set to true, but found unknown fields in the request: "
            f"[{', '.join(unknown)}]"
        )


def _target(model: str) -> tuple[str | None, str | None]:
    for prefix, name in ((_FUNCTION_PREFIX, "function_name"), (_MODEL_PREFIX, "model_name")):
        if model.startswith(prefix):
            rest = model[len(prefix) :]
            if not rest:
                raise InvalidOpenAIRequest(f'{name} (passed in model field after "{prefix}") cannot be empty')
            return (rest, None) if prefix is _FUNCTION_PREFIX else (None, rest)
    raise InvalidOpenAIRequest(
        "`model` field must start with `tensorzero::function_name::` or `tensorzero::model_name::`. "
        f"For example, `tensorzero::function_name::my_function` for a function `my_function` defined in your config, "
        f"`tensorzero::model_name::my_model` for a model `my_model` defined in your config. Found `{model}`."
    )


def _params(wire: WireChatCompletion) -> ChatCompletionParams:
    """The OpenAI fields, overridden field by field by `tensorzero::params`."""
    max_tokens, other_limit = wire.max_tokens, wire.max_completion_tokens
    if other_limit is not None:
        max_tokens = other_limit if max_tokens is None else min(max_tokens, other_limit)
    params = ChatCompletionParams(
        temperature=wire.temperature,
        max_tokens=max_tokens,
        seed=wire.seed,
        top_p=wire.top_p,
        presence_penalty=wire.presence_penalty,
        frequency_penalty=wire.frequency_penalty,
        json_mode=_json_mode(wire.response_format),
        stop_sequences=[wire.stop] if isinstance(wire.stop, str) else wire.stop,
        reasoning_effort=wire.reasoning_effort,
        service_tier=wire.service_tier,
        verbosity=wire.verbosity,
    )
    if wire.params is not None:
        for name, value in msgspec.structs.asdict(to_params(wire.params.chat_completion)).items():
            if value is not None:
                setattr(params, name, value)
    return params


def _json_mode(format_: WireResponseFormat | None) -> Literal["off", "on", "strict"] | None:
    if format_ is None:
        return None
    if format_.type == "json_schema" and format_.json_schema is None:
        raise JsonRequest("response_format: missing field `json_schema`")
    modes: dict[str, Literal["off", "on", "strict"]] = {"text": "off", "json_object": "on", "json_schema": "strict"}
    return modes[format_.type]


def _output_schema(format_: WireResponseFormat | None) -> Any:
    return format_.json_schema.schema if format_ is not None and format_.json_schema is not None else None


def _include_usage(wire: WireChatCompletion) -> bool:
    if wire.stream_options is None:
        return wire.include_raw_usage
    if wire.include_raw_usage and wire.stream and not wire.stream_options.include_usage:
        raise InvalidOpenAIRequest(
            "`tensorzero::include_raw_usage` requires `stream_options.include_usage` to be true (or omitted) for "
            "streaming requests"
        )
    return wire.stream_options.include_usage


# -- tools -------------------------------------------------------------------------------------------------------------


def _dynamic_tools(wire: WireChatCompletion) -> DynamicTools:
    if wire.tools is None and wire.tool_choice is None and not wire.provider_tools:
        return DynamicTools(parallel_tool_calls=wire.parallel_tool_calls)
    functions, customs = _tools(wire.tools)
    allowed, choice = _tool_choice(wire.tool_choice)
    return DynamicTools(
        allowed=allowed,
        additional=functions,
        custom=customs,
        choice=choice,
        parallel_tool_calls=wire.parallel_tool_calls,
        provider_tools=parse_provider_tools(wire.provider_tools, "tensorzero::provider_tools"),
    )


def _tools(tools: list[Json] | None) -> tuple[list[FunctionTool] | None, list[CustomTool]]:
    if tools is None:
        return None, []
    functions: list[FunctionTool] = []
    customs: list[CustomTool] = []
    for i, tool in enumerate(tools):
        path, kind = f"tools[{i}]", tool.get("type")
        if kind == "function":
            functions.append(_function_tool(mapping(tool, "function", path), path))
        elif kind == "custom":
            customs.append(custom_tool(mapping(tool, "custom", path), path))
        elif "type" not in tool:
            raise JsonRequest(f"{path}: missing field `type`")
        else:
            raise JsonRequest(f"{path}.type: unknown variant `{kind}`, expected `function` or `custom`")
    return functions, customs


def _function_tool(fields: Json, path: str) -> FunctionTool:
    if "parameters" not in fields:
        raise JsonRequest(f"{path}: missing field `parameters`")
    description = optional_string(fields, "description", path) or ""
    return FunctionTool(description, fields["parameters"], string(fields, "name", path), is_strict(fields, path))


def _tool_choice(choice: Any) -> tuple[list[str] | None, ToolChoice | None]:
    """`allowed_tools` and `tool_choice` of the native API."""
    if choice is None:
        return None, None
    if isinstance(choice, str):
        if choice in ("none", "auto", "required"):
            return None, choice  # type: ignore[return-value]
        raise JsonRequest(f"tool_choice: Invalid tool choice string: {choice}")
    if not isinstance(choice, dict):
        raise JsonRequest("tool_choice: Tool choice must be a string or object")
    kind = choice.get("type")
    if kind == "function":
        return None, SpecificTool(_tool_name(choice))
    if kind == "allowed_tools":
        return _allowed_tools(choice)
    raise JsonRequest(f"tool_choice: Invalid tool choice type: {kind}")


def _allowed_tools(choice: Json) -> tuple[list[str], ToolChoice]:
    allowed = choice.get("allowed_tools")
    if not isinstance(allowed, dict):
        raise JsonRequest("tool_choice: missing field `allowed_tools`")
    mode = string(allowed, "mode", "tool_choice")
    if mode not in ("auto", "required"):
        raise JsonRequest(f"tool_choice: unknown variant `{mode}`, expected `auto` or `required`")
    tools = allowed.get("tools")
    if not isinstance(tools, list):
        raise JsonRequest("tool_choice: missing field `tools`")
    return [_tool_name(t) for t in tools], mode  # type: ignore[return-value]


def _tool_name(tool: Any) -> str:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        raise JsonRequest("tool_choice: missing field `function`")
    return string(function, "name", "tool_choice")
