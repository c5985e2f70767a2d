"""Azure OpenAI and Azure AI Foundry: OpenAI's models behind deployments."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from t0.config.credentials import CredentialStore
from t0.errors import ConfigError, InvalidRequest, RequestError
from t0.providers.base import HeaderItems
from t0.providers.chat.dialect import Dialect
from t0.providers.embeddings import OpenAIEmbeddingAPI
from t0.providers.keyed import KeyedConfig
from t0.providers.notices import warn_once
from t0.providers.openai_compatible import OpenAICompatible
from t0.types.model import ModelRequest
from t0.upstream.base import Url

API_VERSION = "2025-04-01-preview"
DYNAMIC = "dynamic::"


class AzureConfig(KeyedConfig, frozen=True, kw_only=True):
    deployment_id: str
    endpoint: str
    """A URL, `env::X` or `dynamic::k`."""


class MissingDynamicEndpoint(RequestError):
    status, kind = 404, "DynamicEndpointNotFound"

    def __init__(self, key: str) -> None:
        super().__init__(f"Dynamic endpoint '{key}' not found in credentials", key_name=key)


class Azure(OpenAICompatible):
    type = "azure"
    label = "Azure"
    Config = AzureConfig
    dialect = Dialect(
        parameters={
            "max_tokens": "max_completion_tokens",
            "seed": "seed",
            "reasoning_effort": "reasoning_effort",
            "verbosity": "verbosity",
        },
        service_tiers=frozenset({"auto", "default"}),
        image_detail=True,
        parallel_tool_calls=False,
        allowed_tools=True,
        required="auto",
        usage_required=False,
    )

    def __init__(self, name: str, config: Any, credentials: CredentialStore) -> None:
        self._endpoint = _static_endpoint(config.endpoint, credentials.env)
        super().__init__(name, config, credentials)

    def default_location(self, credentials: CredentialStore) -> str:
        old = "AZURE_OPENAI_API_KEY"
        if "AZURE_API_KEY" in credentials.env or old not in credentials.env:
            return "env::AZURE_API_KEY"
        warn_once(f"`{old}` is deprecated: set `AZURE_API_KEY` instead")
        return f"env::{old}"

    def make_url(self) -> Url | None:
        if self._endpoint is None:
            return None
        try:
            return self._deployment_url(self._endpoint)
        except ConfigError as e:
            raise ConfigError(f"Invalid endpoint URL '{self._endpoint}': {e.message}") from e

    def dynamic_url(self, credentials: Mapping[str, str]) -> Url:
        key = self.config.endpoint.removeprefix(DYNAMIC)
        if key not in credentials:
            raise MissingDynamicEndpoint(key)
        try:
            return self._deployment_url(credentials[key])
        except ConfigError as e:
            raise InvalidRequest(f"Invalid dynamic endpoint URL: {credentials[key]}") from e

    def _deployment_url(self, endpoint: str) -> Url:
        try:
            parts = urlsplit(endpoint)
        except ValueError as e:
            raise ConfigError(str(e)) from e
        deployment = f"openai/deployments/{quote(self.config.deployment_id, safe='')}"
        path = f"{parts.path.rstrip('/')}/{deployment}/{self.path}"
        query = f"{parts.query}&api-version={API_VERSION}" if parts.query else f"api-version={API_VERSION}"
        return Url.parse(f"{parts.scheme}://{parts.netloc}{path}?{query}")

    def auth_headers(self, key: str) -> HeaderItems:
        return (("api-key", key),)

    def body(self, call: ModelRequest) -> dict[str, Any]:
        body = super().body(call)
        del body["model"]
        return body

    def model_name(self, call: ModelRequest) -> str:
        return ""  # the deployment names the model


class AzureEmbeddings(OpenAIEmbeddingAPI, Azure):
    names_model = False


def _static_endpoint(location: str, env: Mapping[str, str]) -> str | None:
    if location.startswith(DYNAMIC):
        return None
    if not location.startswith("env::"):
        return location
    variable = location.removeprefix("env::")
    if variable not in env:
        raise ConfigError(f"Environment variable '{variable}' not found for Azure endpoint")
    return env[variable]
