"""Gemini by Google AI Studio: its configuration; calls are not supported yet."""

from t0.providers.base import Provider
from t0.providers.keyed import KeyedConfig


class GoogleAIStudioGeminiConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str


class GoogleAIStudioGemini(Provider):
    type = "google_ai_studio_gemini"
    label = "GoogleAIStudioGemini"
    Config = GoogleAIStudioGeminiConfig
    supported = False
