"""xAI."""

from collections.abc import Iterator
from typing import Any

from t0.errors import ApiKeyMissing, InvalidMessage
from t0.providers.base import HeaderItems, Headers
from t0.providers.chat.answer import plain_usage, wire_usage
from t0.providers.chat.dialect import Dialect
from t0.providers.chat.messages import ChatMessage, content_part, instructed_system, tool_message
from t0.providers.keyed import KeyedConfig
from t0.providers.openai_compatible import OpenAICompatible
from t0.types.content import File, ModelMessage, Text, ToolCall, ToolResult, Unknown
from t0.types.model import ModelRequest, Usage


class XAIConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str


class XAI(OpenAICompatible):
    type = "xai"
    label = "XAI"
    Config = XAIConfig
    base_url = "https://api.x.ai/v1/"
    accepts_no_key = True
    choices_text = "Response has invalid number of choices {}, Expected 1"
    dialect = Dialect(
        parameters={"max_tokens": "max_tokens", "seed": "seed", "reasoning_effort": "reasoning_effort"},
        image_detail=True,
    )

    def _make_headers(self, key: str | None, stream: bool) -> HeaderItems:
        if key is None:
            raise ApiKeyMissing(self.label, "No credentials are set")
        return super()._make_headers(key, stream)

    def system_messages(self, call: ModelRequest) -> list[ChatMessage]:
        system = instructed_system(call, always=False)
        return [] if system is None else [{"role": "system", "content": system}]

    def message(self, message: ModelMessage, call: ModelRequest) -> Iterator[ChatMessage]:
        """Content is always a list, and tool results stay where they stand between the other blocks."""
        if message.role == "assistant":
            for wire in super().message(message, call):
                if isinstance(wire.get("content"), str):
                    wire["content"] = [{"type": "text", "text": wire["content"]}]
                yield wire
            return
        parts: list[Any] = []
        for block in message.content:
            if isinstance(block, ToolCall):
                raise InvalidMessage("Tool calls are not supported in user messages")
            if isinstance(block, ToolResult):
                if parts:
                    yield {"role": "user", "content": parts}
                    parts = []
                yield tool_message(block)
            elif isinstance(block, Text | File | Unknown):
                parts.append(content_part(block, lambda file: self.file_part(file, call)))
        if parts:
            yield {"role": "user", "content": parts}

    def usage(self, raw: Any, headers: Headers) -> Usage:
        """Reasoning tokens count as output, which the vendor leaves out of `completion_tokens`."""
        wire = wire_usage(raw)
        usage = plain_usage(wire)
        details = wire.completion_tokens_details
        if details is not None and details.reasoning_tokens is not None and usage.output_tokens is not None:
            usage.output_tokens += details.reasoning_tokens
        return usage
