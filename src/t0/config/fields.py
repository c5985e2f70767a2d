"""The vocabulary the schema is written in: number ranges, marks on keys, and hooks for values with their own syntax.

A key's annotation says all there is to say about it. `decode` reads the annotations, and so does `keys`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from t0.config.credentials import check_location
from t0.config.values import IntRange

if TYPE_CHECKING:
    from t0.config.decode import Decoder


class FloatKind(NamedTuple):
    """How errors call a floating-point key. Integers are accepted too."""

    name: str


class Parsed(NamedTuple):
    """The value has its own syntax. `parse(decoder, value, path)` gives what the struct keeps, or raises."""

    parse: Callable[[Decoder, Any, str], Any]
    mirrors: type[Struct] | None = None
    """The struct whose keys the value has, if it is a table."""


class Rule(NamedTuple):
    """A rule on the decoded value: `reason(value)` is what is wrong with it, or None."""

    reason: Callable[[Any], str | None]


class Alias(NamedTuple):
    """A deprecated spelling of the key."""

    name: str


class NotYet(NamedTuple):
    """t0 knows the key and validates it, but the feature is not built: setting it stops the start.

    Values for which `unless` holds change nothing and are accepted; `harmless` names them for the docs.
    """

    unless: Callable[[Any], bool] | None = None
    harmless: str = ""

    def accepts(self, value: Any) -> bool:
        return self.unless is not None and self.unless(value)

    @property
    def reason(self) -> str:
        text = "t0 does not support this key yet"
        return f"{text}, except {self.harmless}" if self.harmless else text


class Mark(NamedTuple):
    """A remark about a key that needs no argument."""

    name: str


NOT_YET = NotYet()
SECRET = Mark("secret")
"""A literal secret: never leaves the process, not even in a configuration snapshot."""
NOT_TOML = Mark("not TOML")
"""A field of the struct that is not a key."""

U32 = Annotated[int, IntRange("u32", 0, 2**32 - 1)]
U64 = Annotated[int, IntRange("u64", 0, 2**64 - 1)]
I32 = Annotated[int, IntRange("i32", -(2**31), 2**31 - 1)]
F32 = Annotated[float, FloatKind("f32")]
F64 = Annotated[float, FloatKind("f64")]


def _namespace_reason(value: str) -> str | None:
    if not value:
        return "Namespace identifier cannot be empty"
    if value.startswith("tensorzero::"):
        return f"Namespace identifier cannot start with `tensorzero::`: {value}"
    return None


def _url_reason(value: str) -> str | None:
    try:
        parts = urlsplit(value)
    except ValueError as e:
        return f'invalid URL "{value}": {e}'
    if not parts.scheme:
        return f'relative URL without a base: "{value}"'
    if parts.scheme in ("http", "https") and not parts.netloc:
        return f'empty host: "{value}"'
    return None


def _non_negative_reason(value: float) -> str | None:
    return None if value >= 0 else f"must be non-negative, got {value:g}"


def _finite_reason(value: float) -> str | None:
    return None if math.isfinite(value) else f"must be a finite number, got {value}"


Json = Any
"""Any TOML value, as JSON: datetimes become strings, `nan` and `inf` are refused."""
Namespace = Annotated[str, Rule(_namespace_reason)]
Url = Annotated[str, Rule(_url_reason)]
NonNegative = Annotated[float, FloatKind("f64"), Rule(_non_negative_reason), Rule(_finite_reason)]


def _parse_location(decoder: Decoder, value: Any, path: str) -> str | dict[str, str]:
    return check_location(value, path)


CredentialLocation = Annotated[str | dict[str, str], Parsed(_parse_location)]
