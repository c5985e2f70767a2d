"""The process: timeouts against their ceiling, and what the environment must supply."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping

from t0.config.environment import Environment
from t0.config.schema import Config, Timeouts
from t0.config.schema.limits import FilesystemStorage, S3Storage
from t0.errors import ConfigError

logger = logging.getLogger("t0")


def check(config: Config, environment: Environment, env: Mapping[str, str]) -> None:
    for path, timeouts in _timeouts(config):
        check_timeouts(config, path, timeouts)
    _migrations(config)
    _otlp(config, env)
    _postgres(config, environment)
    _rate_limits(config, environment)
    _object_storage(config, env)


def _timeouts(config: Config) -> Iterator[tuple[str, Timeouts]]:
    for name, model in config.models.items():
        yield f"models.{name}", model.timeouts
        for provider, entry in model.providers.items():
            yield f"models.{name}.providers.{provider}", entry.timeouts
    for name, function in config.functions.items():
        for variant, entry_ in function.variants.items():
            yield f"functions.{name}.variants.{variant}", entry_.timeouts


def check_timeouts(config: Config, path: str, timeouts: Timeouts) -> None:
    """No limit may exceed that of a single outgoing request."""
    for key, ms in timeouts.limits().items():
        check_ceiling(config, path, f"timeouts.{key}", ms)
    streaming = timeouts.streaming
    if streaming.total_ms is not None and streaming.ttft_ms is not None and streaming.total_ms < streaming.ttft_ms:
        logger.warning("`%s.timeouts.streaming`: `total_ms` is less than `ttft_ms`, so it is the limit for both", path)


def check_ceiling(config: Config, path: str, key: str, ms: int) -> None:
    ceiling = config.gateway.global_outbound_http_timeout_ms
    if ms > ceiling:
        text = f"The `{key}` value `{ms}` is greater than `gateway.global_outbound_http_timeout_ms`: `{ceiling}`"
        raise ConfigError(text, key=path)


def _migrations(config: Config) -> None:
    if config.clickhouse.disable_automatic_migrations and config.gateway.observability.disable_automatic_migrations:
        old = "gateway.observability.disable_automatic_migrations"
        text = f"`{old}` and `clickhouse.disable_automatic_migrations` cannot both be set. Keep the latter"
        raise ConfigError(text, key=old)


def _otlp(config: Config, env: Mapping[str, str]) -> None:
    variable = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    if config.gateway.export.otlp.traces.enabled and variable not in env:
        text = f"The environment variable `{variable}` must be set while traces are exported"
        raise ConfigError(text, key="gateway.export.otlp.traces.enabled")


def _postgres(config: Config, environment: Environment) -> None:
    if config.postgres.enabled and environment.postgres_url is None:
        raise ConfigError("Missing environment variable `TENSORZERO_POSTGRES_URL`", key="postgres.enabled")


def _rate_limits(config: Config, environment: Environment) -> None:
    limits = config.rate_limiting
    urls = {"valkey": environment.valkey_url, "postgres": environment.postgres_url}
    title = {"valkey": "Valkey", "postgres": "Postgres"}
    if limits.backend in urls and urls[limits.backend] is None:
        name, variable = title[limits.backend], f"TENSORZERO_{limits.backend.upper()}_URL"
        text = f"Rate limiting is configured to use {name}, but {name} is not available. Set `{variable}`"
        raise ConfigError(text, key="rate_limiting.backend")
    if limits.enforced and not any(urls.values()):
        text = "Rate limiting is enabled with rules configured, but no backend is available."
        raise ConfigError(f"{text} Set `TENSORZERO_VALKEY_URL` or `TENSORZERO_POSTGRES_URL`", key="rate_limiting.rules")


def _object_storage(config: Config, env: Mapping[str, str]) -> None:
    storage = config.object_storage
    if isinstance(storage, FilesystemStorage) and not os.path.exists(storage.path):
        text = f"Failed to create filesystem object store: path does not exist: {storage.path}"
        raise ConfigError(text, key="object_storage.path")
    if isinstance(storage, S3Storage) and "S3_ACCESS_KEY_ID" in env and "S3_SECRET_ACCESS_KEY" not in env:
        text = "S3_ACCESS_KEY_ID is set but S3_SECRET_ACCESS_KEY is not. Please set neither or both."
        raise ConfigError(text, key="object_storage")
