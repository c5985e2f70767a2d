"""Gemini's mapping beyond what the recorded exchanges show. The SDK's typed models judge what is sent."""

import json
from typing import Any

import pytest
from google.genai import types

from t0.errors import ProviderFailure, RequestError
from t0.providers.gemini.tools import plain_schema
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
from t0.types.model import Chunk, Usage
from t0.types.params import ChatCompletionParams
from t0.types.tools import CustomTool, SpecificTool
from unit.providers.vendors import VENDORS, Vendor, event_stream, gemini_answer, tool_config

BOTH = [v for v in VENDORS if v.type.endswith("_gemini")]
both = pytest.mark.parametrize("vendor", BOTH, ids=str)
VERTEX, AI_STUDIO = BOTH
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}


def body_of(vendor: Vendor, **call: Any) -> dict[str, Any]:
    body = json.loads(vendor.provider().request(vendor.call(**call), {}).body)
    judge(body)
    return body


def judge(body: dict[str, Any]) -> None:
    """Fails unless the SDK knows every key of the body, and its value."""
    for content in body["contents"]:
        types.Content.model_validate(content)
    known = {key: body[key] for key in ("tools", "toolConfig", "systemInstruction") if key in body}
    assert body.keys() - known.keys() == {"contents", "generationConfig"}
    types.GenerateContentConfig.model_validate({**body["generationConfig"], **known})


def answer_of(vendor: Vendor, *parts: dict[str, Any], **more: Any) -> Any:
    types.Content.model_validate({"parts": list(parts)})
    body = {**gemini_answer(), **more}
    body["candidates"] = [{"content": {"parts": list(parts)}, "finishReason": "STOP"}]
    return vendor.provider().response(vendor.call(), {}, json.dumps(body).encode())


def streamed(vendor: Vendor, *events: Any, **table: Any) -> list[Any]:
    decoder = vendor.provider(**table).decoder(vendor.call(stream=True))
    return [*decoder.feed(event_stream(list(events))), *decoder.end()]


def event(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts)}}], **more}


def said(items: list[Any]) -> list[Any]:
    return [block for chunk in items for block in chunk.content]


def turn(*blocks: Any) -> list[ModelMessage]:
    return [
        ModelMessage("user", [Text("q")]),
        ModelMessage("assistant", list(blocks)),
        ModelMessage("user", [Text("n")]),
    ]


# -- messages ----------------------------------------------------------------------------------------------------------


@both
def test_every_kind_of_block(vendor: Vendor) -> None:
    messages = [
        ModelMessage("user", [Text("a"), File(mime_type="image/png", data="AAAA", detail="low", filename="x.png")]),
        ModelMessage("assistant", [Thought("hm", "UzE="), Text("b"), ToolCall("c1", "weather", '{"city":"Bern"}')]),
        ModelMessage("user", [ToolResult("weather", "12 C", "c1"), Unknown({"text": "own"}, "m", "p")]),
        ModelMessage("assistant", []),
    ]
    assert body_of(vendor, messages=messages, system="Be short.") == {
        **({"tools": None} if vendor is AI_STUDIO else {}),
        "contents": [
            {"role": "user", "parts": [{"text": "a"}, {"inline_data": {"mime_type": "image/png", "data": "AAAA"}}]},
            {
                "role": "model",
                "parts": [
                    {"thought": True, "thoughtSignature": "UzE=", "text": "hm"},
                    {"text": "b"},
                    {
                        "function_call": {"name": "weather", "args": {"city": "Bern"}},
                        "thoughtSignature": "skip_thought_signature_validator",
                    },
                ],
            },
            {
                "role": "user",
                "parts": [
                    {
                        "function_response": {
                            "name": "weather",
                            "response": {"name": "weather", "content": "12 C"},
                        }
                    },
                    {"text": "own"},
                ],
            },
        ],
        "systemInstruction": {"role": "model", "parts": [{"text": "Be short."}]},
        "generationConfig": {},
    }


CALL = ToolCall("c", "weather", "{}")
SENT_CALL = {"function_call": {"name": "weather", "args": {}}}


