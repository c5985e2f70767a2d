"""Features of tools."""

import json
from typing import Any

from features.base import HELLO, Feature, Json, assistant, calls, content, reply, user
from features.setup import PLACE


def function_tool(name: str, description: str) -> Json:
    return {"name": name, "description": description, "parameters": PLACE, "strict": False}


def offered(*tools: Json, choice: Any = "auto", **more: Any) -> Json:
    """What the provider gets of function tools."""
    wire = []
    for tool in tools:
        strict = tool["strict"]
        wire.append(
            {"type": "function", "function": {k: v for k, v in tool.items() if k != "strict"}, "strict": strict}
        )
    return {"tools": wire, "tool_choice": choice, **more}


def call_block(id_: str, name: str, arguments: str, *, known: bool = True) -> Json:
    parsed = {"name": name, "arguments": json.loads(arguments)} if known else {"name": None, "arguments": None}
    return {"type": "tool_call", "id": id_, "raw_name": name, "raw_arguments": arguments, **parsed}


WEATHER = function_tool("weather", "Tells the weather")
MAP = function_tool("map", "Shows a map")
TIME = function_tool("time", "Tells the time")
ROME = '{"place":"Rome"}'
CALLED = call_block("c1", "weather", ROME)
OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": ROME}}
CODE: Json = {"name": "code", "description": "Runs code"}


def tool_features() -> list[Feature]:
    called: Json = {"replies": (calls(("c1", "weather", ROME)),), "said": (CALLED,), "finish_reason": "tool_call"}
    tooled: Json = {"function": "tooled", **called}
    time = {"type": "function", "function": TIME}
    return [
        Feature(
            name="configured tools",
            native_words="of the function",
            openai_words="of the function",
            sent=(offered(WEATHER, MAP),),
            **tooled,
        ),
        Feature(
            name="additional tools",
            native={"additional_tools": [TIME]},
            openai={"tools": [time]},
            native_words="`additional_tools`",
            openai_words="`tools`",
            sent=(offered(WEATHER, MAP, TIME),),
            **tooled,
        ),
        Feature(
            name="allowed tools",
            native={"allowed_tools": ["map"]},
            openai={"tool_choice": allowed_choice("map")},
            native_words="`allowed_tools`",
            openai_words="`tool_choice`: `allowed_tools`",
            sent=(offered(WEATHER, MAP, choice=allowed_choice("map")),),
            **tooled,
        ),
        *[
            Feature(
                name=f"tool choice `{mode}`",
                native={"tool_choice": mode},
                openai={"tool_choice": mode},
                native_words="`tool_choice`",
                openai_words="`tool_choice`",
                sent=(offered(WEATHER, MAP, choice=mode),),
                **(tooled if mode != "none" else {"function": "tooled"}),
            )
            for mode in ("auto", "required", "none")
        ],
        Feature(
            name="one tool chosen",
            native={"tool_choice": {"specific": "weather"}},
            openai={"tool_choice": {"type": "function", "function": {"name": "weather"}}},
            native_words="`tool_choice`: `specific`",
            openai_words="`tool_choice`: `function`",
            sent=(offered(WEATHER, MAP, choice={"type": "function", "function": {"name": "weather"}}),),
            **tooled,
        ),
        Feature(
            name="parallel tool calls",
            native={"parallel_tool_calls": True},
            openai={"parallel_tool_calls": True},
            native_words="`parallel_tool_calls`",
            openai_words="`parallel_tool_calls`",
            function="tooled",
            sent=(offered(WEATHER, MAP, parallel_tool_calls=True),),
            replies=(calls(("c1", "weather", ROME), ("c2", "map", ROME)),),
            said=(CALLED, call_block("c2", "map", ROME)),
            finish_reason="tool_call",
        ),
        custom_tool_feature(),
        Feature(
            name="a tool that the model made up",
            native_words="`name` is null",
            openai_words="as any other call",
            function="tooled",
            sent=(offered(WEATHER, MAP),),
            replies=(calls(("c1", "oracle", ROME)),),
            said=(call_block("c1", "oracle", ROME, known=False),),
            finish_reason="tool_call",
        ),
        tool_result_feature(),
    ]


def allowed_choice(name: str) -> Json:
    tools = [{"type": "function", "function": {"name": name}}]
    return {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": tools}}


def custom_tool_feature() -> Feature:
    wire = {"type": "custom", "custom": CODE}
    call = {"id": "c1", "type": "custom", "custom": {"name": "code", "input": "1+1"}}
    deltas = [{"index": 0, **call, "custom": {"name": "code", "input": "1+"}}, {"index": 0, "custom": {"input": "1"}}]
    block = {"type": "tool_call", "id": "c1", "raw_name": "code", "raw_arguments": "1+1"}
    return Feature(
        name="custom tools of OpenAI",
        native={"additional_tools": [{"type": "openai_custom", **CODE}]},
        openai={"tools": [wire]},
        native_words="`additional_tools`: `openai_custom`",
        openai_words="`tools`: `custom`",
        sent=({"tools": [wire], "tool_choice": "auto"},),
        replies=(reply({"content": None, "tool_calls": [call]}, [{"tool_calls": [d]} for d in deltas], "tool_calls"),),
        said=({**block, "name": "code", "arguments": None},),
        finish_reason="tool_call",
    )


def tool_result_feature() -> Feature:
    """On the OpenAI face a result is JSON text, as in TensorZero, so a string has its quotes."""
    call = {"role": "assistant", "tool_calls": [OPENAI_CALL]}
    result = {"role": "tool", "tool_call_id": "c1", "content": "sunny"}
    native = [
        HELLO,
        assistant({"type": "tool_call", "id": "c1", "name": "weather", "arguments": json.loads(ROME)}),
        user({"type": "tool_result", "id": "c1", "name": "weather", "result": "sunny"}),
    ]
    tools = offered(WEATHER, MAP)
    return content(
        "tool results",
        native,
        [HELLO, call, result],
        ("blocks `tool_call`, `tool_result`", "`tool_calls`, role `tool`"),
        function="tooled",
        sent=({"messages": [HELLO, call, result], **tools},),
        openai_sent=({"messages": [HELLO, call, {**result, "content": '"sunny"'}], **tools},),
    )
