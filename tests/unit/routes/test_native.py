"""The wire form of `POST /inference`: whole requests, whole answers, whole chunks."""

import json

import pytest

from kit import HI, parsed
from t0.errors import AllModelProvidersFailed, InvalidRequest, JsonRequest, ProviderFailure
from t0.routes.native import NativeFace, parse
from t0.types.content import (
    Input,
    InputMessage,
    JsonOutput,
    Text,
    TextChunk,
    ThoughtChunk,
    ToolCallChunk,
    ToolCallOutput,
)
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.inference import Answer, AnswerChunk, CacheOptions, DynamicTools, Include, InferenceRequest, RawEntry
from t0.types.model import Usage
from t0.types.params import ChatCompletionParams
from t0.types.tools import CustomTool, FunctionTool, ProviderTool, ProviderToolScope, SpecificTool

EPISODE = "01950000-0000-7000-8000-00000000abcd"

ALL_FIELDS = {
    "function_name": "f",
    "model_name": "m",
    "episode_id": EPISODE,
    "namespace": "ns",
    "input": {"system": "Be brief", **HI},
    "stream": True,
    "params": {
        "chat_completion": {
            "temperature": 0.5,
            "max_tokens": 9,
            "seed": 1,
            "top_p": 0.25,
            "presence_penalty": -1,
            "frequency_penalty": 2.0,
            "json_mode": "implicit_tool",
            "stop_sequences": ["x"],
            "reasoning_effort": "low",
            "service_tier": "flex",
            "thinking_budget_tokens": -1,
            "verbosity": "high",
        }
    },
    "variant_name": "v",
    "dryrun": True,
    "internal": True,
    "tags": {"a": "b"},
    "allowed_tools": ["t"],
    "additional_tools": [
        {"type": "function", "name": "t", "description": "d", "parameters": {}, "strict": True},
        {"type": "openai_custom", "name": "c"},
    ],
    "tool_choice": {"specific": "t"},
    "parallel_tool_calls": False,
    "provider_tools": [{"tool": {"type": "web"}, "scope": {"model_name": "m", "provider_name": "p"}}],
    "output_schema": {"type": "object"},
    "credentials": {"k": "secret"},
    "cache_options": {"enabled": "on", "max_age_s": 5, "other": "ignored"},
    "include_raw_response": True,
    "include_raw_usage": True,
    "include_original_response": True,
    "include_aggregated_response": True,
    "extra_body": [{"pointer": "/a", "value": 1}],
    "extra_headers": [{"name": "x", "delete": True}],
    "internal_dynamic_variant_config": {"type": "chat_completion"},
}

PARSED = InferenceRequest(
    function_name="f",
    model_name="m",
    episode_id=EPISODE,
    namespace="ns",
    input=Input(system="Be brief", messages=[InputMessage("user", [Text("Hi")])]),
    stream=True,
    params=ChatCompletionParams(
        temperature=0.5,
        max_tokens=9,
        seed=1,
        top_p=0.25,
        presence_penalty=-1.0,
        frequency_penalty=2.0,
        json_mode="tool",
        stop_sequences=["x"],
        reasoning_effort="low",
        service_tier="flex",
        thinking_budget_tokens=-1,
        verbosity="high",
    ),
    variant_name="v",
    dryrun=True,
    internal=True,
    tags={"a": "b"},
    tools=DynamicTools(
        allowed=["t"],
        additional=[FunctionTool("d", {}, "t", True)],
        custom=[CustomTool("c")],
        choice=SpecificTool("t"),
        parallel_tool_calls=False,
        provider_tools=[ProviderTool(ProviderToolScope("m", "p"), {"type": "web"})],
    ),
    output_schema={"type": "object"},
    credentials={"k": "secret"},
    cache_options=CacheOptions(enabled="on", max_age_s=5),
    include=Include(raw_response=True, raw_usage=True, original_response=True, aggregated_response=True),
    extra_body=[ExtraBody(pointer="/a", value=1)],
    extra_headers=[ExtraHeader(name="x", delete=True)],
    dynamic_variant={"type": "chat_completion"},
)

EMPTY = InferenceRequest(
    input=Input(messages=[]),
    params=ChatCompletionParams(),
    tools=DynamicTools(),
    cache_options=CacheOptions(),
    include=Include(),
)


def test_all_fields():
    assert parse(json.dumps(ALL_FIELDS).encode()) == PARSED


def test_nothing_but_an_empty_input():
    assert parse(b'{"input":{}}') == EMPTY


