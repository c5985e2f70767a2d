"""Renders templates of text and plain lookups, and writes arguments as literals for the template engine."""

from collections.abc import Iterable
from typing import Any, final

@final
class Program:
    """A template of text and lookups, in order: a string is text, a tuple is a path of keys into the arguments."""

    def __init__(self, steps: Iterable[str | tuple[str | int, ...]]) -> None: ...
    def render(self, arguments: dict[str, Any]) -> str | None:
        """The text; None where a value is missing or its printing is left to the engine."""

def set_statements(arguments: dict[str, Any], texts: list[str], fetch: str) -> str:
    """`{% set %}` statements that give the engine these arguments as its own values, maps sorted by key.

    A long string is appended to `texts` and written as its index there, piped through the filter expression `fetch`.
    Arguments whose names no `{% set %}` accepts are left out. Raises `TypeError` for a value that JSON does not have.
    """
