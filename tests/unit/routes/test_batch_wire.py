"""The wire form of batches: columns to requests."""

import json
import logging
from typing import Any

import pytest

from t0.errors import RequestError
from t0.routes.batch_wire import parse
from t0.types.content import Input, InputMessage, Text
from t0.types.inference import CacheOptions, DynamicTools, Include, InferenceRequest
from t0.types.params import ChatCompletionParams
from t0.types.tools import FunctionTool, ProviderTool, SpecificTool

EPISODE = "0193b9a0-0000-7000-8000-000000000000"
TOOL = {"name": "t", "description": "d", "parameters": {"type": "object"}}


def text_input(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def body(count: int = 2, **fields: Any) -> bytes:
    inputs = [text_input(f"q{i}") for i in range(count)]
    return json.dumps({"function_name": "f", "inputs": inputs, **fields}).encode()


def request(i: int, **fields: Any) -> InferenceRequest:
    plain: dict[str, Any] = {
        "function_name": "f",
        "input": Input(messages=[InputMessage("user", [Text(f"q{i}")])]),
        "params": ChatCompletionParams(),
        "tools": DynamicTools(),
        "cache_options": CacheOptions(),
        "include": Include(),
    }
    return InferenceRequest(**{**plain, **fields})


def test_the_least() -> None:
    assert parse(body(1)) == [request(0)]


def test_each_request_gets_its_part_of_every_column() -> None:
    given = body(
        episode_ids=[EPISODE.upper(), None],
        variant_name="v",
        tags=[None, {"a": "b"}],
        params={
            "chat_completion": {
                "temperature": [0.5, None],
                "max_tokens": [None, 7],
                "stop_sequences": [["x"]],
                "unknown": "ignored",
            }
        },
        allowed_tools=[["t"], None],
        additional_tools=[[TOOL], None],
        tool_choice=[{"specific": "t"}, "none"],
        parallel_tool_calls=[True, None],
        provider_tools=[None, [{"scope": None, "tool": {"type": "web_search"}}]],
        output_schemas=[None, {"type": "object"}],
        credentials={"k": "v"},
    )
    common: dict[str, Any] = {"variant_name": "v", "credentials": {"k": "v"}}
    assert parse(given) == [
        request(
            0,
            episode_id=EPISODE,
            params=ChatCompletionParams(temperature=0.5, stop_sequences=["x"]),
            tools=DynamicTools(
                allowed=["t"],
                additional=[FunctionTool("d", {"type": "object"}, "t")],
                choice=SpecificTool("t"),
                parallel_tool_calls=True,
            ),
            **common,
        ),
        request(
            1,
            tags={"a": "b"},
            params=ChatCompletionParams(max_tokens=7),
            tools=DynamicTools(choice="none", provider_tools=[ProviderTool(None, {"type": "web_search"})]),
            output_schema={"type": "object"},
            **common,
        ),
    ]


def test_nulls_in_place_of_columns() -> None:
    names = ("episode_ids", "variant_name", "tags", "allowed_tools", "additional_tools", "tool_choice")
    more = ("parallel_tool_calls", "provider_tools", "output_schemas")
    assert parse(body(1, **dict.fromkeys((*names, *more)))) == [request(0)]


def test_service_tiers_are_ignored(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "t0"):
        assert parse(body(1, params={"chat_completion": {"service_tier": ["flex"]}})) == [request(0)]
    assert [r.getMessage() for r in caplog.records] == ["`service_tier` is ignored in batches"]


LENGTH = "{} vector length ({}) does not match number of inferences (2)"
REFUSED = {
    "no_inputs": ({"inputs": []}, "No inputs provided"),
    "episode_ids": ({"episode_ids": [None]}, "Number of episode_ids (1) does not match number of inputs (2)"),
    "temperature": ({"params": {"chat_completion": {"temperature": [1]}}}, LENGTH.format("temperature", 1)),
    "tool_choice": ({"tool_choice": ["auto"] * 3}, LENGTH.format("tool_choice", 3)),
    "output_schemas": ({"output_schemas": []}, LENGTH.format("output_schemas", 0)),
    "unknown_key": ({"model_name": "m"}, "unknown field `model_name`"),
    "bad_uuid": ({"episode_ids": ["x", None]}, "episode_ids[0]: UUID parsing failed: "),
    "bad_block": (
        {"inputs": [text_input("a"), {"messages": [{"role": "user", "content": [{"type": "x"}]}]}]},
        "inputs[1].messages[0].content[0]: unknown variant `x`",
    ),
    "wrong_type": ({"params": {"chat_completion": {"seed": [0.5, 1]}}}, "params.chat_completion.seed"),
}


@pytest.mark.parametrize(("fields", "text"), REFUSED.values(), ids=REFUSED)
def test_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse(body(**fields))
    assert caught.value.status == 400
    assert caught.value.text.startswith(text)


@pytest.mark.parametrize("name", ["function_name", "inputs"])
def test_required(name: str) -> None:
    fields = {"function_name": "f", "inputs": [text_input("a")]}
    del fields[name]
    with pytest.raises(RequestError) as caught:
        parse(json.dumps(fields).encode())
    assert caught.value.text == f"missing field `{name}`"
