"""The configuration's functions, variants and experiments as running objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from t0.config.schema import (
    ROLES,
    ChatFunctionConfig,
    Config,
    Experimentation,
    ExperimentationConfig,
    FunctionConfig,
    JsonFunctionConfig,
    VariantConfig,
)
from t0.errors import ConfigError
from t0.experimentation.base import Experiment, Rule
from t0.experimentation.rules import StaticRule, UniformRule
from t0.functions.base import Function
from t0.functions.chat import ChatFunction
from t0.functions.json import JsonFunction
from t0.functions.tools import StaticTool, ToolBox
from t0.models.table import ModelTable
from t0.schemas import CompiledSchema, parse_schema
from t0.templates import Environment
from t0.types.tools import FunctionTool
from t0.variants.base import Variant
from t0.variants.chat_completion import ChatCompletionConfig, ChatCompletionVariant
from t0.variants.render import Renderer, RoleTemplate

_ANY_JSON = "{}"


def configured_tools(config: Config) -> dict[str, StaticTool]:
    """`[tools]` by key."""
    tools = {}
    for key, definition in config.tools.items():
        schema = parse_schema(definition.parameters.body, source=definition.parameters.key)
        tool = FunctionTool(definition.description, schema.value, definition.name or key, definition.strict)
        tools[key] = StaticTool(tool, schema)
    return tools


def build_functions(
    config: Config, models: ModelTable, tools: dict[str, StaticTool], templates: Environment
) -> dict[str, Function]:
    """`[functions]` by name. Raises `ConfigError`."""
    return {name: _function(name, function, models, tools, templates) for name, function in config.functions.items()}


def _function(
    name: str, config: FunctionConfig, models: ModelTable, tools: dict[str, StaticTool], templates: Environment
) -> Function:
    schemas = {n: parse_schema(f.body, source=f.key) for n, f in config.schemas.items()}
    variants = {n: build_variant(n, v, models, schemas, templates) for n, v in config.variants.items()}
    common: dict[str, Any] = {"schemas": schemas, "variants": variants, "experiment": _experiment(config)}
    if isinstance(config, JsonFunctionConfig):
        file = config.output_schema
        source = "output_schema" if file is None else file.key
        output_schema = parse_schema(_ANY_JSON if file is None else file.body, source=source)
        return JsonFunction(name, output_schema=output_schema, **common)
    if isinstance(config, ChatFunctionConfig):
        box = ToolBox(tools, config.tools, config.tool_choice, config.parallel_tool_calls)
        return ChatFunction(name, tool_box=box, **common)
    raise ConfigError(f"unknown function type `{config.type}`", key=f"functions.{name}")


def build_variant(
    name: str,
    config: VariantConfig,
    models: ModelTable,
    schemas: Mapping[str, CompiledSchema],
    templates: Environment,
) -> Variant:
    """One variant of a function with these input schemas. Raises `ConfigError`."""
    if isinstance(config, ChatCompletionConfig):
        renderer = Renderer(templates, role_templates(config, schemas))
        return ChatCompletionVariant(name, config, models.get(config.model), renderer)
    raise ConfigError(f"t0 does not support variants of type `{config.type}` yet")


def role_templates(config: VariantConfig, schemas: Mapping[str, CompiledSchema]) -> dict[str, RoleTemplate]:
    return {
        name: RoleTemplate(
            ref.file.key,
            text_variable=f"{name}_text" if ref.legacy and name in ROLES and name not in schemas else None,
            has_schema=name in schemas,
        )
        for name, ref in config.templates.items()
    }


# -- experiments -------------------------------------------------------------------------------------------------------


def _experiment(config: FunctionConfig) -> Experiment:
    if isinstance(config.experimentation, Experimentation):
        namespaces = {n: _rule(e) for n, e in config.experimentation.namespaces.items()}
        return Experiment(_rule(config.experimentation.base), namespaces)
    weights = {n: v.weight for n, v in config.variants.items() if v.weight is not None}
    if not weights:
        return Experiment(UniformRule())
    candidates = {n: w for n, w in weights.items() if w > 0}
    fallbacks = sorted(n for n in config.variants if n not in weights)
    return Experiment(StaticRule(candidates, fallbacks))


def _rule(config: ExperimentationConfig) -> Rule:
    if config.weights is None:
        return UniformRule()
    return StaticRule(config.weights, config.fallbacks)