@pytest.mark.parametrize(
    ("blocks", "parts"),
    [
        pytest.param(
            [Thought(None, "UzE="), Text("a")],
            [{"thoughtSignature": "UzE=", "text": "a"}],
            id="signature_goes_to_the_next",
        ),
        pytest.param(
            [Thought(None, "UzE="), CALL, CALL],
            [{"thoughtSignature": "UzE=", **SENT_CALL}, SENT_CALL],
            id="one_signed_call",
        ),
        pytest.param(
            [CALL, Thought(None, "UzE="), CALL],
            [SENT_CALL, {"thoughtSignature": "UzE=", **SENT_CALL}],
            id="second_is_signed",
        ),
        pytest.param(
            [Thought(None, "UzE="), Unknown({"executableCode": {"code": "1"}})],
            [{"thoughtSignature": "UzE=", "executableCode": {"code": "1"}}],
            id="signed_unknown_part_goes_back_as_it_came",
        ),
        pytest.param([Thought("t"), Text("a")], [{"thought": True, "text": "t"}, {"text": "a"}], id="unsigned"),
        pytest.param([Thought(None), Text("a")], [{"text": "a"}], id="nothing_in_it"),
    ],
)
@both
def test_signatures(vendor: Vendor, blocks: list[Any], parts: list[Any]) -> None:
    assert body_of(vendor, messages=turn(*blocks))["contents"][1] == {"role": "model", "parts": parts}


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([Thought(None, "UzE=")], "must be followed by a content block in {}"),
        ([Thought(None, "UzE="), Thought("t"), Text("a")], "cannot be followed by another thought block in {}"),
        ([Thought(None, "UzE="), Unknown("text")], "cannot be followed by an unknown block in {}"),
    ],
    ids=["nothing", "thought", "not_a_part"],
)
@both
def test_signatures_that_belong_to_nothing(vendor: Vendor, blocks: list[Any], message: str) -> None:
    with pytest.raises(ProviderFailure) as caught:
        body_of(vendor, messages=turn(*blocks))
    text = "Thought block with signature " + message.format(vendor.type)
    assert caught.value.text == f"Error from {vendor.type} server: {text}"


@both
def test_a_signed_answer_survives_its_replay(vendor: Vendor) -> None:
    parts = [
        {"text": "hm", "thought": True, "thoughtSignature": "UzE="},
        {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "UzI="},
        {"functionCall": {"name": "weather", "args": {"city": "Bern"}}, "thoughtSignature": "UzM="},
        {"text": "done", "thoughtSignature": "UzQ="},
    ]
    output = answer_of(vendor, *parts).output
    sent = body_of(vendor, messages=turn(*output))["contents"][1]["parts"]
    assert [types.Part.model_validate(p) for p in sent] == [types.Part.model_validate(p) for p in parts]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("{bad", "Error parsing tool call arguments as JSON Value: "),
        ("[1]", "Tool call arguments must be a JSON object"),
    ],
)
@both
def test_arguments_are_objects(vendor: Vendor, arguments: str, message: str) -> None:
    with pytest.raises(ProviderFailure) as caught:
        body_of(vendor, messages=turn(ToolCall("c", "weather", arguments)))
    assert caught.value.text.startswith(f"Error 400 Bad Request from {vendor.type} client: {message}")


@pytest.mark.parametrize(
    ("vendor", "product"), [(VERTEX, "GCP Vertex Gemini"), (AI_STUDIO, "Google AI Studio Gemini")], ids=str
)
def test_there_must_be_a_message(vendor: Vendor, product: str) -> None:
    call = vendor.call()
    call.messages = []
    with pytest.raises(RequestError) as caught:
        vendor.provider().request(call, {})
    assert (caught.value.status, caught.value.text) == (400, f"{product} requires at least one message")


# -- parameters and tools ----------------------------------------------------------------------------------------------


