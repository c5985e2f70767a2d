"""Request bodies: JSON bytes to wire structs, and the error texts of what does not fit.

The decoder tells where a value has the wrong type but not which value it was; on that path alone the body is decoded a
second time to quote the value, as the reference does.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

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


def decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The struct in `body`. Raises `JsonRequest`."""
    try:
        json_text.check(body)
        return decoder.decode(body)
    except msgspec.ValidationError as e:
        raise JsonRequest(explain(e, body, decoder.type)) from e
    except msgspec.DecodeError as e:
        raise JsonRequest(syntax_error(e, body)) from e
    except ValueError as e:  # nesting too deep, or bytes that are not UTF-8
        raise JsonRequest(f"Failed to parse the request body as JSON: {e} (400 Bad Request)") from e


def syntax_error(error: msgspec.DecodeError, body: bytes) -> str:
    found = _OFFSET.search(str(error))
    line, column = json_text.line_and_column(body, int(found[1]) if found else len(body))
    reason = _OFFSET.sub("", str(error)).removeprefix("JSON is malformed: ").strip()
    return f"Failed to parse the request body as JSON: {reason} at line {line} column {column} (400 Bad Request)"


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
        return _located(found[2], f"unknown variant `{found[1].strip(chr(39))}`")
    if found := _RANGE.match(text):
        value = value_at(body, found[3])
        return _located(found[3], f"invalid value: integer `{value}`, expected u32")
    if found := _EXPECTED.match(text):
        wanted = next((w for w in found[1].split(" | ") if w != "null"), "null")
        if found[2] == "int" and wanted == "int":  # an integer beyond 64 bits
            return _located(found[3], f"invalid value: integer `{value_at(body, found[3])}`, expected u32")
        found_value = described(value_at(body, found[3]))
        return _located(found[3], f"invalid type: {found_value}, expected {_WORDS.get(wanted, wanted)}")
    if text.startswith("Number out of range"):
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
        if key:
            value = value.get(key) if isinstance(value, dict) else None
        elif index != "...":
            value = value[int(index)]
        else:
            return value
    return value


def _located(path: str | None, detail: str) -> str:
    name = (path or "$").removeprefix("$").removeprefix(".")
    return f"{name}: {detail}" if name else detail


def _expected(type_: Any, path: str) -> str:
    """`, expected one of …` for nested objects; the top level names no alternatives."""
    if path == "$":
        return ""
    for key, _ in _STEP.findall(path[1:]):
        type_ = _field_type(type_, key)
        if type_ is None:
            return ""
    names = [f"`{f.encode_name}`" for f in msgspec.structs.fields(type_)]
    if len(names) <= 2:
        return ", expected " + " or ".join(names)
    return ", expected one of " + ", ".join(names)


def _field_type(type_: Any, key: str) -> Any:
    for field in msgspec.structs.fields(type_):
        if field.encode_name == key:
            options = getattr(field.type, "__args__", (field.type,))
            return next((o for o in options if isinstance(o, type) and issubclass(o, msgspec.Struct)), None)
    return None
