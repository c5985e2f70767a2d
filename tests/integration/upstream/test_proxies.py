"""Egress proxies, and which of the two transports serves a request."""

import asyncio
from pathlib import Path

import pytest

from misbehaving import OK, answering, keep_answering, serving
from t0.errors import ConnectFailed
from t0.upstream.base import HttpRequest, Limits, Url
from t0.upstream.client import Client
from t0.upstream.select import make_transport
from upstream_kit import OK_ANSWER, complete, streamed

AUTHORITY = str(Path(__file__).parent / "tls" / "authority.pem")


async def exchange(env, url, receive=complete):
    transport = make_transport(env, Limits(total_s=5.0))
    try:
        return await receive(transport, HttpRequest("POST", Url.parse(url), (("x-test", "1"),), b"{}"))
    finally:
        await transport.close()


@pytest.mark.parametrize("receive", [complete, streamed])
def test_plain_requests_go_to_the_proxy_whole(run, receive):
    heads = []

    async def proxy(peer):
        heads.append((await peer.request())[0])
        await peer.send(OK)

    async def main():
        async with serving(proxy) as server:
            env = {"HTTP_PROXY": f"http://user:pass@127.0.0.1:{server.port}"}
            assert await exchange(env, "http://provider.test/v1?a=b", receive) == OK_ANSWER

    run(main)
    assert heads[0].startswith(b"POST http://provider.test/v1?a=b HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n" in heads[0]
    assert b"accept-encoding" not in heads[0].lower()


def tunnel_to(target_port):
    async def script(peer):
        assert (await peer.head()).startswith(b"CONNECT localhost:443 HTTP/1.1\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", target_port)
        await peer.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        await peer.join(reader, writer)

    return script


def test_tls_requests_go_through_a_tunnel(run, server_tls):
    async def main():
        async with serving(answering(OK), server_tls) as target, serving(tunnel_to(target.port)) as proxy:
            env = {"https_proxy": f"127.0.0.1:{proxy.port}", "SSL_CERT_FILE": AUTHORITY}
            assert await exchange(env, "https://localhost/v1") == OK_ANSWER
            assert (len(proxy.peers), len(target.peers)) == (1, 1)

    run(main)


def test_a_proxy_that_refuses(run):
    async def main():
        refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"

        async def proxy(peer):
            await peer.head()
            await peer.send(refusal)

        async with serving(proxy) as server:
            with pytest.raises(ConnectFailed) as caught:
                await exchange({"HTTPS_PROXY": f"http://127.0.0.1:{server.port}"}, "https://provider.test/")
            assert str(caught.value).startswith("Could not connect to https://provider.test: 407")

    run(main)


def test_exempt_hosts_are_reached_directly(run):
    async def main():
        async with serving(keep_answering) as target, serving(keep_answering) as proxy:
            env = {"ALL_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": "127.0.0.1"}
            assert await exchange(env, f"http://127.0.0.1:{target.port}/") == OK_ANSWER
            assert (len(target.peers), len(proxy.peers)) == (1, 0)
            assert await exchange(env, f"http://localhost:{target.port}/") == OK_ANSWER
            assert (len(target.peers), len(proxy.peers)) == (1, 1)

    run(main)


def test_without_a_proxy_there_is_only_the_native_client():
    assert type(make_transport({"NO_PROXY": "*"})) is Client
