"""Bedrock's Converse API: requests that its service model takes, answers as botocore reads them."""

import json
from typing import Any

import pytest

from t0.errors import ProviderFailure, RequestError
from t0.types.content import (
    File,
    ModelMessage,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    ToolCall,
    ToolCallChunk,
    ToolResult,
    Unknown,
    UnknownChunk,
)
from t0.types.model import Chunk, ModelResponse, Usage
from t0.types.params import ChatCompletionParams
from t0.types.tools import CustomTool, FunctionTool, ProviderTool, SpecificTool
from unit.providers.aws_frames import event
from unit.providers.aws_judge import complaints, judge
from unit.providers.vendors import WEATHER, Vendor, tool_config

EVENT_STREAM = "application/vnd.amazon.eventstream"
TABLE = {"region": "us-east-1", "api_key": "dynamic::k"}
CLAUDE = Vendor("aws_bedrock", {**TABLE, "model_id": "anthropic.claude-x"})
NOVA = Vendor("aws_bedrock", {**TABLE, "model_id": "amazon.nova-x"})
CREDENTIALS = {"k": "token"}


def body_of(vendor: Vendor, table: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """The body of a call, which the service model must find nothing wrong with."""
    request = vendor.provider(**(table or {})).request(vendor.call(**fields), CREDENTIALS)
    body: dict[str, Any] = json.loads(request.body)
    assert complaints("bedrock-runtime", "Converse", {"modelId": "m", **body}) == ""
    return body


# -- requests ----------------------------------------------------------------------------------------------------------


def test_a_whole_conversation() -> None:
    messages = [
        ModelMessage("user", [Text("Weather?"), File(mime_type="image/png", data="AAAA")]),
        ModelMessage("assistant", [Thought("hm", "SIG"), ToolCall("t1", "weather", '{"city":"Bern"}')]),
        ModelMessage("user", [ToolResult("weather", "12 C", "t1")]),
        ModelMessage("assistant", []),
    ]
    params = ChatCompletionParams(
        max_tokens=100,
        temperature=0.5,
        top_p=0.25,
        stop_sequences=["END"],
        seed=7,
        presence_penalty=0.5,
        thinking_budget_tokens=1024,
        reasoning_effort="low",
    )
    assert body_of(NOVA, messages=messages, params=params, system="Be short.", tools=tool_config()) == {
        "messages": [
            {
                "role": "user",
                "content": [{"text": "Weather?"}, {"image": {"format": "png", "source": {"bytes": "AAAA"}}}],
            },
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "SIG"}}},
                    {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Bern"}}},
                ],
            },
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "12 C"}]}}]},
        ],
        "system": [{"text": "Be short."}],
        "inferenceConfig": {"maxTokens": 100, "temperature": 0.5, "topP": 0.25, "stopSequences": ["END"]},
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "weather",
                        "description": "Find the weather",
                        "inputSchema": {"json": WEATHER.parameters},
                    }
                }
            ],
            "toolChoice": {"auto": {}},
        },
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    }


def test_little_is_sent_for_a_little_call() -> None:
    assert body_of(NOVA, system="") == {
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "inferenceConfig": {},
    }


def test_documents_have_names_of_their_own() -> None:
    files = [File(mime_type=m, data="AAAA") for m in ("application/pdf", "text/plain", "text/csv")]
    [message] = body_of(NOVA, messages=[ModelMessage("user", [Text("read"), *files])])["messages"]
    source = {"bytes": "AAAA"}
    assert message["content"][1:] == [
        {"document": {"format": "pdf", "name": "input", "source": source}},
        {"document": {"format": "txt", "name": "input-2", "source": source}},
        {"document": {"format": "csv", "name": "input-3", "source": source}},
    ]


