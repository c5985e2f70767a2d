"""Where single vendors go their own way, beyond what the recorded exchanges show."""

import json
import logging
from typing import Any

import pytest

from t0.errors import ApiKeyMissing, ConfigError, RequestError
from t0.providers import notices
from t0.types.content import ModelMessage, Text, TextChunk, ThoughtChunk, ToolCall, ToolCallChunk, ToolResult
from t0.types.params import ChatCompletionParams
from t0.types.tools import CustomTool, SpecificTool
from unit.providers.replay import make_provider
from unit.providers.vendors import VENDORS, event_stream, tool_config

BY_NAME = {str(v): v for v in VENDORS}


def body_of(name: str, table: dict[str, Any] | None = None, **call: Any) -> dict[str, Any]:
    vendor = BY_NAME[name]
    return json.loads(vendor.provider(**(table or {})).request(vendor.call(**call), {}).body)


# -- addresses and keys ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "url"),
    [
        ({"type": "openai"}, "https://api.openai.com/v1/chat/completions"),
        ({"type": "openai", "api_type": "responses"}, "https://api.openai.com/v1/responses"),
        ({"type": "openai", "api_base": "http://h:1/a/b?x=1"}, "http://h:1/a/b/chat/completions"),
        ({"type": "openai", "api_base": "http://h:1"}, "http://h:1/chat/completions"),
        ({"type": "anthropic"}, "https://api.anthropic.com/v1/messages"),
        ({"type": "anthropic", "api_base": "http://h/v1/messages"}, "http://h/v1/messages"),
        ({"type": "anthropic", "api_base": "http://h/v1/messages/"}, "http://h/v1/messages"),
        ({"type": "groq"}, "https://api.groq.com/openai/v1/chat/completions"),
        ({"type": "openrouter"}, "https://openrouter.ai/api/v1/chat/completions"),
        ({"type": "fireworks"}, "https://api.fireworks.ai/inference/v1/chat/completions"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_urls(table: dict[str, Any], url: str) -> None:
    name = f"{table['type']}_responses" if "api_type" in table else table["type"]
    vendor = BY_NAME[name]
    assert str(vendor.provider(**table).request(vendor.call(), {}).url) == url


VERSION = "api-version=2025-04-01-preview"


@pytest.mark.parametrize(
    ("endpoint", "target"),
    [
        ("https://r.openai.azure.com", f"/openai/deployments/a%20b%2Fc/chat/completions?{VERSION}"),
        ("https://r.openai.azure.com/", f"/openai/deployments/a%20b%2Fc/chat/completions?{VERSION}"),
        ("https://proxy/base/", f"/base/openai/deployments/a%20b%2Fc/chat/completions?{VERSION}"),
        ("https://proxy/base?tenant=1", f"/base/openai/deployments/a%20b%2Fc/chat/completions?tenant=1&{VERSION}"),
        ("env::ENDPOINT", f"/from-env/openai/deployments/a%20b%2Fc/chat/completions?{VERSION}"),
        ("dynamic::e", f"/dynamic/openai/deployments/a%20b%2Fc/chat/completions?{VERSION}"),
    ],
)
def test_azure_endpoints(endpoint: str, target: str) -> None:
    table = {"type": "azure", "deployment_id": "a b/c", "endpoint": endpoint}
    provider = make_provider("p", table, {"AZURE_API_KEY": "k", "ENDPOINT": "https://h/from-env"})
    request = provider.request(BY_NAME["azure"].call(), {"e": "https://h/dynamic"})
    assert request.url.target == target
    assert ("api-key", "k") in request.headers


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("not a url", "Invalid endpoint URL 'not a url': "),
        ("env::NOPE", "Environment variable 'NOPE' not found for Azure endpoint"),
    ],
)
def test_azure_endpoints_that_are_none(endpoint: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_provider("p", {"type": "azure", "deployment_id": "d", "endpoint": endpoint}, {"AZURE_API_KEY": "k"})


@pytest.mark.parametrize(
    ("credentials", "status", "text"),
    [
        ({}, 404, "Dynamic endpoint 'e' not found in credentials"),
        ({"e": "nothing"}, 400, "Invalid dynamic endpoint URL: nothing"),
    ],
)
def test_azure_dynamic_endpoints_that_are_none(credentials: dict[str, str], status: int, text: str) -> None:
    table = {"type": "azure", "deployment_id": "d", "endpoint": "dynamic::e"}
    provider = make_provider("p", table, {"AZURE_API_KEY": "k"})
    with pytest.raises(RequestError) as error:
        provider.request(BY_NAME["azure"].call(), credentials)
    assert (error.value.status, error.value.text) == (status, text)


def test_azure_reads_the_old_variable_where_the_new_one_is_missing() -> None:
    table = {"type": "azure", "deployment_id": "d", "endpoint": "https://h"}
    provider = make_provider("p", table, {"AZURE_OPENAI_API_KEY": "old"})
    assert ("api-key", "old") in provider.request(BY_NAME["azure"].call(), {}).headers


@pytest.mark.parametrize("name", ["openai", "openrouter", "groq", "vllm", "sglang", "tgi"])
def test_no_key_sends_no_key(name: str) -> None:
    vendor = BY_NAME[name]
    request = vendor.provider(api_key_location="none").request(vendor.call(), {})
    assert "authorization" not in dict(request.headers)


@pytest.mark.parametrize("name", ["anthropic", "azure", "deepseek", "fireworks", "hyperbolic", "mistral", "together"])
def test_vendors_that_need_a_key(name: str) -> None:
    vendor = BY_NAME[name]
    with pytest.raises(ConfigError, match=f"Invalid api_key_location for {vendor.provider().label} provider"):
        vendor.provider(api_key_location="none")


def test_xai_loads_without_a_key_and_refuses_calls() -> None:
    vendor = BY_NAME["xai"]
    provider = vendor.provider(api_key_location="none")
    with pytest.raises(ApiKeyMissing, match="API key missing for provider XAI: No credentials are set"):
        provider.request(vendor.call(), {})


def test_a_dynamic_key_falls_back() -> None:
    vendor = BY_NAME["openai"]
    location = {"default": "dynamic::mine", "fallback": "env::OPENAI_API_KEY"}
    provider = vendor.provider(api_key_location=location)
    assert ("authorization", "Bearer sk-test") in provider.request(vendor.call(), {}).headers
    assert ("authorization", "Bearer other") in provider.request(vendor.call(), {"mine": "other"}).headers


# -- parameters --------------------------------------------------------------------------------------------------------

ALL = ChatCompletionParams(
    temperature=0.5,
    max_tokens=9,
    seed=7,
    top_p=0.25,
    presence_penalty=0.125,
    frequency_penalty=-0.5,
    stop_sequences=["END"],
    reasoning_effort="low",
    service_tier="auto",
    verbosity="high",
)
SAMPLING = {"temperature": 0.5, "top_p": 0.25, "presence_penalty": 0.125, "frequency_penalty": -0.5, "stop": ["END"]}
EFFORT = {"reasoning_effort": "low"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "openai",
            {"max_completion_tokens": 9, "seed": 7, **EFFORT, "verbosity": "high", "service_tier": "auto"},
        ),
        ("azure", {"max_completion_tokens": 9, "seed": 7, **EFFORT, "verbosity": "high", "service_tier": "auto"}),
        ("deepseek", {"max_tokens": 9, "seed": 7}),
        ("fireworks", {"max_tokens": 9, **EFFORT}),
        ("groq", {"max_completion_tokens": 9, "seed": 7, **EFFORT, "service_tier": "auto"}),
        ("hyperbolic", {"max_tokens": 9, "seed": 7, **EFFORT}),
        ("mistral", {"max_tokens": 9, "random_seed": 7}),
        (
            "openrouter",
            {"max_completion_tokens": 9, "seed": 7, "reasoning": {"effort": "low"}, "verbosity": "high"},
        ),
        ("sglang", {"max_tokens": 9, "seed": 7, **EFFORT}),
        ("tgi", {"max_tokens": 9, "seed": 7}),
        ("together", {"max_tokens": 9, "seed": 7, **EFFORT}),
        ("vllm", {"max_tokens": 9, "seed": 7}),
        ("xai", {"max_tokens": 9, "seed": 7, **EFFORT}),
    ],
)
def test_parameters(name: str, expected: dict[str, Any]) -> None:
    plain = body_of(name, params=ChatCompletionParams())
    assert body_of(name, params=ALL) == {**plain, **SAMPLING, **expected}


