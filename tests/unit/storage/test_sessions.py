"""Sessions of the store: one request at a time, and an end."""

from typing import Any

import pytest

from t0.storage.store.engine import EngineError
from t0.storage.store.sessions import MAX_SESSIONS, Sessions


def opened() -> Any:
    return object()


def test_a_session_keeps_its_connection() -> None:
    sessions = Sessions()
    first = sessions.enter("a", opened, must_exist=False)
    sessions.leave("a", 10.0)
    assert sessions.enter("a", opened, must_exist=True) is first


def test_a_busy_session_refuses_the_second_request() -> None:
    sessions = Sessions()
    sessions.enter("a", opened, must_exist=False)
    with pytest.raises(EngineError) as error:
        sessions.enter("a", opened, must_exist=False)
    assert (error.value.code, str(error.value)) == (
        373,
        "Code: 373. DB::Exception: Session a is locked by a concurrent client. (SESSION_IS_LOCKED)",
    )


def test_a_session_that_must_exist_is_not_made() -> None:
    with pytest.raises(EngineError) as error:
        Sessions().enter("a", opened, must_exist=True)
    assert error.value.code == 372


def test_idle_sessions_end_and_busy_ones_do_not() -> None:
    sessions = Sessions()
    idle = sessions.enter("idle", opened, must_exist=False)
    sessions.leave("idle", 10.0)
    sessions.enter("busy", opened, must_exist=False)
    assert sessions.expired(9.9) == []
    assert sessions.expired(10.0) == [idle]
    assert sessions.expired(10.0) == []


def test_at_the_limit_the_idle_session_that_ends_first_makes_room() -> None:
    sessions = Sessions()
    connections = {}
    for number in range(MAX_SESSIONS):
        connections[number] = sessions.enter(str(number), opened, must_exist=False)
    for number, expires_at in ((5, 30.0), (6, 20.0), (7, 40.0)):
        sessions.leave(str(number), expires_at)
    sessions.enter("one more", opened, must_exist=False)
    assert sessions.expired(0.0) == [connections[6]]
    assert sessions.expired(0.0) == []
    assert sessions.enter("5", opened, must_exist=True) is connections[5]


def test_busy_sessions_are_limited() -> None:
    sessions = Sessions()
    for number in range(MAX_SESSIONS):
        sessions.enter(str(number), opened, must_exist=False)
    with pytest.raises(EngineError) as error:
        sessions.enter("one more", opened, must_exist=False)
    assert error.value.code == 202
