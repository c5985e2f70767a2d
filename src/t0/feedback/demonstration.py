"""Demonstrations: the output that an inference should have had, checked as that inference's own output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from t0.errors import InvalidRequest, JsonSchemaValidation
from t0.feedback.stored_tools import stored_tools
from t0.schemas import parse_schema
from t0.storage.reader import Target
from t0.types.content import ChatBlock, JsonOutput, Text, ToolCallOutput

if TYPE_CHECKING:
    from t0.functions.tools import OfferedTools
    from t0.gateway import Gateway

_TOOL_COLUMNS = "tool_params, dynamic_tools, allowed_tools, tool_choice, parallel_tool_calls"


async def demonstration_value(
    gateway: Gateway, inference_id: str, target: Target, value: Any
) -> list[ChatBlock] | JsonOutput:
    """The value as stored. Raises `UnknownFunction`, or `InvalidRequest` for what could not be an output."""
    function = gateway.function(target.function_name)
    if function.type == "json":
        row = await _row(gateway, inference_id, target, "output_schema")
        return _json_output(value, row["output_schema"])
    row = await _row(gateway, inference_id, target, _TOOL_COLUMNS)
    return _chat_output(value, stored_tools(gateway.tools, row))


async def _row(gateway: Gateway, inference_id: str, target: Target, columns: str) -> dict[str, Any]:
    assert gateway.reader is not None  # the target has just been read
    row = await gateway.reader.inference_row(inference_id, target, columns)
    if row is None:
        raise InvalidRequest(f"Inference ID: {inference_id} does not exist")
    return row


def _json_output(value: Any, schema_text: str) -> JsonOutput:
    schema = parse_schema(schema_text, source="the inference's output schema")
    try:
        schema.validate(value)
    except JsonSchemaValidation as e:
        raise InvalidRequest(f"Demonstration does not fit function output schema: {e.text}") from e
    return JsonOutput(msgspec.json.encode(value).decode(), value)


def _chat_output(value: Any, tools: OfferedTools) -> list[ChatBlock]:
    if isinstance(value, str):
        return [Text(value)]
    if not isinstance(value, list):
        raise InvalidRequest("Demonstration must be a string or an array of content blocks")
    return [_block(block, tools) for block in value]


def _block(block: Any, tools: OfferedTools) -> ChatBlock:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "text" and isinstance(block.get("text"), str):
        return Text(block["text"])
    if kind == "tool_call":
        return _tool_call(block, tools)
    raise InvalidRequest(
        "Invalid demonstration content block: expected `text` with `text`, or `tool_call` with `id`, `name` and "
        f"`arguments`, got {msgspec.json.encode(block).decode()}"
    )


def _tool_call(block: dict[str, Any], tools: OfferedTools) -> ToolCallOutput:
    id_, name = block.get("id"), block.get("name")
    if not isinstance(id_, str) or not isinstance(name, str) or "arguments" not in block:
        raise InvalidRequest("Invalid demonstration content block: a `tool_call` needs `id`, `name` and `arguments`")
    if name not in tools:
        raise InvalidRequest("Demonstration contains invalid tool name")
    schema, arguments = tools[name], block["arguments"]
    if schema is None or not schema.is_valid(arguments):
        raise InvalidRequest("Demonstration contains invalid tool call arguments")
    return ToolCallOutput(id_, name, msgspec.json.encode(arguments).decode(), name, arguments)