def test_parameters_of_the_responses_api() -> None:
    body = body_of("openai_responses", params=ALL)
    del body["input"]
    assert body == {
        "model": "some-model",
        "stream": False,
        "text": {"format": {"type": "text"}, "verbosity": "high"},
        "tools": [],
        "temperature": 0.5,
        "top_p": 0.25,
        "presence_penalty": 0.125,
        "frequency_penalty": -0.5,
        "seed": 7,
        "max_output_tokens": 9,
        "reasoning": {"effort": "low"},
        "service_tier": "auto",
    }


def test_a_dropped_parameter_is_said_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_seen", set())
    with caplog.at_level(logging.WARNING, "t0"):
        for _ in range(3):
            body_of("together", params=ChatCompletionParams(thinking_budget_tokens=1000))
    assert [r.message for r in caplog.records] == [
        "Together does not support the inference parameter `thinking_budget_tokens`, so it will be ignored. "
        "Tip: You might want to use `reasoning_effort` for this provider."
    ]


def test_warnings_are_bounded(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_seen", set())
    with caplog.at_level(logging.WARNING, "t0"):
        for number in range(notices.MOST + 50):
            notices.warn_once(f"warning {number}")
    assert len(caplog.records) == notices.MOST


def test_openrouter_thinks_by_effort_and_budget() -> None:
    params = ChatCompletionParams(reasoning_effort="low", thinking_budget_tokens=1000)
    assert body_of("openrouter", params=params)["reasoning"] == {"effort": "low", "max_tokens": 1000}


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-haiku-20240307", 4096),
        ("claude-3-5-sonnet-latest", 8192),
        ("claude-sonnet-4-0", 64_000),
        ("claude-sonnet-4-20250514", 64_000),
        ("claude-opus-4-1", 32_000),
        ("claude-opus-4-1-20250805", 32_000),
        ("claude-opus-4-5-20251101", 64_000),
        ("claude-opus-4-6", 128_000),
    ],
)
def test_anthropic_output_limits(model: str, limit: int) -> None:
    assert body_of("anthropic", {"model_name": model}, params=ChatCompletionParams())["max_tokens"] == limit


