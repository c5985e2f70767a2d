"""A gateway over HTTP: what a client may send wrong, and what then comes back."""

import gzip
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard

from processes import Gateway, wait_until
from t0.routes.body import MAX_BODY_BYTES
from t0.version import VERSION

CONFIG = """
[gateway.observability]
enabled = false
[models.m]
routing = ["p"]
providers.p = { type = "dummy", model_name = "good" }
[models.slow]
routing = ["p"]
providers.p = { type = "dummy", model_name = "slow_second_chunk" }
[functions.f]
type = "chat"
variants.v = { type = "chat_completion", model = "m" }
"""
BODY = {"function_name": "f", "input": {}}
ENCODED = json.dumps(BODY).encode()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder: Path = tmp_path_factory.mktemp("http")
    with Gateway(folder, CONFIG, args=["--workers", "1"]) as running:
        yield running


@pytest.fixture
def connection(gateway: Gateway) -> Iterator[http.client.HTTPConnection]:
    """A connection that the gateway keeps."""
    made = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=30)
    yield made
    made.close()


Ask = Callable[..., tuple[int, dict[str, str], bytes]]


@pytest.fixture
def ask(connection: http.client.HTTPConnection) -> Ask:
    """One request after the other on the same connection."""

    def ask(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        fields = {k.lower(): v for k, v in answer.getheaders()}
        assert fields["x-tensorzero-gateway-version"] == VERSION
        return answer.status, fields, answer.read()

    return ask


def test_bad_requests_do_not_end_the_connection(ask: Ask, connection: http.client.HTTPConnection) -> None:
    statuses, sockets = [], set()
    for body in (b"", b"{", b"\xff", b"[" * 200, b'{"input":{},"zz":1}', b"null", ENCODED):
        statuses.append(ask("POST", "/inference", body)[0])
        assert connection.sock is not None
        sockets.add(connection.sock.getsockname())
    assert (statuses, len(sockets)) == ([400] * 6 + [200], 1)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/inference", '{"error":"unknown field `zz`"}'),
        ("/openai/v1/chat/completions", '{"error":{"message":"missing field `model`"}}'),
        ("/openai/v1/embeddings", '{"error":{"message":"missing field `model`"}}'),
        ("/feedback", '{"error":"unknown field `zz`"}'),
        ("/nope", '{"error":"Route not found: POST /nope"}'),
        ("/openai/v1/nope", '{"error":"Route not found: POST /openai/v1/nope"}'),
    ],
)
def test_error_bodies_are_compact(ask: Ask, path: str, body: str) -> None:
    status, headers, found = ask("POST", path, b'{"zz": 1}')
    assert (status, found.decode()) == (404 if "nope" in path else 400, body)
    assert (headers["content-type"], headers["content-length"]) == ("application/json", str(len(body)))


def test_text_beyond_ascii_is_not_escaped(ask: Ask) -> None:
    body = json.dumps({"function_name": "Grüße 👋", "input": {}}).encode()
    assert ask("POST", "/inference", body)[2].decode() == '{"error":"Unknown function: Grüße 👋"}'


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_wrong_methods(ask: Ask, method: str) -> None:
    status, headers, body = ask(method, "/inference", ENCODED if method != "GET" else None)
    assert (status, headers["allow"], body) == (405, "POST", b"")
    assert "access-control-allow-origin" not in headers


def test_head_has_the_headers_of_get_and_no_body(ask: Ask) -> None:
    status, headers, body = ask("HEAD", "/status")
    same, get_headers, get_body = ask("GET", "/status?a=b")
    assert (status, same, body) == (200, 200, b"")
    assert headers["content-length"] == get_headers["content-length"] == str(len(get_body))


@pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("br", brotli.compress), ("zstd", zstandard.ZstdCompressor().compress)],
)
def test_encoded_bodies(ask: Ask, coding: str, encode: Callable[[bytes], bytes]) -> None:
    status, headers, _ = ask("POST", "/inference", encode(ENCODED), content_encoding=coding)
    assert (status, "content-encoding" in headers) == (200, False)
    cut = ask("POST", "/inference", encode(ENCODED)[:-5], content_encoding=coding)
    assert (cut[0], json.loads(cut[2])["error"].split(": ")[0]) == (400, "Failed to buffer the request body")


def test_unknown_encodings(ask: Ask) -> None:
    status, headers, body = ask("POST", "/inference", ENCODED, content_encoding="deflate")
    assert (status, headers["accept-encoding"], body) == (415, "gzip,br,zstd", b"")


def test_chunked_bodies(ask: Ask) -> None:
    assert ask("POST", "/inference", iter([ENCODED[:5], ENCODED[5:]]))[0] == 200


@pytest.mark.parametrize("path", ["/inference", "/openai/v1/chat/completions"])
def test_bodies_beyond_the_limit(ask: Ask, path: str) -> None:
    status, _, body = ask("POST", path, bytes(MAX_BODY_BYTES + 1))
    error = json.loads(body)["error"]
    text = error if path == "/inference" else error["message"]
    assert (status, text) == (400, "Failed to buffer the request body: length limit exceeded (413 Payload Too Large)")


@pytest.mark.parametrize("end", [b"", b'{"input":', b"x" * 100], ids=["no body", "half a body", "more than promised"])
def test_clients_that_leave_in_the_middle_of_a_request(gateway: Gateway, ask: Ask, end: bytes) -> None:
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"POST /inference HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n" + end)
    assert ask("POST", "/inference", ENCODED)[0] == 200


@pytest.mark.parametrize(
    "head",
    [b"nonsense\r\n\r\n", b"GET /status HTTP/9.9\r\n\r\n", b"GET /status HTTP/1.1\r\nbad header\r\n\r\n"],
    ids=["no request line", "unknown version", "header without a colon"],
)
def test_what_is_not_http(gateway: Gateway, ask: Ask, head: bytes) -> None:
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(head)
        answer = client.recv(4096)
    assert answer == b"" or answer.split(b" ")[1] in (b"400", b"505")
    assert ask("GET", "/status")[0] == 200


# -- streams -----------------------------------------------------------------------------------------------------------


def stream(model: str) -> bytes:
    return json.dumps({"model_name": model, "input": {}, "stream": True}).encode()


def test_streams(ask: Ask) -> None:
    status, headers, body = ask("POST", "/inference", stream("m"))
    assert (status, headers["content-type"], headers["cache-control"]) == (200, "text/event-stream", "no-cache")
    assert headers["transfer-encoding"] == "chunked"
    events = body.decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert all(e.startswith('data: {"inference_id":') and "\n" not in e for e in events[:-2])


def test_errors_before_a_stream_are_plain_answers(ask: Ask) -> None:
    status, headers, body = ask("POST", "/inference", stream("zz"))
    assert (status, headers["content-type"], list(json.loads(body))) == (400, "application/json", ["error"])


def test_a_client_that_leaves_in_the_middle_of_a_stream_is_counted(
    gateway: Gateway, connection: http.client.HTTPConnection
) -> None:
    connection.request("POST", "/inference", stream("slow"))
    answer = connection.getresponse()
    assert answer.read(10)
    answer.close()
    connection.close()

    def output_tokens() -> bool:
        ask_metrics = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=10)
        ask_metrics.request("GET", "/metrics")
        text = ask_metrics.getresponse().read().decode()
        ask_metrics.close()
        return 'model_name="slow"' in text

    assert wait_until(output_tokens, "the count of the stream", 10)
