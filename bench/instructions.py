"""Counts the instructions of a gateway worker for each request, with valgrind's callgrind.

The count hardly varies: the same code differs by a few thousandths from run to run, on a busy machine too. It does not
see what the kernel does, nor caches and waiting, which CPU time and throughput show.

A run's count includes the start. The difference of a long and a short run does not.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

from bench.gateway.loadgen import LoadFailed, Mocks, load
from bench.gateway.subjects import T0, role

SHORT, LONG = 100, 900
"""Requests, one after the other, so that they share no wake-up by chance."""
LIMIT_S = 300


def available() -> bool:
    return shutil.which("valgrind") is not None


def per_request(subject: T0, stream: bool, options: list[str], folder: Path, mocks: Mocks) -> float:
    """Raises LoadFailed when a request is not answered."""
    short, long = (
        _instructions(subject, stream, [*options, "--requests", str(count)], folder / str(count), mocks)
        for count in (SHORT, LONG)
    )
    return (long - short) / (LONG - SHORT)


def _instructions(subject: T0, stream: bool, options: list[str], folder: Path, mocks: Mocks) -> int:
    """Of the worker, from its first to its last."""
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind.%p"]
    running = replace(subject, wrapper=valgrind).start(folder, mocks)
    try:
        limits = ["--connections", "1", "--warm-up", "0", "--duration", str(LIMIT_S)]
        figures = load(*running.request("small", stream), [*limits, *options])
        workers = [pid for pid in running.server.pids() if role(running.server, pid) == "worker"]
    finally:
        running.stop()
    if figures["failed"] or figures["unanswered"] or len(workers) != 1:
        raise LoadFailed(f"{figures['failures']}, {figures['unanswered']} without an answer, workers: {workers}")
    found = re.search(r"^summary: (\d+)", (folder / f"callgrind.{workers[0]}").read_text(), re.MULTILINE)
    if found is None:
        raise LoadFailed(f"callgrind wrote no summary for the worker {workers[0]}")
    return int(found[1])
