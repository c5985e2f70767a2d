"""What a handler gets and gives: a request with its whole body, a response that is whole or a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
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


class EventStream(ABC):
    """A `text/event-stream` answer; must be driven to its end."""

    ended = False
    """Whether `next` has given the last events."""

    @abstractmethod
    async def next(self) -> bytes:
        """The next events, encoded: all that are there together. Empty when there is nothing to tell."""


def json_response(value: Any, status: int = 200) -> Response:
    return Response(status=status, body=_encode(value))
