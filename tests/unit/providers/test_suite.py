"""What every provider does, whatever its wire looks like. `vendors` says what each supports."""

import json
from typing import Any

import pytest

from t0.errors import ProviderFailure, RequestError
from t0.providers.base import Provider
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
)
from t0.types.model import Chunk, ModelResponse, Usage
from t0.types.tools import CustomTool, ProviderTool, ProviderToolScope
from unit.providers.vendors import VENDORS, Vendor, event_stream, tool_config

CALLS = (("c1", "weather", '{"city":"Bern"}'), ("c2", "weather", '{"city":"Rom"}'))
PNG = "iVBORw0KGgo="

every_vendor = pytest.mark.parametrize("vendor", VENDORS, ids=str)


def read(vendor: Vendor, **parts: Any) -> ModelResponse:
    body = json.dumps(vendor.wire.complete(**parts)).encode()
    return vendor.provider().response(vendor.call(), {}, body)


def decode(provider: Provider, vendor: Vendor, data: bytes, step: int | None = None) -> list[Any]:
    decoder = provider.decoder(vendor.call(stream=True))
    pieces = [data] if step is None else [data[i : i + step] for i in range(0, len(data), step)]
    return [item for piece in pieces for item in decoder.feed(piece)] + decoder.end()


def assembled(chunks: list[Chunk]) -> dict[tuple[str, str], list[str]]:
    """Texts by kind and id: `{("text", "0"): ["Hello"], ("tool_call", "c1"): [name, arguments]}`."""
    found: dict[tuple[str, str], list[str]] = {}
    for block in (b for c in chunks for b in c.content):
        if isinstance(block, TextChunk):
            parts = ("text", [block.text])
        elif isinstance(block, ToolCallChunk):
            parts = ("tool_call", [block.raw_name or "", block.raw_arguments])
        elif isinstance(block, ThoughtChunk):
            parts = ("thought", [block.text or block.summary_text or ""])
        else:
            continue
        kind, texts = parts
        so_far = found.setdefault((kind, block.id), [""] * len(texts))
        found[kind, block.id] = [a + b for a, b in zip(so_far, texts, strict=True)]
    return found


# -- requests ----------------------------------------------------------------------------------------------------------


@every_vendor
def test_request_is_a_post_with_json_and_the_key(vendor: Vendor) -> None:
    request = vendor.provider().request(vendor.call(), {})
    headers = dict(request.headers)
    assert (request.method, headers["content-type"], headers["accept"]) == ("POST", "application/json", "*/*")
    assert headers["user-agent"].startswith("t0/")
    assert vendor.key in " ".join(headers.values())
    assert json.loads(request.body).get("stream") == (False if vendor.says_stream else None)


@every_vendor
def test_stream_asks_for_events(vendor: Vendor) -> None:
    request = vendor.provider().request(vendor.call(stream=True), {})
    assert dict(request.headers)["accept"] == "text/event-stream"
    assert json.loads(request.body).get("stream") == (True if vendor.says_stream else None)
    assert vendor.says_stream or request.url != vendor.provider().request(vendor.call(), {}).url


@every_vendor
def test_static_credentials_give_the_same_headers_object(vendor: Vendor) -> None:
    provider = vendor.provider()
    assert provider.request(vendor.call(), {}).headers is provider.request(vendor.call(), {}).headers


@every_vendor
def test_dynamic_credentials_are_taken_from_each_request(vendor: Vendor) -> None:
    provider = vendor.provider(**{vendor.key_field: "dynamic::k"})
    assert "one" in " ".join(dict(provider.request(vendor.call(), {"k": "one"}).headers).values())
    assert "two" in " ".join(dict(provider.request(vendor.call(), {"k": "two"}).headers).values())
    with pytest.raises(RequestError, match=r"Dynamic api key `k` is missing"):
        provider.request(vendor.call(), {})


@every_vendor
def test_a_missing_key_stops_the_construction(vendor: Vendor) -> None:
    with pytest.raises(RequestError, match=r"API key missing for provider .*: Environment variable `NOPE` is missing"):
        vendor.provider(**{vendor.key_field: vendor.missing})


@every_vendor
def test_mapping_does_not_change_the_call(vendor: Vendor) -> None:
    extra = [{"pointer": "/messages/0", "delete": True}, {"pointer": "/added/here", "value": [1]}]
    messages = [
        ModelMessage("user", [Text("a"), ToolResult("weather", "12", "c1")]),
        ModelMessage(
            "assistant", [Thought("t", "S"), ToolCall("c1", "weather", "{}"), Unknown({"type": "x"}, "other")]
        ),
        ModelMessage("user", [Text("b")]),
    ]
    calls = [vendor.call(messages=messages, tools=tool_config()) for _ in range(2)]
    provider = vendor.provider(extra_body=extra)
    first = provider.request(calls[0], {})
    assert calls[0] == calls[1]
    assert provider.request(calls[0], {}).body == first.body
    assert json.loads(first.body)["added"] == {"here": [1]}


