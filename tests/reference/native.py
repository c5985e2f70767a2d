"""Blocks of ClickHouse's Native format, read value by value."""

import io
import struct
import uuid
from decimal import Decimal
from typing import Any


def rows(blocks: bytes) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The types of the columns, and the rows. Texts are `str`, the others what `native.Column` takes."""
    source = io.BytesIO(blocks)
    types: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    while source.tell() < len(blocks):
        width, height = varint(source), varint(source)
        columns = {}
        for _ in range(width):
            name, kind = text(source), text(source)
            types[name], columns[name] = kind, column(source, kind, height)
        found += [{name: values[row] for name, values in columns.items()} for row in range(height)]
    return types, found


def column(source: io.BytesIO, kind: str, height: int) -> list[Any]:
    if kind.startswith("Nullable("):
        nulls = source.read(height)
        values = column(source, kind.removeprefix("Nullable(").removesuffix(")"), height)
        return [None if null else value for null, value in zip(nulls, values, strict=True)]
    match kind:
        case "String":
            return [text(source) for _ in range(height)]
        case "UUID":
            words = [struct.unpack("<QQ", source.read(16)) for _ in range(height)]
            return [str(uuid.UUID(int=high << 64 | low)) for high, low in words]
        case "Bool":
            return [source.read(1) == b"\1" for _ in range(height)]
        case "UInt32":
            return list(struct.unpack(f"<{height}I", source.read(4 * height)))
        case "Float32":
            return list(struct.unpack(f"<{height}f", source.read(4 * height)))
        case "Decimal(18, 9)":
            numbers = struct.unpack(f"<{height}q", source.read(8 * height))
            return [f"{Decimal(number).scaleb(-9):.9f}" for number in numbers]
        case "UInt256":
            return [str(int.from_bytes(source.read(32), "little")) for _ in range(height)]
        case "Array(String)":
            ends = struct.unpack(f"<{height}Q", source.read(8 * height))
            return _cut([text(source) for _ in range(ends[-1] if ends else 0)], ends)
        case "Map(String, String)":
            ends = struct.unpack(f"<{height}Q", source.read(8 * height))
            keys, values = ([text(source) for _ in range(ends[-1] if ends else 0)] for _ in range(2))
            return [dict(part) for part in _cut(list(zip(keys, values, strict=True)), ends)]
    raise AssertionError(kind)


def varint(source: io.BytesIO) -> int:
    number = shift = 0
    while (byte := source.read(1)[0]) & 0x80:
        number |= (byte & 0x7F) << shift
        shift += 7
    return number | byte << shift


def text(source: io.BytesIO) -> str:
    return source.read(varint(source)).decode()


def _cut(items: list[Any], ends: tuple[int, ...]) -> list[list[Any]]:
    return [items[start:end] for start, end in zip((0, *ends), ends, strict=False)]
