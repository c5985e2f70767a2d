"""Rules that look at more than one table. Each is a function from the tree to an error."""

from __future__ import annotations

from collections.abc import Mapping

from t0.config.checks import evaluations, functions, gateway, models, names
from t0.config.decode import Kinds
from t0.config.environment import read_environment
from t0.config.schema import Config
from t0.config.templates import build_templates


def run(config: Config, kinds: Kinds, env: Mapping[str, str]) -> None:
    """Raises `ConfigError` for the first rule the configuration breaks."""
    environment = read_environment(env)
    names.check(config, kinds)
    gateway.check(config, environment, env)
    models.check(config)
    templates = build_templates(config)
    scope = functions.Scope(config, kinds, environment, templates)
    functions.check_tools(config)
    for name, function in config.functions.items():
        functions.check(scope, name, function)
    evaluations.check(scope)
