"""The client against HTTP servers that were written by others."""

import http.server
import threading
from contextlib import asynccontextmanager, contextmanager

import pytest
from aiohttp import web

from t0.upstream.base import HttpRequest, Url
from upstream_kit import client, complete, streamed


async def echo(request):
    """Answers with the request's own method, query, headers of test and body."""
    body = await request.read()
    return web.Response(
        status=201, body=body, headers={"x-seen": f"{request.method} {request.rel_url.raw_query_string}"}
    )


async def chunked(request):
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    for _ in range(int(request.query["count"])):
        await response.write(b"data: x\n\n")
    await response.write_eof()
    return response


async def nothing(request):
    return web.Response(status=204)


@asynccontextmanager
async def aiohttp_server():
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/echo", echo)
    app.router.add_route("*", "/chunked", chunked)
    app.router.add_route("*", "/nothing", nothing)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("receive", [complete, streamed])
def test_aiohttp(run, receive):
    async def main():
        async with aiohttp_server() as base, client() as transport:

            async def call(target, body=b"", method="POST"):
                request = HttpRequest(method, Url.parse(base + target), (("accept", "*/*"),), body)
                status, headers, received = await receive(transport, request)
                return status, headers.get("x-seen"), received

            for size in (0, 1, 100_000, 5_000_000):
                assert await call("/echo?a=b%20c", b"x" * size) == (201, "POST a=b%20c", b"x" * size)
            assert await call("/echo", method="HEAD") == (201, "HEAD", b"")
            assert await call("/chunked?count=0") == (200, None, b"")
            assert await call("/chunked?count=20000") == (200, None, b"data: x\n\n" * 20_000)
            assert await call("/nothing") == (204, None, b"")
            assert (await call("/missing"))[0] == 404

    run(main)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        if self.protocol_version == "HTTP/1.1":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


@contextmanager
def standard_library_server(version):
    handler = type("Versioned", (Handler,), {"protocol_version": version})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_the_server_of_the_standard_library(run, version):
    async def main(base):
        async with client() as transport:
            for body in (b"", b"hello", b"x" * 300_000):
                assert (await complete(transport, HttpRequest("POST", Url.parse(base), (), body)))[2] == body

    with standard_library_server(version) as base:
        run(lambda: main(base))
