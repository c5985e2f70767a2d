"""The HTTP server: Granian's main process and its workers, on a listening socket that the launcher holds."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import threading
import time
from typing import Any

from granian import _signals as granian_signals
from granian._granian import SocketHolder, WorkerSignal
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from t0 import worker
from t0.signals import call_at_first_signal, hold_signals
from t0.worker import WorkerOptions

_PARENT_CHECK_S = 1.0
_BACKPRESSURE = 16_384
"""Requests that a worker takes on at once; beyond it, they wait in the socket's backlog."""


class SharedSocketServer(MPServer):
    """Workers accept from one socket, so that a connection waits out the death of a worker instead of failing."""

    def __init__(self, listener: socket.socket, workers: int) -> None:
        super().__init__(
            "t0.worker:create_app",
            factory=True,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            loop=Loops.uvloop,
            workers=workers,
            websockets=False,
            backpressure=_BACKPRESSURE,
            http1_settings=HTTP1Settings(keep_alive=True),
            log_level=LogLevels.warning,
            log_access=False,
            respawn_failed_workers=True,
            respawn_interval=0.0,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        descriptor = self._listener.fileno()
        self._sso = None
        # Granian's stubs know neither these fields nor the holder's constructor (descriptor, is unix, backlog).
        holder: Any = SocketHolder
        vars(self).update(_sfd=descriptor, _shd=holder(descriptor, False, self.backlog))

    def _respawn_workers(self, *args: Any, **kwargs: Any) -> None:
        # Granian has just cleared the event that it waits for: a stop, or a death, of that moment would be forgotten.
        if not self.interrupt_signal:
            super()._respawn_workers(*args, **kwargs)
        if self.interrupt_signal or self.interrupt_children:
            self.main_loop_interrupt.set()


def _worker_signals(loop: asyncio.AbstractEventLoop) -> WorkerSignal:
    """In the place of Granian's own handlers: a second `set` would block, with the interpreter's lock, for ever."""
    stop = WorkerSignal()
    call_at_first_signal(lambda: loop.call_soon_threadsafe(stop.set))
    return stop


def serve(listener: socket.socket, workers: int, options: WorkerOptions) -> None:
    """Serves until SIGTERM, SIGINT or SIGHUP; requests under way are finished first."""
    hold_signals()
    granian_signals.set_loop_signals = _worker_signals
    # Forked workers inherit the loaded configuration: later edits of its files do not reach a respawned one.
    multiprocessing.set_start_method("fork", force=True)
    worker.configure(options)
    threading.Thread(target=_stop_with_parent, args=(os.getppid(),), daemon=True).start()
    server = SharedSocketServer(listener, workers)
    call_at_first_signal(server.signal_handler_interrupt)
    server.serve()


def _stop_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_S)
    os.kill(os.getpid(), signal.SIGTERM)
