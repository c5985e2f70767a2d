"""Content codings: what goes in comes out, and what is damaged is refused."""

import zlib

import pytest

from t0.storage.store.encoding import Encoder, chosen, decoded

PIECES = [b"abc" * 1000, memoryview(b"\x00\xff" * 5000), b"", b"end"]
WHOLE = b"".join(PIECES)


def encoded(encoding: str) -> bytes:
    encoder = Encoder(encoding)
    return b"".join([encoder.begin(), *(encoder.encode(piece) for piece in PIECES), encoder.finish()])


@pytest.mark.parametrize("encoding", ["identity", "lz4", "zstd", "gzip"])
def test_an_encoded_answer_can_be_decoded(encoding: str) -> None:
    assert decoded(encoded(encoding), encoding) == WHOLE


def test_deflate_is_read() -> None:
    assert decoded(zlib.compress(WHOLE), "Deflate") == WHOLE


@pytest.mark.parametrize("encoding", ["lz4", "zstd", "gzip", "deflate"])
def test_damaged_bodies_are_refused(encoding: str) -> None:
    with pytest.raises(ValueError, match=f"the body is not valid {encoding}"):
        decoded(b"not compressed", encoding)


def test_no_body_needs_no_decoding() -> None:
    assert decoded(b"", "zstd") == b""


@pytest.mark.parametrize("encoding", ["lz4", "zstd", "gzip"])
def test_cut_bodies_are_refused(encoding: str) -> None:
    with pytest.raises(ValueError, match=f"the body is not valid {encoding}"):
        decoded(encoded(encoding)[:-3], encoding)


def test_an_unknown_coding_is_refused() -> None:
    with pytest.raises(ValueError) as error:
        decoded(b"x", "snappy")
    assert str(error.value) == "unknown Content-Encoding `snappy`, expected one of deflate, gzip, lz4, zstd"


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("", "identity"), ("br, zstd;q=1, lz4", "zstd"), ("LZ4", "lz4"), ("deflate", "identity"), ("gzip,lz4", "gzip")],
)
def test_the_first_known_coding_is_chosen(accepted: str, expected: str) -> None:
    assert chosen(accepted) == expected
