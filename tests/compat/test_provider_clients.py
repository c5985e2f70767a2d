"""The vendors' official clients read recorded answers as the providers' mappings do, and send to the same place."""

import json
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from processes import MockProvider
from t0.types.content import Text, TextChunk, ToolCall, ToolCallChunk
from t0.types.model import ModelResponse
from unit.providers.replay import CASES, Exchange, exchanges, outcome
from unit.providers.vendors import VENDORS, Vendor

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import anthropic
    import groq
    import mistralai.client
    import openai
    import together

KEY: Any = {"api_key": "sk-test", "max_retries": 0, "timeout": 10}


@dataclass
class Said:
    """An answer as far as all clients tell it; tool calls are `[id, name, arguments]`."""

    text: str = ""
    calls: list[list[str]] = field(default_factory=list)
    finish: str | None = None
    tokens: tuple[int | None, int | None] = (None, None)


# -- what the mapping understands --------------------------------------------------------------------------------------


def ours(answer: ModelResponse | list[Any]) -> Said:
    if isinstance(answer, ModelResponse):
        text = "".join(b.text for b in answer.output if isinstance(b, Text))
        calls = [[b.id, b.name, b.arguments] for b in answer.output if isinstance(b, ToolCall)]
        return Said(text, calls, answer.finish_reason, (answer.usage.input_tokens, answer.usage.output_tokens))
    said, calls_by_id = Said(), dict[str, list[str]]()
    for block in (b for chunk in answer for b in chunk.content):
        if isinstance(block, TextChunk):
            said.text += block.text
        elif isinstance(block, ToolCallChunk):
            call = calls_by_id.setdefault(block.id, [block.id, "", ""])
            call[1] += block.raw_name or ""
            call[2] += block.raw_arguments
    said.calls = list(calls_by_id.values())
    said.finish = next((c.finish_reason for c in reversed(answer) if c.finish_reason), None)
    usages = [c.usage for c in answer if c.usage is not None]
    said.tokens = (highest(u.input_tokens for u in usages), highest(u.output_tokens for u in usages))
    return said


def highest(counts: Iterable[int | None]) -> int | None:
    return max((n for n in counts if n is not None), default=None)


# -- what the clients understand ---------------------------------------------------------------------------------------

REASONS = {
    "chat": {
        "stop": "stop",
        "length": "length",
        "content_filter": "content_filter",
        "tool_calls": "tool_call",
        "function_call": "tool_call",
    },
    "messages": {
        "end_turn": "stop",
        "max_tokens": "length",
        "tool_use": "tool_call",
        "stop_sequence": "stop_sequence",
    },
}
OWN_REASONS = {"model_length": ("mistral", "length"), "eos": ("together", "stop")}
"""Reasons that one vendor alone has."""


def reason(text: Any, api: str, answer: Any) -> str | None:
    """The finish reason's common name; `answer` is what the client made, its class tells whose."""
    vendor, own = OWN_REASONS.get(text, ("", ""))
    if vendor and type(answer).__module__.startswith(vendor):
        return own
    return None if text is None else REASONS[api].get(text, "unknown")


