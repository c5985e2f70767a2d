"""Event streams under all cuts and damages, with botocore's decoder as the judge."""

import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from botocore.eventstream import EventStreamBuffer, ParserError
from hypothesis import given, settings
from hypothesis import strategies as st

from t0.errors import ProviderFailure
from t0.providers.aws.event_stream import BadEventStream, Parser
from t0.types.model import Chunk
from unit.providers.aws_frames import event, frame, header
from unit.providers.vendors import Vendor

BEDROCK = Vendor("aws_bedrock", {"model_id": "m", "region": "us-east-1", "api_key": "dynamic::k"})
SAGEMAKER = Vendor(
    "aws_sagemaker",
    {
        "endpoint_name": "e",
        "model_name": "m",
        "hosted_provider": "openai",
        "region": "us-east-1",
        "access_key_id": "dynamic::i",
        "secret_access_key": "dynamic::s",
    },
)


def integer(layout: str, bits: int) -> st.SearchStrategy[bytes]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).map(lambda n: struct.pack(layout, n))


VALUES = st.one_of(
    st.tuples(st.sampled_from([0, 1]), st.just(b"")),
    st.tuples(st.just(2), integer(">b", 8)),
    st.tuples(st.just(3), integer(">h", 16)),
    st.tuples(st.just(4), integer(">i", 32)),
    st.tuples(st.sampled_from([5, 8]), integer(">q", 64)),
    st.tuples(st.just(6), st.binary(max_size=20)),
    st.tuples(st.just(7), st.text(max_size=20).map(str.encode)),
    st.tuples(st.just(9), st.binary(min_size=16, max_size=16)),
)
HEADERS = st.dictionaries(st.text(max_size=10), VALUES, max_size=4).map(
    lambda h: b"".join(header(name, kind, value) for name, (kind, value) in h.items())
)
MESSAGES = st.builds(frame, HEADERS, st.binary(max_size=40))
STREAMS = st.lists(MESSAGES, max_size=4).map(b"".join)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(c % (len(data) + 1) for c in cuts)})
    return [data[a:b] for a, b in pairwise(edges)]


def until_broken(messages: Iterator[Any]) -> tuple[list[Any], bool]:
    """The messages, and whether the stream was good to its end."""
    found: list[Any] = []
    try:
        for message in messages:
            found += [(message.headers, message.payload)]
    except (BadEventStream, ParserError, struct.error, UnicodeDecodeError, KeyError):
        return found, False
    return found, True


def read(data: list[bytes]) -> tuple[list[Any], bool]:
    parser = Parser()
    return until_broken(message for piece in data for message in parser.feed(piece))


def judged(data: bytes) -> tuple[list[Any], bool]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return until_broken(buffer)


@given(data=STREAMS, cuts=st.lists(st.integers(0, 500), max_size=6))
def test_any_cut_gives_what_botocore_reads(data: bytes, cuts: list[int]) -> None:
    assert read(pieces(data, cuts)) == judged(data)


@given(data=STREAMS)
def test_byte_by_byte_gives_the_same(data: bytes) -> None:
    assert read([data[i : i + 1] for i in range(len(data))]) == read([data])


@given(data=STREAMS.filter(bool), at=st.integers(0, 500), bit=st.integers(0, 7))
def test_no_flipped_bit_goes_unseen(data: bytes, at: int, bit: int) -> None:
    damaged = bytearray(data)
    damaged[at % len(data)] ^= 1 << bit
    messages, good = read([bytes(damaged)])
    assert not good
    assert messages == judged(data)[0][: len(messages)]


@given(headers=st.binary(max_size=30))
def test_any_header_bytes_are_read_or_refused(headers: bytes) -> None:
    messages, good = read([frame(headers, b"x")])
    if good:
        assert (messages, good) == judged(frame(headers, b"x"))


EVENTS = st.sampled_from(
    ["contentBlockStart", "contentBlockDelta", "messageStop", "metadata", "messageStart", "PayloadPart", "x"]
)
KEYS = (
    "contentBlockIndex delta start toolUse toolUseId name input text reasoningContent signature stopReason usage type"
)
JSON = st.recursive(
    st.none() | st.integers(-3, 2**70) | st.sampled_from(["end_turn", "server_tool_use", "a"]),
    lambda v: st.lists(v, max_size=2) | st.dictionaries(st.sampled_from(KEYS.split()), v, max_size=4),
    max_leaves=10,
)
CONTENT = st.one_of(JSON, st.binary(max_size=30), JSON.map(lambda v: b"data: " + repr(v).encode() + b"\n\n"))


@given(data=st.lists(st.builds(event, EVENTS, CONTENT) | st.binary(max_size=20), max_size=4).map(b"".join))
@settings(deadline=None)
def test_any_stream_gives_chunks_or_failures(data: bytes) -> None:
    for vendor in (BEDROCK, SAGEMAKER):
        decoder = vendor.provider().decoder(vendor.call(stream=True))
        for item in [*decoder.feed(data), *decoder.end()]:
            assert isinstance(item, (Chunk, ProviderFailure))
        assert decoder.feed(data) == []
