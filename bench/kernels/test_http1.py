"""A small answer, a chunked one and a request head: the kernel beside h11."""

import h11
import pytest

from t0._core.http1 import ResponseParser, encode_head

BODY = b"x" * 300
FIELDS = (
    b"server: nginx\r\ndate: Tue, 24 Nov 2026 15:11:15 GMT\r\ncontent-type: application/json\r\n"
    b"connection: keep-alive\r\nx-request-id: 3f0f1c9e-5f60-4ad4-8a1f-0c4fd8f4d7c1\r\n"
)
ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\n" + FIELDS + b"content-length: 300\r\n\r\n" + BODY,
    "chunks": b"HTTP/1.1 200 OK\r\n"
    + FIELDS
    + b"transfer-encoding: chunked\r\n\r\n"
    + b"64\r\n%s\r\n" % BODY[:100] * 3
    + b"0\r\n\r\n",
}
HEADERS = (
    ("content-type", "application/json"),
    ("authorization", "Bearer sk-0123456789012345678901234567890123456789"),
    ("accept", "*/*"),
    ("user-agent", "TensorZero/2026.6.0"),
)
HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\ncontent-type: application/json\r\n"
    b"authorization: Bearer sk-0123456789012345678901234567890123456789\r\naccept: */*\r\n"
    b"user-agent: TensorZero/2026.6.0\r\nhost: localhost:8000\r\ncontent-length: 300\r\n\r\n"
)

PARSER = ResponseParser(65_536)


def _parse_with_the_kernel(data: bytes) -> tuple[int, bytes]:
    PARSER.start()
    body = PARSER.feed(data)
    assert PARSER.complete
    return PARSER.status, body


def _parse_with_h11(data: bytes) -> tuple[int, bytes]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "h")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    status, body = 0, b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
    return status, body


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("parse", [_parse_with_the_kernel, _parse_with_h11], ids=["kernel", "h11"])
def test_parse(benchmark, name, parse):
    benchmark.group = f"http1.ResponseParser {name}"
    assert benchmark(parse, ANSWERS[name]) == (200, BODY)


def _encode_with_the_kernel() -> bytes:
    return encode_head("POST", "/v1/chat/completions", "localhost:8000", HEADERS, 300)


def _encode_with_python() -> bytes:
    """Without any check."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in HEADERS)
    return f"POST /v1/chat/completions HTTP/1.1\r\n{fields}host: localhost:8000\r\ncontent-length: 300\r\n\r\n".encode()


CACHE = {("POST", "/v1/chat/completions", HEADERS): HEAD[: HEAD.index(b"content-length")]}


def _take_from_a_cache() -> bytes:
    """What a cache of encoded heads would cost: it saves nothing worth its memory and the secrets in it."""
    return CACHE["POST", "/v1/chat/completions", HEADERS] + b"content-length: %d\r\n\r\n" % 300


@pytest.mark.benchmark(group="http1.encode_head")
@pytest.mark.parametrize(
    "encode", [_encode_with_the_kernel, _encode_with_python, _take_from_a_cache], ids=["kernel", "python", "cache"]
)
def test_encode(benchmark, encode):
    assert benchmark(encode) == HEAD
