"""The stream decoder of chat completions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from t0.errors import ProviderFailure
from t0.providers.chat.answer import StreamEvent, ToolCallDelta
from t0.providers.events import EventDecoder, event_text
from t0.providers.json_provider import UNREADABLE
from t0.types.content import BlockChunk, TextChunk, ThoughtChunk, ToolCallChunk
from t0.types.model import Chunk, ModelRequest

if TYPE_CHECKING:
    from t0.providers.openai_compatible import OpenAICompatible

INVALID_INDEX = "Tool call index out of bounds (meaning we haven't seen this many ids in the stream)"


class ChatStream(EventDecoder):
    """Maps the deltas of one answer. Vendors override the hooks."""

    _provider: OpenAICompatible

    def __init__(self, provider: OpenAICompatible, call: ModelRequest) -> None:
        super().__init__(provider)
        self.call = call
        self.tool_call_ids: list[str] = []
        """By arrival; a delta without an id refers to one by its position."""

    def on_event(self, data: bytes) -> Chunk | None:
        if data == b"[DONE]":
            self.done = True
            return None
        try:
            return self._chunk(self._provider.event_decoder.decode(data), event_text(data))
        except UNREADABLE as e:
            raise self.failure(f"Error parsing chunk. Error: {e}", data) from e

    def _chunk(self, event: StreamEvent[Any], raw: str) -> Chunk:
        if len(event.choices) > 1:
            raise self._provider.invalid_choices(len(event.choices), raw)
        chunk = Chunk(content=[], raw=raw)
        if event.usage is not None:
            chunk.usage, chunk.raw_usage = self._provider.usage(event.usage, {}), event.usage
        for choice in event.choices:
            chunk.content = self.content(choice.delta)
            if choice.finish_reason:
                chunk.finish_reason = self._provider.finish_reason(choice.finish_reason)
        return chunk

    def failure(self, message: str, data: bytes | None = None) -> ProviderFailure:
        return self._provider.server_failure(message, None if data is None else event_text(data))

    # -- hooks ---------------------------------------------------------------------------------------------------------

    def content(self, delta: Any) -> list[BlockChunk]:
        chunks = [*self.thoughts(delta), *self.texts(delta.content)]
        if delta.tool_calls:
            chunks += [self.tool_call(d) for d in delta.tool_calls]
        return chunks

    def thoughts(self, delta: Any) -> list[BlockChunk]:
        dialect = self._provider.dialect
        for key in dialect.streamed_thoughts:
            text = getattr(delta, key)
            if text is not None:
                return [ThoughtChunk(dialect.thought_id, text, provider_type=self._provider.thought_type)]
        return []

    def texts(self, text: str | None) -> list[BlockChunk]:
        return [] if text is None else [TextChunk("0", text)]

    def tool_call(self, delta: ToolCallDelta) -> BlockChunk:
        name, arguments = _name_and_arguments(delta)
        known = 0 <= delta.index < len(self.tool_call_ids)
        # Some servers write an empty id where they mean none.
        if delta.id or (delta.id is not None and not known):
            self.tool_call_ids.append(delta.id)
            return ToolCallChunk(delta.id, name, arguments)
        if not known:
            raise self.failure(INVALID_INDEX)
        return ToolCallChunk(self.tool_call_ids[delta.index], name, arguments)


def _name_and_arguments(delta: ToolCallDelta) -> tuple[str | None, str]:
    if delta.custom is not None:
        return delta.custom.name, delta.custom.input or ""
    if delta.function is not None:
        return delta.function.name, delta.function.arguments or ""
    return None, ""
