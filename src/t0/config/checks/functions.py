"""Functions: their tools, schemas, variants and experiments, judges' functions included."""

from __future__ import annotations

from typing import NamedTuple

from t0.config.checks import experimentation, models, variants
from t0.config.checks.gateway import check_ceiling
from t0.config.checks.templates import check_templates
from t0.config.decode import Kinds
from t0.config.environment import Environment
from t0.config.schema import ChatFunctionConfig, Config, FunctionConfig, JsonFunctionConfig, Place
from t0.config.values import SourceFile, at
from t0.errors import ConfigError
from t0.schemas import parse_schema
from t0.templates import Environment as Templates


class Scope(NamedTuple):
    """What the rules of one function may look at besides itself."""

    config: Config
    kinds: Kinds
    environment: Environment
    templates: Templates


def check_tools(config: Config) -> None:
    for name, tool in config.tools.items():
        _compiles(tool.parameters, f"tools.{name}.parameters")


def check(scope: Scope, name: str, function: FunctionConfig) -> None:
    """Raises `ConfigError` for the first rule the function breaks."""
    for schema, file in function.schemas.items():
        _compiles(file, f"functions.{name}.schemas.{schema}")
    if isinstance(function, JsonFunctionConfig) and function.output_schema is not None:
        _compiles(function.output_schema, f"functions.{name}.output_schema")
    if isinstance(function, ChatFunctionConfig):
        _tools(scope.config, name, function)
    for variant_name in function.variants:
        check_variant(scope, Place(name, function, variant_name))
    variants.check_circles(name, function)
    experimentation.check(scope.config, scope.environment, name, function)


def _compiles(file: SourceFile, key: str) -> None:
    with at(key):
        parse_schema(file.body, source=file.key)


def _tools(config: Config, name: str, function: ChatFunctionConfig) -> None:
    for tool in function.tools:
        if tool not in config.tools:
            raise ConfigError(f"tool `{tool}` is not present in the config", key=f"functions.{name}.tools")


def check_variant(scope: Scope, place: Place) -> None:
    """Raises `ConfigError` for the first rule that the variant, itself one of the function's, breaks."""
    variant = place.function.variants[place.variant_name]
    variant.check_in(place)
    for part, config in variant.parts.items():
        where = place._replace(part=part)
        _model_exists(scope, where, config.model)
        if config.takes_templates:
            check_templates(scope.templates, where, config)
    for model in variant.embedding_models:
        _embedding_model(scope.config, place, model)
    for candidate in variant.component_names:
        if candidate not in place.function.variants:
            raise ConfigError(f"Unknown candidate variant: {candidate}", key=place.path)


def _model_exists(scope: Scope, place: Place, model: str) -> None:
    if model not in scope.config.models and not scope.kinds.is_shorthand(model):
        raise ConfigError(f"Model name '{model}' not found in model table", key=f"{place.path}.model")


def _embedding_model(config: Config, place: Place, name: str) -> None:
    if not models.is_embedding_model(config, name):
        text = f"`embedding_model` must be a valid embedding model name, got `{name}`"
        raise ConfigError(text, key=place.path)
    model = config.embedding_models.get(name)
    if model is None:
        return
    limits = {f"embedding_models.{name}": model.timeout_ms}
    limits |= {f"embedding_models.{name}.providers.{p}": e.timeout_ms for p, e in model.providers.items()}
    for path, ms in limits.items():
        if ms is not None:
            check_ceiling(config, path, "timeout_ms", ms)
