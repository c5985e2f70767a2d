"""The answers of the Responses API, complete and streamed."""

from typing import Any

import msgspec
from msgspec import Struct

from t0.providers.base import Provider
from t0.providers.events import EventDecoder, event_text
from t0.providers.json_provider import UNREADABLE, body_text
from t0.providers.notices import warn_once
from t0.types.content import (
    BlockChunk,
    OutputBlock,
    SummaryText,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    ToolCall,
    ToolCallChunk,
    Unknown,
    UnknownChunk,
)
from t0.types.model import Chunk, ModelRequest, ModelResponse, Usage


class OutputText(Struct, tag_field="type", tag="output_text"):
    text: str


class OutputMessage(Struct, tag_field="type", tag="message"):
    content: list[OutputText]


class FunctionCall(Struct, tag_field="type", tag="function_call"):
    call_id: str
    name: str
    arguments: str
    id: str | None = None


class CustomToolCall(Struct, tag_field="type", tag="custom_tool_call"):
    call_id: str
    name: str
    input: str
    status: str


class Reasoning(Struct, tag_field="type", tag="reasoning"):
    summary: list[SummaryText] = []
    encrypted_content: str | None = None


OutputItem = OutputMessage | FunctionCall | CustomToolCall | Reasoning


class IncompleteDetails(Struct):
    reason: str | None = None


class ApiError(Struct):
    message: str | None = None


class Answer(Struct):
    output: list[dict[str, Any]] = []
    usage: Any = None
    incomplete_details: IncompleteDetails | None = None
    error: ApiError | None = None


class InputDetails(Struct):
    cached_tokens: int | None = None


