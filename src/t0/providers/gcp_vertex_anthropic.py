"""Anthropic's models on Vertex AI."""

from typing import Any, ClassVar

import msgspec
from msgspec.structs import replace

from t0.config.fields import Json
from t0.providers.anthropic import Anthropic
from t0.providers.anthropic_answer import AnthropicStream
from t0.providers.base import HeaderItems, Headers
from t0.providers.gcp.config import GCPConfig
from t0.providers.gcp.vertex import VertexProvider
from t0.providers.json_provider import JsonProvider
from t0.providers.notices import warn_once
from t0.types.model import ModelRequest, ModelResponse

API_VERSION = "vertex-2023-10-16"


class GCPVertexAnthropicConfig(GCPConfig, frozen=True, kw_only=True):
    model_id: str
    provider_tools: list[Json] = msgspec.field(default_factory=list)

    credential_owner: ClassVar[str] = "GCPVertexAnthropic"

    def resource(self) -> str:
        return f"publishers/anthropic/models/{self.model_id}"


class GCPVertexAnthropicEndpointConfig(GCPVertexAnthropicConfig, frozen=True, kw_only=True):
    """What a shorthand name of an endpoint stands for; `model_id` is the endpoint's."""

    def resource(self) -> str:
        return f"endpoints/{self.model_id}"


class GCPVertexAnthropic(VertexProvider, Anthropic):
    type = "gcp_vertex_anthropic"
    label = "GCPVertexAnthropic"
    product = "GCP Vertex Anthropic"
    Config = GCPVertexAnthropicConfig
    verb = "rawPredict"
    stream_verb = "streamRawPredict"
    service_tiers: ClassVar[dict[str, str]] = {}
    strict_tools = False
    output_limits = (
        (("claude-3-haiku@",), (), 4096),
        (("claude-3-5-haiku@", "claude-3-5-sonnet@", "claude-3-5-sonnet-v2@"), (), 8192),
        (("claude-3-7-sonnet@", "claude-sonnet-4@", "claude-haiku-4-5@", "claude-sonnet-4-5@"), (), 64_000),
        (("claude-sonnet-4-6@", "claude-opus-4-5@"), (), 64_000),
        (("claude-opus-4-6@",), (), 128_000),
        (("claude-opus-4@", "claude-opus-4-1@"), (), 32_000),
    )

    def model_name(self) -> str:
        name: str = self.config.model_id
        return name

    def _make_headers(self, key: str | None, stream: bool) -> HeaderItems:
        return JsonProvider._make_headers(self, key, stream)  # the version is in the body

    def body(self, call: ModelRequest) -> dict[str, Any]:
        if call.json_mode != "off":
            warn_once(f"{self.product} has no JSON mode, so `json_mode` changes nothing.")
        body = super().body(without_json_mode(call))
        del body["model"]
        return {"anthropic_version": API_VERSION, **body}

    def response(self, call: ModelRequest, headers: Headers, body: bytes) -> ModelResponse:
        return super().response(without_json_mode(call), headers, body)

    def decoder(self, call: ModelRequest) -> AnthropicStream:
        return super().decoder(without_json_mode(call))


def without_json_mode(call: ModelRequest) -> ModelRequest:
    """The call as one that asks for text: no JSON mode is sent, and no answer was begun for the model."""
    return call if call.json_mode == "off" else replace(call, json_mode="off")
