"""Refused configurations: `[gateway]`, the databases, `[object_storage]`."""

import pytest

from unit.config.build import GATEWAY
from unit.config.conftest import Refusal


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        pytest.param(
            GATEWAY + 'bind_address = "localhost:3000"',
            "gateway.bind_address: invalid socket address syntax: `localhost:3000`, expected `IP:port`",
            id="bind_name",
        ),
        pytest.param(
            GATEWAY + 'bind_address = "127.0.0.1"',
            "gateway.bind_address: invalid socket address syntax: `127.0.0.1`, expected `IP:port`",
            id="bind_no_port",
        ),
        pytest.param(
            GATEWAY + 'bind_address = "127.0.0.1:65536"',
            ("gateway.bind_address: invalid socket address syntax: `127.0.0.1:65536`, expected a port from 0 to 65535"),
            id="bind_port_too_big",
        ),
        pytest.param(
            GATEWAY + 'bind_address = "[::zz]:1"',
            "gateway.bind_address: invalid socket address syntax: `[::zz]:1`, expected `IP:port`",
            id="bind_bad_v6",
        ),
        pytest.param(
            GATEWAY + 'base_path = "llm"',
            "gateway.base_path: [gateway.base_path] must start with a `/` : `llm`",
            id="base_path_relative",
        ),
        pytest.param(
            GATEWAY + "auth.cache.enabled = true", "gateway.auth: missing field `enabled`", id="auth_enabled_missing"
        ),
        pytest.param(
            GATEWAY + "observability = { async_writes = false, batch_writes = {} }",
            "gateway.observability.batch_writes: missing field `enabled`",
            id="batch_enabled_missing",
        ),
        pytest.param(
            GATEWAY + "observability.batch_writes.enabled = true",
            (
                "gateway.observability: Batch writes and async writes cannot be enabled at the same time. "
                "Async writes are the default: to use batch writes, set `gateway.observability.async_writes "
                "= false`"
            ),
            id="batch_and_async",
        ),
        pytest.param(
            GATEWAY + "observability.batch_writes = { enabled = false, flush_interval_ms = 0 }",
            (
                "gateway.observability.batch_writes.flush_interval_ms: Batch writes flush interval must be "
                "greater than 0"
            ),
            id="batch_zero_interval_even_disabled",
        ),
        pytest.param(
            GATEWAY + "observability.batch_writes = { enabled = false, max_rows = 0 }",
            "gateway.observability.batch_writes.max_rows: Batch writes max rows must be greater than 0",
            id="batch_zero_rows",
        ),
        pytest.param(
            GATEWAY + "observability.batch_writes = { enabled = false, max_rows_postgres = 0 }",
            (
                "gateway.observability.batch_writes.max_rows_postgres: Batch writes Postgres max rows must "
                "be greater than 0"
            ),
            id="batch_zero_rows_postgres",
        ),
        pytest.param(
            GATEWAY + "observability.batch_writes = { enabled = false, write_queue_capacity = 0 }",
            (
                "gateway.observability.batch_writes.write_queue_capacity: Batch writes "
                "`write_queue_capacity` must be greater than 0 when set"
            ),
            id="batch_zero_queue",
        ),
        pytest.param(
            "gateway.observability.disable_automatic_migrations = true\nclickhouse.disable_automatic_migrations = true",
            (
                "gateway.observability.disable_automatic_migrations: "
                "`gateway.observability.disable_automatic_migrations` and "
                "`clickhouse.disable_automatic_migrations` cannot both be set. Keep the latter"
            ),
            id="migrations_disabled_twice",
        ),
        pytest.param(
            GATEWAY + "metrics.tensorzero_inference_latency_overhead_seconds_buckets = [0.2, 0.1]",
            (
                "gateway.metrics.tensorzero_inference_latency_overhead_seconds_buckets: must be in strictly "
                "ascending order, but buckets[1] (0.1) <= buckets[0] (0.2)"
            ),
            id="buckets_descending",
        ),
        pytest.param(
            GATEWAY + "metrics.tensorzero_inference_latency_overhead_seconds_buckets = [inf]",
            (
                "gateway.metrics.tensorzero_inference_latency_overhead_seconds_buckets: must be finite and "
                "non-negative, but buckets[0] is inf"
            ),
            id="buckets_infinite",
        ),
        pytest.param(
            GATEWAY + "metrics.tensorzero_inference_latency_overhead_seconds_buckets = [-1]",
            (
                "gateway.metrics.tensorzero_inference_latency_overhead_seconds_buckets: must be finite and "
                "non-negative, but buckets[0] is -1.0"
            ),
            id="buckets_negative",
        ),
        pytest.param(
            GATEWAY + 'relay.gateway_url = "nope"',
            'gateway.relay.gateway_url: relative URL without a base: "nope"',
            id="relay_url",
        ),
        pytest.param(
            GATEWAY + 'relay.api_key_location = "nope"',
            (
                "gateway.relay.api_key_location: Invalid credential location format: `nope`. Use "
                "`env::VAR_NAME`, `path::FILE_PATH`, `dynamic::KEY_NAME`, or `sdk`."
            ),
            id="relay_location",
        ),
        pytest.param(
            GATEWAY + 'relay.api_key_location = ["none"]',
            "gateway.relay.api_key_location: invalid type: sequence, expected a credential location",
            id="relay_location_array",
        ),
        pytest.param(
            GATEWAY + 'relay.api_key_location = { default = "none" }',
            ("gateway.relay.api_key_location: expected exactly the keys `default` and `fallback`, found `default`"),
            id="relay_location_half",
        ),
        pytest.param(
            GATEWAY + 'relay.api_key_location = { default = "none", fallback = {} }',
            "gateway.relay.api_key_location.fallback: invalid type: map, expected a credential location",
            id="relay_location_nested",
        ),
        pytest.param(
            GATEWAY + 'export.otlp.traces.format = "zipkin"',
            (
                "gateway.export.otlp.traces.format: unknown variant `zipkin`, expected `opentelemetry` or "
                "`openinference`"
            ),
            id="otlp_format",
        ),
        pytest.param(
            GATEWAY + "export.otlp.traces.enabled = true",
            (
                "gateway.export.otlp.traces.enabled: The environment variable "
                "`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` must be set while traces are exported"
            ),
            id="otlp_without_variable",
        ),
        pytest.param(
            "[postgres]\nenabled = true",
            "postgres.enabled: Missing environment variable `TENSORZERO_POSTGRES_URL`",
            id="postgres_enabled_without_url",
        ),
        pytest.param(
            '[object_storage]\npath = "x"',
            "object_storage: TensorZeroDerive: missing tag field `type`",
            id="storage_type_missing",
        ),
        pytest.param(
            '[object_storage]\ntype = "ftp"',
            ("object_storage: unknown variant `ftp`, expected one of `s3_compatible`, `filesystem`, `disabled`"),
            id="storage_type_unknown",
        ),
        pytest.param(
            '[object_storage]\ntype = "filesystem"', "object_storage: missing field `path`", id="storage_path_missing"
        ),
        pytest.param(
            '[object_storage]\ntype = "filesystem"\npath = "/nonexistent-dir-xyz"',
            (
                "object_storage.path: Failed to create filesystem object store: path does not exist: "
                "/nonexistent-dir-xyz"
            ),
            id="storage_path_absent",
        ),
        pytest.param(
            '[object_storage]\ntype = "s3_compatible"\nendpoint = "dynamic::x"',
            (
                "object_storage: Invalid `[object_storage].endpoint`: `dynamic::x`. Use "
                "`env::ENVIRONMENT_VARIABLE` or a literal endpoint value."
            ),
            id="storage_endpoint",
        ),
        pytest.param(
            GATEWAY + 'template_filesystem_access.base_path = "zzz"',
            (
                "gateway.template_filesystem_access.base_path: Failed to resolve path `zzz` (base: `{DIR}`): "
                "No such file or directory (os error 2)"
            ),
            id="template_directory_missing",
        ),
        pytest.param(
            GATEWAY + 'template_filesystem_access.base_path = "any.json"',
            ("gateway.template_filesystem_access.base_path: Expected a directory path, but '{DIR}/any.json' is a file"),
            id="template_directory_is_file",
        ),
    ],
)
def test_refused(toml: str, text: str, refusal: Refusal) -> None:
    assert refusal(toml) == text
