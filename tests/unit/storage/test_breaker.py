"""The circuit breaker: when it opens, how long it stays open, and who may try then."""

import logging

import pytest

from t0.storage.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker("the store", clock)
    for _ in range(3):
        assert breaker.allows()
        breaker.failed("refused")
    return breaker


def test_two_failures_between_successes_change_nothing() -> None:
    breaker = Breaker("the store", Clock())
    for _ in range(5):
        breaker.failed("refused")
        breaker.failed("refused")
        breaker.succeeded()
    assert (breaker.is_open, breaker.allows()) == (False, True)


def test_each_pause_lets_one_try_and_is_twice_as_long_up_to_half_a_minute() -> None:
    clock = Clock()
    breaker = opened(clock)
    pauses = []
    for _ in range(7):
        began = clock.now
        while not breaker.allows():
            clock.now += 0.5
        pauses.append(clock.now - began)
        assert not breaker.allows()
        breaker.failed("refused")
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_failures_under_way_when_it_opened_do_not_lengthen_the_pause() -> None:
    clock = Clock()
    breaker = opened(clock)
    for _ in range(50):
        breaker.failed("late")
    clock.now += 1
    assert breaker.allows()


def test_a_try_without_outcome_is_followed_by_another_after_the_pause() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1
    assert (breaker.allows(), breaker.allows()) == (True, False)
    clock.now += 1
    assert breaker.allows()


def test_a_success_closes_it_and_forgets_the_pauses(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1
    assert breaker.allows()
    breaker.failed("refused")
    clock.now += 2
    assert breaker.allows()
    breaker.succeeded()
    assert not breaker.is_open
    for _ in range(3):
        breaker.failed("gone")
    assert caplog.messages == [
        "the store does not answer (refused); it is left alone for 1 s",
        "the store does not answer (refused); it is left alone for 2 s",
        "the store answers again",
        "the store does not answer (gone); it is left alone for 1 s",
    ]
