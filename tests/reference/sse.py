"""Server-sent events as WHATWG HTML 9.2 words them, over a whole stream."""

import re

LINE_END = re.compile(rb"\r\n|\n|\r")


def payloads(stream: bytes) -> list[bytes]:
    """The data of every event, also of a last one without its blank line."""
    events: list[bytes] = []
    data: list[bytes] = []
    for line in [*LINE_END.split(stream.removeprefix(b"\xef\xbb\xbf")), b""]:
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        if not line and data:
            events.append(b"\n".join(data))
            data = []
    return events


def encode(payloads: list[bytes]) -> bytes:
    return b"".join(b"data: " + payload + b"\n\n" for payload in payloads)
