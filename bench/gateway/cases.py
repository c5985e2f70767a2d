"""What is offered: a case is one kind of load, the same for every subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["small", "100 kB", "templates", "native", "burst", "paced"]
SMALL, LARGE = 15, 100_000
"""Bytes of a prompt."""

MOCKS: dict[str, list[str]] = {
    "instant": [],
    "burst": ["--chunks", "102", "--chunk-bytes", "256"],
    "paced": ["--chunks", "20", "--chunk-bytes", "256", "--gap-ms", "50"],
}
"""The mock providers, by the options of `t0-loadgen mock`."""


@dataclass(frozen=True)
class Case:
    """A closed loop of `connections`, or with a `rate_per_s` an open one that has at most so many at once."""

    stream: bool
    kind: Kind
    connections: int
    rate_per_s: int | None = None

    @property
    def name(self) -> str:
        form = "streamed" if self.stream else "complete"
        if self.rate_per_s is None:
            return f"{form}, {self.kind}, {self.connections} connection{'s' * (self.connections > 1)}"
        return f"{form}, {self.kind}, {self.rate_per_s} requests/s"


@dataclass(frozen=True)
class Plan:
    """The cases of a run with its times. `pause_s` lies between two measurements."""

    name: str
    cases: list[Case]
    rounds: int
    warm_up_s: float
    duration_s: float
    pause_s: float = 0.2

    def options(self, case: Case) -> list[str]:
        """Of `t0-loadgen load`."""
        options = ["--connections", str(case.connections), "--drain", "5"]
        options += ["--warm-up", str(self.warm_up_s), "--duration", str(self.duration_s)]
        options += ["--stream"] if case.stream else []
        return options + (["--rate", str(case.rate_per_s)] if case.rate_per_s is not None else [])


OPEN_LOOP_CONNECTIONS = 512


def closed(stream: bool, kind: Kind, connections: Sequence[int]) -> list[Case]:
    return [Case(stream, kind, count) for count in connections]


def open_loop(stream: bool, rates: Sequence[int]) -> list[Case]:
    return [Case(stream, "small", OPEN_LOOP_CONNECTIONS, rate) for rate in rates]


QUICK = Plan(
    "quick",
    [
        *closed(False, "small", [1, 32, 256]),
        *closed(False, "templates", [256]),
        *closed(False, "native", [256]),
        *closed(False, "100 kB", [16]),
        *closed(True, "small", [32]),
        *closed(True, "burst", [32]),
        *closed(True, "paced", [500]),
        *open_loop(False, [1000, 3000, 10_000]),
        *open_loop(True, [500]),
    ],
    rounds=2,
    warm_up_s=0.5,
    duration_s=2.0,
)

FULL = Plan(
    "full",
    [
        *closed(False, "small", [1, 8, 32, 128, 512]),
        *closed(False, "templates", [32, 256]),
        *closed(False, "native", [32, 256]),
        *closed(False, "100 kB", [1, 16, 64]),
        *closed(True, "small", [1, 8, 32, 128, 512]),
        *closed(True, "100 kB", [16]),
        *closed(True, "burst", [32]),
        *closed(True, "paced", [500]),
        *open_loop(False, [500, 1000, 2000, 5000, 10_000]),
        *open_loop(True, [500, 2000, 5000]),
    ],
    rounds=3,
    warm_up_s=2.0,
    duration_s=8.0,
)
