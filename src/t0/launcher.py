"""`t0 gateway`: starts the store, the recorder and the workers, keeps them running, and ends them in order.

One thread, no event loop: the launcher sleeps until a signal or the end of a child wakes it. The store and the recorder
are told to stop by the end of their standard input, which also reaches them when the launcher itself dies; signals sent
to the whole process group therefore do not touch them before the workers have finished their requests.
"""

from __future__ import annotations

import fcntl
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from t0.config.environment import Environment
from t0.config.schema import Config
from t0.config.snapshot import Snapshot
from t0.errors import ConfigError
from t0.logs import LogFormat
from t0.recorder.process import RecorderSettings
from t0.server.shares import Shares
from t0.signals import STOP_SIGNALS, held_signals, release_signals
from t0.storage.cache.select import CacheChoice
from t0.storage.prepare import Preparation, prepare
from t0.storage.store.process import find_url, prepared_file, url_file
from t0.worker import WorkerOptions, work

log = logging.getLogger("t0")

_BACKLOG = 4096
_NICENESS = 5
"""Of the store and the recorder: on a busy machine requests come first, and records wait in the rings meanwhile.

PERF: the rows of 25 s at 10 000 requests/s were there 1 s after the last answer; with 10 for the recorder they were 9 s
after it, by way of spill files, for 9 % more requests.
"""
_TICK_S = 0.2
_STORE_POLL_S = 0.05
_ACCEPTING_ENDS_S = 0.05
_STABLE_AFTER_S = 5.0
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 10.0


class LaunchOptions(Struct, frozen=True, kw_only=True):
    """What `t0 gateway` was asked to run, with the configuration loaded and checked."""

    config: Config
    snapshot: Snapshot
    environment: Environment
    data_dir: Path
    host: str
    port: int
    workers: int
    stores: bool
    cache: CacheChoice | None
    log_format: LogFormat

    @property
    def embeds_store(self) -> bool:
        """Whether inferences go to a store of the gateway's own, since no database is given."""
        return self.stores and self.environment.clickhouse_url is None

    def preparation(self, url: str) -> Preparation:
        """How the database at `url` is made ready for this configuration."""
        config = self.config
        manual = config.clickhouse.disable_automatic_migrations
        manual = manual or config.gateway.observability.disable_automatic_migrations
        return Preparation(url=url, environment=self.environment, only_check=manual, snapshot=self.snapshot)

    def recorder_settings(self) -> RecorderSettings:
        observability = self.config.gateway.observability
        batch = observability.batch_writes
        settings = RecorderSettings(
            data_dir=str(self.data_dir),
            clickhouse_url=self.environment.clickhouse_url,
            observability=self.stores,
            latency_buckets=tuple(self.config.gateway.metrics.tensorzero_inference_latency_overhead_seconds_buckets),
        )
        if batch is not None and batch.enabled:
            return replace(settings, flush_interval_ms=batch.flush_interval_ms, max_rows=batch.max_rows)
        return settings if observability.async_writes else replace(settings, flush_interval_ms=0)


class Child(Protocol):
    """A process the launcher keeps running."""

    name: str

    def start(self) -> None: ...

    runs_once: bool
    """Whether ending with code 0 means that its work is done."""

    def has_ended(self) -> bool: ...

    def stop(self) -> None:
        """Asks it to finish; returns at once."""

    def wait(self) -> int:
        """Its exit code, once it has ended."""


def _give_way(pid: int, niceness: int) -> None:
    """Lowers the priority of a process that has just started, and so of all its threads to come."""
    os.setpriority(os.PRIO_PROCESS, pid, niceness)
    if sys.platform == "linux":
        # PERF: it does not interrupt a worker when it wakes up: 78 % instead of 72 % of what two workers answer on two
        # cores when nothing is stored.
        try:
            os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))
        except OSError as error:  # a sandbox may forbid it
            log.warning("process %d may interrupt the workers: %s", pid, error)


