"""Single TOML values: what type they have, how errors show them, and the checks all keys share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any, NamedTuple, TypeVar

from msgspec import Struct

from t0.errors import ConfigError

T = TypeVar("T")


class SourceFile(Struct, frozen=True):
    """A file the configuration refers to, read at start-up. `key` is its name in errors, includes and snapshots."""

    key: str
    path: str
    body: str

    def __repr__(self) -> str:
        return f"SourceFile({self.key!r})"


class IntRange(NamedTuple):
    """The integers a key takes; `name` is how errors call them."""

    name: str
    low: int
    high: int


def join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def describe(value: Any) -> str:
    """The value as errors show it: `integer `1``, `string "x"`."""
    if isinstance(value, SourceFile):
        return f'string "{value.path}"'
    if isinstance(value, str):
        return f'string "{value}"'
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, (datetime, date, time)):
        return f"datetime `{value.isoformat()}`"
    return "sequence" if isinstance(value, list) else "map"


def wrong_type(value: Any, path: str, expected: str) -> ConfigError:
    return ConfigError(f"invalid type: {describe(value)}, expected {expected}", key=path)


def expect(kind: type[T], value: Any, path: str, expected: str) -> T:
    """`value`, if it is of this type exactly."""
    if type(value) is not kind:
        raise wrong_type(value, path, expected)
    return value


def one_of(names: Sequence[str]) -> str:
    quoted = [f"`{n}`" for n in names]
    if not quoted:
        return "there are no fields"
    if len(quoted) <= 2:
        return "expected " + " or ".join(quoted)
    return "expected one of " + ", ".join(quoted)


def choice(value: Any, names: Sequence[str], path: str) -> str:
    """`value`, if it is one of the names."""
    name = expect(str, value, path, "a string")
    if name not in names:
        raise ConfigError(f"unknown variant `{name}`, {one_of(names)}", key=path)
    return name


def integer(value: Any, path: str, kind: IntRange) -> int:
    """`value`, if it is an integer of this range; floats are refused, whole ones too."""
    number = expect(int, value, path, kind.name)
    if not kind.low <= number <= kind.high:
        raise ConfigError(f"invalid value: integer `{number}`, expected {kind.name}", key=path)
    return number


def floating(value: Any, path: str, name: str) -> float:
    """`value` as a float; integers are accepted."""
    if type(value) not in (int, float):
        raise wrong_type(value, path, name)
    return float(value)


def to_json(value: Any, path: str) -> Any:
    """A TOML value as JSON: datetimes become strings; `nan` and `inf`, which JSON lacks, are refused."""
    if isinstance(value, dict):
        return {k: to_json(v, f"{path}.{k}") for k, v in value.items()}
    if isinstance(value, list):
        return [to_json(v, f"{path}[{i}]") for i, v in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"`{value}` has no JSON form, expected a finite number", key=path)
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).replace("+00:00", "Z")
    return value


@contextmanager
def at(key: str) -> Iterator[None]:
    """Errors raised inside that do not say where they happened get this key."""
    try:
        yield
    except ConfigError as e:
        raise ConfigError(e.message, key=e.key or key, file=e.file) from e
