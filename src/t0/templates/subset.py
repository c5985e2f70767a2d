"""Compiles templates that consist of text and plain lookups: `{{ name }}`, `{{ a.b }}`, `{{ a['b'] }}`, `{{ a.0 }}`."""

from __future__ import annotations

from t0._core.template import Program
from t0.templates.syntax import Tag, Text, Token, number_value, parse, string_value

# Names that are not variables where an expression begins.
_WORDS = {"true", "True", "false", "False", "none", "None", "not"}


def compile_program(source: str) -> Program | None:
    """The program of a template that the engine has accepted; None if it needs the engine."""
    steps = [part.text if isinstance(part, Text) else _step(part) for part in parse(source)]
    complete = [step for step in steps if step is not None]
    return Program(complete) if len(complete) == len(steps) else None


def _step(tag: Tag) -> tuple[str | int, ...] | str | None:
    """The path that the tag prints, or the text if it is a plain string literal."""
    first = tag.tokens[0] if tag.tokens else None
    if tag.kind == "block" or first is None:
        return None
    if all(token.kind == "string" for token in tag.tokens):
        return string_value(tag.tokens)
    if first.kind != "name" or first.text in _WORDS:
        return None
    return _path(tag.tokens)


def _path(tokens: list[Token]) -> tuple[str | int, ...] | None:
    path: list[str | int] = [tokens[0].text]
    rest = tokens[1:]
    while rest:
        key: str | int
        match [t.text if t.kind == "operator" else t.kind for t in rest[:4]]:
            case [".", "name", *_]:
                key, size = rest[1].text, 2
            case [".", "integer", *_]:
                key, size = _integer(rest[1]), 2
            case ["[", "string", "]", *_]:
                key, size = string_value(rest[1:2]), 3
            case ["[", "integer", "]", *_]:
                key, size = _integer(rest[1]), 3
            case ["[", "-", "integer", "]"]:
                key, size = -_integer(rest[2]), 4
            case _:
                return None
        path.append(key)
        rest = rest[size:]
    return tuple(path)


def _integer(token: Token) -> int:
    return int(number_value(token))
