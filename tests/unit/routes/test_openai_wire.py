"""The wire form of `POST /openai/v1/chat/completions`: whole requests."""

import json

import pytest

from t0.errors import InvalidOpenAIRequest, JsonRequest, RequestError
from t0.routes.openai_wire import OpenAIRequest, parse
from t0.types.content import Input, InputMessage, Text
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.inference import CacheOptions, DynamicTools, Include, InferenceRequest
from t0.types.params import ChatCompletionParams
from t0.types.tools import CustomTool, FunctionTool, ProviderTool, SpecificTool

EPISODE = "01950000-0000-7000-8000-00000000abcd"
PREFIX = "Invalid request to OpenAI-compatible endpoint: "
MODEL = "tensorzero::function_name::f"


def call(**fields):
    return parse(json.dumps({"model": MODEL, "messages": [], **fields}).encode())


def refusal(**fields):
    with pytest.raises(RequestError) as caught:
        call(**fields)
    assert isinstance(caught.value, (InvalidOpenAIRequest, JsonRequest))
    return caught.value.text


def empty(**fields):
    plain = {
        "function_name": "f",
        "input": Input(messages=[]),
        "params": ChatCompletionParams(),
        "tools": DynamicTools(),
        "cache_options": CacheOptions(),
        "include": Include(),
    }
    return InferenceRequest(**{**plain, **fields})


def test_nothing_but_the_required():
    assert call() == OpenAIRequest(empty(), include_usage=False)


def test_all_fields():
    given = {
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True, "include_obfuscation": False},
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.25,
        "frequency_penalty": 1,
        "presence_penalty": -1,
        "seed": 3,
        "stop": ["x"],
        "reasoning_effort": "low",
        "verbosity": "high",
        "service_tier": "flex",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        "tools": [{"type": "function", "function": {"name": "t", "parameters": {}}}],
        "tool_choice": "required",
        "parallel_tool_calls": True,
        "n": 1,
        "user": "somebody",
        "tensorzero::variant_name": "v",
        "tensorzero::dryrun": True,
        "tensorzero::episode_id": EPISODE.upper(),
        "tensorzero::namespace": "ns",
        "tensorzero::cache_options": {"enabled": "write_only"},
        "tensorzero::extra_body": [{"pointer": "/a", "delete": True}],
        "tensorzero::extra_headers": [{"name": "a", "value": "b"}],
        "tensorzero::tags": {"a": "b"},
        "tensorzero::credentials": {"k": "secret"},
        "tensorzero::provider_tools": [{"tool": 1}],
        "tensorzero::internal_dynamic_variant_config": {"type": "chat_completion"},
        "tensorzero::include_raw_usage": True,
        "tensorzero::include_raw_response": True,
        "tensorzero::include_original_response": True,
        "tensorzero::unheard_of": 1,
    }
    expected = empty(
        episode_id=EPISODE,
        namespace="ns",
        input=Input(messages=[InputMessage("user", [Text("Hi")])]),
        stream=True,
        params=ChatCompletionParams(
            temperature=0.5,
            max_tokens=9,
            seed=3,
            top_p=0.25,
            presence_penalty=-1.0,
            frequency_penalty=1.0,
            json_mode="strict",
            stop_sequences=["x"],
            reasoning_effort="low",
            service_tier="flex",
            verbosity="high",
        ),
        variant_name="v",
        dryrun=True,
        tags={"a": "b"},
        tools=DynamicTools(
            additional=[FunctionTool("", {}, "t", False)],
            choice="required",
            parallel_tool_calls=True,
            provider_tools=[ProviderTool(None, 1)],
        ),
        output_schema={"type": "object"},
        credentials={"k": "secret"},
        cache_options=CacheOptions(enabled="write_only"),
        include=Include(raw_response=True, raw_usage=True, original_response=True),
        extra_body=[ExtraBody(pointer="/a", delete=True)],
        extra_headers=[ExtraHeader(name="a", value="b")],
        dynamic_variant={"type": "chat_completion"},
    )
    assert call(**given) == OpenAIRequest(expected, include_usage=True)


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (MODEL, ("f", None)),
        ("tensorzero::model_name::openai::gpt", (None, "openai::gpt")),
        ("tensorzero::function_name::tensorzero::default", ("tensorzero::default", None)),
    ],
)
def test_targets(model, target):
    inference = call(model=model).inference
    assert (inference.function_name, inference.model_name) == target


