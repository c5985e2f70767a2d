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

    @property
    def is_open(self) -> bool:
        """Whether the last outcome was that nothing should be tried for now."""
        return self._failures >= _FAILURES

    def allows(self) -> bool:
        """Whether to try now. Who is allowed to reports the outcome."""
        if not self.is_open:
            return True
        now = self._now()
        if now < self._next_try:
            return False
        self._next_try = now + self._pause_s
        return True

    def succeeded(self) -> None:
        if self.is_open:
            log.info("%s answers again", self._name)
        self._failures, self._pause_s = 0, 0.0

    def failed(self, reason: str) -> None:
        """Counts a failure. Those that were under way when the circuit opened do not make its pause longer."""
        now = self._now()
        if self.is_open and now < self._next_try - self._pause_s * 0.5:
            return
        self._failures += 1
        if self.is_open:
            self._pause_s = min(max(self._pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            self._next_try = now + self._pause_s
            log.warning("%s does not answer (%s); it is not asked again for %g s", self._name, reason, self._pause_s)
