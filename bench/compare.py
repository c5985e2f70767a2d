"""Whether a change makes the gateway slower: two versions in one run, in turns, on the same machine.

    python -m bench.compare main .
    python -m bench.compare --base-python old/bin/python --head-python new/bin/python

BASE and HEAD are folders or git revisions. CPU time for each request decides: it hardly depends on what else runs on
the machine. Throughput is judged too, with more patience. Exits 1 when HEAD is slower.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.builds import Build, BuildFailed, build, installed
from bench.gateway.loadgen import Mock, load
from bench.gateway.measure import await_rows
from bench.gateway.subjects import T0, Running, request_body
from bench.gateway.summary import markdown
from bench.verdict import Verdict, judge

CONNECTIONS = 16
PROMPT_BYTES = 1000
WARM_UP_S = 1.0
LONGEST_SAMPLE_S = 60
OUR_ROLES = ("worker", "recorder")
"""The store is ClickHouse, whose merges come when they come."""


@dataclass(frozen=True)
class Case:
    name: str
    stream: bool
    stores: bool


CASES = {case.name: case for case in (Case("complete", False, False), Case("streamed", True, False))}
CASES["stored"] = Case("stored", False, True)


@dataclass(frozen=True)
class Sample:
    """What some requests cost."""

    cpu_us: float
    requests_per_s: float


Pair = tuple[Sample, Sample]
"""Base and head, measured one right after the other."""


@dataclass(frozen=True)
class Comparison:
    case: str
    figure: str
    base: float
    head: float
    verdict: Verdict


def main() -> int:
    options = _parser().parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-compare-") as folder:
            builds = _builds(options, Path(folder))
            comparisons = [c for name in options.cases.split(",") for c in compare(CASES[name], builds, options)]
    except BuildFailed as e:
        print(e, file=sys.stderr)
        return 2
    print(table(comparisons))
    if options.json:
        options.json.write_text(json.dumps([asdict(c) for c in comparisons], indent=1) + "\n")
    return int(any(c.verdict.judgement == "slower" for c in comparisons))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base", nargs="?", metavar="BASE")
    parser.add_argument("head", nargs="?", metavar="HEAD")
    parser.add_argument("--base-python", metavar="PYTHON", help="compare the t0 installed for it")
    parser.add_argument("--head-python", metavar="PYTHON")
    parser.add_argument("--cases", default=",".join(CASES), help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=4, help="fresh starts of both (default: 4)")
    parser.add_argument("--most-rounds", type=int, default=8, help="while it is unclear (default: 8)")
    parser.add_argument("--pairs", type=int, default=8, help="in a round (default: 8)")
    parser.add_argument("--sample", type=float, default=0.7, metavar="S", help="length of a sample (default: 0.7)")
    parser.add_argument("--tolerance", type=float, default=0.03, help="of CPU for each request (default: 0.03)")
    parser.add_argument("--rate-tolerance", type=float, default=0.10, help="of throughput (default: 0.10)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser


def _builds(options: argparse.Namespace, folder: Path) -> tuple[Build, Build]:
    sides = (("base", options.base, options.base_python), ("head", options.head, options.head_python))
    found = []
    for side, version, python in sides:
        if (version is None) == (python is None):
            raise BuildFailed(f"expected either {side.upper()} or --{side}-python")
        found.append(installed(python) if python else build(version, folder / side))
    return found[0], found[1]


def compare(case: Case, builds: tuple[Build, Build], options: argparse.Namespace) -> list[Comparison]:
    """The verdicts on CPU and throughput, from as many rounds as they need."""
    rounds: list[list[Pair]] = []
    while True:
        rounds.append(run_round(case, builds, len(rounds), options.pairs, options.sample))
        if len(rounds) < options.rounds:
            continue
        comparisons = judge_rounds(case.name, rounds, options.tolerance, options.rate_tolerance)
        if len(rounds) >= options.most_rounds or all(c.verdict.judgement != "unclear" for c in comparisons):
            return comparisons


def judge_rounds(
    case: str, rounds: Sequence[Sequence[Pair]], tolerance: float, rate_tolerance: float
) -> list[Comparison]:
    """Throughput is turned over, so that a higher ratio is worse for both."""
    pairs = [pair for pairs in rounds for pair in pairs]
    cpu = [[head.cpu_us / base.cpu_us for base, head in pairs] for pairs in rounds]
    rate = [[base.requests_per_s / head.requests_per_s for base, head in pairs] for pairs in rounds]
    return [
        Comparison(
            case,
            "CPU µs/request",
            median(base.cpu_us for base, _ in pairs),
            median(head.cpu_us for _, head in pairs),
            judge(cpu, tolerance),
        ),
        Comparison(
            case,
            "requests/s",
            median(base.requests_per_s for base, _ in pairs),
            median(head.requests_per_s for _, head in pairs),
            judge(rate, rate_tolerance),
        ),
    ]


def table(comparisons: Sequence[Comparison]) -> str:
    head = ["", "figure", "base", "head", "head is slower by", "99 % interval", ""]
    return markdown(head, map(_row, comparisons))


def _row(comparison: Comparison) -> list[str]:
    verdict = comparison.verdict
    values = [f"{comparison.base:.1f}", f"{comparison.head:.1f}", f"{verdict.ratio - 1:+.1%}"]
    return [
        comparison.case,
        comparison.figure,
        *values,
        f"{verdict.low - 1:+.1%} … {verdict.high - 1:+.1%}",
        verdict.judgement,
    ]


# -- measuring ---------------------------------------------------------------------------------------------------------


def run_round(case: Case, builds: tuple[Build, Build], number: int, pairs: int, sample_s: float) -> list[Pair]:
    """Starts both afresh and measures them in turns; each is first in half of the pairs."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-round-")))
        mock = stack.enter_context(Mock(folder / "mock"))
        sides = [_start(case, b, folder / str(i), mock, number, stack) for i, b in enumerate(builds)]
        requests = max(1, int(min(_warm_up(side, case) for side in sides) * sample_s))
        measured = []
        for turn in range(pairs):
            order = (0, 1) if turn % 2 == 0 else (1, 0)
            samples = {side: sample(sides[side], case, requests) for side in order}
            measured.append((samples[0], samples[1]))
    _say(case, number, measured)
    return measured


