"""Which exchanges share a connection, and which must not."""

import asyncio

import pytest

from misbehaving import OK, answering, keep_answering, serving, stalling
from t0.errors import ConnectFailed, UpstreamTimeout
from upstream_kit import (
    BEFORE_THE_END,
    OK_ANSWER,
    client,
    complete,
    eventually,
    head,
    lost,
    outcome,
    request_to,
    streamed,
)


def test_connections_are_kept(run):
    async def main():
        async with serving(keep_answering) as server, client() as transport:
            for receive in (complete, streamed, complete):
                assert await receive(transport, request_to(server)) == OK_ANSWER
            assert len(server.peers) == 1

    run(main)


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        head("connection: close", "content-length: 2") + b"ok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ],
    ids=["surplus", "close", "http-1.0"],
)
def test_a_connection_is_not_used_again_after(run, answer):
    async def script(peer):
        await peer.request()
        await peer.send(answer)
        assert await peer.closed() == b""

    async def main():
        async with serving(script) as server, client() as transport:
            for _ in range(3):
                assert (await complete(transport, request_to(server)))[2] == b"ok"
            assert len(server.peers) == 3

    run(main)


def test_what_comes_unasked_is_nobodys_answer(run):
    async def script(peer):
        await peer.request()
        await peer.send(OK)
        await asyncio.sleep(0.02)
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        assert await peer.closed() == b""

    async def main():
        async with serving(script) as server, client() as transport:
            assert await complete(transport, request_to(server)) == OK_ANSWER
            await asyncio.sleep(0.05)
            assert await complete(transport, request_to(server)) == OK_ANSWER
            assert len(server.peers) == 2

    run(main)


def test_an_answer_to_no_question_is_at_most_a_lost_connection(run):
    """The server speaks first; whether that is seen before the request was sent is a matter of chance."""

    async def script(peer):
        await peer.send(OK)
        await asyncio.sleep(0.02)

    async def main():
        async with serving(script) as server, client() as transport:
            result = await outcome(complete(transport, request_to(server)), server)
            assert result in (OK_ANSWER, lost("without an answer"), lost("at once"))

    run(main)


def test_a_server_may_close_idle_connections(run):
    async def main():
        async with serving(answering(OK)) as server, client() as transport:
            for _ in range(3):
                assert await complete(transport, request_to(server)) == OK_ANSWER
                await asyncio.sleep(0.02)
            assert len(server.peers) == 3

    run(main)


@pytest.mark.parametrize("body", [b"{}", b"x" * 100_000], ids=["small", "large"])
@pytest.mark.parametrize("receive", [complete, streamed])
def test_a_request_on_a_connection_found_closed_is_sent_once_more(run, receive, body):
    async def main():
        async with serving(keep_answering) as server, client() as transport:
            for number in range(3):
                assert await receive(transport, request_to(server, body)) == OK_ANSWER
                server.peers[number].close_now()
            assert len(server.peers) == 3

    run(main)


def test_all_kept_connections_may_be_found_closed(run):
    async def main():
        async with serving(keep_answering) as server, client() as transport:
            await asyncio.gather(*(complete(transport, request_to(server)) for _ in range(5)))
            for peer in server.peers:
                peer.close_now()
            assert await complete(transport, request_to(server)) == OK_ANSWER
            assert len(server.peers) == 6

    run(main)


def test_a_request_is_not_sent_a_third_time(run):
    async def script(peer):
        if peer.number == 0:
            await keep_answering(peer)
        await peer.request()

    async def main():
        async with serving(script) as server, client() as transport:
            assert await complete(transport, request_to(server)) == OK_ANSWER
            server.peers[0].close_now()
            assert await outcome(complete(transport, request_to(server)), server) == lost("without an answer")
            assert len(server.peers) == 2

    run(main)


def test_a_request_that_was_read_is_not_sent_again(run):
    """The server takes the second request of a connection and says nothing: it may have done what was asked."""

    async def script(peer):
        await peer.request()
        await peer.send(OK)
        await peer.request()

    async def main():
        async with serving(script) as server, client() as transport:
            assert await complete(transport, request_to(server)) == OK_ANSWER
            assert await outcome(complete(transport, request_to(server)), server) == lost("without an answer")
            assert len(server.peers) == 1

    run(main)


