"""Gemini on Vertex AI."""

from typing import ClassVar

from t0.errors import ConfigError, ProviderFailure
from t0.providers.base import Headers
from t0.providers.gcp.config import GCPConfig
from t0.providers.gcp.vertex import VertexProvider
from t0.providers.gemini.provider import GeminiProvider

NOT_FOUND = (
    "Model or endpoint not found. You may be specifying the wrong one of these. Standard GCP models should use a "
    "`model_id` and not an `endpoint_id`, while fine-tuned models should use an `endpoint_id`."
)


class GCPVertexGeminiConfig(GCPConfig, frozen=True, kw_only=True):
    model_id: str | None = None
    endpoint_id: str | None = None

    credential_owner: ClassVar[str] = "GCPVertexGemini"

    def check(self, path: str) -> None:
        super().check(path)
        if (self.model_id is None) == (self.endpoint_id is None):
            raise ConfigError("Exactly one of model_id or endpoint_id must be provided", key=path)

    def resource(self) -> str:
        if self.endpoint_id is not None:
            return f"endpoints/{self.endpoint_id}"
        return f"publishers/google/models/{self.model_id}"


class GCPVertexGemini(VertexProvider, GeminiProvider):
    type = "gcp_vertex_gemini"
    label = "GCPVertexGemini"
    product = "GCP Vertex Gemini"
    Config = GCPVertexGeminiConfig

    def failure(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        if status == 404:
            return self._failure("server", NOT_FOUND, status, body)
        return super().failure(status, headers, body)
