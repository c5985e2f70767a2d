"""JSON Schemas: of functions and tools when the configuration is built, of requests when they arrive.

The draft follows `$schema` and is 2020-12 without it; `format` is asserted as the draft says, so up to draft 7 only. No
reference leaves the schema: nothing is ever fetched or read from disk.
"""

from __future__ import annotations

from typing import Any, final

import jsonschema_rs
import msgspec
from cachetools import LRUCache

from t0.errors import ConfigError, DynamicJsonSchema, JsonSchemaValidation

_DYNAMIC_CACHE_BYTES = 4 * 1024 * 1024


@final
class CompiledSchema:
    """A JSON Schema ready to validate. `value` is the schema, `text` its compact JSON with the keys in their order."""

    __slots__ = ("_validator", "text", "value")

    def __init__(self, value: Any, text: str | None = None) -> None:
        """Raises `jsonschema_rs.ValidationError` or `ValueError` if it is not a schema."""
        self.value = value
        self.text = _text(value) if text is None else text
        self._validator = jsonschema_rs.validator_for(self.text, offline=True)

    def __repr__(self) -> str:
        return f"CompiledSchema({self.text})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompiledSchema) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def is_valid(self, value: Any) -> bool:
        """Whether the JSON value satisfies the schema."""
        return self._validator.is_valid(value)

    def validate(self, value: Any) -> None:
        """Raises `JsonSchemaValidation` with the first thing that is wrong, as the reference does."""
        if self._validator.is_valid(value):
            return
        try:
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            raise JsonSchemaValidation([error.message], value, self.text) from None


def parse_schema(text: str | bytes, *, source: str) -> CompiledSchema:
    """The schema in a file of the configuration; `source` is its key. Raises `ConfigError`."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"Failed to parse JSON Schema `{source}`: {error}") from error
    return compile_schema(value, source=source)


def compile_schema(schema: Any, *, source: str) -> CompiledSchema:
    """A schema of the configuration; `source` is the key of its file, or whatever names it. Raises `ConfigError`."""
    try:
        return CompiledSchema(schema)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        raise ConfigError(f"Failed to compile JSON Schema `{source}`: {_reason(error)}") from error


def _new_cache(max_bytes: int) -> LRUCache[str, CompiledSchema]:
    return LRUCache(max_bytes, getsizeof=lambda schema: len(schema.text))


_dynamic = _new_cache(_DYNAMIC_CACHE_BYTES)


def dynamic_schema(schema: Any) -> CompiledSchema:
    """A schema that came with a request. Raises `DynamicJsonSchema`.

    Call it when a value is about to be validated, since a request is answered even if its schema is never needed. Equal
    schemas are compiled once, as long as a few megabytes hold them.
    """
    text = _text(schema)
    found = _dynamic.get(text)
    if found is not None:
        return found
    try:
        compiled = CompiledSchema(schema, text)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        raise DynamicJsonSchema(_reason(error)) from error
    if len(text) <= _dynamic.maxsize:
        _dynamic[text] = compiled
    return compiled


def _text(schema: Any) -> str:
    return msgspec.json.encode(schema).decode()


def _reason(error: Exception) -> str:
    return str(getattr(error, "message", error))
