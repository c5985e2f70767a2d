"""The providers under the shared suite: how each is configured, what it supports, how its answers look on the wire."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from t0.providers.base import Provider
from t0.types.content import ModelMessage, Text
from t0.types.model import ModelRequest
from t0.types.params import ChatCompletionParams
from t0.types.tools import FunctionTool, ToolConfig
from unit.providers import service_account
from unit.providers.replay import make_provider

WEATHER = FunctionTool("Find the weather", {"type": "object", "properties": {"city": {"type": "string"}}}, "weather")


@dataclass(frozen=True)
class Wire:
    """How one API writes an answer."""

    complete: Callable[..., dict[str, Any]]
    """`(text=, thought=, calls=[(id, name, arguments)])` → body of a complete answer with 11 tokens in and 7 out."""
    stream: Callable[..., list[Any]]
    """The same, as events."""


def chat_answer(*, text=None, thought=None, calls=(), key="reasoning_content") -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if thought is not None:
        message[key] = thought
    if calls:
        message["tool_calls"] = [_chat_call(c) for c in calls]
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    reason = "tool_calls" if calls else "stop"
    return {"choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": usage}


def _chat_call(call: tuple[str, str, str]) -> dict[str, Any]:
    return {"id": call[0], "type": "function", "function": {"name": call[1], "arguments": call[2]}}


def chat_stream(*, text=None, thought=None, calls=(), key="reasoning_content") -> list[Any]:
    deltas: list[dict[str, Any]] = []
    if thought is not None:
        deltas.append({key: thought})
    if text is not None:
        deltas += [{"content": piece} for piece in (text[:2], text[2:])]
    for index, (call_id, name, arguments) in enumerate(calls):
        start = {"index": index, "id": call_id, "function": {"name": name, "arguments": ""}}
        deltas += [{"tool_calls": [start]}, {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}]
    events = [{"choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
    reason = "tool_calls" if calls else "stop"
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    usage = {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}}
    return [*events, last, usage, "[DONE]"]


CHAT = Wire(chat_answer, chat_stream)
CHAT_REASONING = Wire(
    lambda **parts: chat_answer(**parts, key="reasoning"), lambda **parts: chat_stream(**parts, key="reasoning")
)


def openrouter_answer(*, thought=None, **parts) -> dict[str, Any]:
    answer = chat_answer(**parts)
    if thought is not None:
        answer["choices"][0]["message"]["reasoning_details"] = [{"type": "reasoning.text", "text": thought}]
    return answer


def openrouter_stream(*, thought=None, **parts) -> list[Any]:
    details = {"reasoning_details": [{"type": "reasoning.text", "text": thought, "index": 0}]}
    first = [{"choices": [{"index": 0, "delta": details}]}] if thought is not None else []
    return [*first, *chat_stream(**parts)]


def mistral_answer(*, text=None, thought=None, calls=()) -> dict[str, Any]:
    answer = chat_answer(text=text, calls=calls)
    if thought is not None:
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}
        answer["choices"][0]["message"]["content"] = [thinking, {"type": "text", "text": text}]
    return answer


def mistral_stream(*, text=None, thought=None, calls=()) -> list[Any]:
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": thought}]}]
    first = [{"choices": [{"index": 0, "delta": {"content": thinking}}]}] if thought is not None else []
    return [*first, *chat_stream(text=text, calls=calls)]


def anthropic_answer(*, text=None, thought=None, calls=()) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if thought is not None:
        content.append({"type": "thinking", "thinking": thought, "signature": "S"})
    if text is not None:
        content.append({"type": "text", "text": text})
    content += [{"type": "tool_use", "id": i, "name": n, "input": json.loads(a)} for i, n, a in calls]
    reason = "tool_use" if calls else "end_turn"
    return {"content": content, "stop_reason": reason, "usage": {"input_tokens": 11, "output_tokens": 7}}


def anthropic_stream(*, text=None, thought=None, calls=()) -> list[Any]:
    events: list[Any] = [{"type": "message_start", "message": {"usage": {"input_tokens": 11, "output_tokens": 1}}}]
    index = 0

    def block(start: dict[str, Any], deltas: list[dict[str, Any]]) -> None:
        nonlocal index
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events.extend({"type": "content_block_delta", "index": index, "delta": d} for d in deltas)
        events.append({"type": "content_block_stop", "index": index})
        index += 1

    if thought is not None:
        deltas = [{"type": "thinking_delta", "thinking": thought}, {"type": "signature_delta", "signature": "S"}]
        block({"type": "thinking", "thinking": "", "signature": ""}, deltas)
    if text is not None:
        block({"type": "text", "text": ""}, [{"type": "text_delta", "text": t} for t in (text[:2], text[2:])])
    for call_id, name, arguments in calls:
        pieces = [{"type": "input_json_delta", "partial_json": a} for a in (arguments[:3], arguments[3:])]
        block({"type": "tool_use", "id": call_id, "name": name, "input": {}}, pieces)
    reason = "tool_use" if calls else "end_turn"
    events.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 7}})
    return [*events, {"type": "message_stop"}]


RESPONSES_USAGE = {"input_tokens": 11, "output_tokens": 7}


def responses_items(*, text=None, thought=None, calls=()) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if thought is not None:
        summary = [{"type": "summary_text", "text": thought}]
        items.append({"type": "reasoning", "id": "rs", "summary": summary, "encrypted_content": "S"})
    if text is not None:
        items.append({"type": "message", "id": "m", "content": [{"type": "output_text", "text": text}]})
    items += [{"type": "function_call", "id": f"fc_{i}", "call_id": i, "name": n, "arguments": a} for i, n, a in calls]
    return items


def responses_answer(**parts) -> dict[str, Any]:
    return {"output": responses_items(**parts), "usage": RESPONSES_USAGE, "incomplete_details": None, "error": None}


def responses_stream(**parts) -> list[Any]:
    events: list[Any] = [{"type": "response.created", "response": {}}]
    for index, item in enumerate(responses_items(**parts)):
        place = {"output_index": index, "item_id": item["id"]}
        if item["type"] == "reasoning":
            text = item["summary"][0]["text"]
            events.append({"type": "response.reasoning_summary_text.delta", **place, "summary_index": 0, "delta": text})
        elif item["type"] == "message":
            text = item["content"][0]["text"]
            events += [
                {"type": "response.output_text.delta", **place, "content_index": 0, "delta": t}
                for t in (text[:2], text[2:])
            ]
        else:
            start = {**item, "arguments": ""}
            events.append({"type": "response.output_item.added", "output_index": index, "item": start})
            events.append({"type": "response.function_call_arguments.delta", **place, "delta": item["arguments"]})
    return [*events, {"type": "response.completed", "response": responses_answer(**parts)}]


def gemini_parts(*, text=None, thought=None, calls=()) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if thought is not None:
        parts.append({"text": thought, "thought": True, "thoughtSignature": "S"})
    if text is not None:
        parts.append({"text": text})
    return parts + [{"functionCall": {"name": n, "args": json.loads(a)}} for _, n, a in calls]


def gemini_answer(**parts) -> dict[str, Any]:
    content = {"role": "model", "parts": gemini_parts(**parts)}
    usage = {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}
    return {"candidates": [{"content": content, "finishReason": "STOP", "index": 0}], "usageMetadata": usage}


def gemini_stream(*, text=None, **parts) -> list[Any]:
    pieces = gemini_parts(**parts) + ([{"text": t} for t in (text[:2], text[2:])] if text is not None else [])
    contents = [{"role": "model", "parts": [piece]} for piece in pieces]
    return [*({"candidates": [{"content": c, "index": 0}]} for c in contents), gemini_answer()]


GEMINI = Wire(gemini_answer, gemini_stream)


@dataclass(frozen=True)
class Vendor:
    """One provider under test. What it cannot do is said here, and nowhere in the tests."""

    type: str
    table: dict[str, Any]
    wire: Wire = CHAT
    id: str = ""
    env: Callable[[], dict[str, str]] = dict
    """What the environment has besides an API key; asked late, since keys take time to make."""
    params: dict[str, Any] = field(default_factory=dict)
    thoughts: bool = True
    tools: bool = True
    streamed_tools: bool = True
    finish: str | None = "stop"
    """The finish reason of a complete text."""
    call_finish: str | None = "tool_call"
    streamed_call_finish: str = "tool_call"
    client_statuses: frozenset[int] = frozenset({400, 401, 403, 429})
    reworded_statuses: frozenset[int] = frozenset()
    """Those for which the error has words of its own instead of the body."""
    thought_signature: str | None = None
    key: str = "sk-test"
    """What a request shows that carries the credential."""
    key_field: str = "api_key_location"
    missing: str = "env::NOPE"
    """A location where nothing is."""
    says_stream: bool = True
    """Whether the body tells streams from complete answers."""
    sends_call_ids: bool = True
    """Whether tool calls have ids on the wire; if not, the provider makes them up."""
    ends_streams: bool = True
    """Whether the end of a stream is marked in it."""
    usage_key: str = "usage"
    tool_keys: tuple[str, str] = ("tools", "tool_choice")
    json_modes: tuple[str, ...] = ("on", "strict")
    """The JSON modes that change the request."""

    def __str__(self) -> str:
        return self.id or self.type

    def provider(self, **more: Any) -> Provider:
        env = {f"{self.type.upper()}_API_KEY": "sk-test", **self.env()}
        return make_provider("p", {"type": self.type, **self.table, **more}, env)

    def call(self, **fields: Any) -> ModelRequest:
        params = fields.pop("params", None) or ChatCompletionParams(**self.params)
        messages = fields.pop("messages", None) or [ModelMessage("user", [Text("Hi")])]
        return ModelRequest(model_name="m", messages=messages, params=params, **fields)


def tool_config(**fields: Any) -> ToolConfig:
    return ToolConfig(**{"tools": [WEATHER], "custom_tools": [], "provider_tools": [], "choice": "auto", **fields})


MODEL = {"model_name": "some-model"}
BASE = {"api_base": "http://127.0.0.1:9/v1"}
VERTEX = {"project_id": "proj", "location": "us-east5"}
GOOGLE_STATUSES = frozenset({400, 401, 413, 429})

AS_GEMINI: dict[str, Any] = {
    "wire": GEMINI,
    "call_finish": "stop",
    "streamed_call_finish": "stop",
    "client_statuses": GOOGLE_STATUSES,
    "thought_signature": "S",
    "says_stream": False,
    "sends_call_ids": False,
    "ends_streams": False,
    "usage_key": "usageMetadata",
    "tool_keys": ("tools", "toolConfig"),
}

VENDORS = [
    Vendor("openai", MODEL),
    Vendor(
        "openai",
        {**MODEL, "api_type": "responses"},
        Wire(responses_answer, responses_stream),
        id="openai_responses",
        finish=None,
        call_finish=None,
        streamed_call_finish="stop",
        thought_signature="S",
    ),
    Vendor("azure", {"deployment_id": "d", "endpoint": "https://r.openai.azure.com"}),
    Vendor("deepseek", MODEL),
    Vendor("fireworks", MODEL),
    Vendor("groq", MODEL, CHAT_REASONING),
    Vendor("hyperbolic", MODEL, tools=False, json_modes=("on",)),
    Vendor("mistral", MODEL, Wire(mistral_answer, mistral_stream)),
    Vendor("openrouter", MODEL, Wire(openrouter_answer, openrouter_stream)),
    Vendor("sglang", {**MODEL, **BASE}),
    Vendor("tgi", BASE, thoughts=False, streamed_tools=False, json_modes=("on",)),
    Vendor("together", MODEL, CHAT_REASONING),
    Vendor("vllm", {**MODEL, **BASE}),
    Vendor("xai", MODEL),
    Vendor(
        "anthropic",
        MODEL,
        Wire(anthropic_answer, anthropic_stream),
        params={"max_tokens": 100},
        client_statuses=GOOGLE_STATUSES,
        thought_signature="S",
    ),
    Vendor(
        "gcp_vertex_anthropic",
        {**VERTEX, "model_id": "claude-x"},
        Wire(anthropic_answer, anthropic_stream),
        env=service_account.environment,
        params={"max_tokens": 100},
        client_statuses=GOOGLE_STATUSES,
        thought_signature="S",
        key="Bearer eyJ",
        key_field="credential_location",
        missing="path_from_env::NOPE",
        json_modes=(),
    ),
    Vendor(
        "gcp_vertex_gemini",
        {**VERTEX, "model_id": "gemini-x"},
        env=service_account.environment,
        key="Bearer eyJ",
        key_field="credential_location",
        missing="path_from_env::NOPE",
        reworded_statuses=frozenset({404}),
        **AS_GEMINI,
    ),
    Vendor("google_ai_studio_gemini", MODEL, env=lambda: {"GOOGLE_AI_STUDIO_API_KEY": "sk-test"}, **AS_GEMINI),
]


def event_stream(events: list[Any]) -> bytes:
    """The bytes of a `text/event-stream` with one event each."""
    return b"".join(f"data: {e if isinstance(e, str) else json.dumps(e)}\n\n".encode() for e in events)
