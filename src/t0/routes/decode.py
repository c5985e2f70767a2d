"""Request bodies: JSON bytes to wire structs, and the error texts of what does not fit.

The decoder tells where a value has the wrong type but not which value it was; on that path alone the body is decoded a
second time to quote the value, as the reference does.
"""

from __future__ import annotations

import re
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from t0._core import request as json_text
from t0.errors import JsonRequest

T = TypeVar("T")

_EXPECTED = re.compile(r"Expected `(.+?)`, got `(.+?)`(?: - at `(.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.+?)`(?: - at `(.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.+?)`(?: - at `(.*)`)?$", re.DOTALL)
_ENUM = re.compile(r"Invalid enum value (.+?)(?: - at `(.*)`)?$", re.DOTALL)
_RANGE = re.compile(r"Expected `int` ([<>]=?) (-?\d+)(?: - at `(.*)`)?$")
_OFFSET = re.compile(r"\(byte (\d+)\)")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")

_WORDS = {
    "str": "a string",
    "int": "u32",
    "float": "f32",
    "bool": "a boolean",
    "object": "a map",
    "array": "a sequence",
    "null": "null",
}
_KINDS = {"str": "string", "int": "integer", "float": "floating point", "bool": "boolean"} | {
    "object": "map",
    "array": "sequence",
}


def decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The struct in `body`. Raises `JsonRequest`."""
    try:
        json_text.check(body)
        if not body.isascii():
            body.decode()  # what no field takes is skipped by the decoder, whatever its bytes
        return decoder.decode(body)
    except msgspec.ValidationError as e:
        raise JsonRequest(_explained(e, body, decoder.type)) from e
    except msgspec.DecodeError as e:
        raise JsonRequest(syntax_error(e, body)) from e
    except ValueError as e:  # nesting too deep, or bytes that are not UTF-8
        raise JsonRequest(f"Failed to parse the request body as JSON: {e} (400 Bad Request)") from e


def syntax_error(error: msgspec.DecodeError, body: bytes) -> str:
    found = _OFFSET.search(str(error))
    line, column = json_text.line_and_column(body, int(found[1]) if found else len(body))
    reason = _OFFSET.sub("", str(error)).removeprefix("JSON is malformed: ").strip()
    return f"Failed to parse the request body as JSON: {reason} at line {line} column {column} (400 Bad Request)"


def _explained(error: msgspec.ValidationError, body: bytes, type_: Any) -> str:
    try:
        return explain(error, body, type_)
    except msgspec.DecodeError as e:  # the body breaks behind the field that does not fit
        return syntax_error(e, body)


def explain(error: msgspec.ValidationError, body: bytes, type_: Any) -> str:
    """`path: detail` in the wording of the reference."""
    text = str(error)
    if found := _MISSING.match(text):
        return _located(found[2], f"missing field `{found[1]}`")
    if found := _UNKNOWN.match(text):
        path = found[2] or "$"
        name = found[1]
        return _located(f"{path}.{name}" if path != "$" else None, f"unknown field `{name}`{_expected(type_, path)}")
    if found := _ENUM.match(text):
        return _located(found[2], f"unknown variant `{found[1].strip(chr(39))}`{_choices(type_, found[2])}")
    if found := _RANGE.match(text):
        value = value_at(body, found[3])
        return _located(found[3], f"invalid value: integer `{value}`, expected {_integer(type_, found[3])}")
    if found := _EXPECTED.match(text):
        wanted = next((w for w in found[1].split(" | ") if w != "null"), "null")
        if found[2] == "int" and wanted == "int":  # an integer beyond 64 bits
            value = value_at(body, found[3])
            return _located(found[3], f"invalid value: integer `{value}`, expected {_integer(type_, found[3])}")
        # The key of a map's value is not told, so neither can the value be.
        unnamed = found[3] is not None and "[...]" in found[3]
        found_value = _KINDS.get(found[2], found[2]) if unnamed else described(value_at(body, found[3]))
        return _located(found[3], f"invalid type: {found_value}, expected {_WORDS.get(wanted, wanted)}")
    if "out of range" in text:
        return "Failed to parse the request body as JSON: number out of range (400 Bad Request)"
    return text


def described(value: Any) -> str:
    """A JSON value as serde's error messages name it."""
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{value}`"
        case float():
            return f"floating point `{value}`"
        case str():
            return f'string "{value}"'
        case list():
            return "sequence"
        case _:
            return "map"


def value_at(body: bytes, path: str | None) -> Any:
    """The value at a path like `$.messages[0].role`, as the decoder's errors write it."""
    value = msgspec.json.decode(body)
    for key, index in _STEP.findall((path or "$")[1:]):
        value = value[key] if key else value[int(index)]
    return value


def _located(path: str | None, detail: str) -> str:
    name = (path or "$").removeprefix("$").removeprefix(".")
    return f"{name}: {detail}" if name else detail


def _expected(type_: Any, path: str) -> str:
    """`, expected one of …` for nested objects; the top level names no alternatives."""
    if path == "$":
        return ""
    names = [f.encode_name for o in _options(_type_at(type_, path)) if _is_struct(o) for f in msgspec.structs.fields(o)]
    return _one_of(names)


def _choices(type_: Any, path: str | None) -> str:
    found = _options(_type_at(type_, path or "$"))
    return _one_of([name for o in found if get_origin(o) is Literal for name in get_args(o)])


def _one_of(names: list[str]) -> str:
    quoted = [f"`{n}`" for n in names]
    if len(quoted) <= 2:
        return f", expected {' or '.join(quoted)}" if quoted else ""
    return f", expected one of {', '.join(quoted)}"


def _integer(type_: Any, path: str | None) -> str:
    """The reference's name for the integers that a field takes: from 0 on or from below it, 32 bits either way."""
    bounds = [m for o in _options(_type_at(type_, path or "$")) for m in getattr(o, "__metadata__", ())]
    return "i32" if any(b.ge < 0 for b in bounds) else "u32"


def _type_at(type_: Any, path: str) -> Any:
    """The type of what a path leads to; None where it is not known."""
    for key, _ in _STEP.findall(path[1:]):
        types = [_step(o, key) for o in _options(type_)]
        type_ = next((t for t in types if t is not None), None)
    return type_


def _step(type_: Any, key: str) -> Any:
    if not key:
        return get_args(type_)[-1] if get_origin(type_) in (list, dict) else None
    if not _is_struct(type_):
        return None
    return next((f.type for f in msgspec.structs.fields(type_) if f.encode_name == key), None)


def _options(type_: Any) -> tuple[Any, ...]:
    """The members of a union; any other type by itself."""
    if get_origin(type_) in (Union, UnionType):
        return get_args(type_)
    return (type_,)


def _is_struct(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, msgspec.Struct)
