"""A small answer, a chunked one, a request and a request head to send: the kernel beside h11."""

import h11
import pytest

from t0._core.http1 import RequestParser, ResponseParser, encode_head

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

REQUEST_BODY = (
    b'{"messages":[{"role":"system","content":"Extract the names, places and dates from the text."},'
    b'{"role":"user","content":"%s"}],"model":"t0::function_name::extract","temperature":0.2}' % (b"word " * 100)
)
REQUEST = (
    b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: localhost:3000\r\nAccept-Encoding: gzip, deflate\r\n"
    b"Connection: keep-alive\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
    b"User-Agent: OpenAI/Python 2.8.0\r\nX-Stainless-Lang: python\r\nX-Stainless-Package-Version: 2.8.0\r\n"
    b"X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n"
    b"X-Stainless-Runtime-Version: 3.11.14\r\nAuthorization: Bearer sk-0123456789012345678901234567890123456789\r\n"
    b"X-Stainless-Async: async:asyncio\r\nx-stainless-retry-count: 0\r\nx-stainless-read-timeout: 600\r\n"
    b"Content-Length: %d\r\n\r\n" % len(REQUEST_BODY)
) + REQUEST_BODY

PARSER = ResponseParser(65_536)
REQUEST_PARSER = RequestParser(65_536)


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


def _parse_request_with_the_kernel(data: bytes) -> tuple[str, str, list[tuple[bytes, bytes]], bytes]:
    parser = REQUEST_PARSER
    parser.start()
    body = parser.feed(data)
    assert parser.complete
    return parser.method, parser.target, parser.headers, body


def _parse_request_with_h11(data: bytes) -> tuple[str, str, list[tuple[bytes, bytes]], bytes]:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    request = connection.next_event()
    body = b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        body += bytes(event.data)
    return request.method.decode(), request.target.decode(), list(request.headers), body


@pytest.mark.benchmark(group="http1.RequestParser")
@pytest.mark.parametrize("parse", [_parse_request_with_the_kernel, _parse_request_with_h11], ids=["kernel", "h11"])
def test_parse_request(benchmark, parse):
    method, target, headers, body = benchmark(parse, REQUEST)
    assert (method, target, len(headers), body) == ("POST", "/openai/v1/chat/completions", 17, REQUEST_BODY)


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
