from typing import Self, final

@final
class ResponseParser:
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

def encode_head(
    method: str, target: str, authority: str, headers: tuple[tuple[str, str], ...], body_size: int
) -> bytes:
    """A request's head, with the blank line at its end; `host` and `content-length` are added.

    Raises `UnsendableRequest` for characters that HTTP forbids (header values are never shown) and for headers that
    would contradict the framing.
    """