@every_vendor
def test_tools_reach_the_wire(vendor: Vendor) -> None:
    body = json.loads(vendor.provider().request(vendor.call(tools=tool_config()), {}).body)
    tools, choice = vendor.tool_keys
    if vendor.tools:
        assert "weather" in json.dumps(body[tools])
        assert body[choice]
    else:
        assert tools not in body


@every_vendor
def test_a_conversation_with_tool_results_reaches_the_wire(vendor: Vendor) -> None:
    messages = [
        ModelMessage("user", [Text("Weather?")]),
        ModelMessage("assistant", [Text("Looking"), ToolCall(*CALLS[0]), ToolCall(*CALLS[1])]),
        ModelMessage("user", [ToolResult("weather", "12 C", "c1"), ToolResult("weather", "30 C", "c2")]),
    ]
    text = vendor.provider().request(vendor.call(messages=messages), {}).body.decode()
    ids = ('"c1"', '"c2"') if vendor.sends_call_ids else ("Bern", "Rom")
    places = [text.index(part) for part in ("Weather?", "Looking", *ids, "12 C", "30 C")]
    assert places == sorted(places)


@every_vendor
def test_an_image_reaches_the_wire(vendor: Vendor) -> None:
    messages = [ModelMessage("user", [Text("look"), File(mime_type="image/png", data=PNG)])]
    assert PNG in vendor.provider().request(vendor.call(messages=messages), {}).body.decode()


@every_vendor
def test_a_file_without_content_is_refused(vendor: Vendor) -> None:
    provider = vendor.provider()
    file = File(url="https://files.example.com/a.pdf")
    messages = [ModelMessage("user", [file])]
    if provider.forwards_url(file, vendor.call()):
        assert "a.pdf" in provider.request(vendor.call(messages=messages), {}).body.decode()
    with pytest.raises(RequestError, match=r"Error fetching file from https://files\.example\.com/a\.pdf"):
        provider.request(vendor.call(messages=messages, fetch_and_encode_files=True), {})


@every_vendor
def test_blocks_for_other_providers_are_not_sent(vendor: Vendor) -> None:
    messages = [
        ModelMessage("user", [Text("a")]),
        ModelMessage("assistant", [Thought("secret thought", "S", provider_type="other"), Text("b")]),
        ModelMessage("user", [Unknown({"type": "foreign"}, provider_name="q"), Text("c")]),
    ]
    body = vendor.provider().request(vendor.call(messages=messages), {}).body.decode()
    assert "secret thought" not in body
    assert "foreign" not in body


@every_vendor
@pytest.mark.parametrize("mode", ["on", "strict"])
def test_json_modes_are_taken(vendor: Vendor, mode: str) -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    call = vendor.call(json_mode=mode, function_type="json", output_schema=schema)
    plain = json.loads(vendor.provider().request(vendor.call(function_type="json", output_schema=schema), {}).body)
    body = json.loads(vendor.provider().request(call, {}).body)
    assert (body != plain) == (mode in vendor.json_modes)


@every_vendor
def test_provider_tools_are_sent_or_refused(vendor: Vendor) -> None:
    search = ProviderTool(ProviderToolScope("m"), {"type": "web_search"})
    elsewhere = ProviderTool(ProviderToolScope("other"), {"type": "nothing"})
    call = vendor.call(tools=tool_config(provider_tools=[elsewhere, search]))
    if str(vendor) in ("anthropic", "gcp_vertex_anthropic", "openai_responses"):
        tools = json.loads(vendor.provider().request(call, {}).body)["tools"]
        assert tools[-1] == {"type": "web_search"}
        assert len(tools) == 2
    else:
        with pytest.raises(RequestError, match="does not support `provider_tools`, but 1 provider tool"):
            vendor.provider().request(call, {})


@every_vendor
def test_custom_tools_beside_function_tools_are_sent_or_refused(vendor: Vendor) -> None:
    call = vendor.call(tools=tool_config(custom_tools=[CustomTool("code", "Run it")]))
    if vendor.type == "openai":
        assert "code" in json.dumps(json.loads(vendor.provider().request(call, {}).body)["tools"])
    elif vendor.tools:
        with pytest.raises(RequestError, match="OpenAI custom tools are not supported by this provider"):
            vendor.provider().request(call, {})


# -- answers -----------------------------------------------------------------------------------------------------------


@every_vendor
def test_text(vendor: Vendor) -> None:
    answer = read(vendor, text="Hello")
    assert answer.output == [Text("Hello")]
    assert answer.usage == Usage(11, 7)
    assert answer.finish_reason == vendor.finish


