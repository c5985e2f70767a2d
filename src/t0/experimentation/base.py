"""How the variant of a request is chosen (`docs/configuration/functions.md`)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class Rule(Protocol):
    """One rule set: the base table of a function, or that of a namespace."""

    def pick(self, u: float, active: Collection[str]) -> str | None:
        """The variant to try next among `active`, or None when nothing is left. `u` is in [0, 1)."""


class Experiment:
    """The rule sets of one function; an unknown namespace uses the base."""

    def __init__(self, base: Rule, namespaces: dict[str, Rule] | None = None) -> None:
        self._base = base
        self._namespaces = namespaces or {}

    def rule(self, namespace: str | None) -> Rule:
        if namespace is None:
            return self._base
        return self._namespaces.get(namespace, self._base)
