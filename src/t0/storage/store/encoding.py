"""Content codings of the HTTP interface: what clients may send and ask for."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import lz4.frame  # type: ignore[import-untyped]
import zstandard


def _zstd_decompress(data: bytes) -> bytes:
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    decoded = decompressor.decompress(data)
    if not decompressor.eof:
        raise zstandard.ZstdError("the frame is cut")
    return decoded


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.decompress,
    "zstd": _zstd_decompress,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}


class Encoder:
    """Compresses an answer piece by piece: `begin`, `encode` each piece, `finish`."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self.begin, self.encode, self.finish = _encoder(encoding)


def _encoder(
    encoding: str,
) -> tuple[Callable[[], bytes], Callable[[bytes | memoryview], bytes | memoryview], Callable[[], bytes]]:
    if encoding == "lz4":
        frame = lz4.frame.LZ4FrameCompressor()
        return frame.begin, frame.compress, frame.flush
    if encoding == "zstd":
        zstd = zstandard.ZstdCompressor(level=1).compressobj()
        return bytes, zstd.compress, zstd.flush
    if encoding == "gzip":
        gz = zlib.compressobj(level=1, wbits=31)
        return bytes, gz.compress, gz.flush
    return bytes, lambda piece: piece, bytes


def chosen(accept_encoding: str) -> str:
    """The first coding of an Accept-Encoding field that answers can have, else `identity`."""
    for item in accept_encoding.lower().split(","):
        name = item.partition(";")[0].strip()
        if name in ("lz4", "zstd", "gzip"):
            return name
    return "identity"


def decoded(body: bytes, encoding: str) -> bytes:
    """The body of a request. Raises `ValueError` for an unknown coding or damaged data."""
    name = encoding.strip().lower()
    if name in ("", "identity") or not body:
        return body
    decode = _DECODERS.get(name)
    if decode is None:
        raise ValueError(f"unknown Content-Encoding `{encoding}`, expected one of {', '.join(sorted(_DECODERS))}")
    try:
        return decode(body)
    except (RuntimeError, zstandard.ZstdError, OSError, EOFError, zlib.error) as e:
        raise ValueError(f"the body is not valid {name}: {e}") from e
