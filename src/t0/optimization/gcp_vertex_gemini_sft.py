"""`type = "gcp_vertex_gemini_sft"`: supervised fine-tuning on Vertex AI."""

from __future__ import annotations

from t0.config.fields import F64, U64
from t0.config.schema import OptimizerConfig


class GcpVertexGeminiSftConfig(OptimizerConfig, frozen=True, kw_only=True):
    type = "gcp_vertex_gemini_sft"
    supported = False

    model: str
    learning_rate_multiplier: F64 | None = None
    adapter_size: U64 | None = None
    n_epochs: U64 | None = None
    export_last_checkpoint_only: bool | None = None
    seed: U64 | None = None
    tuned_model_display_name: str | None = None