@every_vendor
def test_raw_usage_is_the_providers_own(vendor: Vendor) -> None:
    body = vendor.wire.complete(text="x")
    body[vendor.usage_key]["made_up"] = {"n": 1}
    answer = vendor.provider().response(vendor.call(), {}, json.dumps(body).encode())
    assert answer.raw_usage == body[vendor.usage_key]


@every_vendor
def test_parallel_tool_calls(vendor: Vendor) -> None:
    answer = read(vendor, calls=CALLS)
    if vendor.sends_call_ids:
        assert answer.output == [ToolCall(*c) for c in CALLS]
    else:
        made_up = {b.id for b in answer.output if isinstance(b, ToolCall)}
        assert len(made_up) == len(CALLS)
        assert [(b.name, b.arguments) for b in answer.output if isinstance(b, ToolCall)] == [c[1:] for c in CALLS]
    assert answer.finish_reason == vendor.call_finish


@every_vendor
def test_thoughts_come_first_and_carry_the_providers_type(vendor: Vendor) -> None:
    thoughts = [b for b in read(vendor, text="x", thought="hm").output if isinstance(b, Thought)]
    if not vendor.thoughts:
        assert thoughts == []
        return
    [thought] = thoughts
    texts = [thought.text, *(s.text for s in thought.summary or ())]
    assert "hm" in texts
    assert (thought.provider_type, thought.signature) == (vendor.type, vendor.thought_signature)


@every_vendor
def test_thoughts_survive_their_replay(vendor: Vendor) -> None:
    """What a provider thought goes back to it in the next turn, as its own answer mapped it."""
    if not vendor.thoughts:
        return
    provider = vendor.provider(**({"reasoning_format": "parsed"} if vendor.type == "groq" else {}))
    output = read(vendor, text="answer", thought="a deep thought").output
    messages = [
        ModelMessage("user", [Text("a")]),
        ModelMessage("assistant", [*output]),
        ModelMessage("user", [Text("b")]),
    ]
    assert "a deep thought" in provider.request(vendor.call(messages=messages), {}).body.decode()


# -- streams -----------------------------------------------------------------------------------------------------------

STREAMS = {
    "text": {"text": "Hello"},
    "thought": {"text": "Hello", "thought": "hm"},
    "tools": {"calls": CALLS},
}


@every_vendor
@pytest.mark.parametrize("parts", STREAMS.values(), ids=STREAMS.keys())
@pytest.mark.parametrize("step", [1, 7, 100])
def test_a_stream_in_pieces_equals_the_whole(vendor: Vendor, parts: dict[str, Any], step: int) -> None:
    data = event_stream(vendor.wire.stream(**parts))
    provider = vendor.provider()
    assert decode(provider, vendor, data, step) == decode(provider, vendor, data)


@every_vendor
def test_streamed_text(vendor: Vendor) -> None:
    chunks = decode(vendor.provider(), vendor, event_stream(vendor.wire.stream(text="Hello")))
    assert assembled(chunks) == {("text", "0"): ["Hello"]}
    assert [c.finish_reason for c in chunks if c.finish_reason] == ["stop"]
    assert max(c.usage.output_tokens or 0 for c in chunks if c.usage) == 7
    assert max(c.usage.input_tokens or 0 for c in chunks if c.usage) == 11


@every_vendor
def test_streamed_thought(vendor: Vendor) -> None:
    chunks = decode(vendor.provider(), vendor, event_stream(vendor.wire.stream(text="Hello", thought="hm")))
    thoughts = {key: texts for key, texts in assembled(chunks).items() if key[0] == "thought"}
    assert [t for texts in thoughts.values() for t in texts] == (["hm"] if vendor.thoughts else [])
    types = {b.provider_type for c in chunks for b in c.content if isinstance(b, ThoughtChunk)}
    assert types == ({vendor.type} if vendor.thoughts else set())


@every_vendor
def test_streamed_parallel_tool_calls(vendor: Vendor) -> None:
    chunks = decode(vendor.provider(), vendor, event_stream(vendor.wire.stream(calls=CALLS)))
    ids = [c[0] if vendor.sends_call_ids else str(n) for n, c in enumerate(CALLS)]
    assert assembled(chunks) == {("tool_call", i): list(c[1:]) for i, c in zip(ids, CALLS, strict=True)}
    assert [c.finish_reason for c in chunks if c.finish_reason] == [vendor.streamed_call_finish]


@every_vendor
def test_chunks_keep_their_events_text(vendor: Vendor) -> None:
    events = vendor.wire.stream(text="Hello")
    chunks = decode(vendor.provider(), vendor, event_stream(events))
    assert [c.raw for c in chunks if c.content] == [json.dumps(e) for e in events if e != "[DONE]" and says(e)]


