"""Minutes of long prompts at half of what the gateway can answer and store: is its memory flat, does every row come?"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from bench.gateway.cases import OPEN_LOOP_CONNECTIONS, Case
from bench.gateway.loadgen import Mocks, load
from bench.gateway.measure import await_rows
from bench.gateway.subjects import T0, Running

CASE = Case(False, "100 kB", 16)
PEAK_S = 8.0
SAMPLE_S = 5.0


def soak(folder: Path, mocks: Mocks, minutes: float, workers: int = 2) -> dict[str, Any]:
    """The rate, the memory of each role in MB every few seconds, answers and rows. Raises `RowsMissing`."""
    subject = T0(workers, stores=True)
    running = subject.start(folder, mocks)
    try:
        await_rows(running)
        rate = max(1, int(_peak(running) / 2))
        memory = _Memory(running)
        options = ["--rate", str(rate), "--connections", str(OPEN_LOOP_CONNECTIONS), "--drain", "30"]
        with memory:
            figures = _offer(running, [*options, "--duration", str(minutes * 60)])
        ended = time.monotonic()
        rows = await_rows(running)
        return {
            "subject": subject.name,
            "minutes": minutes,
            "rate_per_s": rate,
            "load": figures,
            "memory_mb": memory.samples,
            "stored_after_s": time.monotonic() - ended,
            "answers": running.answers,
            "rows": rows,
        }
    finally:
        running.stop()


def _peak(running: Running) -> float:
    """Requests/s, the time until all is stored included. The first round only fills caches and rings."""
    for _ in range(2):
        started = time.monotonic()
        figures = _offer(running, ["--connections", str(CASE.connections), "--duration", str(PEAK_S), "--drain", "5"])
        await_rows(running)
        per_s = figures["answered_in_all"] / (time.monotonic() - started)
    return float(per_s)


def _offer(running: Running, options: list[str]) -> dict[str, Any]:
    figures = load(*running.request(CASE.kind, CASE.stream), ["--warm-up", "0", *options])
    running.answers += figures["answered_in_all"]
    return figures


class _Memory:
    """Samples the memory of each role while it is entered."""

    def __init__(self, running: Running) -> None:
        self.samples: list[dict[str, float]] = []
        self._running = running
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        started = time.monotonic()
        while not self._ended.wait(SAMPLE_S):
            memory = self._running.memory()
            roles: defaultdict[str, float] = defaultdict(float)
            for role, size in memory["processes"]:
                roles[role] += size
            self.samples.append({"s": round(time.monotonic() - started, 1), "total": memory["total"], **roles})
