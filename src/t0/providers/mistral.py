"""Mistral."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from t0.providers.chat.answer import Answer, StreamEvent, ToolCallDelta, WireToolCall
from t0.providers.chat.dialect import Dialect
from t0.providers.chat.messages import ChatMessage
from t0.providers.chat.stream import ChatStream
from t0.providers.keyed import KeyedConfig
from t0.providers.openai_compatible import OpenAICompatible
from t0.types.content import (
    BlockChunk,
    ModelBlock,
    ModelMessage,
    OutputBlock,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    Unknown,
    UnknownChunk,
)
from t0.types.model import FinishReason, ModelRequest

Content = str | list[dict[str, Any]] | None


class MistralConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str
    prompt_mode: str | None = None


class MistralMessage(Struct):
    content: Content = None
    tool_calls: list[WireToolCall] | None = None


class MistralDelta(Struct):
    content: Content = None
    tool_calls: list[ToolCallDelta] | None = None


class Mistral(OpenAICompatible):
    type = "mistral"
    label = "Mistral"
    Config = MistralConfig
    base_url = "https://api.mistral.ai/v1/"
    raw_bodies_in_errors = (False, False)
    dialect = Dialect(
        parameters={"max_tokens": "max_tokens", "seed": "random_seed"},
        stream_options=False,
        json_instruction=False,
        strict=False,
        parallel_tool_calls=False,
        required="any",
    )
    answer_decoder = msgspec.json.Decoder(Answer[MistralMessage])
    event_decoder = msgspec.json.Decoder(StreamEvent[MistralDelta])

    def body(self, call: ModelRequest) -> dict[str, Any]:
        body = super().body(call)
        if self.config.prompt_mode is not None:
            body["prompt_mode"] = self.config.prompt_mode
        return body

    def json_fields(self, call: ModelRequest) -> dict[str, Any]:
        return {} if call.json_mode == "off" else {"response_format": {"type": "json_object"}}

    def message(self, message: ModelMessage, call: ModelRequest) -> Iterator[ChatMessage]:
        """With `prompt_mode`, the thoughts of an assistant message go back inside its content."""
        if message.role == "user" or self.config.prompt_mode is None:
            yield from super().message(message, call)
            return
        for wire in super().message(message, call):
            wire.pop("reasoning_content", None)
            yield {**wire, "content": _thinking_content(message.content)}

    def keeps_empty_message(self, thoughts: dict[str, Any]) -> bool:
        return self.config.prompt_mode is not None and bool(thoughts)

    def output(self, message: Any, call: ModelRequest, body: bytes) -> list[OutputBlock]:
        blocks = [self._block(part, call) for part in _parts(message.content)]
        return [*blocks, *(self.tool_call(c) for c in message.tool_calls or ())]

    def _block(self, part: dict[str, Any], call: ModelRequest) -> OutputBlock:
        if (text := _text(part)) is not None:
            return Text(text)
        if (thinking := _thinking(part)) is not None:
            return Thought(thinking, provider_type=self.type)
        return Unknown(part, call.model_name, self.name)

    def finish_reason(self, text: str) -> FinishReason:
        return "length" if text == "model_length" else super().finish_reason(text)

    def decoder(self, call: ModelRequest) -> ChatStream:
        return MistralStream(self, call)


class MistralStream(ChatStream):
    def content(self, delta: Any) -> list[BlockChunk]:
        chunks = [self._block(part, i) for i, part in enumerate(_parts(delta.content))]
        return [*chunks, *(self.tool_call(d) for d in delta.tool_calls or ())]

    def _block(self, part: dict[str, Any], index: int) -> BlockChunk:
        if (text := _text(part)) is not None:
            return TextChunk("0", text)
        if (thinking := _thinking(part)) is not None:
            return ThoughtChunk("thinking", thinking, provider_type=self._provider.type)
        return UnknownChunk(str(index), part, self.call.model_name, self._provider.name)

    def tool_call(self, delta: ToolCallDelta) -> BlockChunk:
        # A call that comes in several deltas repeats its id and name; said twice, the name would be doubled.
        if delta.id is not None and delta.id in self.tool_call_ids:
            delta = ToolCallDelta(self.tool_call_ids.index(delta.id), function=delta.function)
            if delta.function is not None:
                delta.function.name = None
        return super().tool_call(delta)


def _parts(content: Content) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content or []


def _text(part: dict[str, Any]) -> str | None:
    text = part.get("text")
    return text if part.get("type") == "text" and isinstance(text, str) else None


def _thinking(part: dict[str, Any]) -> str | None:
    pieces = part.get("thinking")
    if part.get("type") != "thinking" or not isinstance(pieces, list):
        return None
    texts = [_text(p) if isinstance(p, dict) else None for p in pieces]
    return None if None in texts else "".join(t for t in texts if t)


def _thinking_content(blocks: list[ModelBlock]) -> Any:
    parts = [p for b in blocks if (p := _thinking_part(b)) is not None]
    if not parts:
        return None
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _thinking_part(block: ModelBlock) -> dict[str, Any] | None:
    if isinstance(block, Text):
        return {"type": "text", "text": block.text}
    if isinstance(block, Thought) and block.text is not None:
        return {"type": "thinking", "thinking": [{"type": "text", "text": block.text}]}
    return None
