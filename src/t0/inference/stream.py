"""A streamed answer: model chunks to answer chunks, and the one final chunk with the whole."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any

from t0.errors import ProviderFailure, RequestError
from t0.inference import record
from t0.inference.context import Context
from t0.inference.response import failed_responses, total_usage, usage_entries
from t0.models.call import ModelResult
from t0.types.content import BlockChunk, TextChunk, ToolCallChunk
from t0.types.inference import AnswerChunk, RawEntry
from t0.types.model import Chunk
from t0.variants.base import VariantResult, VariantStream

Event = AnswerChunk | RequestError


class AnswerStream:
    """The events of one answer, in batches that arrived together.

    Driving it to the end records the inference; the record is committed before the final chunk is given.
    """

    def __init__(self, context: Context, variant: VariantStream) -> None:
        self._context, self._variant = context, variant
        self._include = context.request.include
        self._shows_raw = not variant.stream.cached
        self._is_json = context.function.type == "json"
        self._calls_as_text = self._is_json or variant.params.json_mode == "tool"
        self.inference_id, self.episode_id = context.inference_id, context.episode_id
        self.variant_name = variant.variant_name
        self.ended = False
        """Whether `next` has given the final chunk."""
        self._ahead = self._opening()
        self._stored: Awaitable[object] | None = None
        context.ttft_ms = context.elapsed_ms()

    async def next(self) -> list[Event]:
        """The next events; none when what came says nothing."""
        events, self._ahead = self._ahead, []
        if self._stored is not None:
            await self._stored
            self.ended = True
            return events
        stream = self._variant.stream
        events += [e for item in await stream.next() if (e := self._event(item)) is not None]
        if stream.ended:
            final = self._final(stream.result())
            if self._stored is None:
                self.ended = True
                events.append(final)
            else:
                self._ahead = [final]
        return events

    # -- what comes before the model's first chunk ---------------------------------------------------------------------

    def _opening(self) -> list[Event]:
        """Chunks of t0's own, with raw data of what failed and what was called before."""
        earlier = self._variant.earlier
        events: list[Event] = []
        if self._include.raw_response:
            events += self._raw_chunk(failed_responses(self._context.failed_variants.values()))
        if self._include.raw_usage:
            events += self._raw_chunk(usage=[e for c in earlier for e in usage_entries(c)])
        if self._include.raw_response:
            events += self._raw_chunk(failed_responses(self._variant.stream.failures))
            events += self._raw_chunk([c.response_entry() for c in earlier if not c.cached])
        return events

    def _raw_chunk(self, responses: Sequence[RawEntry] = (), usage: Sequence[RawEntry] = ()) -> list[Event]:
        if not responses and not usage:
            return []
        return [
            AnswerChunk(
                raw="" if self._is_json else None, raw_response=list(responses) or None, raw_usage=list(usage) or None
            )
        ]

    # -- chunk by chunk ------------------------------------------------------------------------------------------------

    def _event(self, item: Chunk | RequestError) -> Event | None:
        """The event for one item of the model's stream; None when nothing of it is left to send."""
        if isinstance(item, RequestError):
            return item
        content = [self._block(b) for b in item.content]
        fields: dict[str, Any] = {}
        if self._include.raw_usage and item.raw_usage is not None:
            fields["raw_usage"] = [self._variant.stream.usage_entry(item.raw_usage)]
        if self._include.raw_response and self._shows_raw:
            fields["raw_chunk"] = item.raw
        if self._include.original_response and self._shows_raw:
            fields["original_chunk"] = item.raw
        if self._is_json:
            raw = "".join(b.text for b in content if isinstance(b, TextChunk))
            return AnswerChunk(raw=raw, **fields) if raw or fields else None
        return AnswerChunk(content=content, **fields) if content or fields else None

    def _block(self, block: BlockChunk) -> BlockChunk:
        """In JSON mode `tool` the arguments of the call are the text of the answer; names are never null."""
        if not isinstance(block, ToolCallChunk):
            return block
        if self._calls_as_text:
            return TextChunk(block.id, block.raw_arguments)
        return ToolCallChunk(block.id, block.raw_name or "", block.raw_arguments)

    # -- the end -------------------------------------------------------------------------------------------------------

    def _final(self, call: ModelResult) -> Event:
        """Records the inference; `_stored` is what has to be waited for before its event may go."""
        context, variant = self._context, self._variant
        calls = [*variant.earlier, call]
        result = VariantResult(
            variant_name=variant.variant_name, params=variant.params, output=call.output, calls=calls
        )
        output = context.function.output(call.output, context.request, context.tools)
        self._stored = record.success(context, result, output)
        return AnswerChunk(
            raw="" if self._is_json else None,
            final=True,
            usage=total_usage(calls),
            finish_reason=call.finish_reason,
            aggregated=output.output if self._include.aggregated_response else None,
        )


def raw_chunk_of(error: RequestError) -> str | None:
    """The provider's text that an error in mid-stream stands for, where it is known."""
    return error.raw_response if isinstance(error, ProviderFailure) else None
