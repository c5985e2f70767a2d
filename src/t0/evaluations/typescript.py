"""`type = "typescript"`: a function of the user's own."""

from __future__ import annotations

from typing import Literal

from t0.config.schema import EvaluatorConfig, MetricConfig
from t0.config.values import SourceFile


class TypescriptConfig(EvaluatorConfig, frozen=True, kw_only=True):
    type = "typescript"
    supported = False

    typescript_file: SourceFile
    output_type: Literal["float", "boolean"]
    optimize: Literal["min", "max"]

    def metric(self) -> MetricConfig:
        return MetricConfig(type=self.output_type, optimize=self.optimize, level="inference")
