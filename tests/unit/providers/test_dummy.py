"""The test provider: its answers by model name, through its own transport."""

import asyncio
import json
import re
from typing import Any

import pytest

from t0.errors import ConfigError, ProviderFailure, RateLimitExceeded
from t0.providers.base import Provider
from t0.types.content import File, ModelMessage, Text, TextChunk, Thought, ThoughtChunk, ToolCall, ToolCallChunk
from t0.types.extra import ExtraBody, ExtraHeader
from t0.types.model import Chunk, ModelRequest, ModelResponse, Usage
from t0.types.params import ChatCompletionParams
from unit.providers.replay import make_provider

MEGUMIN = (
    "Megumin gleefully chanted her spell, unleashing a thunderous explosion that lit up the sky and left a massive "
    "crater in its wake."
)
WALLY = "Wally, the golden retriever, wagged his tail excitedly as he devoured a slice of cheese pizza."


def dummy(model: str, **table: Any) -> Provider:
    return make_provider("p", {"type": "dummy", "model_name": model, **table})


def call(*content: Any, **fields: Any) -> ModelRequest:
    messages = [ModelMessage("user", list(content) or [Text("Hi")])]
    return ModelRequest(model_name="m", messages=messages, params=ChatCompletionParams(), **fields)


def ask(provider: Provider, request: ModelRequest, credentials: Any = None) -> tuple[ModelResponse, str, str]:
    """The answer, the raw request and the raw response, as the model layer gets them."""

    async def exchange() -> Any:
        http = provider.request(request, credentials or {})
        return http, await provider.transport.send(http)

    http, response = asyncio.run(exchange())
    if response.status != 200:
        raise provider.failure(response.status, response.headers, response.body)
    return provider.response(request, response.headers, response.body), http.body.decode(), response.body.decode()


def blocks(model: str, *content: Any, **fields: Any) -> list[Any]:
    return ask(dummy(model), call(*content, **fields))[0].output


def stream(provider: Provider, request: ModelRequest) -> list[Any]:
    async def exchange() -> list[Any]:
        opened = await provider.transport.stream(provider.request(request, {}))
        if not provider.opens_stream(opened.status, opened.headers):
            raise provider.stream_failure(opened.status, opened.headers, await opened.read())
        decoder = provider.decoder(request)
        items: list[Any] = []
        while data := await opened.read():
            items += decoder.feed(data)
        opened.close()
        return items + decoder.end()

    return asyncio.run(exchange())


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("good", [Text(MEGUMIN)]),
        ("null", []),
        ("empty", [Text("")]),
        ("tool", [ToolCall("0", "get_temperature", '{"location":"Brooklyn","units":"celsius"}')]),
        ("good_tool", [ToolCall("0", "output_schema_tool", '{"sentiment":"positive","confidence":0.95}')]),
        ("bad_tool", [ToolCall("0", "get_temperature", '{"location":"Brooklyn","units":"Celsius"}')]),
        ("invalid_tool_arguments", [ToolCall("0", "get_temperature", "Not valid 'JSON'")]),
        ("reasoner", [Thought("hmmm", provider_type="dummy"), Text(MEGUMIN)]),
        ("reasoner_with_signature", [Thought("hmmm", "my_signature", provider_type="dummy"), Text(MEGUMIN)]),
        ("json_reasoner", [Thought("hmmm", provider_type="dummy"), Text('{"answer":"Hello"}')]),
        ("json", [Text('{"answer":"Hello"}')]),
        ("json_cot", [Text('{"thinking":"hmmm", "response": {"answer":"tokyo!"}}')]),
        ("best_of_n_big", [Text('{"thinking": "hmmm", "answer_choice": 100}')]),
        ("llm_judge::zero", [Text('{"score": 0}')]),
        ("alternate", [Text("Megumin chanted her spell, but instead of an explosion, a gentle rain began to fall.")]),
        ("echo", [Text("Hi")]),
    ],
)
def test_answers(model: str, expected: list[Any]) -> None:
    assert blocks(model) == expected


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("good", Usage(10, 1)),
        ("reasoner", Usage(10, 2)),
        ("null", Usage(10, 0)),
        ("input_tokens_zero", Usage(0, 1)),
        ("output_tokens_zero", Usage(10, 0)),
        ("input_tokens_output_tokens_zero", Usage(0, 0)),
        ("input_five_output_six", Usage(5, 6)),
    ],
)
def test_usage(model: str, usage: Usage) -> None:
    assert ask(dummy(model), call())[0].usage == usage


