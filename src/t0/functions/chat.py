"""Chat functions: content blocks out, tools checked."""

from __future__ import annotations

from typing import Any

from t0.errors import InvalidRequest
from t0.functions.base import Function, FunctionOutput, PreparedTools
from t0.functions.tools import ToolBox, judge
from t0.types.content import ChatBlock, OutputBlock, Text, ToolCall
from t0.types.inference import InferenceRequest


class ChatFunction(Function):
    type = "chat"

    def __init__(self, name: str, *, tool_box: ToolBox, **common: Any) -> None:
        super().__init__(name, **common)
        self._tool_box = tool_box

    def check_json_mode(self, request: InferenceRequest) -> None:
        if request.params.json_mode != "tool":
            return
        if not self._tool_box.is_empty:
            raise InvalidRequest("JSON mode `tool` is not supported with other tools configured.")
        if self._tool_box.has_own_choice:
            raise InvalidRequest("JSON mode `tool` is not supported with `tool_choice` or `parallel_tool_calls`.")
        if request.output_schema is None:
            raise InvalidRequest("JSON mode `tool` requires `output_schema`.")
        for field, value in _tool_fields(request).items():
            if value:
                raise InvalidRequest(f"Cannot pass `{field}` when using JSON mode `tool`.")

    def tools(self, request: InferenceRequest) -> PreparedTools:
        return self._tool_box.prepare(request.tools)

    def output_schema(self, request: InferenceRequest) -> Any:
        return request.output_schema

    def output(self, blocks: list[OutputBlock], request: InferenceRequest, tools: PreparedTools) -> FunctionOutput:
        if request.params.json_mode == "tool":
            return FunctionOutput(output=[_arguments_as_text(b) for b in blocks])
        return FunctionOutput(
            output=[judge(b, tools, self._tool_box) if isinstance(b, ToolCall) else b for b in blocks]
        )


def _arguments_as_text(block: OutputBlock) -> ChatBlock:
    """In JSON mode `tool` the arguments of the call are the answer."""
    return Text(block.arguments) if isinstance(block, ToolCall) else block


def _tool_fields(request: InferenceRequest) -> dict[str, bool]:
    tools = request.tools
    return {
        "allowed_tools": tools.allowed is not None,
        "additional_tools": tools.additional is not None,
        "parallel_tool_calls": tools.parallel_tool_calls is not None,
        "provider_tools": bool(tools.provider_tools),
        "tool_choice": tools.choice is not None,
    }
