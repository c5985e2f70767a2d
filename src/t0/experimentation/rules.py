"""The rule sets that need no state: uniform, and static weights with fallbacks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from t0._core import sampling


class UniformRule:
    """Every active variant with equal probability."""

    def pick(self, u: float, active: Collection[str]) -> str | None:
        if len(active) == 1:
            return next(iter(active))
        names = sorted(active, key=str.encode)
        return names[sampling.pick_uniform(u, len(names))] if names else None


class StaticRule:
    """Candidates by weight; then the fallbacks in their order; then candidates of weight zero."""

    def __init__(self, weights: Mapping[str, float], fallbacks: Sequence[str]) -> None:
        self._weights = weights
        self._names = sorted(weights, key=str.encode)
        self._fallbacks = fallbacks
        self._listed = set(weights) | set(fallbacks)

    def pick(self, u: float, active: Collection[str]) -> str | None:
        names = [n for n in self._names if n in active]
        index = sampling.pick_weighted(u, [self._weights[n] for n in names])
        if index >= 0:
            return names[index]
        for name in self._fallbacks:
            if name in active:
                return name
        pool = sorted((n for n in active if not self._listed or n in self._listed), key=str.encode)
        return pool[sampling.pick_uniform(u, len(pool))] if pool else None
