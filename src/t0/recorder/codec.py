"""Records as bytes: what lies in rings and spill files."""

from typing import Any

import msgspec
from msgspec import Struct

from t0.types.record import CountRecord, Record


class _Counted(Struct, array_like=True):
    """A record of which only the count is decoded."""

    count: CountRecord | None = None


_encode_into = msgspec.msgpack.Encoder().encode_into
_decode = msgspec.msgpack.Decoder(Record).decode
_decode_json = msgspec.json.Decoder(Record).decode
_decode_count = msgspec.msgpack.Decoder(_Counted).decode
_decode_json_count = msgspec.json.Decoder(_Counted).decode


def encode(record: Record) -> bytes:
    """The record as MessagePack; as JSON where it holds integers that MessagePack cannot.

    Text that is not Unicode (lone surrogates) is stored with `?` in the place of what cannot be.
    """
    buffer = bytearray()
    encode_into(buffer, record)
    return bytes(buffer)


def encode_into(buffer: bytearray, record: Record) -> None:
    """Replaces what `buffer` holds by the encoded record. PERF: its memory is there already, and in the cache."""
    try:
        _encode_into(record, buffer)
    except (OverflowError, UnicodeEncodeError):
        buffer[:] = msgspec.json.encode(_encodable(msgspec.to_builtins(record)))


def _encodable(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_encodable(k): _encodable(v) for k, v in value.items()}
        case list():
            return [_encodable(v) for v in value]
        case _:
            return value


def decode(payload: bytes) -> Record:
    """Raises `msgspec.DecodeError` (or its `ValidationError`) for bytes that `encode` did not make."""
    # No MessagePack array begins with `[`.
    return _decode_json(payload) if payload[:1] == b"[" else _decode(payload)


def decode_count(payload: bytes) -> CountRecord | None:
    """The record's count alone, at a fraction of the cost of `decode`."""
    counted = _decode_json_count(payload) if payload[:1] == b"[" else _decode_count(payload)
    return counted.count
