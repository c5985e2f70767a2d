"""`adaptive`: traffic moves to the variant that the metric favours. `track_and_stop` is its deprecated spelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import field

from t0.config.fields import F64, U64, NonNegative, Rule
from t0.config.schema import ExperimentationConfig
from t0.errors import ConfigError
from t0.experimentation.static import DistinctNames, check_lists


def _delta_reason(value: float) -> str | None:
    return None if 0 < value < 1 else f"Track-and-Stop delta must be in (0, 1), got {value:g}"


def _some_reason(value: int) -> str | None:
    return None if value >= 1 else f"`min_samples_per_variant` must be >= 1, got {value}"


def _candidates_reason(value: list[str]) -> str | None:
    return None if value else "Track-and-Stop candidate_variants cannot be empty"


class TrackAndStopConfig(ExperimentationConfig, frozen=True, kw_only=True):
    type = "track_and_stop"
    supported = False

    metric: str
    candidate_variants: Annotated[DistinctNames, Rule(_candidates_reason)]
    fallback_variants: DistinctNames = field(default_factory=list)
    min_samples_per_variant: Annotated[U64, Rule(_some_reason)] = 10
    max_samples_per_variant: U64 = 10_000
    delta: Annotated[F64, Rule(_delta_reason)] = 0.05
    epsilon: NonNegative = 0.0
    update_period_s: U64 = 300
    min_prob: NonNegative = 0.0

    @property
    def weights(self) -> Mapping[str, float]:
        return dict.fromkeys(self.candidate_variants, 1.0)

    @property
    def fallbacks(self) -> list[str]:
        return self.fallback_variants

    @property
    def metric_name(self) -> str:
        return self.metric

    def check(self, path: str) -> None:
        check_lists(self.candidate_variants, self.fallback_variants, path)
        low, high = self.min_samples_per_variant, self.max_samples_per_variant
        if high < low:
            text = f"`max_samples_per_variant` ({high}) must be >= `min_samples_per_variant` ({low})"
            raise ConfigError(text, key=path)
        floor = self.min_prob * len(self.candidate_variants)
        if floor > 1 + 1e-9:
            text = f"`min_prob` times the number of candidates must be at most 1, got {floor:g}"
            raise ConfigError(text, key=path)


class AdaptiveConfig(TrackAndStopConfig, frozen=True, kw_only=True):
    type = "adaptive"

    algorithm: Literal["track_and_stop"] = "track_and_stop"