def unprefixed(model):
    return (
        f"{PREFIX}`model` field must start with `tensorzero::function_name::` or `tensorzero::model_name::`. "
        "For example, `tensorzero::function_name::my_function` for a function `my_function` defined in your config, "
        f"`tensorzero::model_name::my_model` for a model `my_model` defined in your config. Found `{model}`."
    )


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("gpt-4", unprefixed("gpt-4")),
        ("", unprefixed("")),
        ("tensorzero::embedding_model_name::e", unprefixed("tensorzero::embedding_model_name::e")),
        (
            "tensorzero::function_name::",
            f'{PREFIX}function_name (passed in model field after "tensorzero::function_name::") cannot be empty',
        ),
        (
            "tensorzero::model_name::",
            f'{PREFIX}model_name (passed in model field after "tensorzero::model_name::") cannot be empty',
        ),
    ],
)
def test_refused_targets(model, text):
    assert refusal(model=model) == text


PARAMS = {
    "both limits": ({"max_tokens": 9, "max_completion_tokens": 5}, ChatCompletionParams(max_tokens=5)),
    "the other is smaller": ({"max_tokens": 3, "max_completion_tokens": 5}, ChatCompletionParams(max_tokens=3)),
    "one limit": ({"max_completion_tokens": 0}, ChatCompletionParams(max_tokens=0)),
    "stop text": ({"stop": "x"}, ChatCompletionParams(stop_sequences=["x"])),
    "stop nothing": ({"stop": []}, ChatCompletionParams(stop_sequences=[])),
    "text": ({"response_format": {"type": "text"}}, ChatCompletionParams(json_mode="off")),
    "json_object": ({"response_format": {"type": "json_object"}}, ChatCompletionParams(json_mode="on")),
    "tensorzero wins": (
        {
            "temperature": 0.5,
            "seed": 1,
            "tensorzero::params": {"chat_completion": {"temperature": 1.0, "seed": None, "json_mode": "tool"}},
        },
        ChatCompletionParams(temperature=1.0, seed=1, json_mode="tool"),
    ),
}


@pytest.mark.parametrize(("fields", "params"), PARAMS.values(), ids=PARAMS)
def test_parameters(fields, params):
    assert call(**fields).inference.params == params


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"stream_options": {}}, False),
        ({"stream_options": {"include_usage": True}}, True),
        ({"tensorzero::include_raw_usage": True}, True),
        ({"tensorzero::include_raw_usage": True, "stream_options": {"include_usage": False}}, False),
    ],
    ids=["unset", "empty", "asked for", "raw", "raw, not streamed"],
)
def test_who_gets_the_usage_of_a_stream(fields, expected):
    assert call(**fields).include_usage is expected


def test_raw_usage_of_a_stream_needs_its_usage():
    fields = {"tensorzero::include_raw_usage": True, "stream_options": {"include_usage": False}, "stream": True}
    assert refusal(**fields) == (
        f"{PREFIX}`tensorzero::include_raw_usage` requires `stream_options.include_usage` to be true (or omitted) for "
        "streaming requests"
    )


@pytest.mark.parametrize("n", [0, 2])
def test_one_choice_only(n):
    assert refusal(n=n) == (
        f"{PREFIX}TensorZero does not support `n` other than 1. Please omit this parameter or set it to 1."
    )


def test_unknown_fields_are_refused_on_demand():
    fields = {"user": "u", "logprobs": True, "tensorzero::zz": 1, "tensorzero::deny_unknown_fields": True}
    assert refusal(**fields) == (
        f"{PREFIX}`tensorzero::deny_unknown_fields` is set to true, but found unknown fields in the request: "
        "[logprobs, tensorzero::zz, user]"
    )
    assert call(**{"tensorzero::deny_unknown_fields": True}).inference == empty()


# -- tools -------------------------------------------------------------------------------------------------------------

GRAMMAR = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a"}}


def test_tools():
    tools = [
        {"type": "function", "function": {"name": "a", "description": None, "parameters": {"a": 1}, "zz": 1}},
        {"type": "function", "function": {"name": "b", "description": "d", "parameters": None, "strict": True}},
        {"type": "custom", "custom": {"name": "c", "format": GRAMMAR}},
    ]
    assert call(tools=tools).inference.tools == DynamicTools(
        additional=[FunctionTool("", {"a": 1}, "a", False), FunctionTool("d", None, "b", True)],
        custom=[CustomTool("c", None, GRAMMAR)],
    )


