"""Gemini by Google AI Studio."""

from typing import Any

from t0.config.credentials import CredentialStore
from t0.config.fields import Url
from t0.providers.base import HeaderItems
from t0.providers.gemini.answer import Candidate
from t0.providers.gemini.provider import GeminiProvider
from t0.providers.keyed import KeyedConfig
from t0.types.model import ModelRequest


class GoogleAIStudioGeminiConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str
    api_base: Url | None = None
    """t0's own key."""


class GoogleAIStudioGemini(GeminiProvider):
    type = "google_ai_studio_gemini"
    label = "GoogleAIStudioGemini"
    product = "Google AI Studio Gemini"
    Config = GoogleAIStudioGeminiConfig
    base_url = "https://generativelanguage.googleapis.com/v1beta/"
    raw_bodies_in_errors = (False, True)

    def default_location(self, credentials: CredentialStore) -> str:
        return "env::GOOGLE_AI_STUDIO_API_KEY"

    def resource(self) -> str:
        return f"models/{self.config.model_name}"

    def auth_headers(self, key: str) -> HeaderItems:
        return (("x-goog-api-key", key),)

    def body(self, call: ModelRequest) -> dict[str, Any]:
        return {"tools": None, **super().body(call)}

    def counts_usage_of(self, candidate: Candidate) -> bool:
        return candidate.finish_reason is not None