def test_anthropic_does_not_think_twice() -> None:
    params = ChatCompletionParams(max_tokens=9, reasoning_effort="low", thinking_budget_tokens=1000)
    with pytest.raises(RequestError, match="Cannot specify both `reasoning_effort` and `thinking_budget_tokens`"):
        body_of("anthropic", params=params)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("not json", "Error parsing tool call arguments as JSON Value: "),
        ("[1]", "Tool call arguments must be a JSON object"),
    ],
)
def test_anthropic_arguments_are_objects(arguments: str, message: str) -> None:
    messages = [ModelMessage("assistant", [ToolCall("c", "weather", arguments)])]
    with pytest.raises(RequestError, match=message):
        body_of("anthropic", messages=messages)


# -- messages ----------------------------------------------------------------------------------------------------------


def test_xai_keeps_the_order_of_results_and_text() -> None:
    content = [Text("a"), ToolResult("weather", "12", "c1"), Text("b"), Text("c")]
    assert body_of("xai", messages=[ModelMessage("user", content)])["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "tool", "tool_call_id": "c1", "content": "12"},
        {"role": "user", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
    ]


def test_deepseek_merges_runs_of_a_role() -> None:
    messages = [
        ModelMessage("user", [Text("a")]),
        ModelMessage("user", [Text("b")]),
        ModelMessage("assistant", [Text("c"), ToolCall("c1", "weather", "{}")]),
        ModelMessage("assistant", [ToolCall("c2", "weather", "{}")]),
        ModelMessage("user", [ToolResult("weather", "1", "c1"), ToolResult("weather", "2", "c2")]),
    ]
    function = {"name": "weather", "arguments": "{}"}
    assert body_of("deepseek", messages=messages)["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {
            "role": "assistant",
            "content": "c",
            "tool_calls": [{"id": i, "type": "function", "function": function} for i in ("c1", "c2")],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "content": "2"},
    ]


def test_deepseek_reasoners_take_the_system_text_from_the_user() -> None:
    messages = body_of("deepseek", {"model_name": "deepseek-Reasoner"}, system="Be short.", json_mode="on")["messages"]
    assert messages == [
        {"role": "user", "content": [{"type": "text", "text": "Be short."}, {"type": "text", "text": "Hi"}]}
    ]


@pytest.mark.parametrize("name", ["openai", "openrouter"])
def test_old_openai_models(name: str) -> None:
    prefix = "openai/" if name == "openrouter" else ""
    mini = body_of(name, {"model_name": f"{prefix}o1-mini"}, system="Be short.")
    assert mini["messages"][0] == {"role": "user", "content": "Be short."}
    tools = tool_config(parallel_tool_calls=False)
    assert "parallel_tool_calls" not in body_of(name, {"model_name": f"{prefix}O1-preview"}, tools=tools)
    old = body_of(name, {"model_name": f"{prefix}gpt-3.5-turbo"}, json_mode="strict", output_schema={})
    assert old["response_format"] == {"type": "json_object"}