@pytest.mark.parametrize(("tools", "expected"), [(None, None), ([], [])], ids=["null", "empty"])
def test_no_tools(tools, expected):
    assert call(tools=tools).inference.tools == DynamicTools(additional=expected)


FUNCTION = {"name": "a", "parameters": {}}
TOOLS_REFUSED = {
    "no type": ({"function": FUNCTION}, "tools[0]: missing field `type`"),
    "type": ({"type": "zz"}, "tools[0].type: unknown variant `zz`, expected `function` or `custom`"),
    "no function": ({"type": "function"}, "tools[0]: missing field `function`"),
    "function a string": (
        {"type": "function", "function": "a"},
        'tools[0].function: invalid type: string "a", expected a map',
    ),
    "no parameters": ({"type": "function", "function": {"name": "a"}}, "tools[0]: missing field `parameters`"),
    "no name": ({"type": "function", "function": {"parameters": {}}}, "tools[0]: missing field `name`"),
    "strict null": (
        {"type": "function", "function": {**FUNCTION, "strict": None}},
        "tools[0].strict: invalid type: null, expected a boolean",
    ),
    "description": (
        {"type": "function", "function": {**FUNCTION, "description": 1}},
        "tools[0].description: invalid type: integer `1`, expected a string",
    ),
    "no custom": ({"type": "custom", "function": {}}, "tools[0]: missing field `custom`"),
    "custom key": (
        {"type": "custom", "custom": {"name": "c", "zz": 1}},
        "tools[0]: unknown field `zz`, expected one of `name`, `description`, `format`",
    ),
}


@pytest.mark.parametrize(("tool", "text"), TOOLS_REFUSED.values(), ids=TOOLS_REFUSED)
def test_refused_tools(tool, text):
    assert refusal(tools=[tool]) == text


def named(name):
    return {"type": "function", "function": {"name": name}}


def allowed(**fields):
    return {"type": "allowed_tools", "allowed_tools": fields}


CHOICES = {
    "null": (None, DynamicTools()),
    "none": ("none", DynamicTools(choice="none")),
    "auto": ("auto", DynamicTools(choice="auto")),
    "required": ("required", DynamicTools(choice="required")),
    "function": (named("t"), DynamicTools(choice=SpecificTool("t"))),
    "allowed": (
        allowed(mode="auto", tools=[named("t"), named("u")]),
        DynamicTools(allowed=["t", "u"], choice="auto"),
    ),
    "allowed required": (allowed(mode="required", tools=[]), DynamicTools(allowed=[], choice="required")),
}


@pytest.mark.parametrize(("choice", "tools"), CHOICES.values(), ids=CHOICES)
def test_tool_choices(choice, tools):
    assert call(tool_choice=choice).inference.tools == tools


CHOICES_REFUSED = {
    "string": ("zz", "tool_choice: Invalid tool choice string: zz"),
    "number": (1, "tool_choice: Tool choice must be a string or object"),
    "list": ([], "tool_choice: Tool choice must be a string or object"),
    "type": ({"type": "zz"}, "tool_choice: Invalid tool choice type: zz"),
    "type a list": ({"type": []}, "tool_choice: Invalid tool choice type: []"),
    "no type": ({}, "tool_choice: Invalid tool choice type: None"),
    "no function": ({"type": "function"}, "tool_choice: missing field `function`"),
    "no name": ({"type": "function", "function": {}}, "tool_choice: missing field `name`"),
    "no allowed": ({"type": "allowed_tools"}, "tool_choice: missing field `allowed_tools`"),
    "no mode": (allowed(tools=[]), "tool_choice: missing field `mode`"),
    "mode": (allowed(mode="none", tools=[]), "tool_choice: unknown variant `none`, expected `auto` or `required`"),
    "no tools": (allowed(mode="auto"), "tool_choice: missing field `tools`"),
    "tool a string": (allowed(mode="auto", tools=["t"]), "tool_choice: missing field `function`"),
}


@pytest.mark.parametrize(("choice", "text"), CHOICES_REFUSED.values(), ids=CHOICES_REFUSED)
def test_refused_tool_choices(choice, text):
    assert refusal(tool_choice=choice) == text