class WireUsage(Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None


_answers = msgspec.json.Decoder(Answer)


def read_answer(provider: Provider, call: ModelRequest, body: bytes) -> ModelResponse:
    """The answer in a 2xx `body`. Raises `ProviderFailure`."""
    try:
        answer = _answers.decode(body)
        usage = usage_of(answer.usage)
    except UNREADABLE as e:
        raise provider.server_failure(f"Error parsing JSON response: {e}", body_text(body)) from e
    if answer.error is not None:
        raise provider.server_failure(answer.error.message or "Unknown error", body_text(body))
    details = answer.incomplete_details
    return ModelResponse(
        output=[b for item in answer.output for b in _blocks(item, provider, call)],
        usage=usage,
        raw_usage=answer.usage,
        finish_reason="length" if details is not None and details.reason == "max_output_tokens" else None,
    )


def usage_of(raw: Any) -> Usage:
    """Token counts. Raises `msgspec.ValidationError`."""
    if raw is None:
        return Usage()
    wire = msgspec.convert(raw, type=WireUsage)
    details = wire.input_tokens_details
    return Usage(wire.input_tokens, wire.output_tokens, None if details is None else details.cached_tokens)


def _blocks(item: dict[str, Any], provider: Provider, call: ModelRequest) -> list[OutputBlock]:
    known = _known_item(item)
    if isinstance(known, OutputMessage):
        return [Text(part.text) for part in known.content]
    if isinstance(known, FunctionCall):
        return [ToolCall(known.call_id, known.name, known.arguments)]
    if isinstance(known, CustomToolCall):
        return [ToolCall(known.call_id, known.name, known.input)]
    if isinstance(known, Reasoning):
        return [Thought(None, known.encrypted_content, known.summary, provider.type)]
    return [Unknown(item, call.model_name, provider.name)]


def _known_item(item: dict[str, Any]) -> OutputItem | None:
    """The item, typed; None for kinds and parts (a refusal, a search) that have no block of their own."""
    try:
        known: OutputItem = msgspec.convert(item, type=OutputItem)
        return known
    except msgspec.ValidationError:
        return None


# -- streamed ----------------------------------------------------------------------------------------------------------

SILENT = frozenset(
    {
        "response.created",
        "response.in_progress",
        "response.content_part.added",
        "response.content_part.done",
        "response.output_text.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_text.done",
    }
)


class Event(Struct):
    """All events in one: which fields are there depends on `type`."""

    type: str
    output_index: int | None = None
    content_index: int = 0
    summary_index: int = 0
    item_id: str | None = None
    delta: str = ""
    refusal: str = ""
    item: dict[str, Any] | None = None
    response: Answer | None = None
    message: str | None = None


_events = msgspec.json.Decoder(Event)


class ResponsesStream(EventDecoder):
    """Maps the events of one answer."""

    def __init__(self, provider: Provider, call: ModelRequest, *, drop_unknown: bool) -> None:
        super().__init__(provider)
        self._call = call
        self._drop_unknown = drop_unknown
        self._call_ids: dict[str, str] = {}
        """By item id: the caller answers with `call_id`, while the events name the item."""

    def on_event(self, data: bytes) -> Chunk | None:
        raw = event_text(data)
        try:
            return self._chunk(_events.decode(data), raw)
        except UNREADABLE as e:
            warn_once(f"An event of OpenAI's Responses API could not be read and was skipped: {e}")
            return None

    def _chunk(self, event: Event, raw: str) -> Chunk | None:
        if event.type in SILENT:
            return None
        match event.type:
            case "response.completed" | "response.incomplete" | "response.failed":
                return self._end(event, raw)
            case "response.refusal.delta" | "response.refusal.done":
                self.done = True
                refusal = event.delta or event.refusal
                raise self._provider.server_failure(f"Model refused to respond: {refusal}", raw)
            case "error":
                self.done = True
                raise self._provider.server_failure(_error_text(raw), raw)
        block = self._block(event, raw)
        return None if block is None else Chunk(content=[block], raw=raw)

    def _block(self, event: Event, raw: str) -> BlockChunk | None:
        match event.type:
            case "response.output_text.delta":
                return TextChunk(str(event.content_index), event.delta)
            case "response.reasoning_summary_text.delta":
                return ThoughtChunk(
                    self._index(event),
                    summary_id=str(event.summary_index),
                    summary_text=event.delta,
                    provider_type=self._provider.type,
                )
            case "response.output_item.added" | "response.output_item.done":
                return self._item(event, event.item or {})
            case "response.function_call_arguments.delta":
                return self._arguments(event, event.delta, raw)
            case "response.function_call_arguments.done":
                return self._arguments(event, "", raw)
        return self._unknown("unknown", msgspec.json.decode(raw))

    def _item(self, event: Event, item: dict[str, Any]) -> BlockChunk | None:
        kind, added = item.get("type"), event.type.endswith(".added")
        if kind == "function_call" and added:
            call = msgspec.convert({"arguments": "", **item}, type=FunctionCall)
            self._call_ids[call.id or ""] = call.call_id
            return ToolCallChunk(call.call_id, call.name, "")
        if kind == "reasoning" or (added and kind not in ("message", "function_call")):
            return self._unknown(self._index(event), item)
        return None

    def _arguments(self, event: Event, arguments: str, raw: str) -> BlockChunk:
        self._index(event)
        call_id = self._call_ids.get(event.item_id or "")
        if call_id is None:
            raise self._provider.server_failure("Got function_call_arguments.delta without current tool id", raw)
        return ToolCallChunk(call_id, None, arguments)

    def _index(self, event: Event) -> str:
        if event.output_index is None:
            raise msgspec.ValidationError(f"`{event.type}` without `output_index`")
        return str(event.output_index)

    def _end(self, event: Event, raw: str) -> Chunk:
        answer = event.response or Answer()
        self.done = True
        if event.type == "response.failed":
            message = answer.error.message if answer.error is not None else None
            raise self._provider.server_failure(message or "Unknown error", raw)
        usage = None if answer.usage is None else usage_of(answer.usage)
        cut = event.type == "response.incomplete" or answer.incomplete_details is not None
        return Chunk(
            content=self._signatures(answer) if event.type == "response.completed" else [],
            usage=usage,
            raw_usage=answer.usage,
            finish_reason="length" if cut else "stop",
            raw=raw,
        )

    def _signatures(self, answer: Answer) -> list[BlockChunk]:
        """The encrypted thoughts, which come only with the end."""
        items = ((index, _known_item(item)) for index, item in enumerate(answer.output))
        return [
            ThoughtChunk(str(index), signature=item.encrypted_content, provider_type=self._provider.type)
            for index, item in items
            if isinstance(item, Reasoning)
        ]

    def _unknown(self, block_id: str, data: Any) -> BlockChunk | None:
        if self._drop_unknown:
            warn_once(f"Unknown chunks of provider `{self._provider.name}` are discarded")
            return None
        return UnknownChunk(block_id, data, self._call.model_name, self._provider.name)


def _error_text(raw: str) -> str:
    """The error of an `error` event: its `error` object, or the event itself."""
    event = msgspec.json.decode(raw)
    return msgspec.json.encode(event.get("error") or event).decode()
