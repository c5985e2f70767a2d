"""TLS: whom the client trusts, what it says when it does not, and sessions resumed."""

import contextlib
import socket
import ssl
import threading
from pathlib import Path

import pytest

from misbehaving import OK, answering, serving, stalling
from t0.errors import ConfigError, ConnectFailed, ConnectionLost, UpstreamTimeout
from t0.upstream.base import HttpRequest, Limits, Url
from t0.upstream.client import Client
from t0.upstream.tls import client_context
from upstream_kit import BEFORE_THE_END, OK_ANSWER, complete, head, streamed

CERTIFICATES = Path(__file__).parent / "tls"
TRUSTING = {"SSL_CERT_FILE": str(CERTIFICATES / "authority.pem")}


def calling(server, receive=complete, *, env=TRUSTING, host="127.0.0.1", **limits):
    """One exchange by a client of its own."""

    async def call():
        transport = Client(Limits(**{"total_s": 10.0, **limits}), client_context(env))
        try:
            url = Url.parse(f"https://{host}:{server.port}/")
            return await receive(transport, HttpRequest("POST", url, (), b"{}"))
        finally:
            await transport.close()

    return call()


@pytest.mark.parametrize("receive", [complete, streamed])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_trusted_server(run, server_tls, host, receive):
    async def main():
        async with serving(answering(OK), server_tls) as server:
            assert await calling(server, receive, host=host) == OK_ANSWER

    run(main)


@pytest.mark.parametrize(
    ("name", "env", "why"),
    [
        ("loopback", {}, "unable to get local issuer certificate"),
        ("elsewhere", TRUSTING, "IP address mismatch, certificate is not valid for '127.0.0.1'."),
    ],
    ids=["unknown-authority", "other-host"],
)
def test_a_server_that_is_not_trusted(run, name, env, why):
    async def main():
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATES / f"{name}.pem")
        async with serving(answering(OK), tls) as server:
            with pytest.raises(ConnectFailed) as caught:
                await calling(server, env=env)
            origin = f"https://127.0.0.1:{server.port}"
            assert str(caught.value) == f"Could not connect to {origin}: certificate verify failed: {why}"

    run(main)


def test_a_server_that_does_not_speak_tls(run):
    async def script(peer):
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.closed()

    async def main():
        async with serving(script) as server:
            with pytest.raises(ConnectFailed) as caught:
                await calling(server)
            assert str(caught.value).startswith(f"Could not connect to https://127.0.0.1:{server.port}: TLS: ")

    run(main)


def test_a_handshake_that_never_comes(run):
    async def script(peer):
        await peer.closed()

    async def main():
        async with serving(script) as server:
            with pytest.raises(UpstreamTimeout) as caught:
                await calling(server, connect_s=0.1)
            assert str(caught.value) == f"No connection to https://127.0.0.1:{server.port} within 0.1 s"
            assert caught.value.limit == "connect"

    run(main)


@pytest.mark.parametrize("receive", [complete, streamed])
def test_a_body_that_is_cut(run, server_tls, receive):
    async def main():
        async with serving(answering(head("content-length: 5") + b"hel"), server_tls) as server:
            with pytest.raises(ConnectionLost) as caught:
                await calling(server, receive)
            origin = f"https://127.0.0.1:{server.port}"
            assert str(caught.value) == f"{origin} closed the connection {BEFORE_THE_END}"

    run(main)


def test_a_silent_server(run, server_tls):
    async def main():
        async with serving(stalling(b""), server_tls) as server:
            with pytest.raises(UpstreamTimeout) as caught:
                await calling(server, read_s=0.1)
            assert caught.value.limit == "read"

    run(main)


def test_large_bodies_in_both_directions(run, server_tls):
    body = b"x" * 3_000_000

    async def script(peer):
        while True:
            _, received = await peer.request()
            await peer.send(head(f"content-length: {len(received)}") + received)

    async def main():
        async with serving(script, server_tls) as server:
            transport = Client(Limits(stream_buffer_bytes=10_000), client_context(TRUSTING))
            request = HttpRequest("POST", Url.parse(f"https://127.0.0.1:{server.port}/"), (), body)
            for receive in (complete, streamed):
                assert (await receive(transport, request))[2] == body
            assert len(server.peers) == 1
            await transport.close()

    run(main)


def test_the_next_connection_resumes_the_session(run, server_tls):
    resumed = []

    async def script(peer):
        await peer.request()
        resumed.append(peer.tls().session_reused)
        await peer.send(head("content-length: 2") + b"ok")

    async def main():
        async with serving(script, server_tls) as server:
            transport = Client(tls=client_context(TRUSTING))
            request = HttpRequest("POST", Url.parse(f"https://localhost:{server.port}/"), (), b"")
            for _ in range(3):
                assert await complete(transport, request) == OK_ANSWER
            await transport.close()

    run(main)
    assert resumed[0] is False
    assert True in resumed[1:]


def closing_server(listener, tls, closed):
    """Answers one request on each connection and closes it in good order: an alert, then the end."""
    for _ in range(3):
        plain, _ = listener.accept()
        with tls.wrap_socket(plain, server_side=True) as connection:
            connection.recv(65536)
            connection.sendall(OK)
            connection.setblocking(False)
            with contextlib.suppress(ssl.SSLWantReadError):
                connection.unwrap()
        closed.release()


def test_a_request_on_a_connection_found_closed_is_sent_once_more(run, server_tls):
    closed = threading.Semaphore(0)

    async def main(port):
        transport = Client(tls=client_context(TRUSTING))
        request = HttpRequest("POST", Url.parse(f"https://localhost:{port}/"), (), b"{}")
        for _ in range(3):
            assert await complete(transport, request) == OK_ANSWER
            # The loop must not see the end before the next request is written.
            closed.acquire(timeout=5)
        await transport.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=closing_server, args=(listener, server_tls, closed))
        server.start()
        run(lambda: main(listener.getsockname()[1]))
        server.join()


def test_an_authority_file_that_is_not_there():
    with pytest.raises(ConfigError) as caught:
        client_context({"SSL_CERT_FILE": "/nowhere.pem"})
    assert str(caught.value) == (
        "`SSL_CERT_FILE` = `/nowhere.pem` is not a readable file of certificates: [Errno 2] No such file or directory"
    )


def test_the_system_is_trusted_by_default():
    assert client_context({}).verify_mode is ssl.CERT_REQUIRED
    assert client_context({}).check_hostname
