"""Groq."""

from typing import Any

from t0.providers.chat.dialect import Dialect
from t0.providers.files import payload
from t0.providers.keyed import KeyedConfig
from t0.providers.notices import warn_once
from t0.providers.openai_compatible import OpenAICompatible
from t0.types.content import File, ModelBlock
from t0.types.model import ModelRequest


class GroqConfig(KeyedConfig, frozen=True, kw_only=True):
    model_name: str
    reasoning_format: str | None = None


class Groq(OpenAICompatible):
    type = "groq"
    label = "Groq"
    Config = GroqConfig
    base_url = "https://api.groq.com/openai/v1/"
    accepts_no_key = True
    raw_bodies_in_errors = (False, True)
    dialect = Dialect(
        parameters={"max_tokens": "max_completion_tokens", "seed": "seed", "reasoning_effort": "reasoning_effort"},
        service_tiers=frozenset({"auto", "flex"}),
        allowed_tools=True,
        replayed_thoughts="reasoning",
        thoughts=("reasoning",),
        streamed_thoughts=("reasoning",),
        thought_id="reasoning",
    )

    def body(self, call: ModelRequest) -> dict[str, Any]:
        body = super().body(call)
        if self.config.reasoning_format is not None:
            body["reasoning_format"] = self.config.reasoning_format
        return body

    def json_fields(self, call: ModelRequest) -> dict[str, Any]:
        return super().json_fields(call) or {"response_format": {"type": "text"}}

    def thought_fields(self, blocks: list[ModelBlock]) -> dict[str, Any]:
        fields = super().thought_fields(blocks)
        if fields and self.config.reasoning_format is None:
            warn_once("Groq takes thoughts back only with `reasoning_format`, so they will be ignored.")
            return {}
        return fields

    def file_part(self, file: File, call: ModelRequest) -> dict[str, Any]:
        """Whatever its type, a file goes as an image."""
        if self.forwards_url(file, call):
            return super().file_part(file, call)
        mime_type, data = payload(file)
        return {"type": "image_url", "image_url": {"url": f"data:{mime_type};base64,{data}"}}

    def keeps_empty_message(self, thoughts: dict[str, Any]) -> bool:
        return True
