"""`[rate_limiting]` and `[object_storage]`."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Struct

from t0.config.decode import Decoder, Kind
from t0.config.fields import NonNegative, NotYet, Parsed
from t0.config.values import IntRange, choice, expect, integer, join
from t0.errors import ConfigError

EACH, TOTAL = "tensorzero::each", "tensorzero::total"
RESOURCES = ("model_inferences", "tokens", "cost")
INTERVALS = ("second", "minute", "hour", "day", "week", "month")
_AMOUNT = IntRange("u64", 0, 2**64 - 1)


class RateLimit(NamedTuple):
    """At most `capacity` of `resource` at once; `refill_rate` comes back per `interval`. Cost counts in dollars."""

    resource: str
    interval: str
    capacity: float
    refill_rate: float


class TagScope(NamedTuple):
    tag_key: str
    tag_value: str


class ApiKeyScope(NamedTuple):
    api_key_public_id: str


class RateLimitRule(Struct, frozen=True, kw_only=True):
    """`priority` is None for a rule that always applies."""

    limits: list[RateLimit]
    scope: list[TagScope | ApiKeyScope]
    priority: int | None


def _parse_rule(decoder: Decoder, value: Any, path: str) -> RateLimitRule:
    table = expect(dict, value, path, "a table")
    limits = [_limit(key, amount, path) for key, amount in table.items() if "_per_" in key]
    return RateLimitRule(limits=limits, scope=_scopes(table.get("scope", []), path), priority=_priority(table, path))


def _limit(key: str, amount: Any, path: str) -> RateLimit:
    resource, _, interval = key.partition("_per_")
    if resource not in RESOURCES:
        raise ConfigError(f"Unknown resource: {resource}", key=path)
    choice(interval, INTERVALS, path)
    where = join(path, key)
    if not isinstance(amount, dict):
        amount = {"capacity": amount, "refill_rate": amount}
    if set(amount) != {"capacity", "refill_rate"}:
        raise _bad_amount(resource, where)
    return RateLimit(resource, interval, *(_amount(resource, amount[k], where) for k in ("capacity", "refill_rate")))


def _amount(resource: str, value: Any, path: str) -> float:
    numeric = type(value) is int or (resource == "cost" and type(value) is float)
    if not numeric or not math.isfinite(value) or value < 0:
        raise _bad_amount(resource, path)
    return float(value) if resource == "cost" else int(value)


def _bad_amount(resource: str, path: str) -> ConfigError:
    if resource == "cost":
        return ConfigError("Cost rate limit value must be a finite non-negative number", key=path)
    text = (
        "Rate limit value must either be a nonnegative integer or { capacity = .., refill_rate = .. } "
        "where both are nonnegative integers"
    )
    return ConfigError(text, key=path)


def _priority(table: dict[str, Any], path: str) -> int | None:
    prefix = "Error parsing rate limit scope and priority: "
    always = expect(bool, table.get("always", False), join(path, "always"), "a boolean")
    if always and "priority" in table:
        raise ConfigError(f"{prefix}cannot specify both `always` and `priority` fields", key=path)
    if always:
        return None
    if "priority" not in table:
        raise ConfigError(f"{prefix}the `priority` field is required when `always` is not true", key=path)
    return integer(table["priority"], join(path, "priority"), _AMOUNT)


def _scopes(value: Any, path: str) -> list[TagScope | ApiKeyScope]:
    where = join(path, "scope")
    scopes = [_scope(v, f"{where}[{i}]") for i, v in enumerate(expect(list, value, where, "a sequence"))]
    if len(set(scopes)) < len(scopes):
        raise ConfigError("duplicate scopes are not allowed in the same rule", key=where)
    return scopes


def _scope(value: Any, path: str) -> TagScope | ApiKeyScope:
    table = expect(dict, value, path, "a table")
    if "tag_key" in table:
        return _tag_scope(table, path)
    if "api_key_public_id" in table:
        return _api_key_scope(table["api_key_public_id"], path)
    raise ConfigError(
        "data did not match any known scope structure, expected `tag_key` or `api_key_public_id`", key=path
    )


def _tag_scope(table: dict[str, Any], path: str) -> TagScope:
    if "tag_value" not in table:
        raise ConfigError("missing field `tag_value`", key=path)
    key, value = (expect(str, table[k], join(path, k), "a string") for k in ("tag_key", "tag_value"))
    if value.startswith("tensorzero::") and value not in (EACH, TOTAL):
        text = f'Tag values in rate limiting scopes besides {EACH} and {TOTAL} may not start with "tensorzero::".'
        raise ConfigError(f"{text} Got `{value}`", key=path)
    return TagScope(key, value)


def _api_key_scope(value: Any, path: str) -> ApiKeyScope:
    public_id = expect(str, value, join(path, "api_key_public_id"), "a string")
    if public_id == EACH:
        return ApiKeyScope(public_id)
    if public_id.startswith("tensorzero::"):
        text = f'Api key public ID values in rate limiting scopes besides {EACH} may not start with "tensorzero::".'
        raise ConfigError(f"{text} Got `{public_id}`", key=path)
    if len(public_id) != 12:
        raise ConfigError(f"API key public ID `{public_id}` must be 12 characters long.", key=path)
    return ApiKeyScope(public_id)


RateLimitRuleEntry = Annotated[RateLimitRule, Parsed(_parse_rule)]


class RateLimiting(Struct, frozen=True):
    enabled: bool = True
    backend: Literal["auto", "postgres", "valkey"] = "auto"
    default_cost: NonNegative = 1.0
    rules: list[RateLimitRuleEntry] = []

    def check(self, path: str) -> None:
        seen: set[frozenset[TagScope | ApiKeyScope]] = set()
        for rule in self.rules:
            scope = frozenset(rule.scope)
            if scope in seen:
                text = f"Duplicate rate limiting config scope: {_show_scope(rule.scope)}."
                raise ConfigError(f"{text} Rate limiting config scopes must be unique.", key=join(path, "rules"))
            seen.add(scope)

    @property
    def enforced(self) -> bool:
        return self.enabled and bool(self.rules)


def _show_scope(scope: list[TagScope | ApiKeyScope]) -> str:
    entries = ("{ " + ", ".join(f'{k} = "{v}"' for k, v in s._asdict().items()) + " }" for s in scope)
    return f"[{', '.join(entries)}]"


class ObjectStorage(Struct, Kind, frozen=True):
    """Where files of inputs and outputs are kept."""


class S3Storage(ObjectStorage, frozen=True):
    type = "s3_compatible"

    bucket_name: str | None = None
    region: str | None = None
    endpoint: str | None = None
    allow_http: bool | None = None

    def check(self, path: str) -> None:
        form, separator, _ = (self.endpoint or "").partition("::")
        if (separator and form in ("path", "path_from_env", "dynamic", "file")) or self.endpoint in ("none", "sdk"):
            text = f"Invalid `[object_storage].endpoint`: `{self.endpoint}`."
            raise ConfigError(f"{text} Use `env::ENVIRONMENT_VARIABLE` or a literal endpoint value.", key=path)


class FilesystemStorage(ObjectStorage, frozen=True):
    """`path` is relative to the working directory."""

    type = "filesystem"

    path: str


class DisabledStorage(ObjectStorage, frozen=True):
    type = "disabled"


OBJECT_STORAGE_KINDS: dict[str, type[ObjectStorage]] = {
    c.type: c for c in (S3Storage, FilesystemStorage, DisabledStorage)
}
ENFORCED_LIMITS = NotYet(lambda v: not v.enforced, "`enabled = false` or no rules")
