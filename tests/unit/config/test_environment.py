"""The process environment."""

import logging

import pytest

from t0.config.environment import Environment, log_level, read_environment, variable
from t0.errors import ConfigError


def test_nothing_set() -> None:
    assert read_environment({}) == Environment()


def test_everything_set() -> None:
    env = {
        "TENSORZERO_CLICKHOUSE_URL": "http://c",
        "TENSORZERO_POSTGRES_URL": "postgres://p",
        "TENSORZERO_VALKEY_URL": "redis://v",
        "TENSORZERO_VALKEY_CACHE_URL": "redis://w",
        "TENSORZERO_GATEWAY_BIND_ADDRESS": "127.0.0.1:1",
        "TENSORZERO_CLICKHOUSE_CLUSTER_NAME": "cluster",
        "TENSORZERO_OVERRIDE_NON_REPLICATED_CLICKHOUSE": "1",
        "TENSORZERO_DISABLE_MCP_HOST_CHECK": "1",
        "TENSORZERO_INTERNAL_MOCK_PROVIDER_API": "http://m",
        "RUST_LOG": "debug",
    }
    assert read_environment(env) == Environment(
        clickhouse_url="http://c",
        postgres_url="postgres://p",
        valkey_url="redis://v",
        valkey_cache_url="redis://w",
        gateway_bind_address="127.0.0.1:1",
        clickhouse_cluster_name="cluster",
        override_non_replicated_clickhouse=True,
        disable_mcp_host_check=True,
        mock_provider_api="http://m",
        log_level=logging.DEBUG,
    )


@pytest.mark.parametrize(
    ("env", "value"),
    [
        pytest.param({"TENSORZERO_X": "a"}, "a", id="the_reference_s_name"),
        pytest.param({"T0_X": "b"}, "b", id="own_name"),
        pytest.param({"TENSORZERO_X": "a", "T0_X": "b"}, "b", id="own_name_wins"),
        pytest.param({"TENSORZERO_X": "a", "T0_X": ""}, "", id="empty_counts_as_set"),
        pytest.param({"X": "c"}, None, id="neither"),
    ],
)
def test_both_prefixes(env: dict[str, str], value: str | None) -> None:
    assert variable(env, "X") == value


def test_the_cache_uses_the_common_valkey_unless_it_has_its_own() -> None:
    assert read_environment({"T0_VALKEY_URL": "redis://v"}).valkey_cache_url == "redis://v"


@pytest.mark.parametrize(
    ("directives", "level"),
    [
        (None, None),
        ("", None),
        ("info", logging.INFO),
        ("WARN", logging.WARNING),
        ("trace", logging.DEBUG),
        ("warn,gateway=info,tensorzero_core=debug", logging.DEBUG),
        ("warn,hyper", logging.WARNING),
        ("off", logging.CRITICAL + 1),
    ],
)
def test_log_levels(directives: str | None, level: int | None) -> None:
    assert log_level(directives) == level


def test_no_log_level() -> None:
    with pytest.raises(ConfigError) as caught:
        read_environment({"RUST_LOG": "loud"})
    expected = "expected one of trace, debug, info, warn, error, off"
    assert str(caught.value) == f"RUST_LOG: `loud` names no log level, {expected}"