@pytest.mark.parametrize(
    ("blocks", "content"),
    [
        pytest.param([Thought("t")], [{"reasoningContent": {"reasoningText": {"text": "t"}}}], id="unsigned thought"),
        pytest.param([Thought(None, "S"), Text("a")], [{"text": "a"}], id="thought without text"),
        pytest.param([Thought("t", "S", provider_type="anthropic"), Text("a")], [{"text": "a"}], id="other's thought"),
        pytest.param(
            [Unknown({"cachePoint": {"type": "default"}}, "m", "p")],
            [{"cachePoint": {"type": "default"}}],
            id="own unknown block",
        ),
        pytest.param([Unknown({"x": 1}, "m", "q"), Text("a")], [{"text": "a"}], id="other's unknown block"),
        pytest.param(
            [ToolCall("c", "f", "[1]")],
            [{"toolUse": {"toolUseId": "c", "name": "f", "input": [1]}}],
            id="arguments that are no object",
        ),
    ],
)
def test_blocks(blocks: list[Any], content: list[Any]) -> None:
    messages = [ModelMessage("user", [Text("q")]), ModelMessage("assistant", blocks)]
    assert body_of(NOVA, messages=messages)["messages"][1]["content"] == content


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"choice": "required"}, (["weather"], {"any": {}}), id="required"),
        pytest.param({"choice": SpecificTool("weather")}, (["weather"], {"tool": {"name": "weather"}}), id="specific"),
        pytest.param({"choice": "none"}, None, id="none"),
        pytest.param({"parallel_tool_calls": False}, (["weather"], {"auto": {}}), id="parallel flag"),
        pytest.param({"allowed": []}, None, id="nothing allowed"),
        pytest.param(
            {"tools": [WEATHER, FunctionTool("", {"type": "object"}, "other")], "allowed": ["other"]},
            (["other"], {"auto": {}}),
            id="allowed",
        ),
    ],
)
def test_tools(fields: dict[str, Any], expected: Any) -> None:
    config = body_of(NOVA, tools=tool_config(**fields)).get("toolConfig")
    found = config and ([t["toolSpec"]["name"] for t in config["tools"]], config["toolChoice"])
    assert found == expected


