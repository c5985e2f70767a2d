"""Writes AWS event streams, for tests."""

import json
import struct
from typing import Any
from zlib import crc32

STRING = 7


def frame(headers: bytes, payload: bytes) -> bytes:
    """One message; `headers` are already encoded."""
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return message + struct.pack(">I", crc32(message))


def header(name: str, kind: int, value: bytes) -> bytes:
    """`value` as it goes on the wire, without the length that texts and byte strings have before them."""
    length = struct.pack(">H", len(value)) if kind in (6, STRING) else b""
    return bytes([len(name.encode())]) + name.encode() + bytes([kind]) + length + value


def texts(**headers: str) -> bytes:
    """Text headers, named `message_type` for `:message-type`."""
    return b"".join(header(":" + k.replace("_", "-"), STRING, v.encode()) for k, v in headers.items())


def event(event_type: str, content: Any) -> bytes:
    """One event; content that is not bytes goes as JSON."""
    payload = content if isinstance(content, bytes) else json.dumps(content, separators=(",", ":")).encode()
    return frame(texts(message_type="event", event_type=event_type), payload)


def exception(exception_type: str, content: Any) -> bytes:
    return frame(texts(message_type="exception", exception_type=exception_type), json.dumps(content).encode())


def recorded(entry: dict[str, Any]) -> bytes:
    """A message of a recorded case: `{"headers": {":event-type": …}, "json": …}`, or with `text`."""
    headers = {":message-type": "event", ":content-type": "application/json", **entry.get("headers", {})}
    encoded = b"".join(header(k, STRING, v.encode()) for k, v in headers.items())
    text = entry["text"] if "text" in entry else json.dumps(entry.get("json", {}), separators=(",", ":"))
    return frame(encoded, text.encode())