class CommandChild:
    """A `t0` command of its own that runs until its standard input ends."""

    runs_once = False

    def __init__(self, name: str, arguments: list[str], *, niceness: int = 0) -> None:
        self.name = name
        self._niceness = niceness
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # Not in our group: a terminal's Ctrl-C is for the launcher, which ends its children in order. But in our
        # session: Linux gives each session an equal share, and ours would be a third of a busy machine.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "t0.cli", *self._arguments], stdin=subprocess.PIPE, process_group=0
        )
        if self._niceness:
            _give_way(self._process.pid, self._niceness)

    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def stop(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def wait(self) -> int:
        return self._process.wait() if self._process is not None else 0


class ForkedChild:
    """A function in a forked child, which finds everything that the launcher has loaded already there."""

    def __init__(self, name: str, run: Callable[[], None], *, runs_once: bool = False) -> None:
        self.name = name
        self.runs_once = runs_once
        self._run = run
        self._pid = 0
        self._code: int | None = None

    def start(self) -> None:
        self._code = None
        sys.stdout.flush()
        with held_signals():
            self._pid = os.fork()
            if self._pid == 0:
                _run_and_exit(self.name, self._run)

    def has_ended(self) -> bool:
        if self._code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code is not None

    def stop(self) -> None:
        if not self.has_ended():
            os.kill(self._pid, signal.SIGTERM)

    def wait(self) -> int:
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._code


def _run_and_exit(name: str, run: Callable[[], None]) -> None:
    """Ends the forked child without unwinding into the launcher's own code."""
    code = 1
    try:
        for signum in STOP_SIGNALS:
            signal.signal(signum, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        release_signals()
        run()
        code = 0
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 1
    except BaseException:
        log.exception("the %s failed", name)
    finally:
        sys.stdout.flush()
        os._exit(code)


# -- the launcher ------------------------------------------------------------------------------------------------------


class Launcher:
    """Supervises the children of one data directory."""

    def __init__(self, options: LaunchOptions) -> None:
        self._options = options
        self._stopping = False
        self._children: list[Child] = []
        self._workers: list[Child] = []
        self._started: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def run(self) -> int:
        """Serves until SIGTERM, SIGINT or SIGHUP; the exit code. Raises `ConfigError` when it cannot start."""
        options = self._options
        options.data_dir.mkdir(parents=True, exist_ok=True)
        with _lock(options.data_dir), _listen(options.host, options.port) as listener:
            self._catch_signals()
            self._workers = self._make_workers(listener)
            self._children = [*self._background(), *self._workers]
            for child in self._children:
                self._start(child)
            host, port = listener.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            log.info("TensorZero Gateway is listening on %s:%d", shown, port)
            self._supervise()
            self._shut_down(listener)
        return 0

    def _background(self) -> list[Child]:
        options = self._options
        children: list[Child] = []
        if options.embeds_store:
            prepared_file(options.data_dir).unlink(missing_ok=True)
            children.append(CommandChild("store", ["store", "--data-dir", str(options.data_dir)], niceness=_NICENESS))
            children.append(ForkedChild("preparation of the store", self._prepare, runs_once=True))
        settings = options.data_dir / "recorder" / "settings.json"
        settings.parent.mkdir(exist_ok=True)
        # It holds the database's password.
        settings.touch(mode=0o600)
        settings.write_bytes(msgspec.json.encode(options.recorder_settings()))
        children.append(CommandChild("recorder", ["recorder", "--settings", str(settings)], niceness=_NICENESS))
        return children

    def _prepare(self) -> None:
        """Waits for the embedded store and makes it ready; the gateway serves meanwhile, and its records wait."""
        options = self._options
        file = url_file(options.data_dir)
        while not file.exists():
            time.sleep(_STORE_POLL_S)
        prepare(options.preparation(file.read_text().strip()))
        prepared_file(options.data_dir).touch()

    def _make_workers(self, listener: socket.socket) -> list[Child]:
        options, shares = _worker_options(self._options), Shares(self._options.workers)

        def worker(number: int) -> ForkedChild:
            return ForkedChild(f"worker {number + 1}", lambda: work(listener, shares.of(number), options))

        return [worker(number) for number in range(self._options.workers)]

    # -- running -------------------------------------------------------------------------------------------------------

    def _catch_signals(self) -> None:
        def stop(signum: int, frame: object) -> None:
            self._stopping = True

        for signum in STOP_SIGNALS:
            signal.signal(signum, stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # Signals write here, so that the sleep below ends at once.
        self._wake, wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def _start(self, child: Child) -> None:
        self._started[child.name] = time.monotonic()
        child.start()

    def _supervise(self) -> None:
        while not self._stopping:
            for child in list(self._children):
                if child.has_ended():
                    self._restart(child)
            self._sleep()

    def _sleep(self) -> None:
        ready, _, _ = select.select([self._wake], [], [], _TICK_S if self._due else None)
        if ready:
            os.read(self._wake, 4096)

    def _restart(self, child: Child) -> None:
        """Starts a child again: at once after it had run well, ever later when it keeps ending."""
        if child.runs_once and child.wait() == 0:
            self._children.remove(child)
            return
        now = time.monotonic()
        if child.name not in self._due:
            ran_s = now - self._started[child.name]
            longer = max(self._pauses.get(child.name, 0.0) * 2, _FIRST_PAUSE_S)
            pause = 0.0 if ran_s >= _STABLE_AFTER_S else min(longer, _LONGEST_PAUSE_S)
            self._pauses[child.name] = pause
            self._due[child.name] = now + pause
            log.error("the %s ended with code %d; starting it again in %.2f s", child.name, child.wait(), pause)
        if now >= self._due[child.name]:
            del self._due[child.name]
            self._start(child)

    # -- ending --------------------------------------------------------------------------------------------------------

    def _shut_down(self, listener: socket.socket) -> None:
        """Ends the workers first, so that requests finish; then the recorder, which drains; then the store."""
        log.info("stopping: requests under way are finished first")
        for worker in self._workers:
            worker.stop()
        time.sleep(_ACCEPTING_ENDS_S)
        _refuse_connections(listener)
        for worker in self._workers:
            worker.wait()
        background = [child for child in self._children if child not in self._workers]
        for child in reversed(background):
            child.stop()
            child.wait()
        log.info("stopped")


def _refuse_connections(listener: socket.socket) -> None:
    """Ends listening for all processes that share the socket, so that new clients are refused and do not wait."""
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError as e:  # systems other than Linux refuse this; there, the socket closes with its last process
        log.debug("the listening socket stays open until the workers have ended: %s", e)


def _worker_options(options: LaunchOptions) -> WorkerOptions:
    batch = options.config.gateway.observability.batch_writes
    capacity = batch.write_queue_capacity if batch is not None and batch.enabled else None
    return WorkerOptions(
        max_queued_rows=None if capacity is None else max(capacity // options.workers, 1),
        config=options.config,
        data_dir=options.data_dir,
        snapshot_hash=options.snapshot.hash,
        find_database=_database_finder(options) if options.stores else None,
        cache=options.cache,
    )


def _database_finder(options: LaunchOptions) -> Callable[[], str | None]:
    given = options.environment.clickhouse_url
    if given is not None:
        return lambda: given
    return lambda: find_url(options.data_dir)


def _lock(data_dir: Path) -> IO[str]:
    """Holds the data directory until closed. Raises `ConfigError` when another gateway has it."""
    lock = (data_dir / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise ConfigError(f"Another gateway already uses the data directory `{data_dir}`") from None
    return lock


def _listen(host: str, port: int) -> socket.socket:
    """Raises `ConfigError` when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it. Without it each event of a stream waits for the client's delayed acknowledgement, 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Inherited as well. Idle connections have no limit of time, but their clients must exist.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as e:
        listener.close()
        raise ConfigError(
            f"Failed to bind to socket address {host}:{port}: {e.strerror}. "
            f"Tip: is port {port} in use by another process?"
        ) from e
    listener.setblocking(False)
    return listener
