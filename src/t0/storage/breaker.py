"""A circuit breaker: a store that is slow or dead is left alone for a while, so that it does not slow requests."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

log = logging.getLogger("t0")

_FAILURES = 3
"""So many failures in a row open the circuit."""
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0


class Breaker:
    """Tells whether to try. After each pause one caller may; if that fails, the next pause is twice as long."""

    def __init__(self, name: str, now: Callable[[], float] = time.monotonic) -> None:
        """`name` is how the log calls what is protected."""
        self._name, self._now = name, now
        self._failures = 0
        self._pause_s = 0.0
        self._next_try = 0.0
        self._trying = False

    @property
    def is_open(self) -> bool:
        """Whether nobody may try but the one after each pause."""
        return self._failures >= _FAILURES

    def allows(self) -> bool:
        """Whether to try now. Who is allowed to reports the outcome."""
        if not self.is_open:
            return True
        now = self._now()
        if now < self._next_try:
            return False
        self._next_try = now + self._pause_s
        self._trying = True
        return True

    def succeeded(self) -> None:
        if self.is_open:
            log.info("%s answers again", self._name)
        self._failures, self._pause_s, self._trying = 0, 0.0, False

    def failed(self, reason: str) -> None:
        """Counts a failure, but not one that was under way when the circuit opened."""
        if self.is_open and not self._trying:
            return
        self._failures += 1
        self._trying = False
        if self.is_open:
            self._pause_s = min(max(self._pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            self._next_try = self._now() + self._pause_s
            log.warning("%s does not answer (%s); it is left alone for %g s", self._name, reason, self._pause_s)
