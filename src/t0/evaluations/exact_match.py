"""`type = "exact_match"`: the output equals the reference output."""

from __future__ import annotations

from t0.config.fields import F32
from t0.config.schema import EvaluatorConfig


class ExactMatchConfig(EvaluatorConfig, frozen=True, kw_only=True):
    type = "exact_match"
    supported = False

    cutoff: F32 | None = None
