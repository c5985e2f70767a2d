"""DeepSeek."""

from typing import Any

from t0.providers.base import Headers
from t0.providers.chat.answer import wire_usage
from t0.providers.chat.dialect import Dialect
from t0.providers.chat.messages import ChatMessage
from t0.providers.keyed import KeyedConfig
from t0.providers.notices import warn_once
from t0.providers.openai_compatible import OpenAICompatible
from t0.types.model import ModelRequest, Usage


class DeepSeekConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str


class DeepSeek(OpenAICompatible):
    type = "deepseek"
    label = "Deepseek"
    Config = DeepSeekConfig
    base_url = "https://api.deepseek.com/v1/"
    choices_text = "Response has invalid number of choices {}, Expected 1"
    dialect = Dialect(
        thoughts=("reasoning_content",),
        streamed_thoughts=("reasoning_content",),
        thought_id="0",
        finish_reason_required=False,
    )

    def messages(self, call: ModelRequest) -> list[ChatMessage]:
        return merge_roles(super().messages(call))

    def system_messages(self, call: ModelRequest) -> list[ChatMessage]:
        if "reasoner" not in self.config.model_name.lower():
            return super().system_messages(call)
        return [] if call.system is None else [{"role": "user", "content": call.system}]

    def json_fields(self, call: ModelRequest) -> dict[str, Any]:
        if call.json_mode == "off":
            return {}
        if call.json_mode == "strict":
            warn_once('Deepseek does not support `json_mode = "strict"`, so `"on"` is used instead.')
        return {"response_format": {"type": "json_object"}}

    def usage(self, raw: Any, headers: Headers) -> Usage:
        wire = wire_usage(raw)
        return Usage(
            wire.prompt_tokens, wire.completion_tokens, wire.prompt_cache_hit_tokens, wire.prompt_cache_miss_tokens
        )


def merge_roles(messages: list[ChatMessage]) -> list[ChatMessage]:
    """One message for each run of messages of one role, which is all the vendor takes; tool messages stay apart."""
    merged: list[ChatMessage] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"] != "tool":
            merged[-1] = _joined(merged[-1], message)
        else:
            merged.append(message)
    return merged


def _joined(first: ChatMessage, second: ChatMessage) -> ChatMessage:
    joined = {**first, **second}
    for key, separator in (("content", None), ("reasoning_content", "\n\n"), ("tool_calls", None)):
        if key in first and key in second:
            joined[key] = _added(first[key], second[key], separator or ("\n\n" if first["role"] == "system" else None))
    return joined


def _added(first: Any, second: Any, separator: str | None) -> Any:
    if separator is not None:
        return f"{first}{separator}{second}"
    return _parts(first) + _parts(second)


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