# -- tools -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "choice", "expected"),
    [
        ("openai", "required", "required"),
        ("openai", SpecificTool("weather"), {"type": "function", "function": {"name": "weather"}}),
        ("azure", "required", "auto"),
        ("mistral", "required", "any"),
        ("together", "required", "auto"),
        ("together", "none", None),
        ("anthropic", "required", {"type": "any", "disable_parallel_tool_use": False}),
        ("anthropic", SpecificTool("weather"), {"type": "tool", "name": "weather", "disable_parallel_tool_use": False}),
        ("anthropic", "none", None),
        ("openai_responses", "none", "none"),
    ],
)
def test_tool_choice(name: str, choice: Any, expected: Any) -> None:
    body = body_of(name, tools=tool_config(choice=choice))
    assert body.get("tool_choice") == expected
    assert ("tools" in body) == (expected is not None)


@pytest.mark.parametrize("name", [str(v) for v in VENDORS if v.tools])
def test_no_tool_is_allowed(name: str) -> None:
    body = body_of(name, tools=tool_config(allowed=[]))
    if name in ("openai", "azure", "groq", "openrouter", "openai_responses"):
        assert body["tool_choice"]["type"] == "allowed_tools"
        assert len(body["tools"]) == 1
    elif "gemini" in name:
        assert body["toolConfig"] == {"functionCallingConfig": {"mode": "any", "allowedFunctionNames": []}}
    else:
        assert body["tools"] == []


def test_custom_tools_alone_are_dropped_where_there_are_none() -> None:
    assert "tools" not in body_of("mistral", tools=tool_config(tools=[], custom_tools=[CustomTool("code")]))


def test_custom_tools_of_openai() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": 'start: "a"'}}
    config = tool_config(tools=[], custom_tools=[CustomTool("code", None, grammar)], allowed=["code"])
    chat = body_of("openai", tools=config)
    assert chat["tools"] == [{"type": "custom", "custom": {"name": "code", "format": grammar}}]
    allowed = chat["tool_choice"]["allowed_tools"]
    assert allowed == {"mode": "auto", "tools": [{"type": "custom", "custom": {"name": "code"}}]}
    responses = body_of("openai_responses", tools=config)
    flat = {"type": "grammar", "syntax": "lark", "definition": 'start: "a"'}
    assert responses["tools"] == [{"type": "custom", "name": "code", "format": flat}]
    assert responses["tool_choice"]["tools"] == [{"type": "custom", "name": "code"}]


def test_tgi_has_no_tools_while_streaming() -> None:
    with pytest.raises(RequestError, match=r"^TGI does not support tools in streaming mode$"):
        body_of("tgi", tools=tool_config(), stream=True)


def test_sglang_needs_a_schema_for_json() -> None:
    with pytest.raises(RequestError, match=r"^The SGL models requires a schema to be provided in json mode$"):
        body_of("sglang", json_mode="on")


# -- answers -----------------------------------------------------------------------------------------------------------


def decoded(name: str, *events: Any) -> list[Any]:
    vendor = BY_NAME[name]
    decoder = vendor.provider().decoder(vendor.call(stream=True))
    return decoder.feed(event_stream(list(events)))


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


def test_streamed_custom_tool_calls_are_read() -> None:
    first = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "code", "input": "pr"}}
    second = {"index": 0, "custom": {"input": "int"}}
    chunks = decoded("openai", delta(tool_calls=[first]), delta(tool_calls=[second]))
    assert [c.content for c in chunks] == [[ToolCallChunk("c", "code", "pr")], [ToolCallChunk("c", None, "int")]]


@pytest.mark.parametrize("index", [0, 1, -1])
def test_a_tool_delta_without_a_call_is_a_failure(index: int) -> None:
    [failure] = decoded("openai", delta(tool_calls=[{"index": index, "function": {"arguments": "x"}}]))
    assert failure.message == ("Tool call index out of bounds (meaning we haven't seen this many ids in the stream)")


def test_an_empty_tool_call_id_is_none() -> None:
    first = {"index": 0, "id": "c", "function": {"name": "weather", "arguments": "{"}}
    second = {"index": 0, "id": "", "function": {"name": None, "arguments": "}"}}
    chunks = decoded("openai", delta(tool_calls=[first]), delta(tool_calls=[second]))
    assert [c.content for c in chunks] == [[ToolCallChunk("c", "weather", "{")], [ToolCallChunk("c", None, "}")]]


