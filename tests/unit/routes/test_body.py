"""Request bodies: within the limit, decompressed."""

import gzip

import brotli
import pytest
import zstandard

from t0.errors import JsonRequest, UnsupportedEncoding
from t0.routes.body import MAX_BODY_BYTES, decompress, read_body
from t0.routes.http import Request

TEXT = b'{"input":{}}'
TOO_LONG = "Failed to buffer the request body: length limit exceeded (413 Payload Too Large)"

ENCODERS = {b"gzip": gzip.compress, b"br": brotli.compress, b"zstd": zstandard.ZstdCompressor().compress}


def read(body, *, encoding=None, is_too_long=False):
    headers = [] if encoding is None else [(b"content-encoding", encoding)]
    return read_body(Request("POST", "/inference", b"", [(b"host", b"t0"), *headers], body, is_too_long))


@pytest.mark.parametrize("encoding", [None, b"", b"identity"])
def test_a_plain_body_is_as_it_came(encoding):
    assert read(TEXT, encoding=encoding) == TEXT


def test_a_body_beyond_the_limit_is_refused():
    with pytest.raises(JsonRequest) as caught:
        read(b"", is_too_long=True)
    assert (caught.value.text, caught.value.status) == (TOO_LONG, 400)


@pytest.mark.parametrize("coding", ENCODERS, ids=bytes.decode)
def test_a_known_coding_is_undone(coding):
    assert read(ENCODERS[coding](TEXT), encoding=coding) == TEXT


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"identity", TEXT),
        (b"", TEXT),
        (b"GZip", gzip.compress(TEXT)),
        (b"gzip, br", brotli.compress(gzip.compress(TEXT))),
        (b"identity , gzip,", gzip.compress(TEXT)),
    ],
    ids=["identity", "none", "upper case", "last one first", "with gaps"],
)
def test_codings_are_undone_from_the_last_to_the_first(encoding, body):
    assert decompress(body, encoding) == TEXT


@pytest.mark.parametrize("encoding", [b"deflate", b"compress", b"gzip, deflate", b"x"])
def test_another_coding_is_unsupported(encoding):
    with pytest.raises(UnsupportedEncoding) as caught:
        decompress(TEXT, encoding)
    assert (caught.value.status, caught.value.text) == (
        415,
        f"Unsupported content encoding: {encoding.decode().rpartition(' ')[2]}",
    )


@pytest.mark.parametrize("coding", ENCODERS, ids=bytes.decode)
@pytest.mark.parametrize(
    "damage",
    [lambda b: b[:-3], lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"plain text, not compressed"],
    ids=["end cut off", "half", "empty", "not compressed"],
)
def test_damaged_data_is_refused(coding, damage):
    with pytest.raises(JsonRequest) as caught:
        decompress(damage(ENCODERS[coding](TEXT * 100)), coding)
    assert caught.value.text.startswith(f"Failed to buffer the request body: invalid {coding.decode()} data: ")


@pytest.mark.parametrize("coding", ENCODERS, ids=bytes.decode)
def test_what_decodes_to_more_than_the_limit_is_refused(coding):
    """Small bodies may hold very much; no more than the limit of it is ever decoded."""
    with pytest.raises(JsonRequest) as caught:
        decompress(_bomb(coding), coding)
    assert caught.value.text == TOO_LONG


def _bomb(coding):
    block, count = bytes(1 << 20), (MAX_BODY_BYTES >> 20) + 1
    if coding == b"gzip":
        return gzip.compress(block * count, 1)
    if coding == b"zstd":
        return zstandard.ZstdCompressor(level=1).compress(block * count)
    encoder = brotli.Compressor(quality=1)
    return b"".join(encoder.process(block) for _ in range(count)) + encoder.finish()


@pytest.mark.parametrize("coding", ENCODERS, ids=bytes.decode)
def test_what_decodes_to_the_limit_is_read(coding):
    assert len(decompress(ENCODERS[coding](bytes(1 << 16)), coding)) == 1 << 16
