"""Paths inside the configuration: each becomes a `SourceFile`, read once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from t0.config.files import Merged, Origins, Tree, os_error, toml_type
from t0.config.values import SourceFile
from t0.errors import ConfigError

_SCHEMAS = ("system_schema", "user_schema", "assistant_schema", "output_schema", "schemas.*.path")
_TEMPLATES = (
    "system_template",
    "user_template",
    "assistant_template",
    "system_instructions",
    "templates.*.path",
    "input_wrappers.system",
    "input_wrappers.user",
    "input_wrappers.assistant",
)
_EVALUATORS = ("functions.*.evaluators.*", "evaluations.*.evaluators.*")
_INSTRUCTIONS = ("system_instructions", "evaluator.system_instructions", "fuser.system_instructions")


def _under(prefixes: tuple[str, ...], keys: tuple[str, ...]) -> list[str]:
    return [f"{prefix}.{key}" for prefix, key in product(prefixes, keys)]


PATH_KEYS = [
    *_under(("functions.*",), _SCHEMAS),
    *_under(("functions.*.variants.*", "functions.*.variants.*.evaluator", "functions.*.variants.*.fuser"), _TEMPLATES),
    *_under(tuple(_under(_EVALUATORS, ("variants.*",))), _INSTRUCTIONS),
    *_under(_EVALUATORS, ("typescript_file",)),
    "tools.*.parameters",
]
"""The keys that name files; `*` is any name."""

DIRECTORY_KEY = "gateway.template_filesystem_access.base_path"


class _Place(NamedTuple):
    """A key that holds a path: its table, its name there, and its path from the root."""

    table: Tree
    name: str
    path: tuple[str, ...]

    @property
    def key(self) -> str:
        return ".".join(self.path)

    @property
    def value(self) -> Any:
        return self.table[self.name]


def resolve(merged: Merged) -> None:
    """Replaces every path in the tree by its `SourceFile`, and the include directory by its real path.

    Raises `ConfigError` for what is not a string, is missing, or cannot be read.
    """
    places = [place for key in PATH_KEYS for place in _places(merged.tree, key)]
    real = [_real_path(place, merged.origins) for place in places]
    for place, path in zip(places, real, strict=True):
        if os.path.isdir(path):
            text = f"Expected a file path, but '{path}' is a directory. Name the file itself"
            raise ConfigError(text, key=place.key)
    root = common_directory(real)
    for place, path in zip(places, real, strict=True):
        place.table[place.name] = SourceFile(key=template_key(path, root), path=path, body=_read(place, path))
    for place in _places(merged.tree, DIRECTORY_KEY):
        place.table[place.name] = _directory(place, merged.origins)


def common_directory(paths: list[str]) -> str:
    """The longest directory that holds all the files."""
    return os.path.commonpath([os.path.dirname(p) for p in paths]) if paths else "/"


def template_key(path: str, root: str) -> str:
    """The name of a file in errors, includes and snapshots: its path below `root`, absolute when `root` is `/`."""
    return path if root == "/" else os.path.relpath(path, root)


def _places(tree: Tree, key: str) -> Iterator[_Place]:
    yield from _descend(tree, key.split("."), ())


def _descend(table: Tree, names: list[str], path: tuple[str, ...]) -> Iterator[_Place]:
    matching = list(table) if names[0] == "*" else [names[0]] if names[0] in table else []
    for name in matching:
        where = (*path, name)
        if len(names) == 1:
            yield _Place(table, name, where)
        elif isinstance(table[name], dict):
            yield from _descend(table[name], names[1:], where)
        else:
            raise ConfigError(f"Expected a table, found {toml_type(table[name])}", key=".".join(where))


def _real_path(place: _Place, origins: Origins) -> str:
    if not isinstance(place.value, str):
        raise ConfigError(f"Expected a string, found {toml_type(place.value)}", key=place.key)
    base = os.path.dirname(os.path.abspath(origins[place.path]))
    try:
        return os.path.realpath(os.path.join(base, place.value), strict=True)
    except OSError as e:
        reason = os_error(e)
    except ValueError as e:  # a NUL in the name
        reason = str(e)
    raise ConfigError(f"Failed to resolve path `{place.value}` (base: `{base}`): {reason}", key=place.key)


def _directory(place: _Place, origins: Origins) -> str:
    path = _real_path(place, origins)
    if not os.path.isdir(path):
        raise ConfigError(f"Expected a directory path, but '{path}' is a file", key=place.key)
    return path


def _read(place: _Place, path: str) -> str:
    """The text as it is: line ends are not translated."""
    try:
        return Path(path).read_bytes().decode()
    except UnicodeDecodeError:
        reason = "stream did not contain valid UTF-8"
    except OSError as e:
        reason = os_error(e)
    raise ConfigError(f"Failed to read file '{path}': {reason}", key=place.key)