def test_more_than_one_choice_is_a_failure() -> None:
    [failure] = decoded("openai", {"choices": [{"delta": {}}, {"delta": {}}]})
    assert failure.message == "Response has invalid number of choices: 2. Expected 1."


def test_mistral_says_a_name_once() -> None:
    def call(arguments: str) -> dict[str, Any]:
        return {"index": 0, "id": "c", "function": {"name": "weather", "arguments": arguments}}

    chunks = decoded("mistral", delta(tool_calls=[call("{")]), delta(tool_calls=[call("}")]))
    assert [c.content for c in chunks] == [[ToolCallChunk("c", "weather", "{")], [ToolCallChunk("c", None, "}")]]


def test_reasoning_tokens_of_xai_are_output() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "completion_tokens_details": {"reasoning_tokens": 5}}
    [chunk] = decoded("xai", {"choices": [], "usage": usage})
    assert chunk.usage.output_tokens == 9


def test_request_ids_are_shown() -> None:
    headers = {"x-request-id": "req_1"}
    assert BY_NAME["openai"].provider().failure(400, headers, b"no").message == "no [request_id: req_1]"
    assert BY_NAME["groq"].provider().failure(400, headers, b"no").message == "no"
    for name in ("openai", "groq", "vllm"):
        failure = BY_NAME[name].provider().stream_failure(400, headers, b"no")
        assert failure.message == "Invalid status code: 400 Bad Request: no [request_id: req_1]"


def test_anthropic_input_of_a_tool_that_runs_there_is_not_a_call() -> None:
    tool = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    piece = {"type": "input_json_delta", "partial_json": '{"q"'}
    chunks = decoded(
        "anthropic",
        {"type": "content_block_start", "index": 1, "content_block": tool},
        {"type": "content_block_delta", "index": 1, "delta": piece},
        {"type": "content_block_delta", "index": 2, "delta": piece},
    )
    assert [getattr(c, "content", getattr(c, "message", None)) for c in chunks[1:]] == [
        "Got InputJsonDelta chunk from Anthropic for index 2 without a preceding ToolUse ContentBlockStart"
    ]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ({"type": "message_start", "message": {}}, "{"),
        ({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "a"}}, "{a"),
    ],
    ids=["without content", "with text"],
)
def test_anthropic_prefill_opens_the_stream(start: dict[str, Any], expected: str) -> None:
    vendor = BY_NAME["anthropic"]
    call = vendor.call(stream=True, json_mode="on", function_type="json")
    [chunk] = vendor.provider().decoder(call).feed(event_stream([start]))
    assert chunk.content == [TextChunk("0", expected)]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ([{"type": "text", "text": ' "a": 1} '}], ['{"a": 1}']),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], ["a", "b"]),
    ],
    ids=["one text", "two texts"],
)
def test_anthropic_prefill_is_repaired(content: list[Any], texts: list[str]) -> None:
    vendor = BY_NAME["anthropic"]
    call = vendor.call(json_mode="on", function_type="json")
    output = vendor.provider().response(call, {}, json.dumps({"content": content}).encode()).output
    assert output == [Text(t) for t in texts]


def test_unknown_chunks_are_dropped_on_demand() -> None:
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "new_kind"}}
    for name, event in (("anthropic", block), ("openai_responses", {"type": "response.new_kind"})):
        vendor = BY_NAME[name]
        kept = vendor.provider().decoder(vendor.call(stream=True)).feed(event_stream([event]))
        dropped = vendor.provider(discard_unknown_chunks=True).decoder(vendor.call(stream=True))
        assert [b.type_ if hasattr(b, "type_") else b.model_name for c in kept for b in c.content] == ["m"]
        assert dropped.feed(event_stream([event])) == []


def test_responses_stream_ends_with_signatures() -> None:
    answer = {
        "output": [{"type": "reasoning", "summary": [], "encrypted_content": "ENC"}],
        "incomplete_details": {"reason": "max_output_tokens"},
    }
    [chunk] = decoded("openai_responses", {"type": "response.completed", "response": answer})
    assert chunk.content == [ThoughtChunk("0", signature="ENC", provider_type="openai")]
    assert chunk.finish_reason == "length"


def test_responses_ask_for_encrypted_thoughts() -> None:
    assert body_of("openai_responses", {"include_encrypted_reasoning": True})["include"] == [
        "reasoning.encrypted_content"
    ]
