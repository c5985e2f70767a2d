"""Estimates the cycles of a gateway worker for each request: its instructions, and what they miss in simulated caches.

Valgrind's callgrind counts both, and the same code differs by a few thousandths from run to run, on a busy machine
too. Instructions alone would mislead: a gateway finds the caches as others have left them, so that fewer instructions
in more code can be slower. What the kernel does and waiting are not seen; CPU time and throughput show them.

A run's count includes the start. The difference of a long and a short run does not.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

from bench.gateway.loadgen import LoadFailed, Mocks, load
from bench.gateway.subjects import T0, Running, role

SHORT, LONG = 100, 900
"""Requests, one after the other, so that they share no wake-up by chance."""
LIMIT_S = 600

# The same on every machine, so that figures are: bytes, ways and line of the two levels of a usual server's core.
CACHES = ["--cache-sim=yes", "--I1=32768,8,64", "--D1=32768,8,64", "--LL=1048576,8,64"]
COSTS = {"Ir": 1, "I1mr": 10, "D1mr": 10, "D1mw": 10, "ILmr": 40, "DLmr": 40, "DLmw": 40}
"""Cycles of an instruction, and of a miss in the first and in the second level on top."""


def available() -> bool:
    return shutil.which("valgrind") is not None


def per_request(subject: T0, stream: bool, options: list[str], folder: Path, mocks: Mocks) -> float:
    """Raises LoadFailed when a request is not answered."""
    short, long = (
        _cycles(subject, stream, [*options, "--requests", str(count)], folder / str(count), mocks)
        for count in (SHORT, LONG)
    )
    return (long - short) / (LONG - SHORT)


def _cycles(subject: T0, stream: bool, options: list[str], folder: Path, mocks: Mocks) -> int:
    """Of the worker, from its first to its last."""
    valgrind = ["valgrind", "--tool=callgrind", *CACHES, f"--callgrind-out-file={folder}/callgrind.%p"]
    running = replace(subject, wrapper=valgrind).start(folder, mocks)
    try:
        worker = _worker(running)
        limits = ["--connections", "1", "--warm-up", "0", "--duration", str(LIMIT_S)]
        figures = load(*running.request("small", stream), [*limits, *options])
    finally:
        running.stop()
    if figures["failed"] or figures["unanswered"]:
        raise LoadFailed(f"{figures['failures']}, {figures['unanswered']} without an answer")
    return estimated((folder / f"callgrind.{worker}").read_text())


def _worker(running: Running) -> int:
    """The launcher's youngest child: another one may still prepare the store."""
    workers = [pid for pid in running.server.pids() if role(running.server, pid) == "worker"]
    if not workers:
        raise LoadFailed("the gateway has no worker")
    return max(workers)


def estimated(profile: str) -> int:
    """The cycles of a callgrind profile. Raises LoadFailed for one that does not hold the counts."""
    events = re.search(r"^events: (.+)", profile, re.MULTILINE)
    summary = re.search(r"^summary: (.+)", profile, re.MULTILINE)
    if events is None or summary is None:
        raise LoadFailed("callgrind wrote no summary for the worker")
    counts = dict(zip(events[1].split(), map(int, summary[1].split()), strict=True))
    if not COSTS.keys() <= counts.keys():
        raise LoadFailed(f"callgrind counted {', '.join(counts)}, expected {', '.join(COSTS)}")
    return sum(cost * counts[event] for event, cost in COSTS.items())
