"""The answers of Bedrock's Converse API, complete and streamed."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from t0.errors import ProviderFailure
from t0.providers.anthropic_messages import begun
from t0.providers.aws.event_stream import MessageDecoder
from t0.providers.base import Provider
from t0.providers.json_provider import UNREADABLE, body_text
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
from t0.types.model import Chunk, FinishReason, ModelRequest, ModelResponse, Usage

FINISH_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "tool_use": "tool_call",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
}

AT_PROVIDER = "server_tool_use"
"""The `type` of calls of tools that run at Bedrock, which are not the caller's."""


class Wire(Struct, rename="camel"):
    """Bedrock's spelling of field names."""


class WireUsage(Wire):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


class ToolUse(Wire):
    tool_use_id: str
    name: str
    input: Any = None
    type: str | None = None


class ReasoningText(Wire):
    text: str
    signature: str | None = None


class ReasoningContent(Wire):
    reasoning_text: ReasoningText | None = None


class Block(Wire):
    """All kinds of blocks in one; what is none of these is passed on as it is."""

    text: str | None = None
    tool_use: ToolUse | None = None
    reasoning_content: ReasoningContent | None = None


class Message(Wire):
    content: list[dict[str, Any]]


class Output(Wire):
    message: Message | None = None


class Answer(Wire):
    output: Output | None = None
    stop_reason: str | None = None
    usage: Any = None


_answers = msgspec.json.Decoder(Answer)


def finish_reason(text: str | None) -> FinishReason | None:
    return None if text is None else FINISH_REASONS.get(text, "unknown")


def usage_of(raw: Any) -> Usage:
    """Token counts; what is read from and written to the cache counts as input. Raises `msgspec.ValidationError`."""
    if raw is None:
        return Usage()
    wire = msgspec.convert(raw, type=WireUsage)
    inputs = [wire.input_tokens, wire.cache_read_input_tokens, wire.cache_write_input_tokens]
    counted = [n for n in inputs if n is not None]
    return Usage(
        sum(counted) if counted else None,
        wire.output_tokens,
        wire.cache_read_input_tokens,
        wire.cache_write_input_tokens,
    )


def read_answer(provider: Provider, call: ModelRequest, body: bytes) -> ModelResponse:
    """The answer in `body`. Raises `ProviderFailure`."""
    try:
        answer = _answers.decode(body)
        if answer.output is None or answer.output.message is None:
            raise provider.server_failure("AWS Bedrock returned an empty message.", body_text(body))
        blocks = list(_blocks(answer.output.message.content, provider, call))
        usage = usage_of(answer.usage)
    except UNREADABLE as e:
        raise provider.server_failure(f"Error parsing response from AWS Bedrock: {e}", body_text(body)) from e
    reason = finish_reason(answer.stop_reason)
    return ModelResponse(output=blocks, usage=usage, raw_usage=answer.usage, finish_reason=reason)


def _blocks(content: list[dict[str, Any]], provider: Provider, call: ModelRequest) -> Iterable[OutputBlock]:
    for data in content:
        wire = msgspec.convert(data, type=Block)
        if wire.text is not None:
            yield Text(wire.text)
        elif wire.tool_use is not None and wire.tool_use.type != AT_PROVIDER:
            arguments = msgspec.json.encode(wire.tool_use.input).decode()
            yield ToolCall(wire.tool_use.tool_use_id, wire.tool_use.name, arguments)
        elif wire.reasoning_content is None:
            yield Unknown(data, call.model_name, provider.name)
        elif wire.reasoning_content.reasoning_text is not None:
            thought = wire.reasoning_content.reasoning_text
            yield Thought(thought.text, thought.signature, provider_type=provider.type)
        else:
            _warn_of_redacted()


def _warn_of_redacted() -> None:
    warn_once("Redacted thoughts of AWS Bedrock are not kept")


# -- streamed ----------------------------------------------------------------------------------------------------------


class Start(Wire):
    tool_use: ToolUse | None = None


class ToolUseDelta(Wire):
    input: str


class ReasoningDelta(Wire):
    text: str | None = None
    signature: str | None = None


class Delta(Wire):
    text: str | None = None
    tool_use: ToolUseDelta | None = None
    reasoning_content: ReasoningDelta | None = None


