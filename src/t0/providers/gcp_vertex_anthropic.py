"""Anthropic's models on Vertex AI: their configuration; calls are not supported yet."""

from typing import ClassVar

import msgspec

from t0.config.fields import Json
from t0.providers.base import Provider
from t0.providers.gcp import GCPConfig


class GCPVertexAnthropicConfig(GCPConfig, frozen=True, kw_only=True):
    model_id: str
    provider_tools: list[Json] = msgspec.field(default_factory=list)

    credential_owner: ClassVar[str] = "GCPVertexAnthropic"


class GCPVertexAnthropic(Provider):
    type = "gcp_vertex_anthropic"
    label = "GCPVertexAnthropic"
    Config = GCPVertexAnthropicConfig
    supported = False
