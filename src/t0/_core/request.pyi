def check(body: bytes, max_depth: int = 127) -> None:
    """Raises ValueError when the arrays and objects of a JSON text nest deeper than `max_depth`.

    The message is serde_json's: `recursion limit exceeded at line 1 column 216`, the place of the first bracket that is
    one too many. Nothing else is checked: malformed text passes, for the decoder to refuse.
    """

def line_and_column(body: bytes, offset: int) -> tuple[int, int]:
    """Where the first `offset` bytes of a text end, as serde_json counts.

    The line is 1 more than the line feeds among them, the column the bytes after the last one. Raises ValueError unless
    0 <= offset <= len(body).
    """