@both
def test_parameters(vendor: Vendor) -> None:
    params = ChatCompletionParams(
        temperature=0.2,
        top_p=0.9,
        max_tokens=100,
        seed=7,
        presence_penalty=0.1,
        frequency_penalty=-0.1,
        stop_sequences=["END"],
        reasoning_effort="low",
        thinking_budget_tokens=512,
        verbosity="high",
        service_tier="flex",
    )
    assert body_of(vendor, params=params, json_mode="on", output_schema=SCHEMA)["generationConfig"] == {
        "temperature": 0.2,
        "topP": 0.9,
        "maxOutputTokens": 100,
        "seed": 7,
        "presencePenalty": 0.1,
        "frequencyPenalty": -0.1,
        "stopSequences": ["END"],
        "thinkingConfig": {"thinkingBudget": 512, "thinkingLevel": "low"},
        "responseMimeType": "application/json",
        "responseSchema": SCHEMA,
    }


@both
def test_json_without_a_schema(vendor: Vendor) -> None:
    assert body_of(vendor, json_mode="strict")["generationConfig"] == {"responseMimeType": "application/json"}


@pytest.mark.parametrize(
    ("choice", "allowed", "config"),
    [
        ("none", None, {"mode": "none"}),
        ("auto", None, {"mode": "auto"}),
        ("required", None, {"mode": "any"}),
        (SpecificTool("weather"), None, {"mode": "any", "allowedFunctionNames": ["weather"]}),
        ("auto", ["weather"], {"mode": "any", "allowedFunctionNames": ["weather"]}),
        ("required", ["weather"], {"mode": "any", "allowedFunctionNames": ["weather"]}),
        ("none", ["weather"], {"mode": "none"}),
    ],
)
@both
def test_tool_choices(vendor: Vendor, choice: Any, allowed: Any, config: Any) -> None:
    body = body_of(vendor, tools=tool_config(choice=choice, allowed=allowed, parallel_tool_calls=False))
    assert body["toolConfig"] == {"functionCallingConfig": config}


@both
def test_custom_tools_alone_are_refused_too(vendor: Vendor) -> None:
    with pytest.raises(RequestError, match="OpenAI custom tools are not supported by this provider"):
        body_of(vendor, tools=tool_config(tools=[], custom_tools=[CustomTool("code")]))


@both
def test_no_tools(vendor: Vendor) -> None:
    body = body_of(vendor, tools=tool_config(tools=[]))
    assert body.get("tools") is None
    assert "toolConfig" not in body


@pytest.mark.parametrize(
    ("schema", "plain"),
    [
        pytest.param(
            {"$schema": "x", "type": "object", "additionalProperties": False, "ref": 1}, {"type": "object"}, id="top"
        ),
        pytest.param(
            {"properties": {"a": {"items": {"additionalProperties": False, "type": "object"}}}},
            {"properties": {"a": {"items": {"type": "object"}}}},
            id="deep",
        ),
        pytest.param({"anyOf": [{"$schema": "x", "type": "string"}]}, {"anyOf": [{"type": "string"}]}, id="in_lists"),
        pytest.param(
            {"properties": {"ref": {"type": "string"}, "properties": {"properties": {"ref": {"ref": 1}}}}},
            {"properties": {"ref": {"type": "string"}, "properties": {"properties": {"ref": {}}}}},
            id="properties_of_that_name_stay",
        ),
        pytest.param(
            {"$defs": {"ref": {"ref": 1, "type": "string"}}, "enum": [{"ref": 1}], "required": ["ref"]},
            {"$defs": {"ref": {"type": "string"}}, "enum": [{"ref": 1}], "required": ["ref"]},
            id="values_are_not_schemas",
        ),
        pytest.param(True, True, id="boolean"),
    ],
)
def test_schemas(schema: Any, plain: Any) -> None:
    before = json.dumps(schema)
    assert plain_schema(schema) == plain
    assert json.dumps(schema) == before


# -- answers -----------------------------------------------------------------------------------------------------------


