"""Request bodies: within the limit, decompressed."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from t0._core.http1 import find_field
from t0.errors import JsonRequest, UnsupportedEncoding
from t0.routes.http import Request

MAX_BODY_BYTES = 104_857_600
ENCODINGS = b"gzip,br,zstd"
_ZSTD_STEP_BYTES = 1024
"""The decoder has no limit of its own; so much input makes 32 MiB at most."""


def read_body(request: Request) -> bytes:
    """The body as the client meant it. Raises `JsonRequest` over the limit, `UnsupportedEncoding`."""
    if request.is_too_long:
        raise _too_long()
    encoding = find_field(request.headers, b"content-encoding")
    return request.body if encoding is None else decompress(request.body, encoding)


def _too_long() -> JsonRequest:
    return JsonRequest("Failed to buffer the request body: length limit exceeded (413 Payload Too Large)")


def decompress(body: bytes, encoding: bytes) -> bytes:
    """Undoes the content codings named, last one first."""
    for coding in reversed([c.strip().lower() for c in encoding.split(b",")]):
        if coding in (b"", b"identity"):
            continue
        decoder = _DECODERS.get(coding)
        if decoder is None:
            raise UnsupportedEncoding(coding.decode("latin-1"))
        body = decoder(body)
    return body


def _broken(coding: str, error: Exception) -> JsonRequest:
    return JsonRequest(f"Failed to buffer the request body: invalid {coding} data: {error}")


def _gunzip(body: bytes) -> bytes:
    decoder = zlib.decompressobj(wbits=31)
    try:
        out = decoder.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as e:
        raise _broken("gzip", e) from e
    if len(out) > MAX_BODY_BYTES:
        raise _too_long()
    if not decoder.eof:
        raise _broken("gzip", EOFError("the data ends early"))
    return out


def _unbrotli(body: bytes) -> bytes:
    import brotli

    decoder = brotli.Decompressor()
    try:
        out: bytes = decoder.process(body, output_buffer_limit=MAX_BODY_BYTES + 1)
        while not decoder.is_finished() and not decoder.can_accept_more_data() and len(out) <= MAX_BODY_BYTES:
            out += decoder.process(b"", output_buffer_limit=MAX_BODY_BYTES + 1)
    except brotli.error as e:
        raise _broken("br", e) from e
    if len(out) > MAX_BODY_BYTES:
        raise _too_long()
    if not decoder.is_finished():
        raise _broken("br", EOFError("the data ends early"))
    return out


def _unzstd(body: bytes) -> bytes:
    import zstandard

    decoder = zstandard.ZstdDecompressor().decompressobj()
    parts, size = [], 0
    try:
        for at in range(0, len(body), _ZSTD_STEP_BYTES):
            parts.append(decoder.decompress(body[at : at + _ZSTD_STEP_BYTES]))
            size += len(parts[-1])
            if size > MAX_BODY_BYTES:
                raise _too_long()
            if decoder.eof:
                break
    except zstandard.ZstdError as e:
        raise _broken("zstd", e) from e
    if not decoder.eof:
        raise _broken("zstd", EOFError("the data ends early"))
    return b"".join(parts)


_DECODERS: dict[bytes, Callable[[bytes], bytes]] = {b"gzip": _gunzip, b"br": _unbrotli, b"zstd": _unzstd}
