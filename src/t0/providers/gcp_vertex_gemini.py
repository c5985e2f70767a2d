"""Gemini on Vertex AI: its configuration; calls are not supported yet."""

from typing import ClassVar

from t0.errors import ConfigError
from t0.providers.base import Provider
from t0.providers.gcp import GCPConfig


class GCPVertexGeminiConfig(GCPConfig, frozen=True, kw_only=True):
    model_id: str | None = None
    endpoint_id: str | None = None

    credential_owner: ClassVar[str] = "GCPVertexGemini"

    def check(self, path: str) -> None:
        super().check(path)
        if (self.model_id is None) == (self.endpoint_id is None):
            raise ConfigError("Exactly one of model_id or endpoint_id must be provided", key=path)


class GCPVertexGemini(Provider):
    type = "gcp_vertex_gemini"
    label = "GCPVertexGemini"
    Config = GCPVertexGeminiConfig
    supported = False
