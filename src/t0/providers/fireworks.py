"""Fireworks AI."""

from typing import Any

from t0.providers.base import Headers
from t0.providers.chat.dialect import Dialect
from t0.providers.keyed import KeyedConfig
from t0.providers.thinking import ThinkingProvider
from t0.types.model import ModelRequest, Usage

CACHED_TOKENS = "fireworks-cached-prompt-tokens"


class FireworksConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str
    parse_think_blocks: bool = True
    """Deprecated and ignored: `<think>` tags are always read."""


class Fireworks(ThinkingProvider):
    type = "fireworks"
    label = "Fireworks"
    Config = FireworksConfig
    base_url = "https://api.fireworks.ai/inference/v1/"
    dialect = Dialect(
        parameters={"max_tokens": "max_tokens", "reasoning_effort": "reasoning_effort"},
        silent=frozenset({"seed"}),
        stream_options=False,
        json_instruction=False,
        strict=False,
        parallel_tool_calls=False,
        thoughts=("reasoning_content",),
        streamed_thoughts=("reasoning_content",),
        finish_reason_required=False,
    )

    def json_fields(self, call: ModelRequest) -> dict[str, Any]:
        return json_object_with_schema(call)

    def usage(self, raw: Any, headers: Headers) -> Usage:
        usage = super().usage(raw, headers)
        cached = headers.get(CACHED_TOKENS, "")
        if cached.isascii() and cached.isdigit():
            usage.provider_cache_read_input_tokens = int(cached)
        return usage


def json_object_with_schema(call: ModelRequest) -> dict[str, Any]:
    """`response_format` where `json_object` itself takes a schema."""
    if call.json_mode == "off":
        return {}
    schema = {} if call.output_schema is None else {"schema": call.output_schema}
    return {"response_format": {"type": "json_object", **schema}}