@both
def test_parts_of_an_answer(vendor: Vendor) -> None:
    output = answer_of(
        vendor,
        {"text": "", "thought": False},
        {"thought": True, "thoughtSignature": "T25l"},
        {"thought": True, "inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        {"functionCall": {"name": "weather"}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "VHdv"},
    ).output
    assert output == [
        Text(""),
        Thought(None, "T25l", provider_type=vendor.type),
        Unknown({"thought": True, "inlineData": {"mimeType": "image/png", "data": "AAAA"}}, "m", "p"),
        Unknown({"functionCall": {"name": "weather"}}, "m", "p"),
        Thought(None, "VHdv", provider_type=vendor.type),
        Unknown({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, "m", "p"),
    ]


@both
def test_thoughts_count_as_output(vendor: Vendor) -> None:
    usage = {"promptTokenCount": 8, "candidatesTokenCount": 3, "thoughtsTokenCount": 5, "cachedContentTokenCount": 2}
    assert answer_of(vendor, {"text": "x"}, usageMetadata=usage).usage == Usage(8, 8, 2)
    assert answer_of(vendor, {"text": "x"}, usageMetadata={"thoughtsTokenCount": 5}).usage == Usage(None, 5)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"candidates": [{}]}, "{} non-streaming response has no usage metadata"),
        ({"candidates": [], "usageMetadata": {}}, "{} response has no candidates"),
        (
            {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}},
            "{} response has no candidates: the prompt was blocked (`SAFETY`)",
        ),
        (
            {"promptFeedback": {"blockReason": "OTHER"}},
            "{} response has no candidates: the prompt was blocked (`OTHER`)",
        ),
        ({"usageMetadata": {}}, "Error parsing JSON response: missing field `candidates`"),
    ],
)
@both
def test_answers_without_an_answer(vendor: Vendor, body: Any, message: str) -> None:
    with pytest.raises(ProviderFailure) as caught:
        vendor.provider().response(vendor.call(), {}, json.dumps(body).encode())
    product = vendor.provider().product  # type: ignore[attr-defined]
    assert caught.value.text == f"Error from {vendor.type} server: {message.format(product)}"
    assert caught.value.raw_response == json.dumps(body)


# -- streams -----------------------------------------------------------------------------------------------------------


@both
def test_each_streamed_call_is_one_of_its_own(vendor: Vendor) -> None:
    call = {"functionCall": {"name": "weather", "args": {"city": "Bern"}}}
    chunks = streamed(vendor, event(call, call), event(call))
    assert said(chunks) == [ToolCallChunk(str(n), "weather", '{"city":"Bern"}') for n in range(3)]


@both
def test_streamed_parts(vendor: Vendor) -> None:
    code, image = {"executableCode": {"code": "1"}}, {"inlineData": {"data": "AAAA"}}
    chunks = streamed(
        vendor,
        event({"thought": True, "text": "t"}, {"text": ""}, {"text": "a", "thoughtSignature": "UzE="}),
        event({"thought": True, "thoughtSignature": "U"}, code),
        event(image),
    )
    assert said(chunks) == [
        ThoughtChunk("1", "t", None, provider_type=vendor.type),
        ThoughtChunk("2", None, "UzE=", provider_type=vendor.type),
        TextChunk("0", "a"),
        ThoughtChunk("3", None, "U", provider_type=vendor.type),
        UnknownChunk("0", code, "m", "p"),
        UnknownChunk("1", image, "m", "p"),
    ]