def test_what_the_official_client_sends_for_unset_fields():
    """Null for single values, empty collections, and the defaults."""
    body = {
        **dict.fromkeys(("function_name", "model_name", "episode_id", "namespace", "stream", "variant_name")),
        **dict.fromkeys(("dryrun", "output_schema", "internal_dynamic_variant_config", "allowed_tools")),
        **dict.fromkeys(("additional_tools", "tool_choice", "parallel_tool_calls")),
        "input": {"system": None, "messages": []},
        "params": {"chat_completion": dict.fromkeys(ALL_FIELDS["params"]["chat_completion"])},
        "internal": False,
        "tags": {},
        "credentials": {},
        "provider_tools": [],
        "extra_body": [],
        "extra_headers": [],
        "cache_options": {"max_age_s": None, "enabled": "off"},
        **dict.fromkeys(("include_original_response", "include_raw_response"), False),
        **dict.fromkeys(("include_raw_usage", "include_aggregated_response"), False),
    }
    assert parse(json.dumps(body).encode()) == EMPTY


@pytest.mark.parametrize(
    "text",
    [
        EPISODE,
        EPISODE.upper(),
        EPISODE.replace("-", ""),
        "{" + EPISODE + "}",
        "urn:uuid:" + EPISODE,
    ],
    ids=["hyphenated", "upper case", "digits", "braces", "URN"],
)
def test_forms_of_ids(text):
    assert parsed(episode_id=text).episode_id == EPISODE


@pytest.mark.parametrize("choice", ["none", "auto", "required", None])
def test_tool_choices(choice):
    assert parsed(tool_choice=choice).tools.choice == choice


@pytest.mark.parametrize("choice", ["off", "", "specific", "None"])
def test_refused_tool_choices(choice):
    with pytest.raises(JsonRequest) as caught:
        parsed(tool_choice=choice)
    assert caught.value.text == (
        f"tool_choice: unknown variant `{choice}`, expected one of `none`, `auto`, `required`, `specific`"
    )


# -- answers -----------------------------------------------------------------------------------------------------------

IDS = {"inference_id": "I", "episode_id": "E", "variant_name": "v"}
USAGE = Usage(input_tokens=1, output_tokens=None)
WIRE_USAGE = {"input_tokens": 1, "output_tokens": None, "cost": None}
CACHED = Usage(1, 2, provider_cache_read_input_tokens=0, provider_cache_write_input_tokens=3, cost=0.25)
WIRE_CACHED = {
    "input_tokens": 1,
    "output_tokens": 2,
    "provider_cache_read_input_tokens": 0,
    "provider_cache_write_input_tokens": 3,
    "cost": 0.25,
}
ENTRY = RawEntry(model_inference_id="X", provider_type="openai", api_type="chat_completions", data={"a": 1})
WIRE_ENTRY = {"model_inference_id": "X", "provider_type": "openai", "api_type": "chat_completions", "data": {"a": 1}}
FAILED = RawEntry(provider_type="openai", api_type="responses", data="no")
WIRE_FAILED = {"provider_type": "openai", "api_type": "responses", "data": "no"}

ANSWERS = {
    "chat": (
        {"output": [Text("Hello")], "usage": USAGE, "finish_reason": "stop"},
        {"content": [{"type": "text", "text": "Hello"}], "usage": WIRE_USAGE, "finish_reason": "stop"},
    ),
    "no finish reason": ({"output": [], "usage": CACHED}, {"content": [], "usage": WIRE_CACHED}),
    "null tool": (
        {"output": [ToolCallOutput("1", "t", "{", None, None)], "usage": USAGE},
        {
            "content": [
                {
                    "type": "tool_call",
                    "id": "1",
                    "raw_name": "t",
                    "raw_arguments": "{",
                    "name": None,
                    "arguments": None,
                }
            ],
            "usage": WIRE_USAGE,
        },
    ),
    "json": (
        {"output": JsonOutput('{"a":1}', {"a": 1}), "usage": USAGE},
        {"output": {"raw": '{"a":1}', "parsed": {"a": 1}}, "usage": WIRE_USAGE},
    ),
    "json null": (
        {"output": JsonOutput(None, None), "usage": USAGE},
        {"output": {"raw": None, "parsed": None}, "usage": WIRE_USAGE},
    ),
    "raw lists": (
        {
            "output": [],
            "usage": USAGE,
            "raw_usage": [ENTRY],
            "raw_response": [FAILED, ENTRY],
            "original_response": "{}",
        },
        {
            "content": [],
            "usage": WIRE_USAGE,
            "raw_usage": [WIRE_ENTRY],
            "raw_response": [WIRE_FAILED, WIRE_ENTRY],
            "original_response": "{}",
        },
    ),
    "empty raw lists": (
        {"output": [], "usage": USAGE, "raw_usage": [], "raw_response": []},
        {"content": [], "usage": WIRE_USAGE, "raw_usage": [], "raw_response": []},
    ),
}


