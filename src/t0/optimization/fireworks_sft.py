"""`type = "fireworks_sft"`: supervised fine-tuning at Fireworks."""

from __future__ import annotations

from t0.config.fields import F64, U64
from t0.config.schema import OptimizerConfig


class FireworksSftConfig(OptimizerConfig, frozen=True, kw_only=True):
    type = "fireworks_sft"
    supported = False

    model: str
    early_stop: bool | None = None
    epochs: U64 | None = None
    learning_rate: F64 | None = None
    max_context_length: U64 | None = None
    lora_rank: U64 | None = None
    batch_size: U64 | None = None
    display_name: str | None = None
    output_model: str | None = None
    warm_start_from: str | None = None
    is_turbo: bool | None = None
    eval_auto_carveout: bool | None = None
    nodes: U64 | None = None
    mtp_enabled: bool | None = None
    mtp_num_draft_tokens: U64 | None = None
    mtp_freeze_base_model: bool | None = None
    deploy_after_training: bool = False
