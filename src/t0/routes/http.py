"""What a handler gets and gives: a request with its whole body, a response that is whole or a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec import Struct

Headers = list[tuple[bytes, bytes]]

_encode = msgspec.json.Encoder().encode


class Request(Struct):
    method: str
    path: str
    query: bytes
    headers: Headers
    """Names in lower case."""
    body: bytes
    is_too_long: bool = False
    """Whether the body exceeded the limit; then it is not here."""


class Response(Struct, kw_only=True):
    status: int = 200
    content_type: bytes = b"application/json"
    """Empty when there is no body."""
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Beside the type, the length and those of every answer."""


class EventStream(Struct):
    """A `text/event-stream` answer; `events` yields encoded events in batches and must be driven to its end."""

    events: AsyncIterator[bytes]


def json_response(value: Any, status: int = 200) -> Response:
    return Response(status=status, body=_encode(value))
