import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t0.errors import MalformedResponse
from t0.upstream.decoding import Inflater, decoded, inflater_for

CODINGS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": lambda data: zlib.compress(data, wbits=-15),
    "identity": bytes,
    "": bytes,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_is_decoded(coding):
    body = b"some text " * 1000
    assert decoded({"content-encoding": coding}, CODINGS[coding](body), 10_000) == body


def test_an_empty_body_needs_no_decoding():
    assert decoded({"content-encoding": "gzip"}, b"", 10) == b""


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "x"])
def test_other_codings_are_refused(coding):
    with pytest.raises(MalformedResponse) as caught:
        inflater_for({"content-encoding": coding})
    assert str(caught.value) == f"The body is compressed with `{coding}`, which was not asked for"


def test_a_decoded_body_is_bounded():
    with pytest.raises(MalformedResponse) as caught:
        decoded({"content-encoding": "gzip"}, gzip.compress(b"x" * 1_000_000), 999)
    assert str(caught.value) == "The decoded body is longer than 999 bytes"


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "Deflate"]), st.integers(1, 50))
def test_a_split_changes_nothing(body, coding, size):
    data = CODINGS[coding](body)
    inflater = Inflater()
    assert b"".join(inflater.feed(data[i : i + size]) for i in range(0, len(data), size)) == body
    inflater.end()


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=4))
def test_gzip_members_are_joined(members):
    data = b"".join(map(gzip.compress, members))
    assert decoded({"content-encoding": "gzip"}, data, 10_000) == b"".join(members)


@given(st.binary(max_size=60))
def test_garbage_gives_our_error_or_a_value(data):
    inflater = Inflater()
    try:
        inflater.feed(data)
        inflater.end()
    except MalformedResponse:
        pass
