"""The keys of the configuration language, read off the schema, and which of them t0 does not support yet."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterator
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from msgspec import Struct

from t0.config.decode import Field, Kinds, table_fields
from t0.config.fields import Parsed
from t0.config.schema import Config
from t0.config.values import SourceFile, join

NAME = "<name>"
"""Stands for any name in a key."""

PAGE_HEAD = """# Not supported yet

t0 reads and checks the whole configuration language of TensorZero, and a key whose feature is not built yet stops the
start with a message that names it: nothing is silently ignored. These are such keys and types. The page is generated
from the schema.
"""


class Key(NamedTuple):
    """One key. `path` is dotted, with the `type` of tagged tables in brackets: `functions.<name>[chat].tools`."""

    path: str
    field: Field


class Missing(NamedTuple):
    """A key or type that stops the start; `harmless` tells which values do not."""

    path: str
    harmless: str


def all_keys(kinds: Kinds) -> Iterator[Key]:
    """Every key there is, outer tables first."""
    yield from _keys(Config, "", kinds, ())


def missing(kinds: Kinds) -> list[Missing]:
    """What t0 does not support yet."""
    found = [Missing(k.path, k.field.not_yet.harmless) for k in all_keys(kinds) if k.field.not_yet is not None]
    return found + [Missing(path, "") for path in _missing_kinds(kinds)]


def page(kinds: Kinds) -> str:
    """The text of `docs/not-yet-supported.md`."""
    rows = [f"| `{m.path}` | {m.harmless and f'accepted: {m.harmless}'} |" for m in missing(kinds)]
    return "\n".join([PAGE_HEAD, "| Key or type | |", "|---|---|", *rows, ""])


def _missing_kinds(kinds: Kinds) -> Iterator[str]:
    places: dict[type[Struct], str] = {}
    for path, base in _tagged(Config, "", kinds, ()):
        places.setdefault(base, path)
    for base, path in places.items():
        for name in sorted(kinds.unsupported.get(base, ())):
            yield f'{path}.type = "{name}"'


def _keys(
    cls: type[Struct], path: str, kinds: Kinds, above: tuple[type[Struct], ...], besides: Collection[str] = ()
) -> Iterator[Key]:
    for field in table_fields(cls):
        if field.key in besides:
            continue
        where = join(path, field.key)
        yield Key(where, field)
        for table, inner in _tables(field.annotation, where):
            if table not in above:
                yield from _keys_of_kinds(table, inner, kinds, (*above, cls))


def _keys_of_kinds(cls: type[Struct], path: str, kinds: Kinds, above: tuple[type[Struct], ...]) -> Iterator[Key]:
    """The keys that all kinds share, then those of each kind alone."""
    yield from _keys(cls, path, kinds, above)
    shared = {f.key for f in table_fields(cls)}
    for name, struct in kinds.structs.get(cls, {}).items():
        yield from _keys(struct, f"{path}[{name}]", kinds, (*above, cls), shared)


def _tagged(
    cls: type[Struct], path: str, kinds: Kinds, above: tuple[type[Struct], ...]
) -> Iterator[tuple[str, type[Struct]]]:
    """The tagged tables and where they stand; some stand in several places."""
    for field in table_fields(cls):
        for table, where in _tables(field.annotation, join(path, field.key)):
            if table in above:
                continue
            for struct in kinds.structs.get(table, {"": table}).values():
                yield from _tagged(struct, where, kinds, (*above, cls, table))
            if table in kinds.structs:
                yield where, table


def _tables(annotation: Any, path: str) -> Iterator[tuple[type[Struct], str]]:
    """The structs that a key's value is made of, with their paths."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        parsed = next((m for m in arguments[1:] if isinstance(m, Parsed)), None)
        if parsed is None:
            yield from _tables(arguments[0], path)
        elif parsed.mirrors is not None:
            yield parsed.mirrors, path
    elif origin in (Union, types.UnionType):
        for argument in arguments:
            yield from _tables(argument, path)
    elif origin is dict:
        yield from _tables(arguments[1], f"{path}.{NAME}")
    elif origin is list:
        yield from _tables(arguments[0], f"{path}[]")
    elif isinstance(annotation, type) and issubclass(annotation, Struct) and annotation is not SourceFile:
        yield annotation, path
