"""What functions, variants, models … may be called."""

from __future__ import annotations

import re
from collections.abc import Iterable

from t0.config.decode import Kinds
from t0.config.schema import Config, ProviderConfig
from t0.errors import ConfigError

RESERVED = "tensorzero::"
_METRIC = re.compile(r"[A-Za-z0-9_\-.:/]*")


def check(config: Config, kinds: Kinds) -> None:
    reserved = [RESERVED, *(f"{type_}::" for type_ in kinds.structs[ProviderConfig])]
    _models(config.models, "models", "Model", reserved)
    _models(config.embedding_models, "embedding_models", "Embedding model", reserved)
    _providers(config)
    _functions(config)
    for name in config.tools:
        _unreserved(name, f"Tool name cannot start with '{RESERVED}': {name}", f"tools.{name}")
    for name in config.metrics:
        _metric(name)
    _evaluations(config)


def _unreserved(name: str, text: str, key: str) -> None:
    if name.startswith(RESERVED):
        raise ConfigError(text, key=key)


def _models(names: Iterable[str], section: str, noun: str, reserved: list[str]) -> None:
    for name in names:
        if name.startswith(tuple(reserved)):
            raise ConfigError(f"{noun} name '{name}' contains a reserved prefix", key=f"{section}.{name}")


def _providers(config: Config) -> None:
    for kind, table in (("models", config.models), ("embedding_models", config.embedding_models)):
        for model, entry in table.items():
            for name in entry.providers:
                text = f"Provider name cannot start with '{RESERVED}': {name}"
                _unreserved(name, text, f"{kind}.{model}.routing")


def _functions(config: Config) -> None:
    for name, function in config.functions.items():
        path = f"functions.{name}"
        _unreserved(name, f"User-defined function name cannot start with `{RESERVED}`: {name}", path)
        for variant in function.variants:
            text = f"Variant name cannot start with '{RESERVED}': {variant}"
            _unreserved(variant, text, f"{path}.variants.{variant}")
        for evaluator in function.evaluators:
            _no_colons(evaluator, "Evaluator names", f"{path}.evaluators.{evaluator}")


def _metric(name: str) -> None:
    if name in ("comment", "demonstration") or name.startswith(RESERVED):
        raise ConfigError(f"Metric name '{name}' is reserved and cannot be used", key=f"metrics.{name}")
    if not name:
        raise ConfigError("Metric name cannot be empty", key="metrics")
    if not _METRIC.fullmatch(name):
        text = f"Metric name `{name}` contains characters that are not allowed."
        raise ConfigError(f"{text} Use letters, digits and `_ - . : /`", key="metrics")


def _evaluations(config: Config) -> None:
    for name, evaluation in config.evaluations.items():
        _no_colons(name, "evaluation names", f"evaluations.{name}")
        for evaluator in evaluation.evaluators:
            _no_colons(evaluator, "Evaluator names", f"evaluations.{name}.evaluators.{evaluator}")


def _no_colons(name: str, what: str, path: str) -> None:
    if "::" in name:
        raise ConfigError(f'{what} cannot contain "::"', key=path)
