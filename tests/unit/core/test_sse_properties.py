from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reference import sse as reference
from t0._core import sse

PIECES = st.sampled_from(
    [b"data", b"data:", b"data: ", b":", b"event: x", b"\n", b"\r", b"\r\n", b"\n\n", b" ", b"\xef\xbb\xbf"]
)
STREAMS = st.lists(PIECES | st.binary(max_size=3), max_size=25).map(b"".join)
LINES = st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"").replace(b"\r", b""))


def _parse(chunks, **options):
    parser = sse.Parser(**options)
    try:
        return [event for chunk in chunks for event in parser.feed(chunk)] + parser.end()
    except ValueError as error:
        return str(error)


def _split(stream, cuts):
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(places)]


CUTS = st.lists(st.integers(0, 1_000), max_size=8)


@given(STREAMS, CUTS)
def test_whole_equals_any_split_equals_byte_by_byte_equals_the_reference(stream, cuts):
    expected = reference.payloads(stream)
    assert _parse([stream]) == expected
    assert _parse(_split(stream, cuts)) == expected
    assert _parse([stream[i : i + 1] for i in range(len(stream))]) == expected


@given(STREAMS, CUTS, st.integers(0, 12))
def test_the_limit_does_not_depend_on_the_split(stream, cuts, limit):
    whole = _parse([stream], max_event_bytes=limit)
    assert _parse(_split(stream, cuts), max_event_bytes=limit) == whole
    assert _parse([stream[i : i + 1] for i in range(len(stream))], max_event_bytes=limit) == whole


@given(st.lists(LINES, max_size=8), CUTS)
def test_what_is_encoded_parses_back(payloads, cuts):
    stream = sse.encode(payloads)
    assert stream == reference.encode(payloads)
    assert _parse(_split(stream, cuts)) == payloads
