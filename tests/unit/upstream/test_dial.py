import asyncio
import socket

import pytest

from misbehaving import keep_answering, serving
from t0.upstream import dial
from t0.upstream.dial import Dialer


class Resolver:
    """Stands in for the resolver of the running loop; counts the questions."""

    def __init__(self, *answers):
        self.asked, self._answers = 0, list(answers)
        asyncio.get_running_loop().getaddrinfo = self._getaddrinfo

    async def _getaddrinfo(self, host, port, **_):
        self.asked += 1
        await asyncio.sleep(0)
        answer = self._answers[min(self.asked, len(self._answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in answer]


async def closed_port():
    async with serving(keep_answering) as server:
        return server.port


async def connect(dialer):
    transport = await dialer.dial(asyncio.Protocol)
    transport.abort()
    await asyncio.sleep(0)
    return transport.get_extra_info("peername")[1]


def test_a_burst_of_connections_asks_once():
    async def main():
        async with serving(keep_answering) as server:
            resolver, dialer = Resolver([server.port]), Dialer("h.test", 1, None)
            assert await asyncio.gather(*(connect(dialer) for _ in range(5))) == [server.port] * 5
            assert await connect(dialer) == server.port
            assert resolver.asked == 1

    asyncio.run(main())


def test_an_answer_is_used_for_a_short_while(monkeypatch):
    monkeypatch.setattr(dial, "RESOLVED_FOR_S", 0.0)

    async def main():
        async with serving(keep_answering) as server:
            resolver, dialer = Resolver([server.port]), Dialer("h.test", 1, None)
            for _ in range(3):
                await connect(dialer)
            assert resolver.asked == 3

    asyncio.run(main())


def test_a_failure_is_not_kept():
    async def main():
        async with serving(keep_answering) as server:
            error = socket.gaierror(socket.EAI_NONAME, "unknown")
            resolver, dialer = Resolver(error, [server.port]), Dialer("h.test", 1, None)
            results = await asyncio.gather(*(connect(dialer) for _ in range(3)), return_exceptions=True)
            assert results == [error] * 3
            assert await connect(dialer) == server.port
            assert resolver.asked == 2

    asyncio.run(main())


def test_one_who_gives_up_does_not_take_the_answer_from_others():
    async def main():
        async with serving(keep_answering) as server:
            resolver, dialer = Resolver([server.port]), Dialer("h.test", 1, None)
            first, second = (asyncio.ensure_future(connect(dialer)) for _ in range(2))
            await asyncio.sleep(0)
            first.cancel()
            assert await second == server.port
            assert resolver.asked == 1
            with pytest.raises(asyncio.CancelledError):
                await first

    asyncio.run(main())


def test_the_next_address_is_tried():
    async def main():
        async with serving(keep_answering) as server:
            Resolver([await closed_port(), server.port])
            assert await connect(Dialer("h.test", 1, None)) == server.port

    asyncio.run(main())


def test_no_address_answers():
    async def main():
        Resolver([await closed_port(), await closed_port()])
        with pytest.raises(OSError, match="Connect call failed"):
            await connect(Dialer("h.test", 1, None))

    asyncio.run(main())


def test_connections_are_probed_while_silent():
    async def main():
        async with serving(keep_answering) as server:
            transport = await Dialer("127.0.0.1", server.port, None).dial(asyncio.Protocol)
            sock = transport.get_extra_info("socket")
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
            transport.abort()
            await asyncio.sleep(0)

    asyncio.run(main())
