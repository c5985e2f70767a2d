"""AWS's event streams (`application/vnd.amazon.eventstream`): binary messages with headers, payload and checksums.

A message is a prelude (total length, length of the headers, CRC of both), the headers, the payload, and a CRC of all
before it. Numbers are big-endian, CRCs those of zlib.
"""

from collections.abc import Iterator
from struct import Struct as Layout
from zlib import crc32

from msgspec import Struct

from t0.errors import ProviderFailure, T0Error
from t0.providers.base import Headers, Provider
from t0.types.model import Chunk

CONTENT_TYPE = "application/vnd.amazon.eventstream"

# The limits of botocore's decoder.
MAX_HEADERS_BYTES = 128 * 1024
MAX_PAYLOAD_BYTES = 24 * 1024 * 1024

_PRELUDE = Layout(">III")
_CRC = Layout(">I")
_OVERHEAD = _PRELUDE.size + _CRC.size

_TRUE, _FALSE, _BYTES, _STRING, _UUID = 0, 1, 6, 7, 9
_INTEGERS = {2: Layout(">b"), 3: Layout(">h"), 4: Layout(">i"), 5: Layout(">q"), 8: Layout(">q")}
_UUID_BYTES = 16

HeaderValue = bool | int | bytes | str


class BadEventStream(T0Error):
    """The bytes are not an event stream; nothing after them can be read."""


class Message(Struct):
    headers: dict[str, HeaderValue]
    """Timestamps are milliseconds since the epoch, UUIDs their 16 bytes."""
    payload: bytes

    def text_header(self, name: str) -> str:
        """The header's text; empty when it is not there."""
        return str(self.headers.get(name, ""))


class Parser:
    """Cuts bytes into messages. Holds at most one incomplete message."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def in_message(self) -> bool:
        """Whether the bytes so far end inside a message."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes. Raises `BadEventStream` after the last good one."""
        self._buffer += data
        while (length := self._message_length()) is not None and len(self._buffer) >= length:
            frame = bytes(self._buffer[:length])
            del self._buffer[:length]
            yield _message(frame)

    def _message_length(self) -> int | None:
        """The length of the message at the front, None while its prelude has not come."""
        if len(self._buffer) < _PRELUDE.size:
            return None
        length, headers_length, crc = _PRELUDE.unpack_from(self._buffer)
        _check("prelude", crc, bytes(self._buffer[:8]))
        if headers_length > MAX_HEADERS_BYTES:
            raise BadEventStream(f"headers of {headers_length} bytes, at most {MAX_HEADERS_BYTES} are taken")
        payload_length = length - headers_length - _OVERHEAD
        if not 0 <= payload_length <= MAX_PAYLOAD_BYTES:
            raise BadEventStream(f"a payload of {payload_length} bytes, at most {MAX_PAYLOAD_BYTES} are taken")
        return int(length)


def _message(frame: bytes) -> Message:
    _, headers_length, _ = _PRELUDE.unpack_from(frame)
    end = len(frame) - _CRC.size
    _check("message", _CRC.unpack_from(frame, end)[0], frame[:end])
    headers_end = _PRELUDE.size + headers_length
    return Message(_headers(frame[_PRELUDE.size : headers_end]), frame[headers_end:end])


def _check(what: str, expected: int, data: bytes) -> None:
    found = crc32(data)
    if found != expected:
        raise BadEventStream(f"the {what} has the checksum {found:#010x}, expected {expected:#010x}")


# -- headers -----------------------------------------------------------------------------------------------------------


def _headers(data: bytes) -> dict[str, HeaderValue]:
    reader = _Reader(data)
    headers: dict[str, HeaderValue] = {}
    while not reader.at_end:
        name = _text(reader.take(reader.number(1)))
        if name in headers:
            raise BadEventStream(f"the header `{name}` is there twice")
        headers[name] = _value(reader)
    return headers


def _value(reader: "_Reader") -> HeaderValue:
    kind = reader.number(1)
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE
    if kind in (_BYTES, _STRING):
        data = reader.take(reader.number(2))
        return data if kind == _BYTES else _text(data)
    if kind == _UUID:
        return reader.take(_UUID_BYTES)
    layout = _INTEGERS.get(kind)
    if layout is None:
        raise BadEventStream(f"a header has the unknown type {kind}")
    return int(layout.unpack(reader.take(layout.size))[0])


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        raise BadEventStream("a header is not UTF-8 text") from e


class _Reader:
    """Takes bytes off the front, never beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._data)

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise BadEventStream("the headers end inside a header")
        self._at += count
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")


# -- answers -----------------------------------------------------------------------------------------------------------


class MessageDecoder:
    """The frame of a `StreamDecoder` for event streams; subclasses map one event."""

    done = False

    def __init__(self, provider: Provider, error_name: str) -> None:
        """`error_name` is how errors call the service."""
        self._provider, self._error_name = provider, error_name
        self._parser = Parser()

    def on_event(self, event_type: str, payload: bytes) -> list[Chunk | ProviderFailure]:
        """The chunks for one event. Raises `ProviderFailure`."""
        raise NotImplementedError

    def feed(self, data: bytes) -> list[Chunk | ProviderFailure]:
        items: list[Chunk | ProviderFailure] = []
        if self.done:
            return items
        try:
            for message in self._parser.feed(data):
                items += self._on_message(message)
                if self.done:
                    break
        except BadEventStream as e:
            items.append(self._broken(str(e)))
        return items

    def end(self) -> list[Chunk | ProviderFailure]:
        if self.done:
            return []
        self.done = True
        return [self._broken("it ended inside a message")] if self._parser.in_message else []

    def _on_message(self, message: Message) -> list[Chunk | ProviderFailure]:
        try:
            match message.headers.get(":message-type"):
                case "exception":
                    raise self._refused(f"exception: {message.text_header(':exception-type')}", message.payload)
                case "error":
                    text = f"{message.text_header(':error-code')}: {message.text_header(':error-message')}"
                    raise self._refused(f"error: {text}", message.payload)
                case _:
                    return self.on_event(message.text_header(":event-type"), message.payload)
        except ProviderFailure as failure:
            return [failure]

    def _refused(self, what: str, payload: bytes) -> ProviderFailure:
        """The failure for a stream that AWS itself ended."""
        self.done = True
        return self._provider.server_failure(f"{self._error_name} streaming {what}", payload.decode("utf-8", "replace"))

    def _broken(self, reason: str) -> ProviderFailure:
        self.done = True
        return ProviderFailure(
            "fatal_stream",
            f"The event stream cannot be read: {reason}",
            self._provider.type,
            api_type=self._provider.api_type,
        )


def is_event_stream(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith(CONTENT_TYPE)
