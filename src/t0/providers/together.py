"""Together AI."""

from typing import Any

from t0.providers.chat.dialect import Dialect
from t0.providers.fireworks import json_object_with_schema
from t0.providers.keyed import KeyedConfig
from t0.providers.thinking import ThinkingProvider
from t0.types.model import FinishReason, ModelRequest


class TogetherConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str
    parse_think_blocks: bool = True
    """Deprecated and ignored: `<think>` tags are always read."""


class Together(ThinkingProvider):
    type = "together"
    label = "Together"
    Config = TogetherConfig
    base_url = "https://api.together.xyz/v1/"
    dialect = Dialect(
        parameters={"max_tokens": "max_tokens", "seed": "seed", "reasoning_effort": "reasoning_effort"},
        stream_options=False,
        json_instruction=False,
        required="auto",
        replayed_thoughts="reasoning",
        finish_reason_required=False,
    )

    def body(self, call: ModelRequest) -> dict[str, Any]:
        body = super().body(call)
        if body.get("tool_choice") == "none":
            for key in ("tools", "tool_choice", "parallel_tool_calls"):
                body.pop(key, None)
        return body

    def json_fields(self, call: ModelRequest) -> dict[str, Any]:
        return json_object_with_schema(call)

    def finish_reason(self, text: str) -> FinishReason:
        return "stop" if text == "eos" else super().finish_reason(text)