@pytest.mark.parametrize(("fields", "wire"), ANSWERS.values(), ids=ANSWERS)
def test_answers(fields, wire):
    assert json.loads(NativeFace().answer(Answer(**IDS, **fields))) == {**IDS, **wire}


CHUNKS = {
    "text": (
        AnswerChunk(content=[TextChunk("0", "Hel")]),
        {"content": [{"type": "text", "id": "0", "text": "Hel"}]},
    ),
    "tool call": (
        AnswerChunk(content=[ToolCallChunk("c", "", "{")]),
        {"content": [{"type": "tool_call", "id": "c", "raw_name": "", "raw_arguments": "{"}]},
    ),
    "thought": (
        AnswerChunk(content=[ThoughtChunk("0", text="hm")]),
        {
            "content": [
                {
                    "type": "thought",
                    "id": "0",
                    "text": "hm",
                    "signature": None,
                    "summary_id": None,
                    "summary_text": None,
                }
            ]
        },
    ),
    "raw data": (
        AnswerChunk(raw_usage=[ENTRY], raw_response=[FAILED], raw_chunk="{}", original_chunk="{}"),
        {
            "content": [],
            "raw_usage": [WIRE_ENTRY],
            "raw_response": [WIRE_FAILED],
            "raw_chunk": "{}",
            "original_chunk": "{}",
        },
    ),
    "json": (AnswerChunk(raw='{"a"'), {"raw": '{"a"'}),
    "final": (
        AnswerChunk(final=True, usage=USAGE, finish_reason="stop"),
        {"content": [], "usage": WIRE_USAGE, "finish_reason": "stop"},
    ),
    "final without finish reason": (
        AnswerChunk(final=True, usage=CACHED),
        {"content": [], "usage": WIRE_CACHED},
    ),
    "final with the whole": (
        AnswerChunk(final=True, usage=USAGE, aggregated=[Text("Hello")]),
        {"content": [], "usage": WIRE_USAGE, "aggregated_response": [{"type": "text", "text": "Hello"}]},
    ),
    "final of json": (
        AnswerChunk(raw="", final=True, usage=USAGE, aggregated=JsonOutput("1", 1)),
        {"raw": "", "usage": WIRE_USAGE, "aggregated_response": {"raw": "1", "parsed": 1}},
    ),
    "usage before the end is not told": (
        AnswerChunk(usage=USAGE, finish_reason="stop"),
        {"content": []},
    ),
}


@pytest.mark.parametrize(("chunk", "wire"), CHUNKS.values(), ids=CHUNKS)
def test_chunks(chunk, wire):
    face = NativeFace()
    face.start("I", "E", "v")
    assert json.loads(face.chunk(chunk)) == {**IDS, **wire}


# -- errors ------------------------------------------------------------------------------------------------------------

SILENT = ProviderFailure("client", "no answer", "openai")
REFUSED = ProviderFailure("client", "no", "openai", upstream_status=400, raw_response="no", api_type="responses")
TREE = AllModelProvidersFailed({"a": SILENT, "b": REFUSED})


@pytest.mark.parametrize(
    ("error", "include_raw", "expected"),
    [
        (InvalidRequest("no"), False, {"error": "no"}),
        (InvalidRequest("no"), True, {"error": "no"}),
        (SILENT, True, {"error": SILENT.text}),
        (TREE, False, {"error": TREE.text}),
        (TREE, True, {"error": TREE.text, "raw_response": [WIRE_FAILED]}),
    ],
    ids=["plain", "nothing raw", "no answer", "raw not asked for", "raw"],
)
def test_error_bodies(error, include_raw, expected):
    assert json.loads(NativeFace().error(error, include_raw)) == expected


@pytest.mark.parametrize(
    ("raw", "expected"), [(None, {"error": "no"}), ("x", {"error": "no", "raw_chunk": "x"})], ids=["plain", "raw"]
)
def test_error_events(raw, expected):
    assert json.loads(NativeFace().stream_error(InvalidRequest("no"), raw)) == expected
