"""Assembling the chunks of a stream into blocks."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET

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
from t0.types.model import Chunk, FinishReason, Usage

_USAGE_FIELDS = (
    "input_tokens",
    "output_tokens",
    "provider_cache_read_input_tokens",
    "provider_cache_write_input_tokens",
)


class Collector:
    """Keeps what a stream has said so far. Blocks are keyed by kind and id, in the order they were first seen."""

    def __init__(self, function_type: Literal["chat", "json"]) -> None:
        self._one_text = function_type == "json"
        self._blocks: dict[tuple[str, str], OutputBlock] = {}
        self._summaries: dict[str, dict[str, SummaryText]] = {}
        self._texts: dict[str, list[str]] = {}
        self.usage = Usage()
        self.raw_usage: list[Any] = []
        self.finish_reason: FinishReason | None = None
        self.raw: list[str] = []

    def add(self, chunk: Chunk) -> None:
        for block in chunk.content:
            self._add_block(block)
        if chunk.usage is not None:
            self._add_usage(chunk.usage)
        if chunk.raw_usage is not None:
            self.raw_usage.append(chunk.raw_usage)
        if chunk.finish_reason is not None:
            self.finish_reason = chunk.finish_reason
        self.raw.append(chunk.raw)

    def output(self) -> list[OutputBlock]:
        for (kind, id_), block in self._blocks.items():
            if kind == "text" and isinstance(block, Text):
                block.text = "".join(self._texts[id_])
        return list(self._blocks.values())

    def _add_usage(self, usage: Usage) -> None:
        for name in _USAGE_FIELDS:
            new, old = getattr(usage, name), getattr(self.usage, name)
            if new is not None and (old is None or new > old):
                setattr(self.usage, name, new)

    def _add_block(self, block: BlockChunk) -> None:
        if isinstance(block, TextChunk):
            self._add_text("" if self._one_text else block.id, block.text)
        elif isinstance(block, ToolCallChunk):
            self._add_tool_call(block)
        elif isinstance(block, ThoughtChunk):
            self._add_thought(block)
        else:
            self._add_unknown(block)

    def _add_text(self, id_: str, text: str) -> None:
        if id_ not in self._texts:
            self._texts[id_] = []
            self._blocks["text", id_] = Text("")
        self._texts[id_].append(text)

    def _add_tool_call(self, chunk: ToolCallChunk) -> None:
        call = self._blocks.setdefault(("tool_call", chunk.id), ToolCall(chunk.id, "", ""))
        assert isinstance(call, ToolCall)
        call.name += chunk.raw_name or ""
        call.arguments += chunk.raw_arguments

    def _add_thought(self, chunk: ThoughtChunk) -> None:
        thought = self._blocks.setdefault(("thought", chunk.id), Thought(None))
        assert isinstance(thought, Thought)
        thought.text = _joined(thought.text, chunk.text)
        thought.signature = _joined(thought.signature, chunk.signature)
        if chunk.summary_id is not None or chunk.summary_text is not None:
            summaries = self._summaries.setdefault(chunk.id, {})
            summary = summaries.setdefault(chunk.summary_id or "", SummaryText(""))
            summary.text += chunk.summary_text or ""
            thought.summary = list(summaries.values())
        if isinstance(chunk.provider_type, str):
            thought.provider_type = chunk.provider_type
        if chunk.extra_data is not UNSET and chunk.extra_data is not None:
            thought.extra_data = chunk.extra_data

    def _add_unknown(self, chunk: UnknownChunk) -> None:
        model = chunk.model_name if isinstance(chunk.model_name, str) else None
        provider = chunk.provider_name if isinstance(chunk.provider_name, str) else None
        self._blocks["unknown", chunk.id] = Unknown(chunk.data, model, provider)


def _joined(old: str | None, new: str | None) -> str | None:
    return new if old is None else old + (new or "")
