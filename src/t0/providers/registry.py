"""Finds the providers: every module of this folder that defines a `Provider` with its own `type`."""

import functools
import importlib
import pkgutil
from collections.abc import Iterator

import t0.providers
from t0.config.schema.common import ProviderConfig
from t0.errors import ConfigError
from t0.providers.base import Provider


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


def _members() -> Iterator[type[Provider]]:
    for module in pkgutil.iter_modules(t0.providers.__path__):
        if module.ispkg:
            continue
        for member in vars(importlib.import_module(f"t0.providers.{module.name}")).values():
            if isinstance(member, type) and issubclass(member, Provider) and _is_own(member, module.name):
                yield member


def _is_own(cls: type[Provider], module: str) -> bool:
    return cls.__module__ == f"t0.providers.{module}" and "type" in vars(cls)
