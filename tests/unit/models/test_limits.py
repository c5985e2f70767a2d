"""Time limits around awaitables, and the deadlines of streams."""

import asyncio

import pytest

from kit import run, run_timed
from t0.config.schema import StreamingTimeouts
from t0.errors import InferenceError, ModelTimeout, VariantTimeout
from t0.models.limits import first_chunk_limit, total_deadline, within

LATE = InferenceError("late")


async def after(seconds):
    await asyncio.sleep(seconds)
    return "done"


@pytest.mark.parametrize(("limit_ms", "seconds"), [(None, 1000.0), (500, 0.4), (500, 0.0)])
def test_work_in_time(limit_ms, seconds):
    assert run(within(limit_ms, lambda: LATE, after(seconds))) == "done"


def test_work_past_the_limit_is_cancelled():
    ended = []

    async def work():
        try:
            await after(9)
        finally:
            ended.append(True)

    async def limited():
        with pytest.raises(InferenceError) as caught:
            await within(500, lambda: LATE, work())
        return caught.value

    error, took_s = run_timed(limited())
    assert (error, ended) == (LATE, [True])
    assert took_s == pytest.approx(0.5, abs=0.1)


def test_errors_of_the_work_come_through():
    async def work():
        raise InferenceError("its own")

    with pytest.raises(InferenceError, match="its own"):
        run(within(500, lambda: LATE, work()))


FIRST = [
    (None, None, (None, "streaming.total_ms")),
    (5, None, (5, "streaming.ttft_ms")),
    (None, 5, (5, "streaming.total_ms")),
    (5, 9, (5, "streaming.ttft_ms")),
    (9, 5, (5, "streaming.total_ms")),
    (5, 5, (5, "streaming.ttft_ms")),
]


@pytest.mark.parametrize(("ttft_ms", "total_ms", "expected"), FIRST)
def test_the_smaller_limit_bounds_the_first_chunk(ttft_ms, total_ms, expected):
    assert first_chunk_limit(StreamingTimeouts(ttft_ms=ttft_ms, total_ms=total_ms)) == expected


def test_the_deadline_of_a_stream():
    assert total_deadline(StreamingTimeouts(ttft_ms=5), 100.0, ModelTimeout, "m") is None
    deadline = total_deadline(StreamingTimeouts(total_ms=2500), 100.0, VariantTimeout, "v")
    assert deadline is not None
    assert (deadline.at, deadline.error().text) == (
        102.5,
        "Variant `v` timed out due to configured `streaming.total_ms` timeout (2.5s)",
    )
