"""The models by name: those of the configuration, and shorthand ones made when first asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cachetools import LRUCache

from t0.config.credentials import CredentialStore
from t0.config.schema import Config, ModelConfig, ProviderConfig
from t0.errors import ConfigError, InferenceError, RequestError, UnsupportedProviderForBatch
from t0.models.batch import BatchModelProvider
from t0.models.embedding_table import EmbeddingTable
from t0.models.model import Model
from t0.models.provider import ModelProvider
from t0.providers.batch import BatchProvider
from t0.providers.cost import CostRules
from t0.providers.registry import facet_classes, provider_class
from t0.providers.shorthand import is_shorthand, shorthand_config
from t0.upstream.base import Transport

_SHORTHAND_MODELS = 1024
"""How many shorthand models are kept; of more, the least recently used are forgotten."""


class ModelTable:
    """Finds models."""

    def __init__(self, config: Config, env: Mapping[str, str], transport: Transport) -> None:
        """Raises `ConfigError` when a configured provider cannot be built, a missing credential included."""
        self._transport = transport
        self._configs, self._provider_types = config.models, config.provider_types
        self._credentials = CredentialStore(env, config.provider_types.credential_locations())
        self._configured = {name: self._model(name, model) for name, model in config.models.items()}
        self._shorthand: LRUCache[str, Model] = LRUCache(_SHORTHAND_MODELS)
        self.embeddings = EmbeddingTable(config, self._credentials, transport)

    async def check(self) -> None:
        """Finds out what only I/O can tell about the configured providers. Raises `ConfigError`."""
        for name, model in self._configured.items():
            for provider in model.providers:
                try:
                    await provider.provider.check(self._transport)
                except RequestError as e:
                    raise ConfigError(e.text, key=f"models.{name}.providers.{provider.name}") from e

    def find(self, name: str) -> Model | None:
        """The model, or None when neither the configuration nor a shorthand prefix knows it."""
        found = self._configured.get(name) or self._shorthand.get(name)
        if found is None and is_shorthand(name):
            found = Model(name, lambda: self._shorthand_providers(name))
            self._shorthand[name] = found
        return found

    def get(self, name: str) -> Model:
        """As `find`. Raises `ConfigError` for an unknown model."""
        model = self.find(name)
        if model is None:
            raise ConfigError(f"Model name '{name}' not found in model table")
        return model

    def batch_provider(self, model_name: str, provider_name: str) -> BatchModelProvider:
        """What takes batches for a provider of a model. Raises `UnsupportedProviderForBatch`, `InferenceError`."""
        config = self._provider_config(model_name, provider_name)
        found = facet_classes(BatchProvider).get(config.type)
        if found is None:
            raise UnsupportedProviderForBatch(config.type)
        settings = getattr(getattr(self._provider_types, config.type, None), "batch", None)
        return BatchModelProvider(found(provider_name, config, self._credentials, settings), self._transport)

    def _provider_config(self, model_name: str, provider_name: str) -> ProviderConfig:
        if model_name in self._configs and provider_name in self._configs[model_name].providers:
            return self._configs[model_name].providers[provider_name]
        if model_name not in self._configs and is_shorthand(model_name):
            return shorthand_config(model_name)
        raise InferenceError(f"Model `{model_name}` with provider `{provider_name}` is not in the configuration")

    def _model(self, name: str, config: ModelConfig) -> Model:
        providers = [self._configured_provider(name, key, config.providers[key]) for key in config.routing]
        return Model(name, lambda: providers, config.timeouts, config.namespace)

    def _configured_provider(self, model_name: str, key: str, config: ProviderConfig) -> ModelProvider:
        try:
            return self._provider(model_name, key, config)
        except (ConfigError, RequestError) as e:
            raise ConfigError(str(e), key=f"models.{model_name}.providers.{key}") from e

    def _shorthand_providers(self, name: str) -> Sequence[ModelProvider]:
        """Built by the first call, because only that needs the credential."""
        try:
            config = shorthand_config(name)
            return [self._provider(name, config.type, config)]
        except ConfigError as e:
            raise InferenceError(str(e)) from e

    def _provider(self, model_name: str, key: str, config: ProviderConfig) -> ModelProvider:
        provider = provider_class(config.type)(key, config, self._credentials)
        cost = _prices(config, f"models.{model_name}.providers.{key}")
        return ModelProvider(model_name, provider, config, self._transport, cost)


def check_prices(config: Config) -> None:
    """Raises `ConfigError` for a `cost` or `batch_cost` of a model that cannot be used."""
    for name, model in config.models.items():
        for key, provider in model.providers.items():
            _prices(provider, f"models.{name}.providers.{key}")


def _prices(config: ProviderConfig, path: str) -> CostRules | None:
    """The rules of `cost`; those of `batch_cost` are only checked, each batch looks up its own configuration's."""
    if config.batch_cost:
        CostRules.parse(config.batch_cost, f"{path}.batch_cost", single=True)
    return CostRules.parse(config.cost, f"{path}.cost") if config.cost else None
