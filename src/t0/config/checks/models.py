"""Models and the order of their providers."""

from __future__ import annotations

from collections.abc import Collection

from t0.config.schema import Config
from t0.config.schema.models import EMBEDDING_SHORTHANDS
from t0.errors import ConfigError


def check(config: Config) -> None:
    for name, model in config.models.items():
        _routing(f"models.{name}", model.routing, model.providers)
    for name, embedding in config.embedding_models.items():
        _routing(f"embedding_models.{name}", embedding.routing, embedding.providers)


def _routing(path: str, routing: list[str], providers: Collection[str]) -> None:
    """Every provider is listed, exactly once, and nothing else is."""
    if not routing:
        raise ConfigError("`routing` must not be empty", key=path)
    for i, name in enumerate(routing):
        if name in routing[:i]:
            raise ConfigError(f"duplicate entry `{name}`", key=f"{path}.routing")
        if name not in providers:
            text = f"`routing` contains entry `{name}` that does not exist in `providers`"
            raise ConfigError(text, key=path)
    for name in providers:
        if name not in routing:
            raise ConfigError(f"Provider `{name}` is not listed in `routing`", key=path)


def is_embedding_model(config: Config, name: str) -> bool:
    return name in config.embedding_models or name.startswith(EMBEDDING_SHORTHANDS)
