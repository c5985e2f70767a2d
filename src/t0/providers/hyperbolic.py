"""Hyperbolic: no tools, no JSON mode."""

from typing import Any

from t0.providers.chat.dialect import Dialect
from t0.providers.keyed import KeyedConfig
from t0.providers.openai_compatible import OpenAICompatible
from t0.types.model import ModelRequest


class HyperbolicConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str


class Hyperbolic(OpenAICompatible):
    type = "hyperbolic"
    label = "Hyperbolic"
    Config = HyperbolicConfig
    base_url = "https://api.hyperbolic.xyz/v1/"
    choices_text = "Response has invalid number of choices {}, Expected 1"
    dialect = Dialect(
        parameters={"max_tokens": "max_tokens", "seed": "seed", "reasoning_effort": "reasoning_effort"},
        stream_options=False,
        usage_required=False,
    )

    def json_fields(self, call: ModelRequest) -> dict[str, Any]:
        return {}

    def tool_fields(self, call: ModelRequest) -> dict[str, Any]:
        return {}
