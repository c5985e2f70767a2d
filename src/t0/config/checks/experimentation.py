"""Experiments: the variants they name exist, and no namespace leaks into another's traffic."""

from __future__ import annotations

from collections.abc import Iterator

from t0.config.environment import Environment
from t0.config.schema import Config, ExperimentationConfig, FunctionConfig
from t0.errors import ConfigError


def check(config: Config, environment: Environment, name: str, function: FunctionConfig) -> None:
    """Raises `ConfigError` for the first rule the function's experiments break."""
    _weights(name, function)
    for path, experiment in _experiments(name, function):
        _variants_exist(path, experiment, function)
        if experiment.metric_name is not None:
            _follows_metric(config, environment, name, experiment.metric_name)
    _namespaces(config, name, function)


def _experiments(name: str, function: FunctionConfig) -> Iterator[tuple[str, ExperimentationConfig]]:
    if function.experimentation is not None:
        path = f"functions.{name}.experimentation"
        yield path, function.experimentation.base
        for namespace, experiment in function.experimentation.namespaces.items():
            yield f"{path}.namespaces.{namespace}", experiment


def _weights(name: str, function: FunctionConfig) -> None:
    weights = [v.weight for v in function.variants.values()]
    given = [w for w in weights if w is not None]
    if given and function.experimentation is not None:
        text = "Cannot mix `experimentation` configuration with individual variant `weight` values."
        raise ConfigError(f"{text} Remove `weight` from the variants", key=f"functions.{name}")
    if given and not any(given) and len(given) == len(weights):
        # The reference would sample all variants alike, which is the opposite of what the weights say.
        raise ConfigError("all variants have the weight 0, so none can be sampled", key=f"functions.{name}.variants")


def _variants_exist(path: str, experiment: ExperimentationConfig, function: FunctionConfig) -> None:
    named = {"candidate": list(experiment.weights or ()), "fallback": experiment.fallbacks}
    for role, variants in named.items():
        for variant in variants:
            if variant not in function.variants:
                text = (
                    f"{experiment.type} experimentation: {role} variant `{variant}` does not exist in function variants"
                )
                raise ConfigError(text, key=path)


def _follows_metric(config: Config, environment: Environment, name: str, metric: str) -> None:
    if metric not in config.metrics:
        known = ", ".join(f'"{m}"' for m in sorted(config.metrics))
        text = f"Track-and-Stop experiment references unknown metric '{metric}'. Available metrics: [{known}]"
        raise ConfigError(text, key=f"functions.{name}.experimentation.metric")
    if environment.postgres_url is None:
        raise ConfigError(
            f"Track-and-Stop experimentation is configured for function `{name}` but Postgres is not available. "
            "Please set the `TENSORZERO_POSTGRES_URL` environment variable.",
            key=f"functions.{name}.experimentation",
        )


# -- namespaces --------------------------------------------------------------------------------------------------------


def _namespaces(config: Config, name: str, function: FunctionConfig) -> None:
    for variant in _reached_by_base(function):
        _stays_inside(config, name, function, variant, None)
    if function.experimentation is not None:
        for namespace, experiment in function.experimentation.namespaces.items():
            for variant in _reached_by(experiment, function):
                _stays_inside(config, name, function, variant, namespace)


def _reached_by_base(function: FunctionConfig) -> list[str]:
    if function.experimentation is not None:
        return _reached_by(function.experimentation.base, function)
    return [n for n, v in function.variants.items() if v.weight != 0]


def _reached_by(experiment: ExperimentationConfig, function: FunctionConfig) -> list[str]:
    names = experiment.variant_names
    return list(function.variants) if names is None else names


def _stays_inside(config: Config, name: str, function: FunctionConfig, variant: str, namespace: str | None) -> None:
    """Requests of `namespace` (None: of no namespace) may reach the variant."""
    where = (
        "the base experimentation config" if namespace is None else f"the experimentation of namespace `{namespace}`"
    )
    own = function.variants[variant].namespace
    if own not in (None, namespace):
        text = f"Variant `{variant}` of function `{name}` has namespace `{own}`, but is reachable from {where}."
        raise ConfigError(f"{text} List the variants that it may pick", key=f"functions.{name}")
    for model in _models_of(function, variant):
        theirs = config.models[model].namespace if model in config.models else None
        if theirs not in (None, namespace):
            raise ConfigError(
                f"Variant `{variant}` of function `{name}` uses model `{model}` which has namespace `{theirs}`, "
                f"but the variant is reachable from {where}.",
                key=f"functions.{name}",
            )


def _models_of(function: FunctionConfig, variant: str) -> Iterator[str]:
    """The models a variant calls, its candidates' included."""
    config = function.variants[variant]
    for part in config.parts.values():
        yield part.model
    for candidate in dict.fromkeys(config.component_names):
        yield from _models_of(function, candidate)