def _start(case: Case, built: Build, folder: Path, mock: Mock, number: int, stack: ExitStack) -> Running:
    # Equal seeds, so that the order of sets and dicts is not among the differences.
    env = {**built.env, "PYTHONHASHSEED": str(number)}
    running = T0(1, case.stores, built.python, env).start(folder, mock)
    stack.callback(running.stop)
    return running


def _warm_up(running: Running, case: Case) -> float:
    """Requests/s."""
    figures = _offer(running, case, ["--warm-up", "0.2", "--duration", str(WARM_UP_S)])
    return float(figures["requests_per_s"])


def sample(running: Running, case: Case, requests: int) -> Sample:
    before = running.cpu_seconds()
    limits = ["--requests", str(requests), "--warm-up", "0", "--duration", str(LONGEST_SAMPLE_S)]
    figures = _offer(running, case, limits)
    used = running.cpu_by_role(before)
    cpu_us = sum(used.get(role, 0.0) for role in OUR_ROLES) / figures["answered_in_all"] * 1e6
    return Sample(cpu_us, figures["requests_per_s"])


def _offer(running: Running, case: Case, options: list[str]) -> dict[str, Any]:
    """A closed loop; returns when all of it is stored."""
    body = request_body(running.model, PROMPT_BYTES, case.stream)
    kind = ["--stream"] if case.stream else []
    figures = load(running.url, body, ["--connections", str(CONNECTIONS), *kind, *options])
    if figures["failed"] or figures["unanswered"]:
        raise BuildFailed(f"{case.name}: {figures['failures']}, {figures['unanswered']} requests without an answer")
    running.answers += figures["answered_in_all"]
    await_rows(running)
    return figures


def _say(case: Case, number: int, pairs: Sequence[Pair]) -> None:
    ratio = median(head.cpu_us / base.cpu_us for base, head in pairs)
    load_average = os.getloadavg()[0]
    text = f"{time.strftime('%H:%M:%S')} {case.name}, round {number + 1}: CPU {ratio - 1:+.1%}, load {load_average:.1f}"
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
