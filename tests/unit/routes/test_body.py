"""Request bodies: read whole, within the limit, decompressed."""

import gzip

import brotli
import pytest
import zstandard

from kit import run
from t0.errors import JsonRequest, UnsupportedEncoding
from t0.routes.body import MAX_BODY_BYTES, decompress, read_body

TEXT = b'{"input":{}}'
TOO_LONG = "Failed to buffer the request body: length limit exceeded (413 Payload Too Large)"

ENCODERS = {b"gzip": gzip.compress, b"br": brotli.compress, b"zstd": zstandard.ZstdCompressor().compress}


def read(*messages, encoding=b""):
    """The body in these messages, and how many of them were read."""
    left = list(messages)

    async def receive():
        return left.pop(0)

    return run(read_body(receive, encoding)), len(messages) - len(left)


def part(body, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([{"type": "http.request", "body": b"ab"}], b"ab"),
        ([{"type": "http.request"}], b""),
        ([part(b"a"), part(b"b"), part(b"", more=False)], b"ab"),
        ([part(b"a"), {"type": "http.request"}], b"a"),
        ([part(b"a"), {"type": "http.disconnect"}], b"a"),
    ],
    ids=["one message", "no body", "several parts", "last part without a body", "client gone"],
)
def test_the_body_is_all_parts(messages, expected):
    assert read(*messages) == (expected, len(messages))


def test_a_body_of_the_limit_is_read():
    assert len(read(part(bytes(MAX_BODY_BYTES), more=False))[0]) == MAX_BODY_BYTES


@pytest.mark.parametrize("first", [MAX_BODY_BYTES + 1, MAX_BODY_BYTES], ids=["at once", "in parts"])
def test_a_longer_body_is_refused_once_it_is_read_to_its_end(first):
    messages = [part(bytes(first)), part(b"x"), part(b"y", more=False)]
    left = list(messages)

    async def receive():
        return left.pop(0)

    with pytest.raises(JsonRequest) as caught:
        run(read_body(receive, b""))
    assert (caught.value.text, caught.value.status, left) == (TOO_LONG, 400, [])


@pytest.mark.parametrize("coding", ENCODERS, ids=bytes.decode)
def test_a_known_coding_is_undone(coding):
    assert read(part(ENCODERS[coding](TEXT), more=False), encoding=coding)[0] == TEXT


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