@pytest.mark.parametrize(("model", "reason"), [("good", "stop"), ("tool", "tool_call"), ("bad_tool", "tool_call")])
def test_finish_reasons(model: str, reason: str) -> None:
    assert ask(dummy(model), call())[0].finish_reason == reason


TOTALS = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}


@pytest.mark.parametrize(
    ("model", "raw"),
    [
        ("json", {"answer": "Hello", "usage": TOTALS}),
        ("tool", {"location": "Brooklyn", "units": "celsius", "usage": TOTALS}),
        ("good_tool", {"sentiment": "positive", "confidence": 0.95}),
        ("json_goodbye", {"answer": "Goodbye"}),
        ("best_of_n_1", {"thinking": "hmmm", "answer_choice": 1}),
    ],
)
def test_raw_responses(model: str, raw: Any) -> None:
    _, raw_request, raw_response = ask(dummy(model), call())
    assert raw_request == "raw request"
    assert json.loads(raw_response) == raw


def test_other_raw_responses_are_one_completion() -> None:
    raw = json.loads(ask(dummy("good"), call())[2])
    assert raw["usage"] == TOTALS
    assert raw["choices"][0]["text"] == MEGUMIN
    assert ask(dummy("echo"), call())[2] == ask(dummy("good"), call())[2]


def test_random_answers_differ() -> None:
    first, second = (blocks("random_answer")[0].text for _ in range(2))
    assert re.fullmatch(r'\{"answer":"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"\}', first)
    assert first != second


def test_echoes_of_the_request() -> None:
    [shown] = blocks("echo_request_messages", Text("a"), system="s")
    message = {"role": "user", "content": [{"type": "text", "text": "a"}]}
    assert json.loads(shown.text) == {"system": "s", "messages": [message]}
    extra = {"extra_body": [ExtraBody("/a/b", 1)], "extra_headers": [ExtraHeader("x-a", "1")]}
    [shown] = blocks("echo_extra_info", **extra)
    assert json.loads(shown.text) == {
        "extra_body": [{"pointer": "/a/b", "value": 1}],
        "extra_headers": [{"name": "x-a", "value": "1"}],
    }
    [shown] = blocks("echo_injected_data", **extra)
    assert json.loads(shown.text) == {"injected_body": {"a": {"b": 1}}, "injected_headers": [["x-a", "1"]]}


def test_files_are_shown() -> None:
    pdf = File(mime_type="application/pdf", data="AA==")
    for model in ("extract_images", "require_pdf"):
        [shown] = blocks(model, Text("a"), pdf)
        assert json.loads(shown.text) == [{"type": "file", "mime_type": "application/pdf", "data": "AA=="}]


def test_two_texts() -> None:
    assert blocks("multiple-text-blocks", Text("a"), Text("b")) == [Text(MEGUMIN)]


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("error", "Error from dummy client: Error sending request to Dummy provider for model 'error'."),
        (
            "error_with_raw_response",
            "Error 500 Internal Server Error from dummy client: Error from Dummy provider with raw response",
        ),
        ("llm_judge::error", "Error from dummy client: Dummy error in inference"),
        ("require_pdf", "Error from dummy client: PDF must be provided for require_pdf model"),
        ("multiple-text-blocks", "Error from dummy client: First message must have exactly two text blocks"),
    ],
)
def test_failures(model: str, text: str) -> None:
    with pytest.raises(ProviderFailure) as error:
        ask(dummy(model), call())
    assert error.value.text == text
    bodies = ("raw request", None)
    if model == "error_with_raw_response":
        bodies = ("dummy error raw request", "dummy error raw response")
    assert (error.value.raw_request, error.value.raw_response) == bodies


def test_flaky_models_fail_every_second_time() -> None:
    provider = dummy("flaky_model")
    for number in range(1, 5):
        if number % 2:
            assert ask(provider, call())[0].output == [Text(MEGUMIN)]
        else:
            with pytest.raises(ProviderFailure, match=f"Flaky model 'flaky_model' failed on call number {number}"):
                ask(provider, call())


def test_flaky_kinds() -> None:
    limited, raw = dummy("flaky_rate_limit"), dummy("flaky_raw_response")
    ask(limited, call())
    with pytest.raises(RateLimitExceeded):
        ask(limited, call())
    ask(raw, call())
    with pytest.raises(ProviderFailure) as error:
        ask(raw, call())
    assert error.value.raw_response == "dummy flaky error raw response"


def test_keys() -> None:
    provider = dummy("test_key", api_key_location="dynamic::k")
    assert ask(provider, call(), {"k": "good_key"})[0].output == [Text(MEGUMIN)]
    with pytest.raises(ProviderFailure, match="Invalid API key for Dummy provider"):
        ask(provider, call(), {"k": "bad_key"})
    assert blocks("test_key") == [Text(MEGUMIN)]


