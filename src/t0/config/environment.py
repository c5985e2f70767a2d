"""The process environment, as far as t0 reads it by fixed names."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from msgspec import Struct

from t0.errors import ConfigError

LOG_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "off": logging.CRITICAL + 1,
}


class Environment(Struct, frozen=True, kw_only=True):
    """The variables `TENSORZERO_X`; each may also be given as `T0_X`, which wins when both are set."""

    clickhouse_url: str | None = None
    postgres_url: str | None = None
    valkey_url: str | None = None
    valkey_cache_url: str | None = None
    gateway_bind_address: str | None = None
    clickhouse_cluster_name: str | None = None
    override_non_replicated_clickhouse: bool = False
    disable_mcp_host_check: bool = False
    mock_provider_api: str | None = None
    log_level: int | None = None
    """From `RUST_LOG`; None leaves the choice to the configuration."""


def read_environment(env: Mapping[str, str]) -> Environment:
    """The environment t0 runs in. Raises `ConfigError` for a value it cannot read."""
    valkey = variable(env, "VALKEY_URL")
    return Environment(
        clickhouse_url=variable(env, "CLICKHOUSE_URL"),
        postgres_url=variable(env, "POSTGRES_URL"),
        valkey_url=valkey,
        valkey_cache_url=variable(env, "VALKEY_CACHE_URL") or valkey,
        gateway_bind_address=variable(env, "GATEWAY_BIND_ADDRESS"),
        clickhouse_cluster_name=variable(env, "CLICKHOUSE_CLUSTER_NAME"),
        override_non_replicated_clickhouse=variable(env, "OVERRIDE_NON_REPLICATED_CLICKHOUSE") == "1",
        disable_mcp_host_check=variable(env, "DISABLE_MCP_HOST_CHECK") == "1",
        mock_provider_api=variable(env, "INTERNAL_MOCK_PROVIDER_API") or None,
        log_level=log_level(env.get("RUST_LOG")),
    )


def variable(env: Mapping[str, str], name: str) -> str | None:
    """`T0_<name>`, else `TENSORZERO_<name>`, else None. Set but empty counts as set."""
    return env.get(f"T0_{name}", env.get(f"TENSORZERO_{name}"))


def log_level(directives: str | None) -> int | None:
    """The level of a `RUST_LOG` value: `debug`, or of directives `warn,gateway=info` the most talkative one.

    Raises `ConfigError` for a value without any known level.
    """
    if not directives:
        return None
    words = (d.rpartition("=")[2].strip().lower() for d in directives.split(","))
    levels = [LOG_LEVELS[w] for w in words if w in LOG_LEVELS]
    if not levels:
        known = ", ".join(LOG_LEVELS)
        raise ConfigError(f"`{directives}` names no log level, expected one of {known}", key="RUST_LOG")
    return min(levels)
