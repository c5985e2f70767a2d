"""Sessions of the HTTP interface: a connection that stays open between requests, for one request at a time."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from t0.storage.store.engine import Connection, EngineError

MAX_SESSIONS = 100


class _Session(msgspec.Struct):
    connection: Connection
    busy: bool
    expires_at: float


class Sessions:
    """Open sessions by name. Times are `time.monotonic` seconds."""

    def __init__(self) -> None:
        self._open: dict[str, _Session] = {}
        self._given_up: list[Connection] = []

    def enter(self, name: str, connect: Callable[[], Connection], *, must_exist: bool) -> Connection:
        """The connection of a session, opened with `connect` if new. Raises `EngineError`."""
        session = self._open.get(name)
        if session is None:
            if must_exist:
                raise EngineError("Code: 372. DB::Exception: Session not found. (SESSION_NOT_FOUND)", 372)
            if len(self._open) >= MAX_SESSIONS and not self._give_up_one():
                text = f"Too many sessions, at most {MAX_SESSIONS} are kept"
                raise EngineError(f"Code: 202. DB::Exception: {text}. (TOO_MANY_SIMULTANEOUS_QUERIES)", 202)
            session = self._open[name] = _Session(connect(), False, 0.0)
        if session.busy:
            text = f"Session {name} is locked by a concurrent client"
            raise EngineError(f"Code: 373. DB::Exception: {text}. (SESSION_IS_LOCKED)", 373)
        session.busy = True
        return session.connection

    def _give_up_one(self) -> bool:
        """Ends the idle session that would expire first: many clients open one for each query and never come back."""
        idle = [name for name, session in self._open.items() if not session.busy]
        if not idle:
            return False
        self._given_up.append(self._open.pop(min(idle, key=lambda name: self._open[name].expires_at)).connection)
        return True

    def leave(self, name: str, expires_at: float) -> None:
        """Let go of a session; it stays open until `expires_at`."""
        session = self._open[name]
        session.busy, session.expires_at = False, expires_at

    def expired(self, now: float) -> list[Connection]:
        """Forget the sessions whose time is over; the caller closes their connections and those given up."""
        names = [name for name, session in self._open.items() if not session.busy and session.expires_at <= now]
        given_up, self._given_up = self._given_up, []
        return [*given_up, *(self._open.pop(name).connection for name in names)]
