"""A key for plain values with the standard library: JSON text in which every value names its type."""

import json
from typing import Any


def material(value: Any) -> bytes:
    return json.dumps(_describe(value), sort_keys=True).encode()


def _describe(value: Any) -> Any:
    match value:
        case dict():
            return {key: _describe(item) for key, item in value.items()}
        case list() | tuple():
            return [_describe(item) for item in value]
        case _:
            return f"{type(value).__name__} {value!r}"
