"""The embedding models by name: those of the configuration, and shorthand ones made when first asked for."""

from __future__ import annotations

from cachetools import LRUCache

from t0.config.credentials import CredentialStore
from t0.config.schema import Config, EmbeddingModelConfig, ProviderConfig
from t0.config.schema import EmbeddingProvider as ProviderEntry
from t0.config.schema.models import EMBEDDING_SHORTHANDS
from t0.errors import ConfigError, ModelNotFound, RequestError
from t0.models.embedding import EmbeddingModel, EmbeddingModelProvider
from t0.providers.cost import CostRules
from t0.providers.embeddings import EmbeddingProvider
from t0.providers.registry import facet_classes
from t0.providers.shorthand import shorthand_config
from t0.upstream.base import Transport

_SHORTHAND_MODELS = 1024
"""How many shorthand models are kept; of more, the least recently used are forgotten."""


class EmbeddingTable:
    """Finds embedding models."""

    def __init__(self, config: Config, credentials: CredentialStore, transport: Transport) -> None:
        """Raises `ConfigError` when a configured provider cannot be built, a missing credential included."""
        self._transport = transport
        self._credentials = credentials
        self._configured = {name: self._model(name, model) for name, model in config.embedding_models.items()}
        self._shorthand: LRUCache[str, EmbeddingModel] = LRUCache(_SHORTHAND_MODELS)

    def get(self, name: str) -> EmbeddingModel:
        """The model. Raises `ModelNotFound`, and `ApiKeyMissing` for a shorthand model without its credential."""
        found = self._configured.get(name) or self._shorthand.get(name)
        if found is not None:
            return found
        if not name.startswith(EMBEDDING_SHORTHANDS):
            raise ModelNotFound(name)
        config = shorthand_config(name)
        found = EmbeddingModel(name, [self._provider(name, config.type, config, timeout_ms=None, cost=None)])
        self._shorthand[name] = found
        return found

    def _model(self, name: str, config: EmbeddingModelConfig) -> EmbeddingModel:
        providers = [self._configured_provider(name, key, config.providers[key]) for key in config.routing]
        return EmbeddingModel(name, providers, config.timeout_ms)

    def _configured_provider(self, model_name: str, key: str, config: ProviderEntry) -> EmbeddingModelProvider:
        path = f"embedding_models.{model_name}.providers.{key}"
        cost = CostRules.parse(config.provider.cost, f"{path}.cost", single=True) if config.provider.cost else None
        try:
            return self._provider(model_name, key, config.provider, config.timeout_ms, cost)
        except (ConfigError, RequestError) as e:
            raise ConfigError(str(e), key=path) from e

    def _provider(
        self, model_name: str, key: str, config: ProviderConfig, timeout_ms: int | None, cost: CostRules | None
    ) -> EmbeddingModelProvider:
        provider = facet_classes(EmbeddingProvider)[config.type](key, config, self._credentials)
        return EmbeddingModelProvider(model_name, provider, self._transport, timeout_ms, cost)
