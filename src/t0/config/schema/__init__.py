"""The structs that mirror `tensorzero.toml`, one per table; decoded, they are the frozen configuration t0 runs on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

from msgspec import Struct

from t0.config.decode import Kind
from t0.config.fields import NOT_TOML, NOT_YET
from t0.config.schema.common import (
    ExtraBodyEntry,
    ExtraHeaderEntry,
    NonStreamingTimeouts,
    PathEntry,
    ProviderConfig,
    Retries,
    StreamingTimeouts,
    Timeouts,
)
from t0.config.schema.functions import (
    FUNCTION_KINDS,
    ROLES,
    ChatFunctionConfig,
    EvaluationConfig,
    EvaluatorConfig,
    Experimentation,
    ExperimentationConfig,
    FunctionConfig,
    JsonFunctionConfig,
    JsonModeKey,
    MetricConfig,
    Place,
    SampledVariantConfig,
    TemplateRef,
    ToolDefinition,
    VariantConfig,
)
from t0.config.schema.gateway import Autopilot, ClickHouse, Gateway, Postgres
from t0.config.schema.limits import (
    ENFORCED_LIMITS,
    OBJECT_STORAGE_KINDS,
    ObjectStorage,
    RateLimiting,
)
from t0.config.schema.models import EmbeddingModelConfig, EmbeddingProvider, ModelConfig, ProviderTypes


class OptimizerConfig(Struct, Kind, frozen=True, kw_only=True):
    """One `[optimizers.O]` table. Unknown keys are ignored."""


class Source(NamedTuple):
    """Where the configuration came from: the glob and its files, and the merged tree they hold, files resolved."""

    glob: str | None = None
    paths: tuple[str, ...] = ()
    tree: Mapping[str, Any] = MappingProxyType({})
    secrets: frozenset[str] = frozenset()


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole configuration."""

    gateway: Gateway = Gateway()
    clickhouse: ClickHouse = ClickHouse()
    postgres: Postgres = Postgres()
    rate_limiting: Annotated[RateLimiting, ENFORCED_LIMITS] = RateLimiting()
    object_storage: ObjectStorage | None = None
    models: dict[str, ModelConfig] = {}
    embedding_models: dict[str, EmbeddingModelConfig] = {}
    functions: dict[str, FunctionConfig] = {}
    metrics: dict[str, MetricConfig] = {}
    tools: dict[str, ToolDefinition] = {}
    evaluations: Annotated[dict[str, EvaluationConfig], NOT_YET] = {}
    provider_types: ProviderTypes = ProviderTypes()
    optimizers: dict[str, OptimizerConfig] = {}
    autopilot: Autopilot = Autopilot()
    source: Annotated[Source, NOT_TOML] = Source()

    @property
    def automatic_migrations(self) -> bool:
        """Whether the gateway may create and change tables when it starts."""
        deprecated = self.gateway.observability.disable_automatic_migrations
        return not (self.clickhouse.disable_automatic_migrations or deprecated)


__all__ = [
    "ENFORCED_LIMITS",
    "FUNCTION_KINDS",
    "OBJECT_STORAGE_KINDS",
    "ROLES",
    "Autopilot",
    "ChatFunctionConfig",
    "ClickHouse",
    "Config",
    "EmbeddingModelConfig",
    "EmbeddingProvider",
    "EvaluationConfig",
    "EvaluatorConfig",
    "Experimentation",
    "ExperimentationConfig",
    "ExtraBodyEntry",
    "ExtraHeaderEntry",
    "FunctionConfig",
    "Gateway",
    "JsonFunctionConfig",
    "JsonModeKey",
    "MetricConfig",
    "ModelConfig",
    "NonStreamingTimeouts",
    "ObjectStorage",
    "OptimizerConfig",
    "PathEntry",
    "Place",
    "Postgres",
    "ProviderConfig",
    "ProviderTypes",
    "RateLimiting",
    "Retries",
    "SampledVariantConfig",
    "Source",
    "StreamingTimeouts",
    "TemplateRef",
    "Timeouts",
    "ToolDefinition",
    "VariantConfig",
]