@pytest.mark.parametrize(
    ("vendor", "mode", "function_type", "prefilled"),
    [
        (CLAUDE, "on", "json", True),
        (CLAUDE, "strict", "json", True),
        (CLAUDE, "off", "json", False),
        (CLAUDE, "on", "chat", False),
        (NOVA, "on", "json", False),
        (NOVA, "strict", "json", False),
    ],
    ids=lambda v: v.table["model_id"] if isinstance(v, Vendor) else str(v),
)
def test_json_modes(vendor: Vendor, mode: Any, function_type: Any, prefilled: bool) -> None:
    messages = body_of(vendor, json_mode=mode, function_type=function_type, output_schema={})["messages"]
    prefill = {"role": "assistant", "content": [{"text": "Here is the JSON requested:\n{"}]}
    assert messages[1:] == ([prefill] if prefilled else [])


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        pytest.param(
            {"messages": [ModelMessage("assistant", [ToolCall("c", "f", "{bad")])]},
            400,
            "Error 400 Bad Request from aws_bedrock client: Error parsing tool call arguments as JSON: ",
            id="arguments",
        ),
        pytest.param(
            {"messages": [ModelMessage("user", [Unknown({"x": 1})])]},
            400,
            "Unsupported content block type `unknown` for provider `aws_bedrock`",
            id="unknown block",
        ),
        pytest.param(
            {"tools": tool_config(custom_tools=[CustomTool("code")])},
            400,
            "OpenAI custom tools are not supported by this provider",
            id="custom tools",
        ),
        pytest.param(
            {"tools": tool_config(provider_tools=[ProviderTool(None, {})])},
            400,
            "Provider `aws_bedrock` does not support `provider_tools`, but 1 provider tool(s) were configured",
            id="provider tools",
        ),
        pytest.param(
            {"messages": [ModelMessage("user", [File(url="https://x.example/a.png", mime_type="image/png")])]},
            500,
            "Error fetching file from https://x.example/a.png: ",
            id="file that was not fetched",
        ),
    ],
)
def test_what_cannot_be_sent(fields: dict[str, Any], status: int, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        NOVA.provider().request(NOVA.call(**fields), CREDENTIALS)
    assert caught.value.status == status
    assert caught.value.text.startswith(message)


def test_extra_entries_come_in_their_order() -> None:
    entries = [{"pointer": "/inferenceConfig/topK", "value": 5}, {"pointer": "/messages/0/role", "value": "assistant"}]
    calls = [NOVA.call() for _ in range(2)]
    request = NOVA.provider(extra_body=entries).request(calls[0], CREDENTIALS)
    assert json.loads(request.body) == {
        "messages": [{"role": "assistant", "content": [{"text": "Hi"}]}],
        "inferenceConfig": {"topK": 5},
    }
    assert calls[0] == calls[1]


@pytest.mark.parametrize(("stream", "accept", "path"), [(False, "application/json", ""), (True, "*/*", "-stream")])
def test_headers_and_path(stream: bool, accept: str, path: str) -> None:
    names = ("content-type", "ACCEPT", "Authorization", "user-agent", "x-team")
    entries = [{"name": name, "value": "mine"} for name in names]
    request = NOVA.provider(extra_headers=entries).request(NOVA.call(stream=stream), CREDENTIALS)
    assert request.url.target == f"/model/amazon.nova-x/converse{path}"
    # Of a caller's headers the types and the token lose, unlike those of any other vendor.
    assert dict(request.headers) == {
        "content-type": "application/json",
        "accept": accept,
        "authorization": "Bearer token",
        "user-agent": "mine",
        "x-team": "mine",
    }
    assert len(request.headers) == 5


# -- answers -----------------------------------------------------------------------------------------------------------

CITED = {"citationsContent": {"content": [{"text": "c"}], "citations": []}}
SERVER_TOOL = {"toolUse": {"toolUseId": "s", "name": "nova_grounding", "input": {}, "type": "server_tool_use"}}
CONTENT = [
    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "SIG"}}},
    {"reasoningContent": {"redactedContent": "UkVE"}},
    {"text": "Hello"},
    {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Bern", "n": 1.5}}},
    CITED,
    SERVER_TOOL,
]
USAGE = {
    "inputTokens": 9,
    "outputTokens": 4,
    "totalTokens": 18,
    "cacheReadInputTokens": 3,
    "cacheWriteInputTokens": 2,
}


def answer(content: Any = None, **fields: Any) -> bytes:
    message = {"role": "assistant", "content": [{"text": "x"}] if content is None else content}
    whole = {"output": {"message": message}, "stopReason": "end_turn", "usage": USAGE, "metrics": {"latencyMs": 5}}
    return json.dumps({**whole, **fields}).encode()


def read(body: bytes, vendor: Vendor = NOVA, **fields: Any) -> ModelResponse:
    return vendor.provider().response(vendor.call(**fields), {}, body)


def test_all_kinds_of_blocks() -> None:
    assert read(answer(CONTENT)) == ModelResponse(
        output=[
            Thought("hm", "SIG", provider_type="aws_bedrock"),
            Text("Hello"),
            ToolCall("t1", "weather", '{"city":"Bern","n":1.5}'),
            Unknown(CITED, "m", "p"),
            Unknown(SERVER_TOOL, "m", "p"),
        ],
        usage=Usage(14, 4, 3, 2),
        raw_usage=USAGE,
        finish_reason="stop",
    )


