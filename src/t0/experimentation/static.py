"""`static`: weighted sampling among candidates, then fallbacks in order. `static_weights` is its older spelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import field

from t0.config.decode import Decoder
from t0.config.fields import Parsed
from t0.config.schema import ExperimentationConfig
from t0.config.values import expect, floating, join
from t0.errors import ConfigError


def _parse_candidates(decoder: Decoder, value: Any, path: str) -> dict[str, float]:
    """A list of names, weight 1 each, or a table of weights."""
    if isinstance(value, list):
        return dict.fromkeys(decoder.decode(DistinctNames, value, path), 1.0)
    return _parse_weights(decoder, value, path)


def _parse_weights(decoder: Decoder, value: Any, path: str) -> dict[str, float]:
    table = expect(dict, value, path, "a table of weights")
    return {name: _weight(weight, join(path, name)) for name, weight in table.items()}


def _weight(value: Any, path: str) -> float:
    weight = floating(value, path, "f64")
    if not 0 <= weight < float("inf"):
        raise ConfigError(f"weight must be a finite non-negative number, got {weight}", key=path)
    return weight


def _parse_distinct(decoder: Decoder, value: Any, path: str) -> list[str]:
    names: list[str] = decoder.decode(list[str], value, path)
    for i, name in enumerate(names):
        if name in names[:i]:
            field = path.rpartition(".")[2]
            raise ConfigError(f"duplicate variant name in `{field}`: `{name}`", key=path)
    return names


DistinctNames = Annotated[list[str], Parsed(_parse_distinct)]


class StaticConfig(ExperimentationConfig, frozen=True, kw_only=True):
    type = "static"

    candidate_variants: Annotated[dict[str, float], Parsed(_parse_candidates)]
    fallback_variants: DistinctNames = field(default_factory=list)

    @property
    def weights(self) -> Mapping[str, float]:
        return self.candidate_variants

    @property
    def fallbacks(self) -> list[str]:
        return self.fallback_variants

    def check(self, path: str) -> None:
        check_lists(list(self.candidate_variants), self.fallback_variants, path)
        if not self.fallback_variants and not any(self.candidate_variants.values()):
            text = "Experimentation config has no active candidate variants and no fallback variants."
            raise ConfigError(f"{text} At least one is required.", key=path)


class StaticWeightsConfig(StaticConfig, frozen=True, kw_only=True):
    type = "static_weights"

    candidate_variants: Annotated[dict[str, float], Parsed(_parse_weights)]


def check_lists(candidates: list[str], fallbacks: list[str], path: str) -> None:
    """Raises `ConfigError` for variants that are both candidates and fallbacks."""
    both = sorted(set(candidates) & set(fallbacks))
    if both:
        text = f"variants cannot appear in both `candidate_variants` and `fallback_variants`: {', '.join(both)}"
        raise ConfigError(text, key=path)
