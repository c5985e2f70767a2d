"""The glob language of `--config-file`: `*`, `?`, `[…]`, `{a,b}`, `**`.

Python's own `glob` knows no braces and follows directory links, so the patterns become regular expressions here.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator

from t0.errors import ConfigError

logger = logging.getLogger("t0")

_META = re.compile(r"[*?\[\]{}\\]")


def compile_glob(glob: str) -> Callable[[str], bool]:
    """Whether a path matches. Raises `ConfigError` for a malformed pattern."""
    try:
        regex = re.compile(_Translator(_plain(glob)).translate(), re.DOTALL)
    except (_BadPattern, re.error) as e:
        raise ConfigError(f"Error using glob: `{glob}`: error parsing glob: {e}") from None
    return lambda path: regex.fullmatch(_plain(path)) is not None


def walk(glob: str) -> Iterator[str]:
    """All files below the longest leading run of components without a metacharacter, or that very file."""
    root = _literal_root(glob)
    if not _META.search(glob):
        if os.path.exists(root) and not os.path.isdir(root):
            yield root
        return
    for folder, _, names in os.walk(root or ".", onerror=_unreadable):
        for name in names:
            path = os.path.join(folder, name)
            yield path if root else path.removeprefix("./")


def _plain(path: str) -> str:
    """`./x` and `x` are the same file."""
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path


def _literal_root(glob: str) -> str:
    parts = glob.split("/")
    literal = next((i for i, part in enumerate(parts) if _META.search(part)), len(parts))
    root = "/".join(parts[:literal])
    return root or ("/" if glob.startswith("/") else "")


def _unreadable(error: OSError) -> None:
    logger.warning("Skipped an unreadable directory while looking for config files: %s", error)


class _BadPattern(Exception):
    pass


class _Translator:
    def __init__(self, glob: str) -> None:
        self.glob, self.at, self.depth = glob, 0, 0

    def translate(self) -> str:
        out = []
        while self.at < len(self.glob):
            out.append(self._next())
        if self.depth:
            raise _BadPattern("unclosed alternate group; missing '}'")
        return "".join(out)

    def _next(self) -> str:
        char = self.glob[self.at]
        self.at += 1
        match char:
            case "*":
                return self._stars()
            case "?":
                return "[^/]"
            case "[":
                return self._class()
            case "\\":
                return self._escape()
            case "{":
                self.depth += 1
                return "(?:"
            case "}":
                return self._close()
            case "," if self.depth:
                return "|"
        return re.escape(char)

    def _stars(self) -> str:
        """`**` spans directories only where it is a whole component."""
        start = self.at - 1
        while self.glob[self.at : self.at + 1] == "*":
            self.at += 1
        begins = start == 0 or self.glob[start - 1] == "/"
        if self.at - start != 2 or not begins:
            return "[^/]*"
        if self.glob[self.at : self.at + 1] == "/":
            self.at += 1
            return "(?:[^/]*/)*"
        return ".*" if self.at == len(self.glob) else "[^/]*"

    def _class(self) -> str:
        end = self.glob.find("]", self.at + 2 if self.glob[self.at : self.at + 1] in ("!", "^") else self.at + 1)
        if end < 0:
            raise _BadPattern("unclosed character class; missing ']'")
        body = self.glob[self.at : end]
        self.at = end + 1
        negated = body[0] in "!^"
        members = re.sub(r"([\\\[\]^&~|])", r"\\\1", body[1:] if negated else body)
        return f"(?!/)[{'^' if negated else ''}{members}]"

    def _escape(self) -> str:
        if self.at == len(self.glob):
            raise _BadPattern("dangling '\\'")
        self.at += 1
        return re.escape(self.glob[self.at - 1])

    def _close(self) -> str:
        if not self.depth:
            raise _BadPattern("unopened alternate group; missing '{'")
        self.depth -= 1
        return ")"