# -- streamed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "texts", "reason"),
    [
        ("good", [WALLY], "stop"),
        ("json", ['{"name":"John","age":30}'], "stop"),
        ("reasoner", ["hmmmhmmm", WALLY], "stop"),
        ("json_reasoner", ["hmmmhmmm", '{"name":"John","age":30}'], "stop"),
        ("tool", ["get_temperature", '{"location":"Brooklyn","units":"celsius"}'], "tool_call"),
        ("tool_split_name", ["get_temperature", '{"location":"Brooklyn","units":"celsius"}'], "tool_call"),
        ("good_tool", ["get_temperature", '{"sentiment":"positive","confidence":0.95}'], "tool_call"),
    ],
)
def test_streams(model: str, texts: list[str], reason: str) -> None:
    *chunks, last = stream(dummy(model), call(stream=True))
    found = {"name": "", "arguments": "", "thought": "", "text": ""}
    for block in (b for c in chunks for b in c.content):
        if isinstance(block, ToolCallChunk):
            found["name"] += block.raw_name or ""
            found["arguments"] += block.raw_arguments
        else:
            found["thought" if isinstance(block, ThoughtChunk) else "text"] += block.text
    assert [t for t in found.values() if t] == texts
    assert (last.content, last.usage, last.finish_reason) == ([], Usage(10, len(chunks)), reason)
    assert json.loads(last.raw)["usage"]["completion_tokens"] == len(chunks)


@pytest.mark.parametrize(
    ("model", "raw"), [("good", "Wally,"), ("tool", '{"location"'), ("json", ""), ("reasoner", "")]
)
def test_raw_chunks(model: str, raw: str) -> None:
    assert stream(dummy(model), call(stream=True))[0].raw == raw


@pytest.mark.parametrize(
    ("model", "at", "count", "text", "raw"),
    [
        ("err_in_stream", 3, 17, "Error from dummy client: Dummy error in stream", None),
        (
            "err_in_stream_with_raw_response",
            3,
            17,
            "Error from dummy client: Dummy error in stream with raw response",
            '{"error": "dummy client raw response"}',
        ),
        (
            "fatal_stream_error",
            2,
            3,
            "Inference stream closed due to error from dummy server: Dummy fatal error",
            None,
        ),
        (
            "fatal_stream_error_with_raw_response",
            2,
            3,
            "Inference stream closed due to error from dummy server: Dummy fatal error with raw response",
            '{"error": "dummy fatal raw response"}',
        ),
    ],
)
def test_failures_in_streams(model: str, at: int, count: int, text: str, raw: str | None) -> None:
    items = stream(dummy(model), call(stream=True))
    assert len(items) == count
    assert [i for i, item in enumerate(items) if isinstance(item, ProviderFailure)] == [at]
    assert (items[at].text, items[at].raw_response) == (text, raw)


@pytest.mark.parametrize("model", ["error", "flaky_stream"])
def test_streams_that_do_not_open(model: str) -> None:
    provider = dummy(model)
    if model.startswith("flaky"):
        stream(provider, call(stream=True))
    with pytest.raises(ProviderFailure, match=r"^Error from dummy client: "):
        stream(provider, call(stream=True))


def test_pieces_of_lines_and_garbage() -> None:
    provider = dummy("good")
    decoder = provider.decoder(call(stream=True))
    line = b'{"chunk": {"content": [{"type": "text", "id": "0", "text": "a"}]}, "failure": null}\n'
    items = [i for byte in line + b"garbage\n{}\n" for i in decoder.feed(bytes([byte]))]
    assert items[0] == Chunk(content=[TextChunk("0", "a")])
    assert [type(i) for i in items[1:]] == [ProviderFailure, ProviderFailure]


@pytest.mark.parametrize("headers", [{}, {"x-dummy-answer": "{bad"}])
def test_answers_of_another_transport_are_failures(headers: dict[str, str]) -> None:
    provider = dummy("good")
    with pytest.raises(ProviderFailure, match=r"^Error from dummy server: Error parsing JSON response"):
        provider.response(call(), headers, b"x")
    assert provider.failure(503, headers, b"x").text == "Error from dummy server: x"


@pytest.mark.parametrize("location", ["env::X", "sdk", "path::x"])
def test_key_locations_are_none_or_dynamic(location: str) -> None:
    config: Any = dummy("good").config
    changed = type(config)(model_name="good", api_key_location=location)
    with pytest.raises(ConfigError, match="Invalid api_key_location for Dummy provider"):
        changed.check("models.m.providers.p")
