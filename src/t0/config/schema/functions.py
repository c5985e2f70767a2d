"""`[functions.F]` with what every variant, experiment and evaluator has in common; `[tools.T]`, `[metrics.X]`.

The kinds of variants, experiments and evaluators live beside their implementations.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from msgspec import Struct, field

from t0.config.decode import Decoder, Kind
from t0.config.fields import F32, F64, I32, U32, Namespace, Parsed, Rule
from t0.config.schema.common import ExtraBodyEntry, ExtraHeaderEntry, PathEntry, Retries, Timeouts
from t0.config.values import SourceFile, choice, expect, join, wrong_type
from t0.errors import ConfigError
from t0.types.params import ChatCompletionParams, JsonMode
from t0.types.tools import SpecificTool, ToolChoice

ROLES = ("system", "user", "assistant")


class TemplateRef(NamedTuple):
    """A template of a variant. `legacy` ones, written as `user_template`, render text blocks without a schema."""

    file: SourceFile
    legacy: bool


# -- tools and metrics -------------------------------------------------------------------------------------------------


class ToolDefinition(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`name` is what the model sees; None means the key of the table."""

    description: str
    parameters: SourceFile
    name: str | None = None
    strict: bool = False


class MetricConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    type: Literal["boolean", "float"]
    optimize: Literal["min", "max"]
    level: Literal["inference", "episode"]
    description: str | None = None


# -- variants ----------------------------------------------------------------------------------------------------------


def _weight_reason(value: float) -> str | None:
    return None if value >= 0 else "`weight` must be non-negative"


def _parse_json_mode(decoder: Decoder, value: Any, path: str) -> str:
    name = choice(value, ("off", "on", "strict", "tool", "implicit_tool"), path)
    return "tool" if name == "implicit_tool" else name


JsonModeKey = Annotated[JsonMode, Parsed(_parse_json_mode)]


class Place(NamedTuple):
    """Where a variant, or a part of one, stands."""

    function_name: str
    function: FunctionConfig
    variant_name: str
    part: str = ""

    @property
    def path(self) -> str:
        path = f"functions.{self.function_name}.variants.{self.variant_name}"
        return join(path, self.part) if self.part else path

    @property
    def in_json_function(self) -> bool:
        return isinstance(self.function, JsonFunctionConfig)

    def require_json_mode(self, json_mode: JsonMode | None) -> None:
        """In a json function the variant must say how it makes JSON."""
        if self.in_json_function and json_mode is None:
            text = f"`json_mode` must be specified for `[{self.path}]`"
            parent = f"parent function `{self.function_name}` is a JSON function"
            raise ConfigError(f"{text} ({parent})", key=self.path)

    def forbid_tool_mode(self, json_mode: JsonMode | None) -> None:
        """`json_mode = "tool"` would hide the tools of a chat function."""
        if json_mode == "tool" and isinstance(self.function, ChatFunctionConfig) and self.function.tools:
            text = '`json_mode = "tool"` is not supported here while the function has tools'
            raise ConfigError(text, key=self.path)


