from typing import Self, final

from typing_extensions import disjoint_base

@disjoint_base
class MessageParser:
    """What the parsers of requests and answers have in common; it is of no use by itself."""

    has_head: bool
    complete: bool
    minor: bool
    """Whether the version is HTTP/1.1, not HTTP/1.0."""
    reusable: bool
    def __new__(cls, max_head_bytes: int) -> Self: ...
    def feed(self, data: bytes) -> bytes: ...

@final
class ResponseParser(MessageParser):
    """Parses the answers of one connection, one after the other.

    Strict: only CRLF ends a line; obs-fold, control characters, spaces before the colon, lengths that contradict
    each other, `content-length` beside `transfer-encoding`, codings other than `chunked` and a switch of protocols are
    errors. Interim (1xx) answers are skipped; trailers and chunk extensions are checked and dropped.
    """

    status: int
    headers: dict[str, str]
    """Names in lower case, values as Latin-1, repeats joined with `, `. A new dict for each answer."""
    has_head: bool
    """Whether `status` and `headers` are those of the final answer."""
    complete: bool
    reusable: bool
    """Whether the complete answer leaves a connection that may carry another exchange."""

    def __new__(cls, max_head_bytes: int) -> Self:
        """`max_head_bytes` bounds the status line and fields of all interim answers and the final one together."""
    def start(self, to_head: bool = False) -> None:
        """Awaits a new answer; `to_head` says that the request was HEAD."""
    def feed(self, data: bytes) -> bytes:
        """The body bytes in `data`, the next bytes from the connection; `data` itself where it is all body.

        Raises `MalformedResponse`, which names the byte's position in the answer; the parser is of no use afterwards.
        """
    def feed_eof(self) -> bool:
        """Tells that the connection has ended; gives whether the answer is whole."""

@final
class RequestParser(MessageParser):
    """Parses the requests of one connection, one after the other; as strict as `ResponseParser`.

    `host` must be given once (in HTTP/1.0 it may be missing). Blank lines before a request are skipped.
    """

    method: str
    target: str
    """As sent: with its query, nothing decoded; ASCII."""
    headers: list[tuple[bytes, bytes]]
    """Names in lower case, in the order of the request. A new list for each."""
    reusable: bool
    """Whether the client keeps the connection open after the complete request."""
    expects_continue: bool
    """Whether the client waits for an interim answer before it sends the body."""
    surplus: bytes
    """What followed the complete request in the last buffer: the beginning of the next one."""

    def __new__(cls, max_head_bytes: int) -> Self:
        """`max_head_bytes` bounds the request line and the fields together, and the trailers."""
    def start(self) -> None:
        """Awaits a new request."""
    def feed(self, data: bytes) -> bytes:
        """The body bytes in `data`, the next bytes from the connection; `data` itself where it is all body.

        Raises `MalformedRequest`, which names the byte's position in the request; the parser is of no use afterwards.
        """

def find_field(headers: list[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The value of the first field called `name`, which is in lower case like those of `RequestParser.headers`."""

def has_prefixed_field(headers: list[tuple[bytes, bytes]], prefix: bytes) -> bool:
    """Whether a field's name begins with `prefix`."""

def encode_head(
    method: str, target: str, authority: str, headers: tuple[tuple[str, str], ...], body_size: int
) -> bytes:
    """A request's head, with the blank line at its end; `host` and `content-length` are added.

    Raises `UnsendableRequest` for characters that HTTP forbids (header values are never shown) and for headers that
    would contradict the framing.
    """
