"""Shorthand model names: `openai::gpt-4.1` is a model with one provider of type `openai` and nothing else set."""

from __future__ import annotations

from typing import Any

from t0.config.schema.common import ProviderConfig
from t0.providers.gcp.shorthand import PUBLISHERS, vertex_config
from t0.providers.registry import provider_class

_PLAIN = frozenset(
    {
        "anthropic",
        "deepseek",
        "dummy",
        "fireworks",
        "google_ai_studio_gemini",
        "groq",
        "hyperbolic",
        "mistral",
        "openai",
        "openrouter",
        "together",
        "xai",
    }
)
_RESPONSES = "openai::responses::"


def is_shorthand(model_name: str) -> bool:
    """Whether the name's prefix is one that needs no `[models]` entry."""
    provider_type, separator, _ = model_name.partition("::")
    return bool(separator) and (provider_type in _PLAIN or provider_type in PUBLISHERS)


def shorthand_config(model_name: str) -> ProviderConfig:
    """What `[models.M.providers.P]` would hold for a shorthand name. Raises `ConfigError`."""
    provider_type, _, rest = model_name.partition("::")
    if provider_type in PUBLISHERS:
        return vertex_config(provider_type, rest)
    fields: dict[str, Any] = {"type": provider_type, "model_name": rest}
    if model_name.startswith(_RESPONSES):
        fields.update(model_name=model_name.removeprefix(_RESPONSES), api_type="responses")
    return provider_class(provider_type).Config(**fields)
