"""What a function makes of a batch's answer: judged by the tools and the schema that the batch was started with."""

from __future__ import annotations

from typing import Any

import msgspec

from t0.batch.rows import function_type
from t0.experimentation.base import Experiment
from t0.experimentation.rules import UniformRule
from t0.functions.base import Function, FunctionOutput, PreparedTools
from t0.functions.chat import ChatFunction
from t0.functions.json import JsonFunction
from t0.functions.tools import ToolBox
from t0.schemas import parse_schema
from t0.storage.batches import Columns
from t0.types.content import Input, OutputBlock
from t0.types.inference import CacheOptions, DynamicTools, Include, InferenceRequest
from t0.types.params import ChatCompletionParams
from t0.types.tools import CustomTool, FunctionTool, ToolConfig


class _StoredParams(msgspec.Struct):
    chat_completion: ChatCompletionParams


class _StoredTools(msgspec.Struct):
    tools_available: list[FunctionTool]


_params = msgspec.json.Decoder(_StoredParams)
_tools = msgspec.json.Decoder(_StoredTools)

# The configuration may have changed since the start, or lack the function by now; it is not asked.
_NOTHING: dict[str, Any] = {"schemas": {}, "variants": {}, "experiment": Experiment(UniformRule())}
_FUNCTIONS: dict[str, Function] = {
    "chat": ChatFunction("", tool_box=ToolBox({}, [], "auto", None), **_NOTHING),
    "json": JsonFunction("", output_schema=parse_schema("{}", source="batch"), **_NOTHING),
}


def function_output(stored: Columns, blocks: list[OutputBlock]) -> FunctionOutput:
    """`stored` is the inference's row of `BatchModelInference`."""
    schema = stored["output_schema"]
    request = InferenceRequest(
        input=Input(messages=[]),
        params=_params.decode(stored["inference_params"]).chat_completion,
        tools=DynamicTools(),
        output_schema=None if schema is None else msgspec.json.decode(schema),
        cache_options=CacheOptions(),
        include=Include(),
    )
    return _FUNCTIONS[function_type(stored)].output(blocks, request, _offered(stored))


def _offered(stored: Columns) -> PreparedTools:
    if stored["tool_params"] is None:
        return PreparedTools()
    dynamic = [msgspec.json.decode(text) for text in stored["dynamic_tools"]]
    custom = [msgspec.convert(t, CustomTool) for t in dynamic if t["type"] == "openai_custom"]
    return PreparedTools(ToolConfig(_tools.decode(stored["tool_params"]).tools_available, custom, [], "auto"))
