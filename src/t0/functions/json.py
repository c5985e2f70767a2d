"""Json functions: one JSON value out, checked against the output schema."""

from __future__ import annotations

from typing import Any

import msgspec

from t0.errors import InvalidRequest
from t0.functions.base import Function, FunctionOutput, PreparedTools
from t0.functions.tools import usable_schema
from t0.schemas import CompiledSchema
from t0.types.content import JsonOutput, OutputBlock, Text, ToolCall
from t0.types.inference import InferenceRequest

_NO_TOOLS = PreparedTools()


class JsonFunction(Function):
    type = "json"

    def __init__(self, name: str, *, output_schema: CompiledSchema, **common: Any) -> None:
        super().__init__(name, **common)
        self._output_schema = output_schema

    def check_json_mode(self, request: InferenceRequest) -> None:
        """Every mode goes with a json function."""

    def tools(self, request: InferenceRequest) -> PreparedTools:
        tools = request.tools
        # Two texts end with a full stop and two do not, as in the reference.
        given = {
            "`allowed_tools` to a JSON function.": tools.allowed is not None,
            "`additional_tools` to a JSON function.": tools.additional is not None,
            "`tool_choice` to a JSON function": tools.choice is not None,
            "`parallel_tool_calls` to a JSON function": tools.parallel_tool_calls is not None,
        }
        for text, is_given in given.items():
            if is_given:
                raise InvalidRequest(f"Cannot pass {text}")
        return _NO_TOOLS

    def output_schema(self, request: InferenceRequest) -> Any:
        return self._output_schema.value if request.output_schema is None else request.output_schema

    def output(self, blocks: list[OutputBlock], request: InferenceRequest, tools: PreparedTools) -> FunctionOutput:
        at = next((i for i in reversed(range(len(blocks))) if isinstance(blocks[i], (Text, ToolCall))), None)
        if at is None:
            return FunctionOutput(output=JsonOutput(None, None), auxiliary=blocks)
        block = blocks[at]
        raw = block.text if isinstance(block, Text) else block.arguments  # type: ignore[union-attr]
        output = JsonOutput(raw, self._parsed(raw or "", request))
        return FunctionOutput(output=output, auxiliary=blocks[:at] + blocks[at + 1 :])

    def _parsed(self, raw: str, request: InferenceRequest) -> Any:
        """The value in `raw`, or None when it is not JSON, or fails the schema, or the request's schema is invalid."""
        schema = self._output_schema if request.output_schema is None else usable_schema(request.output_schema)
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return None
        return value if schema is not None and schema.is_valid(value) else None
