"""Finds the providers: every module of this folder that defines a `Provider` with its own `type`."""

import functools
import importlib
import pkgutil
from collections.abc import Iterator
from typing import TypeVar

import t0.providers
from t0.config.schema.common import ProviderConfig
from t0.errors import ConfigError
from t0.providers.base import Provider

ProviderT = TypeVar("ProviderT", bound=Provider)


def provider_class(provider_type: str) -> type[Provider]:
    """The class for the TOML `type`. Raises `ConfigError`."""
    classes = provider_classes()
    if provider_type not in classes:
        known = ", ".join(f"`{name}`" for name in classes)
        raise ConfigError(f"unknown variant `{provider_type}`, expected one of {known}")
    return classes[provider_type]


def provider_configs() -> dict[str, type[ProviderConfig]]:
    """TOML `type` → config struct, of supported and unsupported types alike."""
    return {name: cls.Config for name, cls in provider_classes().items()}


@functools.cache
def provider_classes() -> dict[str, type[Provider]]:
    """TOML `type` → class, in alphabetical order. Importing the modules happens once per process."""
    return dict(sorted((cls.type, cls) for cls in _members()))


@functools.cache
def facet_classes(base: type[ProviderT]) -> dict[str, type[ProviderT]]:
    """TOML `type` → what the vendor has besides chat: its subclass of `base` (`EmbeddingProvider`, `BatchProvider`)."""
    return {cls.type: cls for cls in _classes(base) if hasattr(cls, "type")}


def _members() -> Iterator[type[Provider]]:
    return (cls for cls in _classes(Provider) if "type" in vars(cls))


def _classes(base: type[ProviderT]) -> Iterator[type[ProviderT]]:
    """The subclasses of `base` that the modules of this folder define."""
    for module in pkgutil.iter_modules(t0.providers.__path__):
        if module.ispkg:
            continue
        name = f"t0.providers.{module.name}"
        for member in vars(importlib.import_module(name)).values():
            if isinstance(member, type) and issubclass(member, base) and member.__module__ == name:
                yield member