def test_botocore_reads_the_same() -> None:
    request = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    theirs = judge("bedrock-runtime", "Converse", request, answer(CONTENT)).result
    ours = read(answer(CONTENT))
    content = theirs["output"]["message"]["content"]
    assert [b["text"] for b in content if "text" in b] == [b.text for b in ours.output if isinstance(b, Text)]
    tools = [b["toolUse"] for b in content if "toolUse" in b and "type" not in b["toolUse"]]
    calls = [b for b in ours.output if isinstance(b, ToolCall)]
    assert tools == [{"toolUseId": c.id, "name": c.name, "input": json.loads(c.arguments)} for c in calls]
    assert content[0]["reasoningContent"]["reasoningText"] == {"text": "hm", "signature": "SIG"}
    assert theirs["usage"] == ours.raw_usage


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("tool_use", "tool_call"),
        ("max_tokens", "length"),
        ("stop_sequence", "stop_sequence"),
        ("content_filtered", "content_filter"),
        ("guardrail_intervened", "content_filter"),
        ("something_new", "unknown"),
        (None, None),
    ],
)
def test_finish_reasons_complete_and_streamed(reason: str | None, expected: str | None) -> None:
    assert read(answer(stopReason=reason)).finish_reason == expected
    [chunk] = decoded(event("messageStop", {"stopReason": reason}))
    assert chunk.finish_reason == expected


@pytest.mark.parametrize(
    ("content", "texts"),
    [([{"text": ' "a": 1} '}], ['{"a": 1}']), ([{"text": "a"}, {"text": "b"}], ["a", "b"])],
    ids=["one text", "two texts"],
)
def test_a_begun_answer_is_repaired(content: list[Any], texts: list[str]) -> None:
    found = read(answer(content), CLAUDE, json_mode="on", function_type="json")
    assert found.output == [Text(t) for t in texts]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{bad", "Error parsing response from AWS Bedrock: "),
        (b'{"output": {}}', "AWS Bedrock returned an empty message."),
        (b"{}", "AWS Bedrock returned an empty message."),
        (answer([{"text": 1}]), "Error parsing response from AWS Bedrock: Expected `str | null`, got `int`"),
        (answer(["x"]), "Error parsing response from AWS Bedrock: "),
        (answer(usage={"inputTokens": "x"}), "Error parsing response from AWS Bedrock: "),
    ],
)
def test_answers_that_cannot_be_read(body: bytes, message: str) -> None:
    with pytest.raises(ProviderFailure) as caught:
        read(body)
    assert caught.value.text.startswith(f"Error from aws_bedrock server: {message}")
    assert caught.value.raw_response == body.decode()


def test_errors_are_the_servers() -> None:
    failure = NOVA.provider().failure(429, {}, b'{"message":"slow"}')
    assert failure.text == (
        'Error from aws_bedrock server: AWS Bedrock returned error status 429 Too Many Requests: {"message":"slow"}'
    )
    assert (failure.upstream_status, failure.raw_response) == (429, '{"message":"slow"}')


# -- streams -----------------------------------------------------------------------------------------------------------


def decoded(*events: bytes, vendor: Vendor = NOVA, table: dict[str, Any] | None = None, **fields: Any) -> list[Any]:
    decoder = vendor.provider(**(table or {})).decoder(vendor.call(stream=True, **fields))
    return [item for data in events for item in decoder.feed(data)] + decoder.end()


def delta(index: int, **fields: Any) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": index, "delta": fields})


def start(index: int, **tool: Any) -> bytes:
    return event("contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": tool}})


EVENTS = [
    event("messageStart", {"role": "assistant"}),
    delta(0, reasoningContent={"text": "hm"}),
    delta(0, reasoningContent={"signature": "SIG"}),
    delta(0, reasoningContent={"redactedContent": "UkVE"}),
    event("contentBlockStop", {"contentBlockIndex": 0}),
    delta(1, text="Hel"),
    delta(1, text="lo"),
    start(2, toolUseId="t1", name="weather"),
    delta(2, toolUse={"input": '{"city"'}),
    delta(2, toolUse={"input": ':"Bern"}'}),
    start(3, toolUseId="t2", name="weather"),
    delta(3, toolUse={"input": "{}"}),
    event("messageStop", {"stopReason": "tool_use"}),
    event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 4}}),
]


