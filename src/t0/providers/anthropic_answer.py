"""The answers of Anthropic's Messages API, complete and streamed."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from t0.errors import ProviderFailure
from t0.providers.anthropic_messages import begun
from t0.providers.base import Provider
from t0.providers.events import EventDecoder, event_text
from t0.providers.json_provider import UNREADABLE
from t0.providers.notices import warn_once
from t0.types.content import (
    BlockChunk,
    OutputBlock,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    ToolCall,
    ToolCallChunk,
    Unknown,
    UnknownChunk,
)
from t0.types.model import Chunk, FinishReason, ModelRequest, Usage

FINISH_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_call",
}


class Answer(Struct):
    content: list[dict[str, Any]]
    stop_reason: str | None = None
    usage: Any = None


class WireUsage(Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


def finish_reason(text: str | None) -> FinishReason | None:
    return None if text is None else FINISH_REASONS.get(text, "unknown")


def usage_of(raw: Any) -> Usage:
    """Token counts; what is read from and written to the cache counts as input. Raises `msgspec.ValidationError`."""
    if raw is None:
        return Usage()
    wire = msgspec.convert(raw, type=WireUsage)
    inputs = [wire.input_tokens, wire.cache_creation_input_tokens, wire.cache_read_input_tokens]
    counted = [n for n in inputs if n is not None]
    return Usage(
        sum(counted) if counted else None,
        wire.output_tokens,
        wire.cache_read_input_tokens,
        wire.cache_creation_input_tokens,
    )


def answer_blocks(
    content: Iterable[dict[str, Any]], provider_type: str, model_name: str, provider_name: str
) -> list[OutputBlock]:
    """The blocks of an answer; what is not known becomes an unknown block. Raises `msgspec.ValidationError`."""
    return [_block(wire, provider_type) or Unknown(wire, model_name, provider_name) for wire in content]


def _block(wire: dict[str, Any], provider_type: str) -> OutputBlock | None:
    match wire.get("type"):
        case "text":
            return Text(_string(wire, "text"))
        case "tool_use":
            arguments = msgspec.json.encode(wire.get("input")).decode()
            return ToolCall(_string(wire, "id"), _string(wire, "name"), arguments)
        case "thinking":
            return Thought(_string(wire, "thinking"), wire.get("signature"), provider_type=provider_type)
        case "redacted_thinking":
            return Thought(None, _string(wire, "data"), provider_type=provider_type)
        case _:
            return None


def _string(wire: dict[str, Any], key: str) -> str:
    value = wire.get(key)
    if not isinstance(value, str):
        raise msgspec.ValidationError(f"expected a string as `{key}` of a `{wire.get('type')}`, got `{value}`")
    return value


# -- streamed ----------------------------------------------------------------------------------------------------------


class StreamMessage(Struct):
    usage: Any = None


class Event(Struct):
    """All events in one: which fields are there depends on `type`."""

    type: str
    index: int = 0
    message: StreamMessage | None = None
    content_block: dict[str, Any] | None = None
    delta: dict[str, Any] | None = None
    usage: Any = None
    error: Any = None


_decoder = msgspec.json.Decoder(Event)


class AnthropicStream(EventDecoder):
    """Maps the events of one answer."""

    def __init__(self, provider: Provider, call: ModelRequest, *, prefilled: bool, drop_unknown: bool) -> None:
        """`prefilled` gives the first chunk the brace that the answer was begun with."""
        super().__init__(provider)
        self._call = call
        self._brace_due = prefilled
        self._drop_unknown = drop_unknown
        self._tool_ids: dict[int, str | None] = {}
        """By block index; None for tools that run at the provider, whose input says nothing to the caller."""

    def on_event(self, data: bytes) -> Chunk | None:
        raw = event_text(data)
        try:
            chunk = self._chunk(_decoder.decode(data), raw)
        except UNREADABLE as e:
            raise self._failure(f"Error parsing message: {e}, Data: {raw}", raw) from e
        return self._with_brace(chunk) if chunk is not None and self._brace_due else chunk

    def _chunk(self, event: Event, raw: str) -> Chunk | None:
        match event.type:
            case "message_start":
                usage = event.message.usage if event.message is not None else None
                return self._usage_chunk([], usage, raw)
            case "content_block_start":
                return self._content_chunk(self._started(event.index, event.content_block or {}), raw)
            case "content_block_delta":
                return self._content_chunk(self._changed(event.index, event.delta or {}), raw)
            case "message_delta":
                return self._message_delta(event, raw)
            case "content_block_stop" | "ping":
                return None
            case "message_stop":
                self.done = True
                return None
            case "error":
                raise self._failure(msgspec.json.encode(event.error).decode(), raw)
            case _:
                raise msgspec.ValidationError(f"unknown variant `{event.type}`")

    def _usage_chunk(self, content: list[BlockChunk], raw_usage: Any, raw: str) -> Chunk:
        usage = None if raw_usage is None else usage_of(raw_usage)
        return Chunk(content=content, usage=usage, raw_usage=raw_usage, raw=raw)

    def _message_delta(self, event: Event, raw: str) -> Chunk | None:
        delta = event.delta or {}
        reason = delta.get("stop_reason")
        if reason is not None and not isinstance(reason, str):
            return self._content_chunk(self._unknown("message_delta", delta), raw)
        chunk = self._usage_chunk([], event.usage, raw)
        chunk.finish_reason = finish_reason(reason)
        return chunk

    def _content_chunk(self, content: BlockChunk | None, raw: str) -> Chunk | None:
        return None if content is None else Chunk(content=[content], raw=raw)

    def _started(self, index: int, block: dict[str, Any]) -> BlockChunk | None:
        match block.get("type"):
            case "text":
                return TextChunk(str(index), _string(block, "text"))
            case "tool_use":
                self._tool_ids[index] = call_id = _string(block, "id")
                return ToolCallChunk(call_id, _string(block, "name"), "")
            case "thinking":
                return self._thought(index, _string(block, "thinking"), block.get("signature"))
            case "redacted_thinking":
                return self._thought(index, None, _string(block, "data"))
            case _:
                self._tool_ids[index] = None
                return self._unknown(str(index), block)

    def _changed(self, index: int, delta: dict[str, Any]) -> BlockChunk | None:
        match delta.get("type"):
            case "text_delta":
                return TextChunk(str(index), _string(delta, "text"))
            case "input_json_delta":
                return self._tool_input(index, _string(delta, "partial_json"))
            case "thinking_delta":
                return self._thought(index, _string(delta, "thinking"), None)
            case "signature_delta":
                return self._thought(index, None, _string(delta, "signature"))
            case _:
                return self._unknown(str(index), delta)

    def _tool_input(self, index: int, arguments: str) -> BlockChunk | None:
        if index not in self._tool_ids:
            raise self._failure(
                f"Got InputJsonDelta chunk from Anthropic for index {index} without a preceding ToolUse "
                "ContentBlockStart"
            )
        call_id = self._tool_ids[index]
        return None if call_id is None else ToolCallChunk(call_id, None, arguments)

    def _thought(self, index: int, text: str | None, signature: Any) -> ThoughtChunk:
        if signature is not None and not isinstance(signature, str):
            raise msgspec.ValidationError(f"expected a string as `signature`, got `{signature}`")
        return ThoughtChunk(str(index), text, signature, provider_type=self._provider.type)

    def _unknown(self, block_id: str, data: Any) -> BlockChunk | None:
        if self._drop_unknown:
            warn_once(f"Unknown chunks of provider `{self._provider.name}` are discarded")
            return None
        return UnknownChunk(block_id, data, self._call.model_name, self._provider.name)

    def _with_brace(self, chunk: Chunk) -> Chunk:
        self._brace_due = False
        return begun(chunk)

    def _failure(self, message: str, raw: str | None = None) -> ProviderFailure:
        return self._provider.server_failure(message, raw)
