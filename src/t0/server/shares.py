"""How connections are spread over the processes that accept from one socket.

Whoever is awake when many connections come at once would take them all. So each tells the others how many it has, and
one that is ahead leaves the next connection to them for a moment.
"""

from __future__ import annotations

import mmap

_SLACK = 1
"""By how many connections a process may be ahead."""
_BYTES = 4


class Shares:
    """Made before the processes are forked, which then share it."""

    def __init__(self, processes: int) -> None:
        self._counts = memoryview(mmap.mmap(-1, processes * _BYTES)).cast("I")

    def of(self, process: int) -> Share:
        """That of the process with this number, from 0; it begins with no connections."""
        return Share(self._counts, process)


class Share:
    def __init__(self, counts: memoryview, process: int) -> None:
        self._counts, self._process = counts, process
        self.connections = 0

    @property
    def connections(self) -> int:
        count: int = self._counts[self._process]
        return count

    @connections.setter
    def connections(self, count: int) -> None:
        self._counts[self._process] = count

    @property
    def is_ahead(self) -> bool:
        """Whether another process has fewer connections. One that has died counts with those it had, or none."""
        return self.connections > min(self._counts) + _SLACK
