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
    body: bytes


class Response(Struct, kw_only=True):
    status: int = 200
    content_type: bytes = b"application/json"
    body: bytes = b""


class EventStream(Struct):
    """A `text/event-stream` answer; `events` yields encoded events in batches and must be driven to its end."""

    events: AsyncIterator[bytes]


def json_response(value: Any, status: int = 200) -> Response:
    return Response(status=status, body=_encode(value))
