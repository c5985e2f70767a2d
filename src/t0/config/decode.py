"""From a TOML tree to typed structs, with errors that name the path, the value and what was expected.

msgspec's own conversion is not used here: its errors leave out the names of table entries and the offending value, and
it takes `1.0` for an integer, which the configuration language refuses.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields as struct_fields
from msgspec.structs import replace

from t0.config.fields import NOT_TOML, SECRET, Alias, FloatKind, NotYet, Parsed, Rule
from t0.config.values import IntRange, SourceFile, choice, expect, floating, integer, join, one_of, to_json
from t0.errors import ConfigError


class Kinds(NamedTuple):
    """The members of the tagged tables: the structs by `type` for the base struct of each, and the types not built yet.

    The configuration language ends here: providers, variants and so on know the language, not the other way round.
    """

    structs: Mapping[type[Struct], Mapping[str, type[Struct]]]
    unsupported: Mapping[type[Struct], Collection[str]]
    is_shorthand: Callable[[str], bool]
    """Whether a model name needs no `[models]` entry."""


class Kind:
    """Mixin of structs that are one kind of a tagged table. `type` is the TOML value that selects the struct."""

    type: ClassVar[str]
    supported: ClassVar[bool] = True
    """False while t0 can read and check the kind but not run it."""


class Field(NamedTuple):
    """One key of a table, as its struct declares it."""

    key: str
    attribute: str
    annotation: Any
    required: bool
    default: Any
    marks: tuple[Any, ...]

    @property
    def spellings(self) -> list[str]:
        return [self.key, *(m.name for m in self.marks if isinstance(m, Alias))]

    @property
    def not_yet(self) -> NotYet | None:
        return next((m for m in self.marks if isinstance(m, NotYet)), None)


@cache
def table_fields(cls: type[Struct]) -> tuple[Field, ...]:
    """The keys of the table that `cls` mirrors."""
    hints = get_type_hints(cls, include_extras=True)
    found = (_field(f, hints[f.name]) for f in struct_fields(cls))
    return tuple(f for f in found if NOT_TOML not in f.marks)


def _field(declared: Any, annotation: Any) -> Field:
    default = declared.default_factory() if declared.default_factory is not NODEFAULT else declared.default
    marks = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return Field(declared.encode_name, declared.name, annotation, declared.required, default, marks)


class Shape(NamedTuple):
    """How a table differs from the struct it is decoded as, where the same struct serves in two places."""

    without: Collection[str] = ()
    """Keys of the struct that the table does not have."""
    beside: Collection[str] = ()
    """Keys of the table that another struct reads."""
    instead: Mapping[str, Any] = {}
    """Keys with another annotation than the struct's."""

    def apply(self, fields: Sequence[Field]) -> list[Field]:
        kept = (f for f in fields if f.key not in self.without)
        return [f._replace(annotation=self.instead.get(f.key, f.annotation)) for f in kept]


EXACT = Shape()


