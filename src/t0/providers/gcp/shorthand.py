"""Shorthand names of models on Vertex AI: the path of the resource, as Google writes it."""

from typing import Any

from t0.config.schema.common import ProviderConfig
from t0.errors import ConfigError
from t0.providers.gcp_vertex_anthropic import GCPVertexAnthropicConfig, GCPVertexAnthropicEndpointConfig
from t0.providers.gcp_vertex_gemini import GCPVertexGeminiConfig

PUBLISHERS = {"gcp_vertex_gemini": "google", "gcp_vertex_anthropic": "anthropic"}


def vertex_config(provider_type: str, path: str) -> ProviderConfig:
    """What a provider's table would hold for `path`. Raises `ConfigError`.

    Paths are `projects/P/locations/L/publishers/U/models/M` and `projects/P/locations/L/endpoints/E`.
    """
    parts = path.split("/")
    if len(parts) < 5:
        raise _bad(path, "is not in the expected format (should start with `projects/<project>/locations/<location>`)")
    projects, project_id, locations, location, kind, *rest = parts
    if projects != "projects":
        raise _bad(path, "does not start with 'projects'")
    if locations != "locations":
        raise _bad(path, "does contain '/locations/'")
    place = {"type": provider_type, "project_id": project_id, "location": location}
    if kind == "publishers":
        return _model_config(provider_type, place, _model_id(path, rest, PUBLISHERS[provider_type]))
    if kind == "endpoints":
        if not rest:
            raise _bad(path, "does not contain an endpoint")
        return _endpoint_config(provider_type, place, rest[0])
    raise _bad(path, "does not contain a publisher or endpoint")


def _model_id(path: str, parts: list[str], expected: str) -> str:
    """The model in what follows `publishers/`."""
    if not parts:
        raise _bad(path, "does not contain a publisher")
    if parts[0] != expected:
        raise _bad(path, f"has publisher `{parts[0]}`, expected `{expected}`")
    if len(parts) < 2:
        raise _bad(path, "does not contain a model or endpoint")
    if parts[1] != "models":
        raise _bad(path, "does not contain a model")
    if len(parts) < 3:
        raise _bad(path, "does not contain a model id")
    return parts[2]


def _model_config(provider_type: str, place: dict[str, Any], model_id: str) -> ProviderConfig:
    cls = GCPVertexGeminiConfig if provider_type == "gcp_vertex_gemini" else GCPVertexAnthropicConfig
    return cls(**place, model_id=model_id)


def _endpoint_config(provider_type: str, place: dict[str, Any], endpoint_id: str) -> ProviderConfig:
    if provider_type == "gcp_vertex_gemini":
        return GCPVertexGeminiConfig(**place, endpoint_id=endpoint_id)
    return GCPVertexAnthropicEndpointConfig(**place, model_id=endpoint_id)


def _bad(path: str, what: str) -> ConfigError:
    return ConfigError(f"GCP shorthand url {what}: `{path}`")
