"""The signals that ask a process to stop, so that none is lost in a fork and none counts twice.

A forked child begins with the handlers of its parent, which mean nothing to it: a signal of that moment would be lost,
and whoever waits for the child would wait for ever. So signals are held until the child has handlers of its own.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextmanager
def held_signals() -> Iterator[None]:
    """To fork in: here the signals wait for the end of the block, in the child for `release_signals`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def release_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def call_at_first_signal(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Has the loop call `stop` once, however often it is signalled.

    Terminals and service managers signal every process, and then each is signalled by its parent too.
    """
    stopping = False

    def on_signal() -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
