"""`uniform`, deprecated: `static` with equal weights; without lists, all variants of the function alike."""

from __future__ import annotations

from collections.abc import Mapping

from t0.config.schema import ExperimentationConfig
from t0.experimentation.static import DistinctNames, check_lists


class UniformConfig(ExperimentationConfig, frozen=True, kw_only=True):
    type = "uniform"

    candidate_variants: DistinctNames | None = None
    fallback_variants: DistinctNames | None = None

    @property
    def weights(self) -> Mapping[str, float] | None:
        if self.candidate_variants is None and self.fallback_variants is None:
            return None
        return dict.fromkeys(self.candidate_variants or [], 1.0)

    @property
    def fallbacks(self) -> list[str]:
        return self.fallback_variants or []

    def check(self, path: str) -> None:
        check_lists(self.candidate_variants or [], self.fallbacks, path)