def says(event: dict[str, Any]) -> bool:
    """Whether the event holds text."""
    if "candidates" in event:
        return bool(event["candidates"][0]["content"]["parts"])
    delta = event["choices"][0]["delta"] if event.get("choices") else event.get("delta", {})
    text = delta if isinstance(delta, str) else delta.get("content", delta.get("text"))
    return text is not None or event.get("type") == "content_block_start"


@every_vendor
def test_nothing_follows_the_end_of_a_stream(vendor: Vendor) -> None:
    data = event_stream(vendor.wire.stream(text="Hello"))
    decoder = vendor.provider().decoder(vendor.call(stream=True))
    decoder.feed(data)
    if not vendor.ends_streams:
        decoder.end()
    assert decoder.done
    assert decoder.feed(data) == []
    assert decoder.end() == []


@every_vendor
def test_a_stream_cut_anywhere_gives_a_prefix_of_its_chunks(vendor: Vendor) -> None:
    data = event_stream(vendor.wire.stream(text="Hello", thought="hm"))
    provider = vendor.provider()
    whole = decode(provider, vendor, data)
    for end in range(0, len(data), 13):
        items = decode(provider, vendor, data[:end])
        chunks = [i for i in items if isinstance(i, Chunk)]
        assert chunks == whole[: len(chunks)]


@every_vendor
def test_an_unreadable_event_is_skipped_or_reported_and_the_stream_goes_on(vendor: Vendor) -> None:
    first, *rest = vendor.wire.stream(text="Hello")
    items = decode(vendor.provider(), vendor, event_stream([first, "{bad", *rest]))
    failures = [i for i in items if isinstance(i, ProviderFailure)]
    assert len(failures) == (0 if str(vendor) == "openai_responses" else 1)
    assert all(f.failure == "server" for f in failures)
    assert assembled([i for i in items if isinstance(i, Chunk)]) == {("text", "0"): ["Hello"]}


@every_vendor
def test_a_vast_event_ends_the_stream(vendor: Vendor) -> None:
    decoder = vendor.provider().decoder(vendor.call(stream=True))
    items: list[Any] = []
    for _ in range(200):
        items += decoder.feed(b"x" * 1_000_000)
        if items:
            break
    [failure] = items
    assert failure.failure == "fatal_stream"
    assert decoder.done
    assert decoder.feed(b"data: {}\n\n") == []


# -- failures ----------------------------------------------------------------------------------------------------------


@every_vendor
@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 413, 422, 429, 500, 503, 529])
def test_failed_calls_tell_who_is_to_blame(vendor: Vendor, status: int) -> None:
    provider = vendor.provider()
    failure = provider.failure(status, {}, b"the body")
    client = status in vendor.client_statuses
    assert failure.failure == ("client" if client else "server")
    assert (failure.message == "the body") == (status not in vendor.reworded_statuses)
    assert failure.upstream_status == status
    assert failure.raw_response == ("the body" if provider.raw_bodies_in_errors[1] else None)
    assert failure.provider_type == vendor.type


@every_vendor
@pytest.mark.parametrize(
    ("status", "headers", "text"),
    [
        (429, {}, "Invalid status code: 429 Too Many Requests"),
        (413, {}, "Invalid status code: 413 Payload Too Large"),
        (529, {}, "Invalid status code: 529 <unknown status code>"),
        (
            200,
            {"content-type": "application/json"},
            "Expected content-type 'text/event-stream', got \"application/json\"",
        ),
    ],
)
def test_streams_that_do_not_open(vendor: Vendor, status: int, headers: dict[str, str], text: str) -> None:
    provider = vendor.provider()
    assert not provider.opens_stream(status, headers)
    failure = provider.stream_failure(status, headers, b"the body")
    if vendor.type in ("together", "fireworks", "sglang"):
        assert (failure.failure, failure.message) == ("server", text)
    else:
        assert (failure.failure, failure.message) == ("fatal_stream", f"{text}: the body")


@every_vendor
def test_streams_open_on_success_with_events(vendor: Vendor) -> None:
    assert vendor.provider().opens_stream(200, {"content-type": "text/event-stream; charset=utf-8"})


@every_vendor
@pytest.mark.parametrize(
    "body", [b"", b"{bad", b"[]", b"null", b"\xff\xfe", b'{"choices": 1, "content": 1, "output": 1}']
)
def test_unreadable_answers_are_the_servers_fault(vendor: Vendor, body: bytes) -> None:
    with pytest.raises(ProviderFailure, match=f"^Error from {vendor.type} server: Error parsing JSON response: "):
        vendor.provider().response(vendor.call(), {}, body)


@every_vendor
def test_cut_answers_are_the_servers_fault(vendor: Vendor) -> None:
    body = json.dumps(vendor.wire.complete(text="Hello", calls=CALLS)).encode()
    provider = vendor.provider()
    for end in range(0, len(body), 11):
        with pytest.raises(ProviderFailure):
            provider.response(vendor.call(), {}, body[:end])
