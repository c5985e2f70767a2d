"""One worker: a server, the application and a gateway of its own. Runs in the launcher's forked children."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import uvloop
from msgspec import Struct

from t0.app import App
from t0.config.schema import Config
from t0.errors import Verbosity
from t0.gateway import Gateway
from t0.models.cache import InferenceCache
from t0.recorder.writer import Writer
from t0.routes.body import MAX_BODY_BYTES
from t0.server.connection import ServerLimits
from t0.server.server import Server
from t0.server.shares import Share
from t0.signals import call_at_first_signal, hold_signals
from t0.storage.cache.select import CacheChoice, open_store
from t0.storage.reader import Reader
from t0.upstream.base import Limits
from t0.upstream.select import make_transport

_PARENT_CHECK_S = 1.0
_GC_THRESHOLD = 20_000
"""Requests leave hardly any cycles behind, so that the collector may look rarely (Python's own default is 700)."""


class WorkerOptions(Struct, frozen=True, kw_only=True):
    """What every worker of one launch has in common."""

    config: Config
    data_dir: Path
    snapshot_hash: str
    max_queued_rows: int | None
    """How many rows one worker may have waiting before it drops new ones; None drops nothing."""
    find_database: Callable[[], str | None] | None
    """Gives the ClickHouse URL, None while the embedded store is not up; None when nothing is stored."""
    cache: CacheChoice | None = None


def work(listener: socket.socket, share: Share, options: WorkerOptions) -> None:
    """Serves until SIGTERM, SIGINT or SIGHUP; requests under way are finished first."""
    hold_signals()
    uvloop.run(_serve(listener, share, options))


async def _serve(listener: socket.socket, share: Share, options: WorkerOptions) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    call_at_first_signal(lambda: loop.call_soon_threadsafe(stop.set))
    gateway = await _open(options)
    server = Server(listener, App(gateway).answer, ServerLimits(max_body_bytes=MAX_BODY_BYTES), share)
    server.start()
    await stop.wait()
    await server.close()
    await gateway.close()


async def _open(options: WorkerOptions) -> Gateway:
    config = options.config
    Verbosity.debug, Verbosity.structured = config.gateway.debug, config.gateway.unstable_error_json
    reader = Reader(options.find_database) if options.find_database is not None else None
    gateway = Gateway(
        config,
        env=os.environ,
        data_dir=options.data_dir,
        transport=make_transport(os.environ, _limits(config)),
        writer=Writer(options.data_dir, max_queued_rows=options.max_queued_rows, loop=asyncio.get_running_loop()),
        reader=reader,
        snapshot_hash=options.snapshot_hash,
        cache=_cache(options.cache, reader),
    )
    _stop_with_parent(os.getppid())
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 100)
    return gateway


def _cache(choice: CacheChoice | None, reader: Reader | None) -> InferenceCache | None:
    return None if choice is None else InferenceCache(open_store(choice, reader), is_primary=choice.is_primary)


def _limits(config: Config) -> Limits:
    silence_ms = config.gateway.global_outbound_http_intra_stream_read_timeout_ms
    return Limits(
        total_s=config.gateway.global_outbound_http_timeout_ms / 1000,
        read_s=None if silence_ms is None else silence_ms / 1000,
    )


def _stop_with_parent(parent: int) -> None:
    """Ends the worker gracefully when the server that forked it is gone."""
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
        return
    asyncio.get_running_loop().call_later(_PARENT_CHECK_S, _stop_with_parent, parent)
