"""Tables that several sections share: timeouts, retries, late changes to provider requests, provider keys."""

from __future__ import annotations

import math
from typing import Annotated, Any

from msgspec import UNSET, Struct

from t0.config.decode import Decoder
from t0.config.fields import F32, NOT_TOML, U64, Parsed, Rule
from t0.config.values import SourceFile, expect, to_json
from t0.errors import ConfigError
from t0.types.extra import ExtraBody, ExtraHeader


class NonStreamingTimeouts(Struct, frozen=True, forbid_unknown_fields=True):
    total_ms: U64 | None = None


class StreamingTimeouts(Struct, frozen=True, forbid_unknown_fields=True):
    ttft_ms: U64 | None = None
    total_ms: U64 | None = None


class Timeouts(Struct, frozen=True, forbid_unknown_fields=True):
    non_streaming: NonStreamingTimeouts = NonStreamingTimeouts()
    streaming: StreamingTimeouts = StreamingTimeouts()

    def limits(self) -> dict[str, int]:
        """What is set, by dotted key: `{"streaming.ttft_ms": 500}`."""
        found = {
            "non_streaming.total_ms": self.non_streaming.total_ms,
            "streaming.ttft_ms": self.streaming.ttft_ms,
            "streaming.total_ms": self.streaming.total_ms,
        }
        return {key: ms for key, ms in found.items() if ms is not None}


def _delay_reason(value: float) -> str | None:
    return None if value >= 0 and math.isfinite(value) else f"must be a finite non-negative number, got {value:g}"


class Retries(Struct, frozen=True):
    """How often a variant is tried again, and the longest pause in between, in seconds."""

    num_retries: U64 = 0
    max_delay_s: Annotated[F32, Rule(_delay_reason)] = 10.0


class PathEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """`{ path = "…" }`."""

    path: SourceFile


def _value_or_delete(table: dict[str, Any], path: str) -> dict[str, Any]:
    """`{"value": …}` or `{"delete": True}`, whichever the entry holds."""
    if ("value" in table) == ("delete" in table):
        raise ConfigError("expected exactly one of `value` and `delete = true`", key=path)
    if "value" in table:
        return {"value": table["value"]}
    if table["delete"] is not True:
        raise ConfigError(f"`delete` can only be `true`, got `{str(table['delete']).lower()}`", key=path)
    return {"delete": True}


def _text(table: dict[str, Any], key: str, path: str) -> str:
    if key not in table:
        raise ConfigError(f"missing field `{key}`", key=path)
    return expect(str, table[key], f"{path}.{key}", "a string")


def _parse_extra_body(decoder: Decoder, value: Any, path: str) -> ExtraBody:
    table = expect(dict, value, path, "a table")
    change = _value_or_delete(table, path)
    return ExtraBody(
        pointer=_text(table, "pointer", path),
        value=to_json(change["value"], f"{path}.value") if "value" in change else UNSET,
        delete=change.get("delete", UNSET),
    )


def _parse_extra_header(decoder: Decoder, value: Any, path: str) -> ExtraHeader:
    table = expect(dict, value, path, "a table")
    change = _value_or_delete(table, path)
    return ExtraHeader(
        name=_text(table, "name", path),
        value=_text(table, "value", path) if "value" in change else UNSET,
        delete=change.get("delete", UNSET),
    )


ExtraBodyEntry = Annotated[ExtraBody, Parsed(_parse_extra_body)]
ExtraHeaderEntry = Annotated[ExtraHeader, Parsed(_parse_extra_header)]


class ProviderConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys every `[models.M.providers.P]` table knows. `type` is kept, as several types may share a struct."""

    type: Annotated[str, NOT_TOML] = ""
    timeouts: Timeouts = Timeouts()
    extra_body: list[ExtraBodyEntry] = []
    extra_headers: list[ExtraHeaderEntry] = []
    discard_unknown_chunks: bool = False
    cost: list[dict[str, Any]] | None = None
    batch_cost: list[dict[str, Any]] | None = None