def chat_text(content: Any) -> str:
    """A content that is a text, or parts of which some are texts."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.text for part in content if part.type == "text")


def chat_tokens(usage: Any) -> tuple[int | None, int | None]:
    return (None, None) if usage is None else (usage.prompt_tokens, usage.completion_tokens)


def chat_complete(answer: Any) -> Said:
    choice = answer.choices[0]
    calls = [[c.id, c.function.name, c.function.arguments] for c in choice.message.tool_calls or []]
    finish = reason(choice.finish_reason, "chat", answer)
    return Said(chat_text(choice.message.content), calls, finish, chat_tokens(answer.usage))


def chat_streamed(chunks: Iterable[Any]) -> Said:
    said, calls = Said(), dict[int, list[str]]()
    for chunk in chunks:
        chunk = getattr(chunk, "data", chunk)  # Mistral's client wraps its chunks
        if chunk.usage is not None:
            said.tokens = chat_tokens(chunk.usage)
        for choice in chunk.choices:
            said.text += chat_text(choice.delta.content)
            said.finish = reason(choice.finish_reason, "chat", chunk) or said.finish
            for part in choice.delta.tool_calls or []:
                call = calls.setdefault(part.index, [part.id, "", ""])
                call[1] += part.function.name or ""
                call[2] += part.function.arguments or ""
    said.calls = list(calls.values())
    return said


def message_complete(answer: Any) -> Said:
    text = "".join(b.text for b in answer.content if b.type == "text")
    calls = [[b.id, b.name, compact(b.input)] for b in answer.content if b.type == "tool_use"]
    finish = reason(answer.stop_reason, "messages", answer)
    return Said(text, calls, finish, message_tokens(answer.usage))


def message_tokens(usage: Any) -> tuple[int | None, int | None]:
    cached = (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
    return usage.input_tokens + cached, usage.output_tokens


def message_streamed(events: Iterable[Any]) -> Said:
    said, calls = Said(), dict[int, list[str]]()
    for event in events:
        match event.type:
            case "message_start":
                said.tokens = message_tokens(event.message.usage)
            case "content_block_start" if event.content_block.type == "tool_use":
                calls[event.index] = [event.content_block.id, event.content_block.name, ""]
            case "content_block_delta" if event.delta.type == "text_delta":
                said.text += event.delta.text
            case "content_block_delta" if event.delta.type == "input_json_delta" and event.index in calls:
                calls[event.index][2] += event.delta.partial_json
            case "message_delta":
                said.finish = reason(event.delta.stop_reason, "messages", event)
                said.tokens = (said.tokens[0], event.usage.output_tokens)
    said.calls = list(calls.values())
    return said


def responses_complete(answer: Any) -> Said:
    said = Said(tokens=responses_tokens(answer.usage), finish=responses_finish(answer))
    for item in answer.output:
        if item.type == "message":
            said.text += "".join(part.text for part in item.content if part.type == "output_text")
        elif item.type == "function_call":
            said.calls.append([item.call_id, item.name, item.arguments])
        elif item.type == "custom_tool_call":
            said.calls.append([item.call_id, item.name, item.input])
    return said


def responses_finish(answer: Any) -> str | None:
    cut = answer.incomplete_details
    return "length" if cut is not None and cut.reason == "max_output_tokens" else None


def responses_tokens(usage: Any) -> tuple[int | None, int | None]:
    return (None, None) if usage is None else (usage.input_tokens, usage.output_tokens)


def responses_streamed(events: Iterable[Any]) -> Said:
    said, calls = Said(), dict[str, list[str]]()
    for event in events:
        match event.type:
            case "response.output_text.delta":
                said.text += event.delta
            case "response.output_item.added" if event.item.type == "function_call":
                calls[event.item.id] = [event.item.call_id, event.item.name, ""]
            case "response.function_call_arguments.delta":
                calls[event.item_id][2] += event.delta
            case "response.completed" | "response.incomplete":
                said.tokens = responses_tokens(event.response.usage)
                said.finish = "length" if event.type == "response.incomplete" else "stop"
    said.calls = list(calls.values())
    return said


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# -- clients -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Client:
    """How a vendor's client is made for a base URL, and how it makes a call from a body."""

    make: Callable[[str], Any]
    call: Callable[[Any, dict[str, Any]], Any]
    complete: Callable[[Any], Said] = chat_complete
    streamed: Callable[[Iterable[Any]], Said] = chat_streamed


def split(body: dict[str, Any], *own: str) -> dict[str, Any]:
    """The body as arguments: what every call names by keyword, the rest as it is."""
    return {k: body[k] for k in own if k in body} | {"extra_body": {k: v for k, v in body.items() if k not in own}}


def chat_call(client: Any, body: dict[str, Any]) -> Any:
    return client.chat.completions.create(**split({"model": "d", **body}, "model", "messages", "stream"))


def message_call(client: Any, body: dict[str, Any]) -> Any:
    return client.messages.create(**split({"model": "claude-x", **body}, "model", "max_tokens", "messages", "stream"))


def responses_call(client: Any, body: dict[str, Any]) -> Any:
    return client.responses.create(**split(body, "model", "input", "stream"))


def mistral_call(client: Any, body: dict[str, Any]) -> Any:
    """This client takes nothing that its models do not know, so the messages stay at home."""
    make = client.chat.stream if body["stream"] else client.chat.complete
    return make(model=body["model"], messages=[{"role": "user", "content": "Hi"}])


