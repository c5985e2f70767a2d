"""`t0 recorder`: the process that stores and counts what the workers recorded.

It runs until its stdin ends: the launcher holds the other end, so its death and its wish to stop look the same, and a
signal to the whole process group does not stop the recorder before the workers. Then it stores what is left and exits.
"""

import fcntl
import logging
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import msgspec
from msgspec.structs import replace

from t0.errors import StorageUnavailable, T0Error
from t0.recorder.clock import Clock
from t0.recorder.drain import MAX_ROWS, Drain, Limits
from t0.recorder.inserter import GaveUp
from t0.recorder.inserts import Store
from t0.recorder.losses import LossWatch
from t0.recorder.metrics import DEFAULT_BUCKETS, Counts, Health, exposition, ring_metrics, spill_metrics
from t0.recorder.rejected import RejectedRows
from t0.recorder.scrape import MetricsServer
from t0.recorder.sources import Sources
from t0.storage.clickhouse import ClickHouse, parse_url
from t0.storage.store.process import find_url

logger = logging.getLogger("t0.recorder")

_BUSY_PAUSES_S = (0.005, 0.02)
"""Between two looks while there is work: the flush interval within these bounds. PERF: each look takes the processor
from a worker on a busy machine, and its caches."""
_IDLE_PAUSE_S = 0.05
_SHORTEST_INTERVAL_S = 0.02
_INSERT_SHARE = 0.1
_LOCK_TIMEOUT_S = 15.0
_WATCH_S = 1.0


class RecorderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the launcher tells the recorder; other processes' knowledge of the configuration ends here."""

    data_dir: str
    clickhouse_url: str | None = None
    """None means the embedded store, whose URL is in `<data-dir>/store/url` once it is up."""
    observability: bool = True
    """False: nothing is stored, requests are only counted."""
    flush_interval_ms: int | None = None
    """None: a single row is stored within some 50 ms, and under load the interval grows with what storing takes.

    0 stores at once, for `async_writes = false`."""
    max_rows: int = MAX_ROWS
    drain_timeout_ms: int = 5_000
    sync_interval_ms: int | None = None
    """How often rings are forced to the disk; None leaves it to the operating system."""
    latency_buckets: tuple[float, ...] = DEFAULT_BUCKETS


def main(settings_json: str) -> int:
    """Runs the recorder with the settings (JSON of `RecorderSettings`) and returns the exit code."""
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = msgspec.json.decode(settings_json, type=RecorderSettings)
        run(settings, Clock(_stop_event()))
    except (msgspec.DecodeError, T0Error, OSError) as error:
        logger.error("the recorder stops: %s", error)
        return 1
    return 0


def _stop_event() -> threading.Event:
    """Set when stdin ends; only where it is no pipe (a terminal, `/dev/null`) do signals count."""
    stop = threading.Event()
    mode = os.fstat(0).st_mode
    watches_stdin = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN if watches_stdin else lambda *_: stop.set())
    if watches_stdin:
        threading.Thread(target=_await_stdin_end, args=(stop,), name="stdin", daemon=True).start()
    return stop