def test_a_request_is_not_sent_again_once_a_byte_of_the_answer_came(run):
    async def script(peer):
        await peer.request()
        await peer.send(OK)
        await peer.request()
        await peer.send(b"H")

    async def main():
        async with serving(script) as server, client() as transport:
            assert await complete(transport, request_to(server)) == OK_ANSWER
            assert await outcome(complete(transport, request_to(server)), server) == lost(BEFORE_THE_END)
            assert len(server.peers) == 1

    run(main)


def test_an_answer_that_comes_before_the_body_was_sent(run):
    async def script(peer):
        await peer.head()
        await peer.send(OK)
        await asyncio.sleep(0.1)
        peer.reset()

    async def main():
        async with serving(script) as server, client() as transport:
            for _ in range(2):
                assert await complete(transport, request_to(server, b"x" * 20_000_000)) == OK_ANSWER
            assert len(server.peers) == 2

    run(main)


def test_connections_are_bounded_in_number(run):
    async def script(peer):
        while True:
            await peer.request()
            await asyncio.sleep(0.01)
            await peer.send(OK)

    async def main():
        async with serving(script) as server, client(max_connections=2) as transport:
            answers = await asyncio.gather(*(complete(transport, request_to(server)) for _ in range(10)))
            assert answers == [OK_ANSWER] * 10
            assert len(server.peers) == 2

    run(main)


def test_a_freed_slot_goes_to_the_next_in_line(run):
    """Each answer ends its connection, so that every waiting request needs a connection of its own."""

    async def main():
        async with serving(answering(OK)) as server, client(max_connections=1) as transport:
            answers = await asyncio.gather(*(complete(transport, request_to(server)) for _ in range(5)))
            assert answers == [OK_ANSWER] * 5

    run(main)


def test_waiting_for_a_connection_counts_towards_the_total(run):
    async def main():
        async with serving(stalling(b"")) as server, client(max_connections=1, total_s=0.1) as transport:
            calls = [outcome(complete(transport, request_to(server)), server) for _ in range(3)]
            assert (
                await asyncio.gather(*calls)
                == [(UpstreamTimeout, "The exchange with ORIGIN took longer than 0.1 s")] * 3
            )

    run(main)


def test_one_who_leaves_the_line_takes_nothing_along(run):
    async def main():
        async with serving(keep_answering) as server, client(max_connections=1) as transport:
            calls = [asyncio.ensure_future(complete(transport, request_to(server))) for _ in range(6)]
            await asyncio.sleep(0)
            for call in calls[1::2]:
                call.cancel()
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert [r for r in results if not isinstance(r, asyncio.CancelledError)] == [OK_ANSWER] * 3
            assert await complete(transport, request_to(server)) == OK_ANSWER
            assert len(server.peers) == 1

    run(main)


def test_a_failure_to_connect_frees_its_slot(run):
    async def main():
        async with serving(keep_answering) as server:
            pass
        async with client(max_connections=1) as transport:
            calls = [outcome(complete(transport, request_to(server)), server) for _ in range(3)]
            assert [kind for kind, _ in await asyncio.gather(*calls)] == [ConnectFailed] * 3

    run(main)


def test_there_may_be_no_limit_of_time(run):
    async def main():
        limits = {"total_s": None, "connect_s": None, "max_connections": 1}
        async with serving(keep_answering) as server, client(**limits) as transport:
            answers = await asyncio.gather(*(complete(transport, request_to(server)) for _ in range(3)))
            assert answers == [OK_ANSWER] * 3

    run(main)


def test_idle_connections_expire(run):
    async def main():
        async with serving(keep_answering) as server, client(idle_s=0.05) as transport:
            await asyncio.gather(*(complete(transport, request_to(server)) for _ in range(3)))
            assert server.open == 3
            await eventually(lambda: server.open, 0)
            assert await complete(transport, request_to(server)) == OK_ANSWER

    run(main)


def test_idle_connections_are_bounded_in_number(run):
    async def main():
        async with serving(keep_answering) as server, client(max_idle_connections=1) as transport:
            await asyncio.gather(*(complete(transport, request_to(server)) for _ in range(3)))
            await eventually(lambda: server.open, 1)

    run(main)


def test_the_connection_used_last_is_used_first(run):
    async def main():
        async with serving(keep_answering) as server, client(idle_s=0.1) as transport:
            await asyncio.gather(*(complete(transport, request_to(server)) for _ in range(3)))
            while server.open > 1:
                assert await complete(transport, request_to(server)) == OK_ANSWER
                await asyncio.sleep(0.02)
            assert len(server.peers) == 3

    run(main)
