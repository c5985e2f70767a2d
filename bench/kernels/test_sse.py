"""Events of a stream: one in a chunk, many in a chunk, one in pieces."""

import pytest

from reference import sse as reference
from t0._core import sse

PAYLOAD = (
    b'{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":{"content":" hello"},"finish_reason":null}]}'
)
EVENT = b"data: " + PAYLOAD + b"\n\n"
STREAMS = {
    "one": ([EVENT], 1),
    "hundred": ([EVENT * 100], 100),
    "hundred-crlf": ([EVENT.replace(b"\n", b"\r\n") * 100], 100),
    "three-pieces": ([EVENT[:50], EVENT[50:100], EVENT[100:]], 1),
}


def _with_the_kernel(chunks: list[bytes]) -> list[bytes]:
    parser = sse.Parser()
    events: list[bytes] = []
    for chunk in chunks:
        events += parser.feed(chunk)
    return events


def _with_python(chunks: list[bytes]) -> list[bytes]:
    return reference.payloads(b"".join(chunks))


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("parse", [_with_the_kernel, _with_python], ids=["kernel", "python"])
def test_parse(benchmark, name, parse):
    benchmark.group = f"sse.Parser {name}"
    chunks, count = STREAMS[name]
    assert benchmark(parse, chunks) == [PAYLOAD] * count


@pytest.mark.benchmark(group="sse.encode")
@pytest.mark.parametrize("encode", [sse.encode, reference.encode], ids=["kernel", "python"])
def test_encode(benchmark, encode):
    assert benchmark(encode, [PAYLOAD] * 4) == EVENT * 4
