"""Renders templates of text, lookups, loops and conditions, and writes arguments as literals for the engine."""

from typing import Any, TypeAlias, final

_Path: TypeAlias = tuple[str | int, ...]
"""A variable, and the keys that lead on from its value."""
_Step: TypeAlias = str | _Path | Loop | Choice
"""Text, or a lookup that is printed, or a statement."""

@final
class Loop:
    """`{% for name in path %}` over a list: the steps of its body for each item."""

    def __init__(self, name: str, path: _Path, body: tuple[_Step, ...]) -> None: ...

@final
class Choice:
    """`{% if path %}`, `{% elif not path %}`, `{% else %}`: the steps of the first branch whose value is as wanted.

    A branch is `(path, wanted, steps)`; without a path it is the last.
    """

    def __init__(self, branches: tuple[tuple[_Path | None, bool, tuple[_Step, ...]], ...]) -> None: ...

@final
class Program:
    """A template of these steps, in order."""

    def __init__(self, steps: tuple[_Step, ...]) -> None: ...
    def render(self, arguments: dict[str, Any]) -> str | None:
        """The text; None where a value is missing or what becomes of it is left to the engine."""

def set_statements(arguments: dict[str, Any], texts: list[str], fetch: str) -> str:
    """`{% set %}` statements that give the engine these arguments as its own values, maps sorted by key.

    A long string is appended to `texts` and written as its index there, piped through the filter expression `fetch`.
    Arguments whose names no `{% set %}` accepts are left out. Raises `TypeError` for a value that JSON does not have.
    """