def _await_stdin_end(stop: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    stop.set()


def run(settings: RecorderSettings, clock: Clock, connect: Callable[[], Store] | None = None) -> None:
    """Stores and counts until the clock's `stop`, then drains. `connect` replaces the database of the settings."""
    data_dir = Path(settings.data_dir)
    with exclusive(data_dir):
        recorder = Recorder(settings, clock, connect)
        try:
            recorder.run()
        finally:
            recorder.close()


@contextmanager
def exclusive(data_dir: Path, timeout_s: float = _LOCK_TIMEOUT_S) -> Iterator[None]:
    """Holds the recorder's lock on the directory; waits for one that is just draining. Raises `T0Error`."""
    directory = data_dir / "recorder"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout_s
    with (directory / "lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise T0Error(f"another recorder runs on {data_dir}") from None
                time.sleep(0.05)
        yield


class Recorder:
    """The parts of a running recorder. `abort` ends the process at once."""

    def __init__(
        self,
        settings: RecorderSettings,
        clock: Clock,
        connect: Callable[[], Store] | None = None,
        abort: Callable[[], None] = lambda: os._exit(0),
    ) -> None:
        data_dir = Path(settings.data_dir)
        self._clock, self._abort = clock, abort
        limits = _limits(settings)
        shortest, longest = _BUSY_PAUSES_S
        self._busy_pause_s = max(shortest, min(limits.flush_interval_s, longest))
        self._hang_limit_s = 2 * settings.drain_timeout_ms / 1000
        self._counts = Counts(settings.latency_buckets)
        self._health = Health()
        self._sources = Sources(data_dir, self._counts)
        self._drain = Drain(
            self._sources,
            (connect or _connector(settings)) if settings.observability else None,
            RejectedRows(data_dir, self._health),
            health=self._health,
            limits=limits,
            clock=clock,
        )
        self._losses = LossWatch(self._sources)
        self._stopped = threading.Event()
        self._threads = [self._repeat(self._losses.report, _WATCH_S), self._repeat(self._end_hang, _WATCH_S)]
        if settings.sync_interval_ms is not None:
            self._threads.append(self._repeat(self._sources.sync, settings.sync_interval_ms / 1000))
        self._server = MetricsServer(data_dir, self.metrics_text)

    def _repeat(self, work: Callable[[], None], interval_s: float) -> threading.Thread:
        def loop() -> None:
            while not self._stopped.wait(interval_s):
                work()

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        return thread

    def metrics_text(self) -> bytes:
        """The exposition, with every record counted that is there now."""
        self._sources.count()
        with self._sources.lock:
            return exposition(
                chain(
                    self._counts.metrics(),
                    self._health.metrics(),
                    ring_metrics(self._sources.rings()),
                    spill_metrics(*self._sources.backlog(), self._sources.damaged),
                )
            )

    def run(self) -> None:
        """Blocks until the clock's `stop`, then stores what is left, as far as the database is there."""
        pause = self._busy_pause_s
        try:
            while not self._clock.stopping:
                busy = self._drain.step() or self._drain.has_batch
                pause = self._busy_pause_s if busy else min(pause * 1.5, _IDLE_PAUSE_S)
                self._clock.sleep(pause)
            self._drain.finish()
        except GaveUp as error:
            logger.error("stopped while the database is away, what is left stays on the disk: %s", error)

    def _end_hang(self) -> None:
        """A database that accepts an insert and never answers must not keep the recorder from ending."""
        if self._clock.stopping and self._drain.attempt_lasts_s() > self._hang_limit_s:
            logger.error("stopped while the database does not answer, what is left stays on the disk")
            self._abort()

    def close(self) -> None:
        self._stopped.set()
        self._server.close()
        for thread in self._threads:
            thread.join()
        self._drain.close()
        self._losses.report()
        self._sources.close()


def _limits(settings: RecorderSettings) -> Limits:
    limits = Limits(max_rows=settings.max_rows, drain_timeout_s=settings.drain_timeout_ms / 1000)
    if settings.flush_interval_ms is None:
        return replace(limits, flush_interval_s=_SHORTEST_INTERVAL_S, insert_share=_INSERT_SHARE)
    return replace(limits, flush_interval_s=settings.flush_interval_ms / 1000)


def _connector(settings: RecorderSettings) -> Callable[[], Store]:
    """What opens the database. The embedded store may come back at another address, so its URL is read each time."""
    if settings.clickhouse_url is not None:
        given = parse_url(settings.clickhouse_url)
        return lambda: ClickHouse(given)

    def connect() -> Store:
        url = find_url(settings.data_dir)
        if url is None:
            raise StorageUnavailable("the embedded store is not ready")
        return ClickHouse(parse_url(url))

    return connect
