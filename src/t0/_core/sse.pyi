from typing import final

DEFAULT_MAX_EVENT_BYTES: int

@final
class Parser:
    """An incremental parser of one `text/event-stream` body: bytes in, the `data` of whole events out.

    Lines may end in LF, CR or CRLF and chunks anywhere, also between CR and LF. A byte order mark at the start,
    comments and the fields `event`, `id` and `retry` are ignored, and so are events without a data line.
    A parser belongs to one stream, and so to one thread at a time.
    """

    def __init__(self, max_event_bytes: int = ...) -> None:
        """`max_event_bytes` bounds a line as well as the data of one event, and so what is held between two calls."""

    def feed(self, data: bytes) -> list[bytes]:
        r"""The payloads of the events that `data` completes, in order: their data lines, joined by `\n`.

        Raises ValueError when an event exceeds the limit; the parser is of no use afterwards.
        """

    def end(self) -> list[bytes]:
        """The payload of an event that the end of the stream left without its blank line, if there is one.

        WHATWG drops such an event; providers are known to end a stream like that.
        """

def encode(payloads: list[bytes]) -> bytes:
    """One event for each payload: `data: payload` and a blank line. Raises ValueError for a payload with a line end."""
