"""Nesting of a JSON text, byte by byte."""


def excess(body: bytes, max_depth: int) -> int | None:
    """The offset of the first bracket that nests deeper than `max_depth`, looking no further than the first value."""
    depth, in_string, escaped = 0, False, False
    for offset, character in enumerate(body.decode("latin-1")):
        if in_string:
            in_string = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > max_depth:
                return offset
        elif character in "]}":
            depth -= 1
            if depth <= 0:
                return None
    return None


def line_and_column(body: bytes, offset: int) -> tuple[int, int]:
    lines = body[:offset].split(b"\n")
    return len(lines), len(lines[-1])
