"""The process behind `t0 store`: one directory, one engine, one loopback port.

Its folder `<data-dir>/store` holds `data` (the engine's), `lock`, and, while the store answers, `url`: the whole
ClickHouse URL with the generated password, readable by the owner only. After a stop it is kept as `url.previous`, so
that a store that starts again has the same password and, when free, the same port, and clients just go on.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import signal
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from t0.errors import ConfigError
from t0.storage.clickhouse import ConnectionInfo, parse_url

USERNAME = "t0"
DATABASE = "tensorzero"
HOST = "127.0.0.1"
DRAIN_S = 1.5


def url_file(data_dir: Path | str) -> Path:
    """The file that holds the URL of the store of `data_dir`, while the store answers."""
    return Path(data_dir) / "store" / "url"


def prepared_file(data_dir: Path | str) -> Path:
    """There once the store of `data_dir` has the schema of this release.

    Until then nobody reads from it, and nothing is inserted: rows that come before the views on their table miss them.
    """
    return Path(data_dir) / "store" / "prepared"


def find_url(data_dir: Path | str) -> str | None:
    """The URL of the store of `data_dir`, once it is prepared and while it answers."""
    try:
        return url_file(data_dir).read_text().strip() if prepared_file(data_dir).exists() else None
    except FileNotFoundError:
        return None


def main(data_dir: str | Path, port: int | None = None) -> int:
    """Serve until standard input ends; the exit code.

    Whoever starts the store holds the other end of its standard input: when the starter dies, however it dies, the
    store sees the end and stops. SIGINT and SIGTERM are therefore ignored, since they are sent to the whole group;
    only a store whose input is no pipe (a terminal, `/dev/null`) obeys them.
    """
    folder = Path(data_dir) / "store"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            return asyncio.run(_serve(folder, port))
    except (ConfigError, OSError) as e:
        print(f"t0 store: {e}", file=sys.stderr)
        return 1


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"Another store already uses the directory `{folder}`") from None
        yield


async def _serve(folder: Path, port: int | None) -> int:
    # Loaded here, since the launcher and the recorder import this module for `url_file` only.
    from aiohttp import web

    from t0.storage.store.engine import Engine
    from t0.storage.store.server import StoreServer

    stop = _stop_event()
    previous = _retire_url(folder)
    listener = _listen(port, previous.port if previous else 0)
    password = previous.password if previous else secrets.token_urlsafe(24)
    engine = Engine(folder / "data")
    server = StoreServer(engine, USERNAME, password)
    # aiohttp would decode some codings of request bodies, but not all that ClickHouse clients use.
    runner = web.AppRunner(server.application(), access_log=None, auto_decompress=False)
    await runner.setup()
    site = web.SockSite(runner, listener)
    await site.start()
    _publish_url(folder, f"http://{USERNAME}:{password}@{HOST}:{listener.getsockname()[1]}/{DATABASE}")
    await stop.wait()
    await site.stop()
    is_idle = await server.drain(DRAIN_S)
    _retire_url(folder)
    if is_idle:
        await runner.cleanup()
        engine.close()
        return 0
    # A query that runs on cannot be interrupted from here; what was acknowledged is on disk.
    os._exit(0)


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    mode = os.fstat(0).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        loop.add_reader(0, _stop_at_end, loop, stop)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    else:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop.set)
    return stop


def _stop_at_end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(0, 4096):
        loop.remove_reader(0)
        stop.set()


def _listen(port: int | None, preferred: int) -> socket.socket:
    """A listening socket on `port`, else on the preferred one, else on any free one."""
    if port:
        return _bound(port)
    try:
        return _bound(preferred)
    except OSError:
        return _bound(0)


def _bound(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=512)
    except OSError as e:
        raise OSError(e.errno, f"cannot listen on {HOST}:{port}: {os.strerror(e.errno or 0)}") from e


def _retire_url(folder: Path) -> ConnectionInfo | None:
    """Move `url` out of the way, and return what the last one said."""
    current, previous = folder / "url", folder / "url.previous"
    if current.exists():
        current.replace(previous)
    if not previous.exists():
        return None
    try:
        return parse_url(previous.read_text())
    except ConfigError:  # damaged by hand; a new password is as good
        return None


def _publish_url(folder: Path, url: str) -> None:
    """Write `url` whole, so that whoever sees the file can connect."""
    temporary = folder / "url.new"
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(url)
    temporary.replace(folder / "url")
