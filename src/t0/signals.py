"""The signals that ask a process to stop, so that none is lost in a fork and none counts twice.

A forked child begins with the handlers of its parent, which mean nothing to it: a signal of that moment would be lost,
and whoever waits for the child would wait for ever. So signals are held until the child can take them.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def hold_signals() -> None:
    """Signals wait from now on, in the threads and children that this thread starts as well."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def release_signals() -> None:
    """Signals that waited come now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


@contextmanager
def held_signals() -> Iterator[None]:
    """To fork in: here the signals wait for the end of the block, in the child until it takes them."""
    hold_signals()
    try:
        yield
    finally:
        release_signals()


def call_at_first_signal(stop: Callable[[], object]) -> None:
    """Has a thread call `stop` once, for the first signal; they must be held, and stay so.

    More follow easily: terminals and service managers signal every process, and then each is signalled by its parent. A
    handler would run inside whatever the main thread does at that moment, and wait for ever for a lock it holds.
    """

    def wait() -> None:
        signal.sigwait(STOP_SIGNALS)
        stop()

    threading.Thread(target=wait, name="signals", daemon=True).start()
