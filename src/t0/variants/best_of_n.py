"""`type = "experimental_best_of_n_sampling"`: several candidates, and a judge that picks one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec.structs import replace

from t0.config.decode import Decoder, Shape
from t0.config.fields import NonNegative, Parsed
from t0.config.schema import Place, SampledVariantConfig, VariantConfig
from t0.config.values import expect
from t0.errors import ConfigError
from t0.variants.chat_completion import ChatCompletionConfig


def _parse_component(decoder: Decoder, value: Any, path: str) -> ChatCompletionConfig:
    """The keys of a chat completion that make sense for a part of a variant."""
    table = expect(dict, value, path, "a table")
    shape = Shape(without=("timeouts", "namespace"))
    component: ChatCompletionConfig = decoder.struct(ChatCompletionConfig, table, path, shape)
    return component


Component = Annotated[ChatCompletionConfig, Parsed(_parse_component)]


class CombiningConfig(VariantConfig, frozen=True, kw_only=True):
    """The keys of variants that run other variants. `timeout_s` limits each candidate that has no timeouts itself."""

    candidates: list[str]
    timeout_s: NonNegative | None = None

    @property
    def component_names(self) -> list[str]:
        return self.candidates

    def check_in(self, place: Place) -> None:
        for name in self.candidates if self.timeout_s is not None else ():
            candidate = place.function.variants.get(name)
            if candidate is not None and candidate.timeouts.limits():
                text = f"cannot use `timeout_s` when candidate `{name}` already has `[timeouts]` configured."
                raise ConfigError(f"{text} Remove `timeout_s` and set timeouts on the candidates", key=place.path)


class BestOfNConfig(CombiningConfig, frozen=True, kw_only=True):
    type = "experimental_best_of_n_sampling"
    supported = False

    evaluator: Component

    @property
    def parts(self) -> Mapping[str, SampledVariantConfig]:
        return {"evaluator": self.evaluator}

    def check_in(self, place: Place) -> None:
        super().check_in(place)
        judge = place._replace(part="evaluator")
        judge.forbid_tool_mode(self.evaluator.json_mode)
        replace(self.evaluator, json_mode=self.evaluator.json_mode or "strict").check_in(judge)
