"""What evaluators add to the configuration: a metric each, and for LLM judges a function."""

from __future__ import annotations

from collections.abc import Iterator

from t0.config.schema import Config, EvaluatorConfig, JsonFunctionConfig, MetricConfig


def judge_functions(config: Config) -> dict[str, JsonFunctionConfig]:
    """The functions of all LLM judges by their generated names."""
    made = {name: evaluator.judge_function() for name, _, evaluator in _evaluators(config)}
    return {name: function for name, function in made.items() if function is not None}


def evaluator_metrics(config: Config) -> dict[str, MetricConfig]:
    """The metric of every evaluator by its generated name."""
    return {metric: evaluator.metric() for _, metric, evaluator in _evaluators(config)}


def _evaluators(config: Config) -> Iterator[tuple[str, str, EvaluatorConfig]]:
    """Each evaluator with the names of its judge's function and of its metric."""
    for evaluation, entry in config.evaluations.items():
        for name, evaluator in entry.evaluators.items():
            metric = f"tensorzero::evaluation_name::{evaluation}::evaluator_name::{name}"
            yield f"tensorzero::llm_judge::{evaluation}::{name}", metric, evaluator
    for function, config_ in config.functions.items():
        for name, evaluator in config_.evaluators.items():
            metric = f"tensorzero::function_name::{function}::evaluator_name::{name}"
            yield f"tensorzero::llm_judge::function_name::{function}::{name}", metric, evaluator