class VariantConfig(Struct, Kind, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """The keys of every variant besides `type`."""

    takes_templates: ClassVar[bool] = False
    """Whether each schema of the function needs a template here."""

    timeouts: Timeouts = Timeouts()
    namespace: Namespace | None = None
    weight: Annotated[F64, Rule(_weight_reason)] | None = None

    @property
    def templates(self) -> Mapping[str, TemplateRef]:
        """The templates by name, in whichever spelling they were written."""
        return {}

    @property
    def parts(self) -> Mapping[str, SampledVariantConfig]:
        """The model calls a variant makes by itself, by their key in its table; its own keys stand under ``""``."""
        return {}

    @property
    def embedding_models(self) -> list[str]:
        """The embedding models this variant calls."""
        return []

    @property
    def component_names(self) -> list[str]:
        """The variants of the same function this one runs; a name may repeat."""
        return []

    def check_in(self, place: Place) -> None:
        """The rules of this kind of variant that depend on the function. Raises `ConfigError`."""


class SampledVariantConfig(VariantConfig, frozen=True, kw_only=True):
    """The keys of every variant that calls one model for its answer."""

    model: str
    temperature: F32 | None = None
    top_p: F32 | None = None
    presence_penalty: F32 | None = None
    frequency_penalty: F32 | None = None
    max_tokens: U32 | None = None
    seed: U32 | None = None
    stop_sequences: list[str] | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    thinking_budget_tokens: I32 | None = None
    json_mode: JsonModeKey | None = None
    retries: Retries = Retries()
    extra_body: list[ExtraBodyEntry] = []
    extra_headers: list[ExtraHeaderEntry] = []

    @property
    def parts(self) -> Mapping[str, SampledVariantConfig]:
        return {"": self}

    @cached_property
    def params(self) -> ChatCompletionParams:
        """The sampling parameters, for requests to override."""
        names = ChatCompletionParams.__struct_fields__
        return ChatCompletionParams(**{n: getattr(self, n, None) for n in names})


# -- experimentation ---------------------------------------------------------------------------------------------------


class ExperimentationConfig(Struct, Kind, frozen=True, kw_only=True):
    """The part of an experiment that reads the same for every kind. Unknown keys are ignored."""

    @property
    def weights(self) -> Mapping[str, float] | None:
        """The candidates and their weights; None means all variants of the function, alike."""
        return None

    @property
    def fallbacks(self) -> list[str]:
        """The variants tried in this order when no candidate is left."""
        return []

    @property
    def variant_names(self) -> list[str] | None:
        """Every variant the experiment may pick; None means all variants of the function."""
        return None if self.weights is None else [*self.weights, *self.fallbacks]

    @property
    def metric_name(self) -> str | None:
        """The metric the experiment follows, if any."""
        return None


class Experimentation(Struct, frozen=True):
    """The rules of a function: `base`, and by namespace what replaces it for requests of that namespace."""

    base: ExperimentationConfig
    namespaces: dict[str, ExperimentationConfig] = {}


def _parse_experimentation(decoder: Decoder, value: Any, path: str) -> Experimentation:
    table = expect(dict, value, path, "a table")
    base = {k: v for k, v in table.items() if k != "namespaces"}
    where = join(path, "namespaces")
    spaces = expect(dict, table.get("namespaces", {}), where, "a table")
    for name in spaces:
        decoder.decode(Namespace, name, where)
    return Experimentation(
        base=decoder.table(ExperimentationConfig, base, path),
        namespaces={n: decoder.table(ExperimentationConfig, t, join(where, n)) for n, t in spaces.items()},
    )


ExperimentationTable = Annotated[Experimentation, Parsed(_parse_experimentation, ExperimentationConfig)]


# -- evaluators --------------------------------------------------------------------------------------------------------


class EvaluatorConfig(Struct, Kind, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One evaluator of a function or an evaluation."""

    def metric(self) -> MetricConfig:
        """The metric its results are stored under."""
        return MetricConfig(type="boolean", optimize="max", level="inference")

    def judge_function(self) -> JsonFunctionConfig | None:
        """The function an LLM judge is called through; None for evaluators that call no model."""
        return None


class EvaluationConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    type: Literal["inference", "static"]
    function_name: str
    evaluators: dict[str, EvaluatorConfig] = {}
    description: str | None = None


# -- functions ---------------------------------------------------------------------------------------------------------


def _parse_tool_choice(decoder: Decoder, value: Any, path: str) -> ToolChoice:
    names = ("none", "auto", "required", "specific")
    if isinstance(value, dict):
        if list(value) != ["specific"]:
            raise ConfigError(f"unknown variant `{next(iter(value), '')}`, expected `specific`", key=path)
        return SpecificTool(expect(str, value["specific"], join(path, "specific"), "a string"))
    if not isinstance(value, str) or value == "specific":
        raise wrong_type(value, path, '`none`, `auto`, `required` or `{ specific = "tool" }`')
    return choice(value, names, path)  # type: ignore[return-value]


class FunctionConfig(Struct, Kind, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """What chat and json functions share. `schemas` joins both spellings of input schemas."""

    variants: dict[str, VariantConfig]
    system_schema: SourceFile | None = None
    user_schema: SourceFile | None = None
    assistant_schema: SourceFile | None = None
    schema_entries: dict[str, PathEntry] = field(default={}, name="schemas")
    description: str | None = None
    experimentation: ExperimentationTable | None = None
    evaluators: dict[str, EvaluatorConfig] = {}

    @cached_property
    def schemas(self) -> Mapping[str, SourceFile]:
        """The input schemas by name, in whichever spelling they were written."""
        legacy = {role: getattr(self, f"{role}_schema") for role in ROLES}
        return {r: f for r, f in legacy.items() if f} | {n: e.path for n, e in self.schema_entries.items()}

    def check(self, path: str) -> None:
        for role in ROLES:
            if role in self.schema_entries and getattr(self, f"{role}_schema"):
                raise ConfigError(f"Cannot specify both `schemas.{role}.path` and `{role}_schema`", key=path)


class ChatFunctionConfig(FunctionConfig, frozen=True, kw_only=True):
    type = "chat"

    tools: list[str] = []
    tool_choice: Annotated[ToolChoice, Parsed(_parse_tool_choice)] = "auto"
    parallel_tool_calls: bool | None = None


class JsonFunctionConfig(FunctionConfig, frozen=True, kw_only=True):
    type = "json"

    output_schema: SourceFile | None = None


FUNCTION_KINDS = {c.type: c for c in (ChatFunctionConfig, JsonFunctionConfig)}
