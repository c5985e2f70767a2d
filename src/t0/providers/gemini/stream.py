"""The stream decoder of Gemini's API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from t0.errors import ProviderFailure
from t0.providers.events import EventDecoder, event_text
from t0.providers.gemini.answer import (
    Answer,
    Candidate,
    Part,
    finish_reason,
    function_call,
    is_plain_thought,
    is_thought,
    parts_of,
    string,
    unsigned,
    usage_of,
)
from t0.providers.json_provider import UNREADABLE
from t0.providers.notices import warn_once
from t0.types.content import BlockChunk, TextChunk, ThoughtChunk, ToolCallChunk, UnknownChunk
from t0.types.model import Chunk, ModelRequest, Usage

if TYPE_CHECKING:
    from t0.providers.gemini.provider import GeminiProvider

_decoder = msgspec.json.Decoder(Answer)


class GeminiStream(EventDecoder):
    """Maps the events of one answer, of which each is a piece of it in the form of a whole."""

    _provider: GeminiProvider

    def __init__(self, provider: GeminiProvider, call: ModelRequest) -> None:
        super().__init__(provider)
        self._call = call
        self._thoughts = self._calls = self._unknowns = 0

    def on_event(self, data: bytes) -> Chunk | None:
        raw = event_text(data)
        try:
            event = _decoder.decode(data)
            if event.error is not None:
                raise self._failure(msgspec.json.encode(event.error).decode(), raw)
            return self._chunk(event, self._provider.candidate(event, raw), raw)
        except UNREADABLE as e:
            raise self._failure(f"Error parsing streaming JSON response: {e}", raw) from e

    def _chunk(self, event: Answer, candidate: Candidate, raw: str) -> Chunk:
        chunk = Chunk(content=[], raw=raw, finish_reason=finish_reason(candidate.finish_reason))
        for part in parts_of(candidate):
            chunk.content.extend(self._blocks(part, raw))
        if event.usage_metadata is not None and self._provider.counts_usage_of(candidate):
            usage = usage_of(event.usage_metadata)
            if usage != Usage():
                chunk.usage, chunk.raw_usage = usage, event.usage_metadata
        return chunk

    def _blocks(self, part: Part, raw: str) -> Iterator[BlockChunk]:
        if is_thought(part):
            if not is_plain_thought(part):
                message = f"Thought part in {self._provider.product} response must be a text block"
                raise self._failure(message, raw)
            yield self._thought(string(part, "text"), string(part, "thoughtSignature"))
            return
        signature = string(part, "thoughtSignature")
        if signature is not None:
            yield self._thought(None, signature)
        text, call = string(part, "text"), function_call(part)
        if text is not None:
            if text:
                yield TextChunk("0", text)
        elif call is not None:
            yield self._tool_call(*call)
        else:
            yield from self._unknown(unsigned(part))

    def _thought(self, text: str | None, signature: str | None) -> ThoughtChunk:
        # A signature belongs to its piece alone, so pieces are not put together.
        self._thoughts += 1
        return ThoughtChunk(str(self._thoughts), text, signature, provider_type=self._provider.type)

    def _tool_call(self, name: str, arguments: str) -> ToolCallChunk:
        """Calls come whole: each is one of its own."""
        call_id, self._calls = str(self._calls), self._calls + 1
        return ToolCallChunk(call_id, name, arguments)

    def _unknown(self, data: Any) -> Iterator[UnknownChunk]:
        if self._provider.config.discard_unknown_chunks:
            warn_once(f"Unknown chunks of provider `{self._provider.name}` are discarded")
            return
        block_id, self._unknowns = str(self._unknowns), self._unknowns + 1
        yield UnknownChunk(block_id, data, self._call.model_name, self._provider.name)

    def _failure(self, message: str, raw: str) -> ProviderFailure:
        return self._provider.server_failure(message, raw)