@both
def test_unknown_streamed_parts_are_dropped_if_asked_for(vendor: Vendor) -> None:
    chunks = streamed(
        vendor, event({"executableCode": {"code": "1"}}), event({"text": "a"}), discard_unknown_chunks=True
    )
    assert said(chunks) == [TextChunk("0", "a")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"error": {"code": 503, "message": "over"}}, '{"code":503,"message":"over"}'),
        ({"candidates": []}, "PRODUCT response has no candidates"),
        (
            {"promptFeedback": {"blockReason": "SAFETY"}},
            "PRODUCT response has no candidates: the prompt was blocked (`SAFETY`)",
        ),
        (
            {"usageMetadata": {"promptTokenCount": 4}},
            "Error parsing streaming JSON response: missing field `candidates`",
        ),
        (event({"thought": True, "fileData": {}}), "Thought part in PRODUCT response must be a text block"),
        (
            event({"text": 1}),
            "Error parsing streaming JSON response: expected a string as `text` of a part, got `1`",
        ),
    ],
    ids=["error", "empty", "blocked", "usage_only", "thought", "text"],
)
@both
def test_events_that_say_nothing_are_errors_and_the_stream_goes_on(vendor: Vendor, data: Any, message: str) -> None:
    failure, chunk = streamed(vendor, data, event({"text": "a"}))
    product = vendor.provider().product  # type: ignore[attr-defined]
    assert failure.text == f"Error from {vendor.type} server: {message.replace('PRODUCT', product)}"
    assert failure.raw_response == json.dumps(data)
    assert chunk == Chunk(content=[TextChunk("0", "a")], raw=json.dumps(event({"text": "a"})))


COUNTS = {"promptTokenCount": 4, "candidatesTokenCount": 2}


@pytest.mark.parametrize(
    ("vendor", "counted"), [(VERTEX, [Usage(4, 2), None, Usage(4, 2)]), (AI_STUDIO, [None, None, Usage(4, 2)])], ids=str
)
def test_which_events_count(vendor: Vendor, counted: list[Usage | None]) -> None:
    last = event({"text": "c"}, usageMetadata=COUNTS)
    last["candidates"][0]["finishReason"] = "MAX_TOKENS"
    traffic = {"trafficType": "ON_DEMAND"}
    chunks = streamed(
        vendor, event({"text": "a"}, usageMetadata=COUNTS), event({"text": "b"}, usageMetadata=traffic), last
    )
    assert [c.usage for c in chunks] == counted
    assert [c.raw_usage for c in chunks] == [None if usage is None else COUNTS for usage in counted]
    assert [c.finish_reason for c in chunks] == [None, None, "length"]


# -- addresses ---------------------------------------------------------------------------------------------------------

PATH = "/v1/projects/proj/locations/us-east5"


@pytest.mark.parametrize(
    ("vendor", "table", "url"),
    [
        (AI_STUDIO, {}, "https://generativelanguage.googleapis.com/v1beta/models/some-model"),
        (AI_STUDIO, {"model_name": "a b?/c"}, "https://generativelanguage.googleapis.com/v1beta/models/a%20b%3F/c"),
        (AI_STUDIO, {"api_base": "http://proxy:1/gemini"}, "http://proxy:1/gemini/models/some-model"),
        (VERTEX, {}, f"https://us-east5-aiplatform.googleapis.com{PATH}/publishers/google/models/gemini-x"),
        (
            VERTEX,
            {"model_id": None, "endpoint_id": "7"},
            f"https://us-east5-aiplatform.googleapis.com{PATH}/endpoints/7",
        ),
        (
            VERTEX,
            {"location": "global"},
            "https://aiplatform.googleapis.com/v1/projects/proj/locations/global/publishers/google/models/gemini-x",
        ),
        (
            VERTEX,
            {"api_base": "https://psc.example.com/v1/"},
            f"https://psc.example.com{PATH}/publishers/google/models/gemini-x",
        ),
    ],
    ids=["studio", "studio_quoted", "studio_base", "vertex", "vertex_endpoint", "vertex_global", "vertex_base"],
)
def test_addresses(vendor: Vendor, table: dict[str, Any], url: str) -> None:
    provider = vendor.provider(**table)
    assert str(provider.request(vendor.call(), {}).url) == f"{url}:generateContent"
    assert str(provider.request(vendor.call(stream=True), {}).url) == f"{url}:streamGenerateContent?alt=sse"


def test_a_model_that_is_not_there_may_be_an_endpoint() -> None:
    failure = VERTEX.provider().failure(404, {}, b"the body")
    assert failure.text.startswith("Error from gcp_vertex_gemini server: Model or endpoint not found. You may be")
    assert failure.raw_response == "the body"
