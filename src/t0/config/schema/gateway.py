"""`[gateway]`, `[clickhouse]`, `[postgres]`, `[autopilot]`: the process and its databases."""

from __future__ import annotations

import math
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Literal

from msgspec import Struct, field

from t0.config.fields import F64, NOT_YET, SECRET, U32, U64, Alias, CredentialLocation, NotYet, Rule, Url
from t0.errors import ConfigError

DEFAULT_BIND_ADDRESS = "0.0.0.0:3000"


def parse_socket_address(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:3000` or `[::1]:3000`; names are not looked up. Raises `ValueError`."""
    host, _, port = text.rpartition(":")
    try:
        if host.startswith("[") and host.endswith("]"):
            host = str(IPv6Address(host[1:-1]))
        else:
            IPv4Address(host)
    except ValueError:
        raise ValueError(f"invalid socket address syntax: `{text}`, expected `IP:port`") from None
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError(f"invalid socket address syntax: `{text}`, expected a port from 0 to 65535")
    return host, int(port)


def _socket_address_reason(value: str) -> str | None:
    try:
        parse_socket_address(value)
    except ValueError as e:
        return str(e)
    return None


def _base_path_reason(value: str) -> str | None:
    return None if value.startswith("/") else f"[gateway.base_path] must start with a `/` : `{value}`"


class BatchWrites(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    enabled: bool
    flush_interval_ms: U64 = 100
    max_rows: U64 = 1000
    max_rows_postgres: U64 | None = None
    write_queue_capacity: U64 | None = None
    force_allow_embedded: bool | None = field(default=None, name="__force_allow_embedded_batch_writes")

    def check(self, path: str) -> None:
        if self.flush_interval_ms == 0:
            raise ConfigError("Batch writes flush interval must be greater than 0", key=f"{path}.flush_interval_ms")
        if self.max_rows == 0:
            raise ConfigError("Batch writes max rows must be greater than 0", key=f"{path}.max_rows")
        if self.max_rows_postgres == 0:
            raise ConfigError("Batch writes Postgres max rows must be greater than 0", key=f"{path}.max_rows_postgres")
        if self.write_queue_capacity == 0:
            text = "Batch writes `write_queue_capacity` must be greater than 0 when set"
            raise ConfigError(text, key=f"{path}.write_queue_capacity")


class Observability(Struct, frozen=True, forbid_unknown_fields=True):
    enabled: bool | None = None
    backend: Annotated[
        Literal["auto", "clickhouse", "postgres"], NotYet(lambda v: v != "postgres", "`auto` and `clickhouse`")
    ] = "auto"
    async_writes: bool = True
    batch_writes: BatchWrites | None = None
    disable_automatic_migrations: bool = False

    def check(self, path: str) -> None:
        if self.batch_writes and self.batch_writes.enabled and self.async_writes:
            raise ConfigError(
                "Batch writes and async writes cannot be enabled at the same time. Async writes are the default: "
                "to use batch writes, set `gateway.observability.async_writes = false`",
                key=path,
            )


class AuthCache(Struct, frozen=True, forbid_unknown_fields=True):
    enabled: bool = True
    ttl_ms: U64 = 1000


class Auth(Struct, frozen=True, forbid_unknown_fields=True):
    enabled: bool
    cache: AuthCache = AuthCache()


class ValkeyCache(Struct, frozen=True, forbid_unknown_fields=True):
    ttl_s: U64 = 86400


class InferenceCache(Struct, frozen=True, forbid_unknown_fields=True):
    enabled: bool | None = None
    backend: Literal["auto", "clickhouse", "valkey"] = "auto"
    valkey: ValkeyCache = ValkeyCache()


class OtlpTraces(Struct, frozen=True, forbid_unknown_fields=True):
    enabled: Annotated[bool, NOT_YET] = False
    format: Literal["opentelemetry", "openinference"] = "opentelemetry"
    extra_headers: dict[str, Annotated[str, SECRET]] = {}
    include_content: bool = False


class Otlp(Struct, frozen=True, forbid_unknown_fields=True):
    traces: OtlpTraces = OtlpTraces()


class Export(Struct, frozen=True, forbid_unknown_fields=True):
    otlp: Otlp = Otlp()


def _buckets_reason(buckets: list[float]) -> str | None:
    for i, bound in enumerate(buckets):
        if not math.isfinite(bound) or bound < 0:
            return f"must be finite and non-negative, but buckets[{i}] is {bound}"
        if i and bound <= buckets[i - 1]:
            pair = f"buckets[{i}] ({bound}) <= buckets[{i - 1}] ({buckets[i - 1]})"
            return f"must be in strictly ascending order, but {pair}"
    return None


class Metrics(Struct, frozen=True, forbid_unknown_fields=True):
    tensorzero_inference_latency_overhead_seconds_buckets: Annotated[list[F64], Rule(_buckets_reason)] = field(
        default_factory=lambda: [0.001, 0.01, 0.1]
    )


class TemplateFilesystemAccess(Struct, frozen=True, forbid_unknown_fields=True):
    """`base_path` is absolute: the directory that includes may reach."""

    base_path: str | None = None
    enabled: bool | None = None


class Relay(Struct, frozen=True, forbid_unknown_fields=True):
    gateway_url: Annotated[Url | None, NOT_YET] = None
    api_key_location: CredentialLocation = "none"


class Gateway(Struct, frozen=True, forbid_unknown_fields=True):
    bind_address: Annotated[str, Rule(_socket_address_reason)] | None = None
    base_path: Annotated[str, Rule(_base_path_reason)] = "/"
    debug: bool = False
    unstable_error_json: bool = False
    unstable_disable_feedback_target_validation: bool = False
    disable_pseudonymous_usage_analytics: bool = False
    fetch_and_encode_input_files_before_inference: bool = False
    global_outbound_http_timeout_ms: U64 = 900_000
    global_outbound_http_intra_stream_read_timeout_ms: U64 | None = None
    template_filesystem_access: TemplateFilesystemAccess = TemplateFilesystemAccess()
    observability: Observability = Observability()
    auth: Annotated[Auth | None, NotYet(lambda v: not v.enabled, "`enabled = false`")] = None
    cache: InferenceCache = InferenceCache()
    export: Export = Export()
    metrics: Metrics = Metrics()
    relay: Relay = Relay()

    @property
    def route_prefix(self) -> str:
        """What stands before every route: empty, or a path without a slash at its end."""
        return self.base_path.rstrip("/")


class ClickHouse(Struct, frozen=True, forbid_unknown_fields=True):
    disable_automatic_migrations: bool = False


class Postgres(Struct, frozen=True):
    connection_pool_size: U32 = 20
    inference_metadata_retention_days: Annotated[U32 | None, NOT_YET] = None
    inference_data_retention_days: Annotated[U32 | None, Alias("inference_retention_days"), NOT_YET] = None
    enabled: Annotated[bool | None, NotYet(lambda v: v is False, "`false`")] = None


class Autopilot(Struct, frozen=True, forbid_unknown_fields=True):
    tool_whitelist: list[str] | None = None