def azure(url: str) -> Any:
    return openai.AzureOpenAI(azure_endpoint=url, api_version="2025-04-01-preview", azure_deployment="d", **KEY)


def vertex(url: str) -> Any:
    place = {"project_id": "proj", "region": "us-east5", "access_token": "t"}
    return anthropic.AnthropicVertex(base_url=f"{url}/v1", **place, max_retries=0, timeout=10)


CLIENTS = {
    "openai": Client(lambda url: openai.OpenAI(base_url=f"{url}/v1", **KEY), chat_call),
    "openai_responses": Client(
        lambda url: openai.OpenAI(base_url=f"{url}/v1", **KEY), responses_call, responses_complete, responses_streamed
    ),
    "azure": Client(azure, chat_call),
    "groq": Client(lambda url: groq.Groq(base_url=url, **KEY), chat_call),
    "together": Client(lambda url: together.Together(base_url=url, **KEY), chat_call),
    "mistral": Client(
        lambda url: mistralai.client.Mistral(api_key="sk-test", server_url=url, timeout_ms=10_000), mistral_call
    ),
    "anthropic": Client(
        lambda url: anthropic.Anthropic(base_url=url, **KEY), message_call, message_complete, message_streamed
    ),
    "gcp_vertex_anthropic": Client(vertex, message_call, message_complete, message_streamed),
}


@pytest.fixture(scope="module")
def clients(provider: MockProvider) -> Iterator[dict[str, Any]]:
    """The vendors' clients, all of them led to `provider`."""
    with ExitStack() as running:
        yield {kind: running.enter_context(client.make(provider.url)) for kind, client in CLIENTS.items()}


def kind_of(exchange: Exchange) -> str:
    return "openai_responses" if exchange.provider.api_type == "responses" else exchange.provider.type


NO_ANSWER = ("providers/responses_stream_odd", "providers/responses_text[7]")
"""Streams that break off or are malformed, and an error under status 200: a client has nothing to read there."""


def understood(exchange: Exchange) -> bool:
    """Whether the recorded answer is one, read by a client that this file has."""
    if kind_of(exchange) not in CLIENTS or exchange.answer["status"] != 200:
        return False
    if exchange.id.startswith(NO_ANSWER):
        return False
    return not exchange.call.stream or not any("error" in e for e in exchange.answer["events"] if isinstance(e, dict))


NAMES = sorted(f"providers/{path.stem}" for path in (CASES / "providers").glob("*.json"))
EXCHANGES = [e for e in exchanges(NAMES) if e.replies and understood(e)]

APART = {
    "providers/anthropic_stream[3]": "the brace that the answer was begun with is put back",
    "providers/together_text_params[12] think tags": "what is between `<think>` tags is a thought",
}
"""Recorded answers that the two read differently on purpose, and why."""


def test_every_client_reads_answers() -> None:
    assert {kind_of(e) for e in EXCHANGES} == CLIENTS.keys()
    assert APART.keys() <= {e.id for e in EXCHANGES}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the clients know which models are old
@pytest.mark.parametrize("exchange", EXCHANGES, ids=[e.id for e in EXCHANGES])
def test_client_reads_the_same(exchange: Exchange, provider: MockProvider, clients: dict[str, Any]) -> None:
    request, answer = outcome(exchange)
    client = CLIENTS[kind_of(exchange)]
    provider.play(exchange.replies[0])
    got = client.call(clients[kind_of(exchange)], request["body"])
    theirs = client.streamed(got) if exchange.call.stream else client.complete(got)
    if exchange.id in APART:
        assert theirs != ours(answer), "no difference any more"
    else:
        assert theirs == ours(answer)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("vendor", [v for v in VENDORS if str(v) in CLIENTS], ids=str)
def test_client_sends_to_the_same_place(vendor: Vendor, provider: MockProvider, clients: dict[str, Any]) -> None:
    request = vendor.provider().request(vendor.call(), {})
    body = json.loads(request.body)
    kind = str(vendor)
    recorded = next(e for e in EXCHANGES if kind_of(e) == kind and not e.call.stream)
    provider.play(recorded.replies[0])
    CLIENTS[kind].call(clients[kind], body)
    [sent] = provider.requests
    path, _, query = request.url.target.partition("?")
    assert (sent["path"], sent["query"], sent["body"]) == (path, query, {**sent["body"], **body})
