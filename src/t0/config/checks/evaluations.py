"""Evaluations, and the functions that LLM judges become."""

from __future__ import annotations

from t0.config.checks import functions
from t0.config.checks.functions import Scope
from t0.config.judges import judge_functions
from t0.errors import ConfigError


def check(scope: Scope) -> None:
    for name, evaluation in scope.config.evaluations.items():
        if evaluation.function_name not in scope.config.functions:
            raise ConfigError(f"Function `{evaluation.function_name}` not found", key=f"evaluations.{name}")
    for name, function in judge_functions(scope.config).items():
        functions.check(scope, name, function)
