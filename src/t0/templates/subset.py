"""Compiles templates of text, plain lookups (`{{ a.b[0]['c'] }}`), loops over them and conditions on them.

Loops have one name and no `else`, conditions are a lookup or `not` one. What else a template says, the engine renders.
"""

from __future__ import annotations

from collections.abc import Iterator

from t0._core.template import Choice, Loop, Program
from t0.templates.syntax import Tag, Text, Token, number_value, parse, string_value

Path = tuple[str | int, ...]
"""A variable, and the keys that lead on from its value."""
Step = str | Path | Loop | Choice

# Names that are not variables where an expression begins.
_WORDS = {"true", "True", "false", "False", "none", "None", "not"}


class _NotPlain(Exception):
    """The template needs the engine."""


def compile_program(source: str) -> Program | None:
    """The program of a template that the engine has accepted; None if it needs the engine."""
    try:
        return _Compiler(parse(source)).program()
    except _NotPlain:
        return None


class _Compiler:
    """Takes the parts in order. `_statement` is the block tag that ended the last steps: `endfor`, `elif x`, …"""

    def __init__(self, parts: Iterator[Text | Tag]) -> None:
        self._parts = parts
        self._statement: list[Token] = []
        self._loops = 0

    def program(self) -> Program:
        steps = self.steps()
        if self._statement:
            raise _NotPlain
        return Program(steps)

    def steps(self) -> tuple[Step, ...]:
        """The steps up to the statement that ends them."""
        steps: list[Step] = []
        for part in self._parts:
            if isinstance(part, Text):
                steps.append(part.text)
            elif part.kind == "variable":
                steps.append(self._printed(part.tokens))
            elif part.tokens[0].text == "for":
                steps.append(self._loop(part.tokens))
            elif part.tokens[0].text == "if":
                steps.append(self._choice(part.tokens))
            else:
                self._statement = part.tokens
                break
        else:
            self._statement = []
        return tuple(steps)

    def _printed(self, tokens: list[Token]) -> str | Path:
        """A lookup, or the text of a plain string literal."""
        if tokens and all(token.kind == "string" for token in tokens):
            return string_value(tokens)
        return self._path(tokens)

    def _loop(self, tokens: list[Token]) -> Loop:
        match [t.text for t in tokens[:3]]:
            case ["for", name, "in"]:
                path = self._path(tokens[3:])
            case _:
                raise _NotPlain
        self._loops += 1
        body = self.steps()
        self._loops -= 1
        self._require("endfor")
        return Loop(name, path, body)

    def _choice(self, tokens: list[Token]) -> Choice:
        branches: list[tuple[Path | None, bool, tuple[Step, ...]]] = []
        while tokens[0].text in ("if", "elif"):
            negated = len(tokens) > 1 and tokens[1].text == "not"
            branches.append((self._path(tokens[1 + negated :]), not negated, self.steps()))
            tokens = self._statement
            if not tokens:
                raise _NotPlain
        if tokens[0].text == "else":
            branches.append((None, True, self.steps()))
        self._require("endif")
        return Choice(tuple(branches))

    def _require(self, end: str) -> None:
        if [t.text for t in self._statement] != [end]:
            raise _NotPlain

    def _path(self, tokens: list[Token]) -> Path:
        first = tokens[0] if tokens else None
        if first is None or first.kind != "name" or first.text in _WORDS or (self._loops and first.text == "loop"):
            raise _NotPlain
        path: list[str | int] = [first.text]
        rest = tokens[1:]
        while rest:
            key, size = _access(rest)
            path.append(key)
            rest = rest[size:]
        return tuple(path)


def _access(rest: list[Token]) -> tuple[str | int, int]:
    """The key of the next access, and how many tokens it takes."""
    match [t.text if t.kind == "operator" else t.kind for t in rest[:4]]:
        case [".", "name", *_]:
            return rest[1].text, 2
        case [".", "integer", *_]:
            return _integer(rest[1]), 2
        case ["[", "string", "]", *_]:
            return string_value(rest[1:2]), 3
        case ["[", "integer", "]", *_]:
            return _integer(rest[1]), 3
        case ["[", "-", "integer", "]"]:
            return -_integer(rest[2]), 4
        case _:
            raise _NotPlain


def _integer(token: Token) -> int:
    return int(number_value(token))
