"""The state of one connection, where a server cannot bring it about at will."""

import asyncio

import pytest

from t0.errors import ConnectionLost
from t0.timers import TimerWheel
from t0.upstream.base import Limits
from t0.upstream.connection import Connection
from t0.upstream.receivers import Collector, ResponseStream

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Wire(asyncio.Transport):
    """A transport that keeps what is written; `unsent` is how much of it the socket has not taken."""

    def __init__(self):
        super().__init__()
        self.written, self.unsent, self.aborted, self.paused = b"", 0, False, False

    def write(self, data):
        self.written += data

    def writelines(self, parts):
        self.written += b"".join(parts)

    def get_write_buffer_size(self):
        return self.unsent

    def is_closing(self):
        return self.aborted

    def abort(self):
        self.aborted = True

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False


class Pool:
    base = "http://h"

    def __init__(self):
        self.idle, self.lost = [], []

    def on_idle(self, connection):
        self.idle.append(connection)

    def on_lost(self, connection):
        self.lost.append(connection)


class Rig:
    """A connection between a pool and a wire. Must be made inside a loop."""

    def __init__(self, **limits):
        self.loop = asyncio.get_running_loop()
        self.limits = Limits(**limits)
        self.pool, self.wire = Pool(), Wire()
        self.wheel = TimerWheel(self.loop)
        self.connection = Connection(self.pool, self.loop, self.wheel, self.limits)
        self.connection.connection_made(self.wire)

    def begin(self, receiver=Collector, body=b"", total_s=10.0):
        exchange = receiver(self.connection, self.limits, self.loop.create_future())
        self.connection.begin(b"HEAD", body, exchange, self.loop.time() + total_s, to_head=False)
        return exchange

    @property
    def state(self):
        return {"idle": len(self.pool.idle), "aborted": self.wire.aborted}


def in_loop(test):
    """Runs an async test; the wheel of its rig stops with it."""

    def run():
        async def main():
            await test()

        asyncio.run(main())

    run.__name__ = test.__name__
    return run


@in_loop
async def test_an_answer_makes_the_connection_idle():
    rig = Rig()
    exchange = rig.begin(body=b"BODY")
    rig.connection.data_received(OK)
    answer = exchange.opened.result()
    assert (rig.wire.written, answer.status, answer.body) == (b"HEADBODY", 200, b"ok")
    assert rig.state == {"idle": 1, "aborted": False}
    assert rig.connection.usable


@in_loop
async def test_a_large_body_is_written_behind_the_head_without_a_copy():
    rig = Rig()
    rig.begin(body=b"x" * 100_000)
    assert rig.wire.written == b"HEAD" + b"x" * 100_000


@in_loop
async def test_cancelling_a_finished_exchange_leaves_the_next_one_alone():
    """The future of the first may be done, its task not yet awake, and the connection serving another already."""
    rig = Rig()
    first = rig.begin()
    rig.connection.data_received(OK)
    second = rig.begin()
    rig.connection.cancel(first)
    rig.connection.leave(first)
    rig.connection.data_received(OK)
    assert second.opened.result().body == b"ok"
    assert rig.state == {"idle": 2, "aborted": False}


@in_loop
async def test_cancelling_an_exchange_closes_its_connection():
    rig = Rig()
    exchange = rig.begin()
    rig.connection.cancel(exchange)
    assert rig.state == {"idle": 0, "aborted": True}
    assert not rig.connection.usable


@in_loop
async def test_an_unsent_rest_of_the_request_spoils_the_connection():
    rig = Rig()
    exchange = rig.begin()
    rig.wire.unsent = 1
    rig.connection.data_received(OK)
    assert exchange.opened.result().body == b"ok"
    assert rig.state == {"idle": 0, "aborted": True}


@in_loop
async def test_an_error_ends_the_exchange_once():
    rig = Rig()
    exchange = rig.begin()
    rig.connection.connection_lost(OSError("broken"))
    rig.connection.connection_lost(None)
    with pytest.raises(ConnectionLost) as caught:
        exchange.opened.result()
    assert str(caught.value) == "http://h closed the connection without an answer: broken"


@in_loop
async def test_only_an_early_reset_without_a_byte_counts_as_found_closed():
    reset = ConnectionResetError("reset")

    def stale(*received, waited_s=0.0, error=reset, exchanges=2):
        rig = Rig()
        for _ in range(exchanges - 1):
            rig.begin()
            rig.connection.data_received(OK)
        rig.begin()
        rig.connection._started_s -= waited_s
        for data in received:
            rig.connection.data_received(data)
        rig.connection.connection_lost(error)
        return rig.connection.was_stale

    assert stale()
    assert not stale(exchanges=1)
    assert not stale(b"H")
    assert not stale(waited_s=6.0)
    assert not stale(error=None)


@in_loop
async def test_silence_is_not_counted_while_the_request_is_being_sent():
    rig = Rig(read_s=1.0)
    exchange = rig.begin()
    begun_s = rig.connection._heard_s
    rig.connection.pause_writing()
    assert rig.connection.on_timer(begun_s + 5.0) == pytest.approx(begun_s + 10.0, abs=0.1)
    rig.connection.resume_writing()
    assert not exchange.opened.done()
    rig.connection.on_timer(begun_s + 5.0)
    assert str(exchange.opened.exception()) == "http://h was silent for 1.0 s"
    rig.wheel.close()


@in_loop
async def test_a_stream_is_paused_above_its_buffer_and_resumed_when_read():
    rig = Rig(stream_buffer_bytes=3)
    stream = rig.begin(ResponseStream)
    rig.connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc")
    assert not rig.wire.paused
    rig.connection.data_received(b"d")
    assert rig.wire.paused
    assert await stream.read() == b"abcd"
    assert not rig.wire.paused
    rig.connection.data_received(b"ef")
    assert [await stream.read(), await stream.read()] == [b"ef", b""]
    assert rig.state == {"idle": 1, "aborted": False}


@in_loop
async def test_an_end_that_overfills_the_buffer_pauses_nothing():
    rig = Rig(stream_buffer_bytes=3)
    stream = rig.begin(ResponseStream)
    rig.connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabcdef")
    assert rig.state == {"idle": 1, "aborted": False}
    assert not rig.wire.paused
    assert await stream.read() == b"abcdef"


@in_loop
async def test_a_paused_stream_that_is_closed_is_not_drained():
    rig = Rig(stream_buffer_bytes=3)
    stream = rig.begin(ResponseStream)
    rig.connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabcd")
    stream.close()
    assert rig.state == {"idle": 0, "aborted": True}


@in_loop
async def test_idle_connections_close_when_their_time_is_over():
    rig = Rig(idle_s=1.0)
    rig.begin()
    rig.connection.data_received(OK)
    idle_since_s = rig.connection._heard_s
    assert rig.connection.on_timer(idle_since_s + 0.9) == idle_since_s + 1.0
    assert not rig.wire.aborted
    rig.connection.on_timer(idle_since_s + 1.0)
    assert rig.wire.aborted
    rig.wheel.close()
