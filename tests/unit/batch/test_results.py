"""What becomes of a batch's answers: judged by what was stored at the start, priced by the configuration of then."""

import json
from decimal import Decimal
from typing import Any

import pytest

from t0.batch.outputs import function_output
from t0.batch.poll import batch_prices
from t0.batch.rows import end_columns
from t0.functions.base import FunctionOutput
from t0.types.batch import BatchOutput
from t0.types.content import JsonOutput, Text, Thought, ToolCall, ToolCallOutput
from t0.types.model import ModelResponse, Usage

TOOLS = {
    "tools_available": [
        {
            "description": "",
            "parameters": {"type": "object", "required": ["a"]},
            "name": "static",
            "strict": False,
        },
        {"description": "", "parameters": {"type": 5}, "name": "broken", "strict": False},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": None,
}
CHAT: dict[str, Any] = {
    "inference_id": "i",
    "batch_id": "b",
    "function_name": "f",
    "variant_name": "v",
    "episode_id": "e",
    "input": '{"messages":[]}',
    "input_messages": "[]",
    "system": "S",
    "tool_params": json.dumps(TOOLS),
    "inference_params": '{"chat_completion":{"seed":1}}',
    "raw_request": "{}",
    "model_name": "m",
    "model_provider_name": "p",
    "output_schema": None,
    "tags": {"a": "b"},
    "dynamic_tools": ['{"type":"openai_custom","name":"custom"}'],
    "dynamic_provider_tools": [],
    "allowed_tools": "{}",
    "tool_choice": "auto",
    "parallel_tool_calls": None,
    "snapshot_hash": "5",
}
NO_TOOLS = {
    "tool_params": None,
    "dynamic_tools": [],
    "allowed_tools": None,
    "tool_choice": None,
}
JSON = {**CHAT, **NO_TOOLS, "output_schema": '{"type":"object","required":["n"]}'}


def called(name: str, arguments: str) -> ToolCall:
    return ToolCall("c", name, arguments)


CALLS = {
    "fits": (called("static", '{"a":1}'), ("static", {"a": 1})),
    "does_not_fit": (called("static", "{}"), ("static", None)),
    "is_no_json": (called("static", "{"), ("static", None)),
    "schema_is_none": (called("broken", "{}"), ("broken", None)),
    "custom": (called("custom", "text"), ("custom", None)),
    "unknown": (called("nope", "{}"), (None, None)),
}


@pytest.mark.parametrize(("call", "judged"), CALLS.values(), ids=CALLS)
def test_tool_calls(call: ToolCall, judged: tuple[str | None, Any]) -> None:
    output = function_output(CHAT, [Text("t"), call])
    assert output == FunctionOutput(output=[Text("t"), ToolCallOutput("c", call.name, call.arguments, *judged)])


def test_a_call_where_no_tool_was_offered() -> None:
    output = function_output({**CHAT, **NO_TOOLS}, [called("static", "{}")])
    assert output == FunctionOutput(output=[ToolCallOutput("c", "static", "{}", None, None)])


def test_json_output() -> None:
    assert function_output(JSON, [Thought("hm"), Text('{"n":1}')]) == FunctionOutput(
        output=JsonOutput('{"n":1}', {"n": 1}), auxiliary=[Thought("hm")]
    )
    assert function_output(JSON, [Text("{}")]).output == JsonOutput("{}", None)


def test_rows_of_a_json_function() -> None:
    response = ModelResponse(output=[Text('{"n":1}')], usage=Usage(0, None, 3, None), finish_reason="stop")
    answered = BatchOutput(inference_id="i", response=response, raw_response="raw")
    output = FunctionOutput(output=JsonOutput('{"n":1}', {"n": 1}), auxiliary=[Thought("hm")])
    inference, call = end_columns(JSON, answered, output, Decimal("0.25"))
    call.pop("id")
    assert inference == {
        "id": "i",
        "function_name": "f",
        "variant_name": "v",
        "episode_id": "e",
        "input": '{"messages":[]}',
        "output": '{"raw":"{\\"n\\":1}","parsed":{"n":1}}',
        "output_schema": JSON["output_schema"],
        "auxiliary_content": '[{"type":"thought","text":"hm"}]',
        "inference_params": '{"chat_completion":{"seed":1}}',
        "processing_time_ms": None,
        "ttft_ms": None,
        "tags": {"a": "b"},
        "extra_body": "[]",
        "snapshot_hash": "5",
    }
    assert call == {
        "inference_id": "i",
        "raw_request": "{}",
        "raw_response": "raw",
        "system": "S",
        "input_messages": "[]",
        "output": '[{"type":"text","text":"{\\"n\\":1}"}]',
        "input_tokens": None,
        "output_tokens": None,
        "provider_cache_read_input_tokens": 3,
        "provider_cache_write_input_tokens": None,
        "cost": "0.250000000",
        "response_time_ms": None,
        "ttft_ms": None,
        "model_name": "m",
        "model_provider_name": "p",
        "cached": False,
        "finish_reason": "stop",
        "function_name": "f",
        "variant_name": "v",
        "snapshot_hash": "5",
    }


COST = [{"pointer_nonstreaming": "/n", "pointer_streaming": "/s", "cost_per_unit": 2}]
PRICES = {
    "batch_cost": ({"cost": COST, "batch_cost": [{"pointer": "/n", "cost_per_unit": 1}]}, Decimal(3)),
    "cost": ({"cost": COST}, Decimal(6)),
    "free": ({"cost": COST, "batch_cost": []}, None),
    "none": ({}, None),
}


@pytest.mark.parametrize(("provider", "dollars"), PRICES.values(), ids=PRICES)
def test_prices(provider: dict[str, Any], dollars: Decimal | None) -> None:
    rules = batch_prices({"models": {"m": {"providers": {"p": provider}}}}, "m", "p")
    assert (rules and rules.complete('{"n": 3}')) == dollars


def test_shorthand_models_have_no_price() -> None:
    assert batch_prices({}, "openai::m", "openai") is None
