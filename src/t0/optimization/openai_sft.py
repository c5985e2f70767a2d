"""`type = "openai_sft"`: supervised fine-tuning at OpenAI."""

from __future__ import annotations

from t0.config.fields import F64, U64
from t0.config.schema import OptimizerConfig


class OpenAISftConfig(OptimizerConfig, frozen=True, kw_only=True):
    type = "openai_sft"
    supported = False

    model: str
    batch_size: U64 | None = None
    learning_rate_multiplier: F64 | None = None
    n_epochs: U64 | None = None
    seed: U64 | None = None
    suffix: str | None = None