class BlockStart(Wire):
    content_block_index: int
    start: Start | None = None


class BlockDelta(Wire):
    content_block_index: int
    delta: dict[str, Any]


class MessageStop(Wire):
    stop_reason: str | None = None


class Metadata(Wire):
    usage: Any = None


_starts, _deltas, _stops, _metadata = (
    msgspec.json.Decoder(BlockStart),
    msgspec.json.Decoder(BlockDelta),
    msgspec.json.Decoder(MessageStop),
    msgspec.json.Decoder(Metadata),
)


class ConverseStream(MessageDecoder):
    """Maps the events of one answer."""

    def __init__(
        self, provider: Provider, call: ModelRequest, error_name: str, *, prefilled: bool, drop_unknown: bool
    ) -> None:
        """`prefilled` gives the first chunk the brace that the answer was begun with."""
        super().__init__(provider, error_name)
        self._call = call
        self._brace_due = prefilled
        self._drop_unknown = drop_unknown
        self._tool_ids: dict[int, str | None] = {}
        """By block index; None for tools that run at Bedrock, whose input says nothing to the caller."""

    def on_event(self, event_type: str, payload: bytes) -> list[Chunk | ProviderFailure]:
        raw = body_text(payload)
        try:
            chunk = self._chunk(event_type, payload)
        except UNREADABLE as e:
            raise self._provider.server_failure(f"Error parsing message: {e}, Data: {raw}", raw) from e
        if chunk is None:
            return []
        chunk.raw = raw
        if self._brace_due:
            self._brace_due = False
            chunk = begun(chunk)
        return [chunk]

    def _chunk(self, event_type: str, payload: bytes) -> Chunk | None:
        match event_type:
            case "contentBlockDelta":
                return _content_chunk(self._changed(_deltas.decode(payload)))
            case "contentBlockStart":
                return _content_chunk(self._started(_starts.decode(payload), payload))
            case "messageStop":
                return Chunk(content=[], finish_reason=finish_reason(_stops.decode(payload).stop_reason))
            case "metadata":
                usage = _metadata.decode(payload).usage
                return Chunk(content=[], usage=None if usage is None else usage_of(usage), raw_usage=usage)
            case "messageStart" | "contentBlockStop":
                return None
            case _:
                warn_once(f"Events of type `{event_type}` in streams of AWS Bedrock are ignored")
                return None

    def _started(self, event: BlockStart, payload: bytes) -> BlockChunk | None:
        tool = event.start.tool_use if event.start is not None else None
        if tool is None:
            return None
        if tool.type == AT_PROVIDER:
            self._tool_ids[event.content_block_index] = None
            return self._unknown(event.content_block_index, msgspec.json.decode(payload)["start"])
        self._tool_ids[event.content_block_index] = tool.tool_use_id
        return ToolCallChunk(tool.tool_use_id, tool.name, "")

    def _changed(self, event: BlockDelta) -> BlockChunk | None:
        index, delta = event.content_block_index, msgspec.convert(event.delta, type=Delta)
        if delta.text is not None:
            return TextChunk(str(index), delta.text)
        if delta.tool_use is not None:
            return self._tool_input(index, delta.tool_use.input)
        if delta.reasoning_content is None:
            return self._unknown(index, event.delta)
        thought = delta.reasoning_content
        if thought.text is None and thought.signature is None:
            _warn_of_redacted()
            return None
        return ThoughtChunk(str(index), thought.text, thought.signature, provider_type=self._provider.type)

    def _tool_input(self, index: int, arguments: str) -> BlockChunk | None:
        if index not in self._tool_ids:
            raise self._provider.server_failure("Got tool use delta without current tool id")
        call_id = self._tool_ids[index]
        return None if call_id is None else ToolCallChunk(call_id, None, arguments)

    def _unknown(self, index: int, data: Any) -> BlockChunk | None:
        if self._drop_unknown:
            warn_once(f"Unknown chunks of provider `{self._provider.name}` are discarded")
            return None
        return UnknownChunk(str(index), data, self._call.model_name, self._provider.name)


def _content_chunk(content: BlockChunk | None) -> Chunk | None:
    return None if content is None else Chunk(content=[content])