class Decoder:
    """Decodes one configuration. `not_yet` collects what is set but not built, `secrets` where secrets stand."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self.not_yet: dict[str, str] = {}
        self.secrets: set[str] = set()

    def decode(self, annotation: Any, value: Any, path: str) -> Any:
        """`value` as the type `annotation`. Raises `ConfigError`."""
        origin = get_origin(annotation)
        if origin is Annotated:
            return self._annotated(get_args(annotation)[0], get_args(annotation)[1:], value, path)
        if origin in (Union, types.UnionType):
            return self._union(get_args(annotation), value, path)
        if origin is Literal:
            return choice(value, get_args(annotation), path)
        if origin is list:
            return self._list(get_args(annotation)[0], value, path)
        if origin is dict:
            return self._dict(get_args(annotation)[1], value, path)
        if annotation is Any:
            return to_json(value, path)
        if annotation is SourceFile or not issubclass(annotation, Struct):
            return _scalar(annotation, value, path)
        return self.table(annotation, value, path)

    def table(self, cls: type[Struct], value: Any, path: str, shape: Shape = EXACT) -> Any:
        """The table `value` as the struct `cls`, or as the member of its kinds that `type` names."""
        table = expect(dict, value, path, "a table")
        members = self.kinds.structs.get(cls)
        if members is None:
            return self.struct(cls, table, path, shape)
        tag = table.get("type")
        if tag is None:
            raise ConfigError("TensorZeroDerive: missing tag field `type`", key=path)
        struct = members[choice(tag, tuple(members), path)]
        if tag in self.kinds.unsupported.get(cls, ()):
            self.not_yet[path] = f"t0 does not support the type `{tag}` yet"
        result = self.struct(struct, {k: v for k, v in table.items() if k != "type"}, path, shape, f" for type `{tag}`")
        return replace(result, type=tag) if "type" in struct.__struct_fields__ else result

    def struct(self, cls: type[Struct], table: dict[str, Any], path: str, shape: Shape = EXACT, which: str = "") -> Any:
        """The table as exactly the struct `cls`, its own `check(path)` included; `which` completes an error text."""
        known = shape.apply(table_fields(cls))
        if cls.__struct_config__.forbid_unknown_fields:
            _refuse_unknown(table, [*(s for f in known for s in f.spellings), *shape.beside], path, which)
        result = cls(**{f.attribute: self._key(f, table, path) for f in known})
        check = getattr(result, "check", None)
        if check is not None:
            check(path)
        return result

    def _key(self, field: Field, table: dict[str, Any], path: str) -> Any:
        given = [s for s in field.spellings if s in table]
        if len(given) > 1:
            raise ConfigError(f"duplicate field `{field.key}`, also given as `{given[1]}`", key=path)
        if not given:
            if field.required:
                raise ConfigError(f"missing field `{field.key}`", key=path)
            return field.default
        where = join(path, given[0])
        value = self.decode(field.annotation, table[given[0]], where)
        mark = field.not_yet
        if mark is not None and value != field.default and not mark.accepts(value):
            self.not_yet[where] = mark.reason
        return value

    def _annotated(self, base: Any, marks: Sequence[Any], value: Any, path: str) -> Any:
        if SECRET in marks:
            self.secrets.add(path)
        special = next((m for m in marks if isinstance(m, (Parsed, IntRange, FloatKind))), None)
        match special:
            case Parsed():
                result = special.parse(self, value, path)
            case IntRange():
                result = integer(value, path, special)
            case FloatKind():
                result = floating(value, path, special.name)
            case _:
                result = self.decode(base, value, path)
        for mark in marks:
            if isinstance(mark, Rule) and (reason := mark.reason(result)):
                raise ConfigError(reason, key=path)
        return result

    def _union(self, options: tuple[Any, ...], value: Any, path: str) -> Any:
        """The first option that takes values of this TOML type; the last one makes the error."""
        options = tuple(o for o in options if o is not types.NoneType)
        for option in options[:-1]:
            if isinstance(value, get_origin(option) or option):
                return self.decode(option, value, path)
        return self.decode(options[-1], value, path)

    def _list(self, item: Any, value: Any, path: str) -> list[Any]:
        items = expect(list, value, path, "a sequence")
        return [self.decode(item, v, f"{path}[{i}]") for i, v in enumerate(items)]

    def _dict(self, item: Any, value: Any, path: str) -> dict[str, Any]:
        table = expect(dict, value, path, "a table")
        return {k: self.decode(item, v, join(path, k)) for k, v in table.items()}


def _scalar(kind: Any, value: Any, path: str) -> Any:
    expected = {str: "a string", bool: "a boolean", int: "i64", float: "f64", SourceFile: "a path"}[kind]
    if kind is float:
        return floating(value, path, expected)
    return expect(cast(type[Any], kind), value, path, expected)


def _refuse_unknown(table: dict[str, Any], known: list[str], path: str, which: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigError(f"unknown field `{key}`{which}, {one_of(known)}", key=join(path, key))
