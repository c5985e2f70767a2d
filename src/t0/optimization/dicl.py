"""`type = "dicl"`: curated inferences become the examples of a new variant."""

from __future__ import annotations

from t0.config.fields import U32, U64
from t0.config.schema import OptimizerConfig


class DiclConfig(OptimizerConfig, frozen=True, kw_only=True):
    type = "dicl"
    supported = False

    embedding_model: str
    variant_name: str
    function_name: str
    dimensions: U32 | None = None
    batch_size: U64 = 128
    max_concurrency: U64 = 10
    k: U32 = 10
    model: str = "openai::gpt-4o-mini-2024-07-18"
    append_to_existing_variants: bool = False
