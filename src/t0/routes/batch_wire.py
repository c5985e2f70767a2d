"""The wire form of `POST /batch_inference`: one list per field, taken apart into one request per input."""

from __future__ import annotations

import logging
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from t0.errors import InvalidRequest
from t0.routes.blocks import WireInput, parse_input
from t0.routes.decode import decode
from t0.routes.fields import parse_provider_tools, parse_tools
from t0.routes.native import I32, U32, WireSpecificTool, parse_tool_choice, parse_uuid
from t0.types.inference import CacheOptions, DynamicTools, Include, InferenceRequest
from t0.types.params import ChatCompletionParams

T = TypeVar("T")
Column = list[T | None] | None
"""A field of all inputs: missing as a whole, or given for some."""

log = logging.getLogger("t0")


class WireBatchChatParams(Struct):
    """`params.chat_completion`; unknown keys are ignored."""

    temperature: Column[float] = None
    max_tokens: Column[U32] = None
    seed: Column[U32] = None
    top_p: Column[float] = None
    presence_penalty: Column[float] = None
    frequency_penalty: Column[float] = None
    stop_sequences: Column[list[str]] = None
    reasoning_effort: Column[str] = None
    service_tier: Any = None
    thinking_budget_tokens: Column[I32] = None
    verbosity: Column[str] = None


class WireBatchParams(Struct):
    chat_completion: WireBatchChatParams = field(default_factory=WireBatchChatParams)


class WireBatch(Struct, kw_only=True, forbid_unknown_fields=True):
    function_name: str
    inputs: list[WireInput]
    episode_ids: Column[str] = None
    params: WireBatchParams = field(default_factory=WireBatchParams)
    variant_name: str | None = None
    tags: Column[dict[str, str]] = None
    allowed_tools: Column[list[str]] = None
    additional_tools: Column[list[dict[str, Any]]] = None
    tool_choice: Column[str | WireSpecificTool] = None
    parallel_tool_calls: Column[bool] = None
    provider_tools: Column[list[dict[str, Any]]] = None
    output_schemas: list[Any] | None = None
    credentials: dict[str, str] = {}


_decoder = msgspec.json.Decoder(WireBatch)
_ANY_LENGTH = frozenset({"stop_sequences"})
_TOOL_COLUMNS = ("allowed_tools", "additional_tools", "tool_choice", "parallel_tool_calls", "provider_tools")


def parse(body: bytes) -> list[InferenceRequest]:
    """The requests in `body`, at least one, all to the same function. Raises `JsonRequest` and `InvalidRequest`."""
    wire = decode(body, _decoder)
    _check_lengths(wire)
    if wire.params.chat_completion.service_tier is not None:
        log.warning("`service_tier` is ignored in batches")
    return [_request(wire, i) for i in range(len(wire.inputs))]


def _check_lengths(wire: WireBatch) -> None:
    count = len(wire.inputs)
    if count == 0:
        raise InvalidRequest("No inputs provided")
    if wire.episode_ids is not None and len(wire.episode_ids) != count:
        raise InvalidRequest(
            f"Number of episode_ids ({len(wire.episode_ids)}) does not match number of inputs ({count})"
        )
    columns = {name: getattr(wire, name) for name in (*_TOOL_COLUMNS, "output_schemas")}
    params = msgspec.structs.asdict(wire.params.chat_completion)
    columns |= {name: params[name] for name in _PARAMS if name not in _ANY_LENGTH}
    for name, column in columns.items():
        if column is not None and len(column) != count:
            raise InvalidRequest(f"{name} vector length ({len(column)}) does not match number of inferences ({count})")


_PARAMS = [name for name in WireBatchChatParams.__struct_fields__ if name != "service_tier"]


def _request(wire: WireBatch, i: int) -> InferenceRequest:
    params, schemas = wire.params.chat_completion, wire.output_schemas
    return InferenceRequest(
        function_name=wire.function_name,
        episode_id=parse_uuid(_at(wire.episode_ids, i), f"episode_ids[{i}]"),
        input=parse_input(wire.inputs[i], f"inputs[{i}]"),
        params=ChatCompletionParams(**{name: _at(getattr(params, name), i) for name in _PARAMS}),
        variant_name=wire.variant_name,
        tags=_at(wire.tags, i) or {},
        tools=_tools(wire, i),
        output_schema=schemas[i] if schemas is not None else None,
        credentials=wire.credentials,
        cache_options=CacheOptions(),
        include=Include(),
    )


def _tools(wire: WireBatch, i: int) -> DynamicTools:
    functions, customs = parse_tools(_at(wire.additional_tools, i), f"additional_tools[{i}]")
    choice = wire.tool_choice[i] if wire.tool_choice is not None else None
    return DynamicTools(
        allowed=_at(wire.allowed_tools, i),
        additional=functions,
        custom=customs,
        choice=parse_tool_choice(choice),
        parallel_tool_calls=_at(wire.parallel_tool_calls, i),
        provider_tools=parse_provider_tools(_at(wire.provider_tools, i) or [], f"provider_tools[{i}]"),
    )


def _at(column: Column[T], i: int) -> T | None:
    return column[i] if column is not None and i < len(column) else None
