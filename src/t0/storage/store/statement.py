"""What the HTTP request asks the engine to do, as ClickHouse's HTTP interface reads it.

A request is one statement. Its text is the `query` parameter, a line break, and the body; the data of an
`INSERT … FORMAT x` simply follows in the same text. The engine takes statement and data apart only by looking for a
blank line, which JSON lines and binary formats may contain, so the cut is made here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

# Parameters of the request itself; everything else is a setting of the query.
REQUEST_PARAMETERS = frozenset(
    {
        "query",
        "database",
        "user",
        "password",
        "default_format",
        "query_id",
        "quota_key",
        "role",
        "session_id",
        "session_timeout",
        "session_check",
        "close_session",
        "stacktrace",
        "buffer_size",
        "wait_end_of_query",
        "client_protocol_version",
        "compress",
        "decompress",
    }
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_TOKEN = re.compile(
    rb"""\s+ | --[^\n]* | \#[!\ ][^\n]* | /\*.*?\*/    # blanks and comments
    | (?P<token> [A-Za-z_][A-Za-z0-9_]* | '(?:[^'\\]|\\.|'')*' | `(?:[^`\\]|\\.)*` | "(?:[^"\\]|\\.)*" | . )""",
    re.VERBOSE | re.DOTALL,
)
_FORMAT_NAME = re.compile(rb"\s+(\w+)[ \t\f]*\r?\n?")  # with the blanks that separate it from the data
_TRAILING_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*(?:SETTINGS\b[^;]*)?;?\s*\Z", re.IGNORECASE)


class Insert(msgspec.Struct, frozen=True):
    """An INSERT whose rows come with the request: `head` ends before `FORMAT` or `VALUES`."""

    head: bytes
    format: str
    data: memoryview


def split_insert(text: bytes) -> Insert | None:
    """The parts of an INSERT with data; None for any other statement."""
    tokens = _outer_tokens(text)
    if next(tokens, (b"", 0, 0))[0] != b"INSERT":
        return None
    names_follow = (b"INTO", b"TABLE", b".")
    previous = b"INSERT"
    for token, start, end in tokens:
        if previous not in names_follow:
            if token in (b"SELECT", b"WITH", b"FROM", b"WATCH"):
                return None
            if token == b"VALUES":
                return Insert(text[:start], "Values", memoryview(text)[end:])
            if token == b"FORMAT":
                return _with_format(text, start, end)
        previous = token
    return None


def _with_format(text: bytes, start: int, end: int) -> Insert | None:
    name = _FORMAT_NAME.match(text, end)
    if name is None:
        return None
    return Insert(text[:start], name[1].decode(), memoryview(text)[name.end() :])


def _outer_tokens(text: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Words (in capitals), dots and quoted names outside parentheses and comments, with their place."""
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match["token"]
        if token == b"(":
            depth += 1
        elif token == b")":
            depth -= 1
        elif token and depth == 0:
            yield token.upper(), match.start(), match.end()


def output_format(text: bytes) -> str | None:
    """The format named by the statement's own FORMAT clause."""
    found = _TRAILING_FORMAT.search(text[-4096:])
    return found[1].decode() if found else None


def assignments(settings: Mapping[str, str], parameters: Mapping[str, str]) -> str:
    """One SET statement for the settings and the `{name:Type}` parameters of a query.

    Raises `ValueError` for a name that is none.
    """
    pairs = [*settings.items(), *((f"param_{name}", value) for name, value in parameters.items())]
    return "SET " + ", ".join(f"{_checked(name)} = {quoted(value)}" for name, value in pairs)


def _checked(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError(f"`{name}` is not the name of a setting")
    return name


def quoted(text: str) -> str:
    """An SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quoted_name(name: str) -> str:
    """An SQL identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
