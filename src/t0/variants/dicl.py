"""`type = "experimental_dynamic_in_context_learning"`: similar past inferences become examples in the prompt."""

from __future__ import annotations

from typing import Annotated

from t0.config.fields import F32, U32, Rule
from t0.config.schema import Place, SampledVariantConfig
from t0.config.values import SourceFile


def _distance_reason(value: float) -> str | None:
    return None if value >= 0 else f"`max_distance` must be non-negative (got {value:g})"


class DynamicInContextLearningConfig(SampledVariantConfig, frozen=True, kw_only=True):
    """`system_instructions` is plain text; None means the built-in one."""

    type = "experimental_dynamic_in_context_learning"
    supported = False

    embedding_model: str
    k: U32
    max_distance: Annotated[F32, Rule(_distance_reason)] | None = None
    system_instructions: SourceFile | None = None

    @property
    def embedding_models(self) -> list[str]:
        return [self.embedding_model]

    def check_in(self, place: Place) -> None:
        place.require_json_mode(self.json_mode)
