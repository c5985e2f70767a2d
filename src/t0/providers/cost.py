"""What a model call costs: sums of rates over the numbers that JSON pointers find in the provider's raw answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from t0.errors import ConfigError

_log = logging.getLogger("t0")

_MILLION = Decimal(1_000_000)
_MISSING = object()


class CostError(ValueError):
    """The raw answer does not hold what a price needs."""


class CostRule(Struct, frozen=True):
    """One entry of `cost`. `rate` is in dollars per unit of what the pointer finds."""

    complete: tuple[str, ...]
    stream: tuple[str, ...]
    rate: Decimal
    required: bool


class CostRules:
    """The `cost` list of one model provider."""

    def __init__(self, rules: list[CostRule]) -> None:
        self._rules = rules

    @classmethod
    def parse(cls, entries: Iterable[dict[str, Any]], key: str, *, single: bool = False) -> CostRules:
        """`entries` as the TOML holds them; `key` is the path of the list. Raises `ConfigError`.

        With `single`, where nothing is ever streamed, each entry has one `pointer`.
        """
        entries = list(entries)
        for i, entry in enumerate(entries):
            if single and "pointer" not in entry:
                raise ConfigError("missing field `pointer`", key=f"{key}[{i}]")
        return cls([_rule(entry, key) for entry in entries])

    def complete(self, raw_response: str) -> Decimal | None:
        """The dollars for a complete answer; None, with a warning, when they cannot be told."""
        try:
            answer = _parse_json(raw_response)
            return _total((rule, _number(answer, rule.complete)) for rule in self._rules)
        except CostError as e:
            _log.warning("Cost computation error: %s", e)
            return None

    def stream(self, raw_chunks: Iterable[str]) -> Decimal | None:
        """The dollars for a streamed answer: of each pointer the largest number over all chunks counts."""
        try:
            chunks = [_parse_json(chunk) for chunk in raw_chunks if chunk]
            return _total((rule, _largest(chunks, rule.stream)) for rule in self._rules)
        except CostError as e:
            _log.warning("Cost computation error: %s", e)
            return None


# -- configuration -----------------------------------------------------------------------------------------------------


def _rule(entry: dict[str, Any], key: str) -> CostRule:
    complete, stream = _pointers(entry, key)
    required = entry.get("required", False)
    if not isinstance(required, bool):
        raise ConfigError(f"invalid `required`: expected a boolean, got `{required}`", key=key)
    return CostRule(_tokens(complete, key), _tokens(stream, key), _rate(entry, key), required)


def _pointers(entry: dict[str, Any], key: str) -> tuple[str, str]:
    one, complete, stream = (_pointer(entry, n, key) for n in ("pointer", "pointer_nonstreaming", "pointer_streaming"))
    if one is not None and complete is None and stream is None:
        return one, one
    if one is None and complete is not None and stream is not None:
        return complete, stream
    raise ConfigError(
        "invalid pointer configuration: specify either `pointer` alone, or both `pointer_nonstreaming` and "
        "`pointer_streaming`",
        key=key,
    )


def _pointer(entry: dict[str, Any], name: str, key: str) -> str | None:
    value = entry.get(name)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"invalid `{name}`: expected a string, got `{value}`", key=key)
    return value


def _rate(entry: dict[str, Any], key: str) -> Decimal:
    million, unit = entry.get("cost_per_million"), entry.get("cost_per_unit")
    if (million is None) == (unit is None):
        raise ConfigError("must specify exactly one of `cost_per_million` or `cost_per_unit`", key=key)
    return (
        _decimal(unit, "cost_per_unit", key)
        if million is None
        else _decimal(million, "cost_per_million", key) / _MILLION
    )


def _decimal(value: Any, name: str, key: str) -> Decimal:
    try:
        # By its text: 0.15 is meant, not the binary fraction next to it.
        number = Decimal(str(value)) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise ConfigError(f"invalid `{name}`: expected a number, got `{value}`", key=key)
    return number


def _tokens(pointer: str, key: str) -> tuple[str, ...]:
    if not pointer.startswith("/"):
        raise ConfigError(f"invalid JSON pointer `{pointer}`: NoLeadingSlash", key=key)
    return tuple(t.replace("~1", "/").replace("~0", "~") for t in pointer[1:].split("/"))


# -- computation -------------------------------------------------------------------------------------------------------


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as e:
        raise CostError(f"the raw response is not JSON: {e}") from e


def _total(found: Iterable[tuple[CostRule, Decimal | None]]) -> Decimal:
    total = Decimal(0)
    for rule, value in found:
        if value is not None:
            total += value * rule.rate
        elif rule.required:
            raise CostError(f"`/{'/'.join(rule.complete)}` is missing from the raw response")
    if total < 0:
        raise CostError(f"the total is negative: {total}")
    return total


def _largest(chunks: Iterable[Any], pointer: tuple[str, ...]) -> Decimal | None:
    numbers = [n for chunk in chunks if (n := _number(chunk, pointer)) is not None]
    return max(numbers) if numbers else None


def _number(answer: Any, pointer: tuple[str, ...]) -> Decimal | None:
    """The number at the pointer, None when there is nothing. Raises `CostError` for what is not a number."""
    value = _lookup(answer, pointer)
    if value is _MISSING or value is None:
        return None
    try:
        number = Decimal(value) if isinstance(value, int | Decimal | str) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise CostError(f"`/{'/'.join(pointer)}` is not a number: {value}")
    return number


def _lookup(value: Any, pointer: tuple[str, ...]) -> Any:
    for token in pointer:
        if isinstance(value, dict):
            value = value.get(token, _MISSING)
        elif isinstance(value, list) and token.isascii() and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        else:
            return _MISSING
    return value
