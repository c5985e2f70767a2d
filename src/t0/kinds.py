"""Every kind of provider, variant, experiment, evaluator and optimizer there is: found, not listed."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import t0.evaluations
import t0.experimentation
import t0.optimization
import t0.variants
from t0.config.decode import Kinds
from t0.config.schema import (
    FUNCTION_KINDS,
    OBJECT_STORAGE_KINDS,
    EvaluatorConfig,
    ExperimentationConfig,
    FunctionConfig,
    ObjectStorage,
    OptimizerConfig,
    ProviderConfig,
    VariantConfig,
)
from t0.providers.registry import provider_classes
from t0.providers.shorthand import is_shorthand

FOLDERS: dict[type[Any], ModuleType] = {
    VariantConfig: t0.variants,
    ExperimentationConfig: t0.experimentation,
    EvaluatorConfig: t0.evaluations,
    OptimizerConfig: t0.optimization,
}
"""Where the members of each tagged table live, one file each."""


@functools.cache
def all_kinds() -> Kinds:
    """The kinds `t0.config.load` decodes with."""
    members: dict[type[Any], dict[str, type[Any]]] = {
        FunctionConfig: {**FUNCTION_KINDS},
        ObjectStorage: {**OBJECT_STORAGE_KINDS},
        **{base: {c.type: c for c in _members(package, base)} for base, package in FOLDERS.items()},
    }
    unsupported = {base: {name for name, c in found.items() if not c.supported} for base, found in members.items()}
    providers = provider_classes()
    members[ProviderConfig] = {name: cls.Config for name, cls in providers.items()}
    unsupported[ProviderConfig] = {name for name, cls in providers.items() if not cls.supported}
    return Kinds(members, unsupported, is_shorthand)


def _members(package: ModuleType, base: type[Any]) -> Iterator[type[Any]]:
    """The subclasses of `base` that a module of the package defines with a `type` of their own."""
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for member in vars(module).values():
            if isinstance(member, type) and issubclass(member, base) and _is_own(member, module):
                yield member


def _is_own(cls: type[Any], module: ModuleType) -> bool:
    return cls.__module__ == module.__name__ and "type" in vars(cls)
