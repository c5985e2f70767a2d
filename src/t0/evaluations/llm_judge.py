"""`type = "llm_judge"`: a model scores the output. Each judge becomes a json function, called like any other."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from t0.config.decode import Decoder, Shape
from t0.config.fields import F32, Parsed
from t0.config.schema import EvaluatorConfig, JsonFunctionConfig, MetricConfig, VariantConfig
from t0.config.values import SourceFile, choice, expect
from t0.errors import ConfigError
from t0.variants.best_of_n import BestOfNConfig
from t0.variants.chain_of_thought import ChainOfThoughtConfig
from t0.variants.chat_completion import ChatCompletionConfig
from t0.variants.dicl import DynamicInContextLearningConfig
from t0.variants.mixture_of_n import MixtureOfNConfig

# Keys of variants that judges lack: their prompt is `system_instructions`, and `active` stands for `weight`.
_TEMPLATES = ("templates", "system_template", "user_template", "assistant_template", "input_wrappers")
_LACKING = ("namespace", "weight")
_LACKING_DICL = (*_LACKING, "reasoning_effort", "thinking_budget_tokens", "verbosity")

Chat = TypeVar("Chat", bound=ChatCompletionConfig)


class _Instructions(Struct, frozen=True):
    system_instructions: SourceFile


class _Active(Struct, frozen=True):
    active: bool | None = None


def _chat(decoder: Decoder, table: dict[str, Any], path: str, cls: type[Chat], lacking: tuple[str, ...]) -> Chat:
    prompt = decoder.struct(_Instructions, table, path).system_instructions
    shape = Shape(without=(*_TEMPLATES, *lacking), beside=("system_instructions", "active"))
    variant: Chat = decoder.struct(cls, table, path, shape)
    if variant.json_mode is None:
        raise ConfigError("missing field `json_mode`", key=path)
    return replace(variant, system_template=prompt)


def _parse_component(decoder: Decoder, value: Any, path: str) -> ChatCompletionConfig:
    table = expect(dict, value, path, "a table")
    return _chat(decoder, table, path, ChatCompletionConfig, (*_LACKING, "timeouts"))


_Component = Annotated[ChatCompletionConfig, Parsed(_parse_component)]
_COMPONENTS = {"evaluator": _Component, "fuser": _Component}


def _dicl(decoder: Decoder, table: dict[str, Any], path: str) -> VariantConfig:
    shape = Shape(without=_LACKING_DICL, beside=("active",))
    variant: DynamicInContextLearningConfig = decoder.struct(DynamicInContextLearningConfig, table, path, shape)
    return replace(variant, json_mode=variant.json_mode or "strict")


def _judge(decoder: Decoder, tag: str, table: dict[str, Any], path: str) -> VariantConfig:
    for chat in (ChatCompletionConfig, ChainOfThoughtConfig):
        if tag == chat.type:
            return _chat(decoder, table, path, chat, _LACKING)
    if tag == DynamicInContextLearningConfig.type:
        return _dicl(decoder, table, path)
    cls = BestOfNConfig if tag == BestOfNConfig.type else MixtureOfNConfig
    shape = Shape(without=_LACKING, beside=("active",), instead=_COMPONENTS)
    variant: VariantConfig = decoder.struct(cls, {"candidates": [], **table}, path, shape)
    return variant


_JUDGES = (ChatCompletionConfig, BestOfNConfig, MixtureOfNConfig, DynamicInContextLearningConfig, ChainOfThoughtConfig)


class JudgeVariant(Struct, frozen=True):
    """One variant of a judge; `active` is None where the key is absent."""

    variant: VariantConfig
    active: bool | None


def _parse_judge_variant(decoder: Decoder, value: Any, path: str) -> JudgeVariant:
    table = expect(dict, value, path, "a table")
    if "type" not in table:
        raise ConfigError("TensorZeroDerive: missing tag field `type`", key=path)
    tag = choice(table["type"], [c.type for c in _JUDGES], path)
    rest = {k: v for k, v in table.items() if k != "type"}
    active = decoder.struct(_Active, rest, path).active
    return JudgeVariant(variant=_judge(decoder, tag, rest, path), active=active)


JudgeVariantEntry = Annotated[JudgeVariant, Parsed(_parse_judge_variant)]


class Include(Struct, frozen=True, forbid_unknown_fields=True):
    reference_output: bool = False


class LlmJudgeConfig(EvaluatorConfig, frozen=True, kw_only=True):
    type = "llm_judge"
    supported = False

    variants: dict[str, JudgeVariantEntry]
    output_type: Literal["float", "boolean"]
    optimize: Literal["min", "max"]
    input_format: Literal["serialized", "messages"] = "serialized"
    include: Include = Include()
    description: str | None = None
    cutoff: F32 | None = None

    @property
    def active_variants(self) -> list[str]:
        """The variants that are sampled; a single variant is active unless it says otherwise."""
        alone = len(self.variants) == 1
        return [n for n, v in self.variants.items() if v.active or (alone and v.active is None)]

    def check(self, path: str) -> None:
        if len(self.active_variants) != 1:
            owner, _, name = path.rpartition(".")
            text = f"Evaluator `{name}` in `[{owner}]` must have exactly 1 variant that is active."
            raise ConfigError(f"{text} Found {len(self.active_variants)} variants with nonzero weights.", key=path)

    def metric(self) -> MetricConfig:
        return MetricConfig(type=self.output_type, optimize=self.optimize, level="inference")

    def judge_function(self) -> JsonFunctionConfig:
        return JsonFunctionConfig(
            variants={name: v.variant for name, v in self.variants.items()},
            output_schema=_output_schema(self.output_type),
            description=self.description,
        )


def _output_schema(output_type: Literal["float", "boolean"]) -> SourceFile:
    """The schema of `{"score": …}`, which every judge answers with."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"score": {"type": {"float": "number", "boolean": "boolean"}[output_type]}},
        "required": ["score"],
        "additionalProperties": False,
    }
    key = f"tensorzero::llm_judge::{output_type}::output_schema"
    return SourceFile(key=key, path="", body=json.dumps(schema))
