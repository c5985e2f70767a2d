"""What the tests of the upstream client share: clients, requests, outcomes."""

import asyncio
from contextlib import asynccontextmanager

from t0.errors import ConnectionLost, MalformedResponse, UpstreamError
from t0.upstream.base import HttpRequest, Limits, Url
from t0.upstream.client import Client
from t0.upstream.tls import client_context

TLS = client_context({})
OK_ANSWER = (200, {"content-length": "2"}, b"ok")
CHUNKED = {"transfer-encoding": "chunked"}
BEFORE_THE_END = "before the end of the answer"


@asynccontextmanager
async def client(transport=Client, **limits):
    made = transport(limits=Limits(**{"total_s": 10.0, **limits}), tls=TLS)
    try:
        yield made
    finally:
        await made.close()


async def eventually(probe, expected):
    """Waits until `probe` gives what is expected, five seconds at most."""
    for _ in range(500):
        if probe() == expected:
            break
        await asyncio.sleep(0.01)
    assert probe() == expected


def request_to(server, body=b"{}", method="POST"):
    return HttpRequest(method, Url.parse(f"http://127.0.0.1:{server.port}/v1?a=b"), (("x-test", "1"),), body)


async def complete(transport, request):
    answer = await transport.send(request)
    return answer.status, dict(answer.headers), answer.body


async def streamed(transport, request):
    stream = await transport.stream(request)
    try:
        body = b""
        while data := await stream.read():
            body += data
        assert await stream.read() == b""
        return stream.status, dict(stream.headers), body
    finally:
        stream.close()


async def outcome(call, server):
    """The answer, or the error's class and text with the origin replaced."""
    try:
        return await call
    except UpstreamError as e:
        return type(e), str(e).replace(f"http://127.0.0.1:{server.port}", "ORIGIN")


def head(*fields, status="200 OK"):
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode()


def lost(when):
    return ConnectionLost, f"ORIGIN closed the connection {when}"


def unusable(why):
    return MalformedResponse, f"The answer of ORIGIN is unusable: {why}"
