"""Variants made of other variants."""

from __future__ import annotations

from t0.config.schema import FunctionConfig
from t0.errors import ConfigError


def check_circles(name: str, function: FunctionConfig) -> None:
    """Raises `ConfigError` if a variant runs itself, directly or through its candidates."""
    done: set[str] = set()
    for start in function.variants:
        _visit(name, function, start, [], done)


def _visit(name: str, function: FunctionConfig, variant: str, path: list[str], done: set[str]) -> None:
    if variant in path:
        circle = " → ".join([*path[path.index(variant) :], variant])
        raise ConfigError(f"candidates run in a circle: {circle}", key=f"functions.{name}.variants.{variant}")
    if variant in done:
        return
    for candidate in function.variants[variant].component_names:
        _visit(name, function, candidate, [*path, variant], done)
    done.add(variant)
