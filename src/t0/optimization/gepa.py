"""`type = "gepa"`: prompts evolve by reflection on their failures."""

from __future__ import annotations

from t0.config.fields import U32, U64
from t0.config.schema import OptimizerConfig, Retries


class GepaConfig(OptimizerConfig, frozen=True, kw_only=True):
    """`timeout` is in seconds. Evaluators come from the function by name, or from a deprecated evaluation."""

    type = "gepa"
    supported = False

    function_name: str
    analysis_model: str
    mutation_model: str
    evaluator_names: list[str] | None = None
    evaluation_name: str | None = None
    initial_variants: list[str] | None = None
    variant_prefix: str | None = None
    batch_size: U64 = 5
    max_iterations: U32 = 1
    max_concurrency: U32 = 10
    seed: U32 | None = None
    timeout: U64 = 300
    include_inference_for_mutation: bool = True
    retries: Retries = Retries()
    max_tokens: U32 | None = None
