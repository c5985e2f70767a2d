"""`type = "openai_rft"`: reinforcement fine-tuning at OpenAI, rewarded by a grader."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from t0.config.fields import F64, U64
from t0.config.schema import OptimizerConfig
from t0.optimization.graders import GraderTable


class ResponseSchema(Struct, frozen=True, kw_only=True):
    name: str
    schema: Any = None
    description: str | None = None
    strict: bool | None = None


class ResponseFormat(Struct, frozen=True, kw_only=True):
    type: Literal["json_schema"]
    json_schema: ResponseSchema


class OpenAIRftConfig(OptimizerConfig, frozen=True, kw_only=True):
    type = "openai_rft"
    supported = False

    model: str
    grader: GraderTable
    response_format: ResponseFormat | None = None
    batch_size: U64 | None = None
    compute_multiplier: F64 | None = None
    eval_interval: U64 | None = None
    eval_samples: U64 | None = None
    learning_rate_multiplier: F64 | None = None
    n_epochs: U64 | None = None
    reasoning_effort: str | None = None
    seed: U64 | None = None
    suffix: str | None = None
