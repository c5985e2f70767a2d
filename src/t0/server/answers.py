"""The bytes of an answer: its head, its body, the chunks of a stream."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import cache
from http import HTTPStatus

from t0.routes.http import Response
from t0.version import VERSION

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"

_VERSION_LINE = b"x-tensorzero-gateway-version: %b\r\n" % VERSION.encode()
_EVENT_FIELDS = b"content-type: text/event-stream\r\ncache-control: no-cache\r\n"
_CLOSE = b"connection: close\r\n"
_KEEP_ALIVE = b"connection: keep-alive\r\n"
"""HTTP/1.0 closes a connection unless it is told not to."""


def whole(response: Response, *, minor: bool, keep: bool, bodiless: bool = False) -> bytes:
    """An answer to a request in HTTP/1.`minor`; to HEAD it is `bodiless`, but tells the length."""
    body = response.body
    length = b"content-length: %d\r\n" % len(body)
    head = _start(response.status, response.content_type) + _date() + length + _connection(minor, keep)
    if response.headers:
        head += b"".join([b"%b: %b\r\n" % field for field in response.headers])
    return head + b"\r\n" if bodiless else head + b"\r\n" + body


def stream_start(*, minor: bool, keep: bool) -> bytes:
    """The head of an event stream. In HTTP/1.0 it ends with the connection."""
    framing = b"transfer-encoding: chunked\r\n" if minor else b""
    return _status_line(200) + _EVENT_FIELDS + _VERSION_LINE + _date() + framing + _connection(minor, keep) + b"\r\n"


def chunk(data: bytes) -> bytes:
    """`data` is not empty: a chunk without bytes would be the last."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@cache
def _start(status: int, content_type: bytes) -> bytes:
    kind = b"content-type: %b\r\n" % content_type if content_type else b""
    return _status_line(status) + kind + _VERSION_LINE


@cache
def _status_line(status: int) -> bytes:
    try:
        reason = HTTPStatus(status).phrase.encode()
    except ValueError:
        reason = b""
    return b"HTTP/1.1 %d %b\r\n" % (status, reason)


def _connection(minor: bool, keep: bool) -> bytes:
    if not keep:
        return _CLOSE
    return b"" if minor else _KEEP_ALIVE


_date_line = b""
_date_second = 0


def _date() -> bytes:
    global _date_line, _date_second
    now = int(time.time())
    if now != _date_second:
        _date_line = b"date: %b\r\n" % formatdate(now, usegmt=True).encode()
        _date_second = now
    return _date_line
