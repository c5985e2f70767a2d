"""Compressed answers. None is ever asked for; a server that compresses regardless is understood where zlib suffices."""

import zlib
from collections.abc import Mapping

from t0.errors import MalformedResponse

GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
RAW_DEFLATE = -zlib.MAX_WBITS


class Inflater:
    """Decodes one body of coding `gzip` or `deflate`, fed in any split. Raises `MalformedResponse`."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(GZIP_OR_ZLIB)
        self._begun = False

    def feed(self, data: bytes, max_bytes: int = 0) -> bytes:
        """What `data` decodes to, cut after `max_bytes`; 0 means all."""
        try:
            if not self._begun and data:
                self._begin(data[0])
            parts = [self._zlib.decompress(data, max_bytes)]
            while self._zlib.eof and self._zlib.unused_data.startswith(b"\x1f\x8b"):
                # A gzip body may consist of several members (RFC 1952 2.2).
                rest, self._zlib = self._zlib.unused_data, zlib.decompressobj(GZIP_OR_ZLIB)
                parts.append(self._zlib.decompress(rest, max_bytes))
        except zlib.error as e:
            raise MalformedResponse(f"The compressed body cannot be decoded: {e}") from e
        return b"".join(parts)

    def end(self) -> None:
        """Raises when the body ended before its compressed data did."""
        if self._begun and not self._zlib.eof:
            raise MalformedResponse("The compressed body is cut short")

    def _begin(self, first: int) -> None:
        self._begun = True
        # Some servers send `deflate` without the zlib wrapping, whose first byte has 8 in its lower half.
        if first != 0x1F and first & 0x0F != 8:
            self._zlib = zlib.decompressobj(RAW_DEFLATE)


def inflater_for(headers: Mapping[str, str]) -> Inflater | None:
    """What the body must go through, None when it is plain. Raises `MalformedResponse` for other codings."""
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding in ("identity", ""):
        return None
    if coding in ("gzip", "x-gzip", "deflate"):
        return Inflater()
    raise MalformedResponse(f"The body is compressed with `{coding}`, which was not asked for")


def decoded(headers: Mapping[str, str], body: bytes, max_bytes: int) -> bytes:
    """The plain form of a complete body of at most `max_bytes`. Raises `MalformedResponse`."""
    inflater = inflater_for(headers)
    if inflater is None or not body:
        return body
    plain = inflater.feed(body, max_bytes + 1)
    if len(plain) > max_bytes:
        raise MalformedResponse(f"The decoded body is longer than {max_bytes} bytes")
    inflater.end()
    return plain
