"""Splits a template into text and tags, and tags into tokens.

Only for templates that the engine has accepted: what it refuses gives a `ValueError` or nonsense here. Whitespace
control and `raw` blocks are resolved, comments are gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import minijinja

# What Rust's `char::is_whitespace` takes; Python's own idea of it has four more characters.
WHITESPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f"
    "\u205f\u3000"
)

_EVALUATOR = minijinja.Environment()

_OPEN = re.compile(r"\{[{%#]")
_RAW = re.compile(r"\{%[-+]?\s*raw\s*(?P<trim>[-+]?)%\}")
_END_RAW = re.compile(r"\{%(?P<trim>[-+]?)\s*endraw\s*(?P<trim_next>[-+]?)%\}")
_SPACE = re.compile(r"\s+")
_TOKEN = re.compile(
    r"""
      (?P<string> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' )
    | (?P<float>  [0-9][0-9_]* (?: \.[0-9][0-9_]* (?:[eE][-+]?[0-9]+)? | [eE][-+]?[0-9]+ ) )
    | (?P<integer> 0[xX][0-9a-fA-F_]+ | 0[bB][01_]+ | 0[oO][0-7_]+ | [0-9][0-9_]* )
    | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<operator> // | \*\* | == | != | >= | <= | [-+*/%!<>.,:~|=()\[\]{}] )
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {"}": "{", "]": "[", ")": "("}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a tag; `start` and `end` are offsets into the source."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Text:
    """Text as it is rendered."""

    text: str


@dataclass(frozen=True, slots=True)
class Tag:
    """`{{ … }}` or `{% … %}`; `start` and `end` are the offsets of its delimiters' outer ends."""

    kind: Literal["variable", "block"]
    tokens: list[Token]
    start: int
    end: int


def parse(source: str) -> Iterator[Text | Tag]:
    """The parts of a template, in order. A newline at its end (LF, CRLF or, as in the engine, CR) is not part of it."""
    source = source.removesuffix("\n").removesuffix("\r")
    position, trim = 0, False
    while found := _OPEN.search(source, position):
        start = found.start()
        yield from _text(source[position:start], trim, source.startswith("-", start + 2))
        if found.group() == "{#":
            position, trim = _after_comment(source, start)
        elif raw := _RAW.match(source, start):
            text, position, trim = _raw_text(source, raw)
            yield from _text(text, False, False)
        else:
            tag = _tag(source, start)
            yield tag
            position, trim = tag.end, source[tag.end - 3] == "-"
    yield from _text(source[position:], trim, False)


def _text(text: str, trim_start: bool, trim_end: bool) -> Iterator[Text]:
    if trim_start:
        text = text.lstrip(WHITESPACE)
    if trim_end:
        text = text.rstrip(WHITESPACE)
    if text:
        yield Text(text)


def _after_comment(source: str, start: int) -> tuple[int, bool]:
    inside = start + 3 if source.startswith(("-", "+"), start + 2) else start + 2
    end = source.find("#}", inside)
    if end < 0:
        raise ValueError(f"unclosed comment at offset {start}")
    return end + 2, source.startswith("-", max(end - 1, inside))


def _raw_text(source: str, opening: re.Match[str]) -> tuple[str, int, bool]:
    closing = _END_RAW.search(source, opening.end())
    if closing is None:
        raise ValueError(f"unclosed raw block at offset {opening.start()}")
    text = source[opening.end() : closing.start()]
    if opening["trim"] == "-":
        text = text.lstrip(WHITESPACE)
    if closing["trim"] == "-":
        text = text.rstrip(WHITESPACE)
    return text, closing.end(), closing["trim_next"] == "-"


def _tag(source: str, start: int) -> Tag:
    kind: Literal["variable", "block"] = "variable" if source[start + 1] == "{" else "block"
    end = re.compile(r"[-+]?\}\}" if kind == "variable" else r"[-+]?%\}")
    position = start + 3 if source[start + 2] in "-+" else start + 2
    tokens: list[Token] = []
    depth = 0
    while True:
        if space := _SPACE.match(source, position):
            position = space.end()
        if depth == 0 and (closing := end.match(source, position)):
            return Tag(kind, tokens, start, closing.end())
        token = _token(source, position)
        depth += (token.text in _CLOSING.values()) - (token.text in _CLOSING)
        tokens.append(token)
        position = token.end


def _token(source: str, position: int) -> Token:
    found = _TOKEN.match(source, position)
    if found is None or found.lastgroup is None:
        raise ValueError(f"unexpected character at offset {position}")
    return Token(found.lastgroup, found.group(), position, found.end())


def matching(tokens: list[Token], opening: int) -> int:
    """The index of the bracket that closes the one at `opening`."""
    depth = 0
    for i in range(opening, len(tokens)):
        depth += (tokens[i].text in _CLOSING.values()) - (tokens[i].text in _CLOSING)
        if depth == 0:
            return i
    raise ValueError(f"unclosed bracket at offset {tokens[opening].start}")


def split(tokens: list[Token], separator: str) -> list[list[Token]]:
    """The runs of tokens between separators outside of brackets; a trailing separator ends the last run."""
    runs: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in _CLOSING.values()) - (token.text in _CLOSING)
        if depth == 0 and token.text == separator:
            runs.append([])
        else:
            runs[-1].append(token)
    return runs if runs[-1] else runs[:-1]


def string_value(tokens: list[Token]) -> str:
    """The value of string literals that stand beside each other, escapes resolved."""
    return str(_EVALUATOR.eval_expr(" ".join(token.text for token in tokens)))


def number_value(token: Token) -> int | float:
    """The value of an integer or float literal."""
    digits = token.text.replace("_", "")
    if token.kind == "float":
        return float(digits)
    return int(digits, 0) if digits[1:2].isalpha() else int(digits)
