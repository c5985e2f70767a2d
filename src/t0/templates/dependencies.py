"""Finds the templates that a template loads: `include`, `import`, `from … import`, `extends`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from t0.templates.syntax import Tag, Token, parse, split, string_value

_STATEMENTS = {"include": "include", "import": "import", "from": "from import", "extends": "extends"}
_SUFFIXES = [["with", "context"], ["without", "context"], ["ignore", "missing"]]
_AFTER_NAME = {"import": "as", "from": "import"}


class ComputedName(ValueError):
    """A name that is known only when the template is rendered; `reason` says in a word what it is."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Load:
    """One loading statement.

    `names` are all that it may load, or None with a `reason`; `expression` is what names them, at the offset `start`.
    """

    statement: str
    names: tuple[str, ...] | None
    expression: str
    start: int
    reason: str = ""

    def described(self, template: str, source: str) -> str:
        """`template:line:column: …`, columns counted from 0."""
        line = source.count("\n", 0, self.start) + 1
        column = self.start - source.rfind("\n", 0, self.start) - 1
        return f"{template}:{line}:{column}: dynamic {self.statement} - {self.reason}:\n  {self.expression}"


def loads(source: str) -> Iterator[Load]:
    """The loading statements of a template, in order."""
    for part in parse(source):
        if isinstance(part, Tag) and part.kind == "block" and part.tokens and part.tokens[0].text in _STATEMENTS:
            yield _load(source, part.tokens)


def _load(source: str, tokens: list[Token]) -> Load:
    keyword = tokens[0].text
    name = _name(keyword, tokens[1:])
    statement = _STATEMENTS[keyword]
    expression, start = source[name[0].start : name[-1].end], name[0].start
    try:
        return Load(statement, tuple(_literal_names(name)), expression, start)
    except ComputedName as error:
        return Load(statement, None, expression, start, error.reason)


def _name(keyword: str, tokens: list[Token]) -> list[Token]:
    """The expression that names the template, given all that follows the keyword."""
    for suffix in _SUFFIXES:
        if [token.text for token in tokens[-2:]] == suffix:
            tokens = tokens[:-2]
    return _split_once(tokens, _AFTER_NAME[keyword])[0] if keyword in _AFTER_NAME else tokens


def _literal_names(tokens: list[Token]) -> list[str]:
    """The names an expression may give: a string, a list of such expressions, or both branches of a condition."""
    if tokens and all(t.kind == "string" for t in tokens):
        return [string_value(tokens)]
    branches = _branches(tokens)
    if branches is None:
        raise ComputedName("variable" if len(tokens) == 1 and tokens[0].kind == "name" else "expression")
    return [name for branch in branches for name in _literal_names(branch)]


def _branches(tokens: list[Token]) -> list[list[Token]] | None:
    condition = _split_once(tokens, "if")
    if len(condition) > 1:
        if len(otherwise := _split_once(condition[1], "else")) == 1:
            raise ComputedName("conditional without else")
        return [condition[0], otherwise[1]]
    if len(tokens) > 1 and (tokens[0].text, tokens[-1].text) in {("[", "]"), ("(", ")")}:
        return split(tokens[1:-1], ",")
    return None


def _split_once(tokens: list[Token], word: str) -> list[list[Token]]:
    """The tokens before and after the first `word` outside of brackets, or all of them in one list."""
    first = split(tokens, word)[0]
    return [first, tokens[len(first) + 1 :]] if len(first) < len(tokens) else [tokens]