def test_a_whole_stream() -> None:
    type_ = {"provider_type": "aws_bedrock"}
    chunks = decoded(b"".join(EVENTS))
    assert [b for c in chunks for b in c.content] == [
        ThoughtChunk("0", "hm", **type_),
        ThoughtChunk("0", None, "SIG", **type_),
        TextChunk("1", "Hel"),
        TextChunk("1", "lo"),
        ToolCallChunk("t1", "weather", ""),
        ToolCallChunk("t1", None, '{"city"'),
        ToolCallChunk("t1", None, ':"Bern"}'),
        ToolCallChunk("t2", "weather", ""),
        ToolCallChunk("t2", None, "{}"),
    ]
    assert [c for c in chunks if not c.content] == [
        Chunk(content=[], finish_reason="tool_call", raw='{"stopReason":"tool_use"}'),
        Chunk(
            content=[],
            usage=Usage(14, 4, 3, 2),
            raw_usage=USAGE,
            raw=json.dumps({"usage": USAGE, "metrics": {"latencyMs": 4}}, separators=(",", ":")),
        ),
    ]


def test_botocore_reads_the_same_stream() -> None:
    request = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    events = list(judge("bedrock-runtime", "ConverseStream", request, b"".join(EVENTS), EVENT_STREAM).result["stream"])
    deltas = [e["contentBlockDelta"]["delta"] for e in events if "contentBlockDelta" in e]
    blocks = [b for c in decoded(*EVENTS) for b in c.content]
    assert [d["text"] for d in deltas if "text" in d] == [b.text for b in blocks if isinstance(b, TextChunk)]
    inputs = [b.raw_arguments for b in blocks if isinstance(b, ToolCallChunk) and b.raw_name is None]
    assert [d["toolUse"]["input"] for d in deltas if "toolUse" in d] == inputs
    assert [e["metadata"]["usage"] for e in events if "metadata" in e] == [USAGE]


@pytest.mark.parametrize("step", [1, 7, 100])
def test_any_cut_gives_the_same_chunks(step: int) -> None:
    data = b"".join(EVENTS)
    assert decoded(*(data[i : i + step] for i in range(0, len(data), step))) == decoded(data)


def test_tool_input_without_a_tool() -> None:
    [failure] = decoded(delta(0, toolUse={"input": "{"}))
    assert failure.text == "Error from aws_bedrock server: Got tool use delta without current tool id"


def test_what_is_not_known_becomes_unknown_chunks() -> None:
    citation = {"citation": {"title": "t"}}
    tool = {"toolUseId": "s", "name": "nova_grounding", "type": "server_tool_use"}
    events = [
        delta(0, **citation),
        start(1, **tool),
        delta(1, toolUse={"input": "{}"}),
        event("somethingNew", {"x": 1}),
    ]
    assert [b for c in decoded(*events) for b in c.content] == [
        UnknownChunk("0", citation, "m", "p"),
        UnknownChunk("1", {"toolUse": tool}, "m", "p"),
    ]
    assert decoded(*events, table={"discard_unknown_chunks": True}) == []


@pytest.mark.parametrize(
    ("first", "text"),
    [(delta(0, text="a"), "{a"), (event("messageStop", {"stopReason": "end_turn"}), "{")],
    ids=["text", "no text"],
)
def test_a_begun_answer_opens_its_stream(first: bytes, text: str) -> None:
    data = (event("messageStart", {"role": "assistant"}), first, delta(0, text="b"))
    chunks = decoded(*data, vendor=CLAUDE, json_mode="strict", function_type="json")
    assert [b for c in chunks for b in c.content] == [TextChunk("0", text), TextChunk("0", "b")]


def test_files_are_always_fetched() -> None:
    assert not NOVA.provider().forwards_url(File(url="https://x.example/a.png", mime_type="image/png"), NOVA.call())
