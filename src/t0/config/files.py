"""The files a configuration is made of: which ones, what they hold, and how they become one tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import tomli

from t0.config.globbing import compile_glob, walk
from t0.config.values import describe
from t0.errors import ConfigError

Tree = dict[str, Any]
Origins = dict[tuple[str, ...], str]

MAX_DEPTH = 100
"""Deepest nesting of tables and arrays in one file: far beyond any use, and safe for recursive readers."""


class Merged(NamedTuple):
    """One tree made of all files. `origins` tells for each key path which file wrote it first."""

    tree: Tree
    origins: Origins

    def file_of(self, key: str) -> str | None:
        """The file behind a dotted key as errors name it, or behind the nearest table around it."""
        names = {".".join(path): file for path, file in self.origins.items()}
        key = re.sub(r"\[\d+\]", "", key)
        while key and key not in names:
            key = key.rpartition(".")[0]
        return names.get(key)


def find(glob: str) -> list[str]:
    """The files that match, sorted. Raises `ConfigError` for a bad pattern or no match."""
    matches = compile_glob(glob)
    paths = sorted(p for p in walk(glob) if matches(p))
    if not paths:
        raise ConfigError(
            f"Error using glob: `{glob}`: No files matched the glob pattern. "
            "Ensure that the path exists and names a file, not a directory"
        )
    return paths


def read(paths: list[str]) -> Merged:
    """All files parsed and merged. Raises `ConfigError`."""
    merged = Merged({}, {})
    for path in paths:
        _merge(merged.tree, parse(_read_text(path), path), (), path, merged.origins)
    return merged


def _read_text(path: str) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"Failed to read config file `{path}`: stream did not contain valid UTF-8") from None
    except OSError as e:
        raise ConfigError(f"Failed to read config file `{path}`: {os_error(e)}") from None


def parse(text: str, path: str) -> Tree:
    """The TOML of one file. Raises `ConfigError` showing the place."""
    failure = f"Failed to parse config file as valid TOML: {path}: TOML parse error"
    try:
        tree = tomli.loads(text)
    except tomli.TOMLDecodeError as e:
        raise ConfigError(f"{failure} at line {e.lineno}, column {e.colno}\n{_excerpt(text, e)}\n{e.msg}") from None
    except (RecursionError, ValueError) as e:  # absurd nesting, absurd integers
        raise ConfigError(f"{failure}: {e}") from None
    try:
        for value, depth in _nodes(tree):
            _check_node(value, depth)
    except ConfigError as e:
        raise ConfigError(f"{failure}: {e.message}") from None
    return tree


def _excerpt(text: str, error: tomli.TOMLDecodeError) -> str:
    line = text.split("\n")[error.lineno - 1].rstrip("\r")
    margin = " " * len(str(error.lineno))
    return f"{margin} |\n{error.lineno} | {line}\n{margin} | {' ' * (error.colno - 1)}^"


def _nodes(tree: Tree) -> Iterator[tuple[Any, int]]:
    """Every value of the tree with its depth, without recursion."""
    stack: list[tuple[Any, int]] = [(tree, 0)]
    while stack:
        value, depth = stack.pop()
        yield value, depth
        if depth <= MAX_DEPTH and isinstance(value, (dict, list)):
            stack += ((v, depth + 1) for v in (value.values() if isinstance(value, dict) else value))


def _check_node(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ConfigError(f"tables and arrays are nested more than {MAX_DEPTH} levels deep")
    if type(value) is int and not -(2**63) <= value < 2**63:
        shown = f"`{value}`" if value.bit_length() < 200 else f"an integer of {value.bit_length()} bits"
        raise ConfigError(f"number too large to fit in 64 bits: {shown}")


def _merge(into: Tree, table: Tree, path: tuple[str, ...], file: str, origins: Origins) -> None:
    for key, value in table.items():
        where = (*path, key)
        if key not in into:
            into[key] = value
            _remember(value, where, file, origins)
        elif not isinstance(into[key], dict):
            text = f"Found duplicate values in globbed TOML config files `{origins[where]}` and `{file}`"
            raise ConfigError(text, key=".".join(where))
        elif not isinstance(value, dict):
            text = f"Cannot merge `{toml_type(value)}` from file `{file}` into a table from file `{origins[where]}`"
            raise ConfigError(text, key=".".join(where))
        else:
            _merge(into[key], value, where, file, origins)


def _remember(value: Any, path: tuple[str, ...], file: str, origins: Origins) -> None:
    origins[path] = file
    if isinstance(value, dict):
        for key, child in value.items():
            _remember(child, (*path, key), file, origins)


def toml_type(value: Any) -> str:
    """`integer`, `table` …: TOML's word for the type of a value."""
    if isinstance(value, dict):
        return "table"
    if isinstance(value, list):
        return "array"
    word = describe(value).split(" ")[0]
    return {"floating": "float"}.get(word, word)


def os_error(error: OSError) -> str:
    return f"{error.strerror} (os error {error.errno})"
