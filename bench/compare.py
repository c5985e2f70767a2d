"""Whether a change makes the gateway slower: two versions in one run, in turns, on the same machine.

    python -m bench.compare main .
    python -m bench.compare --base-python old/bin/python --head-python new/bin/python

BASE and HEAD are folders or git revisions. A request's cycles in the worker are estimated from what valgrind counts,
where it is installed, which is exact to a few thousandths; CPU time and throughput are measured in pairs, base and head
in turns, and judged with more patience, since they vary with what else the machine does. Exits 1 when HEAD is slower.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

from bench import cycles
from bench.builds import Build, BuildFailed, build, installed
from bench.gateway.loadgen import Figures, LoadFailed, Mocks, load
from bench.gateway.measure import RowsMissing, await_rows
from bench.gateway.processes import StartFailed
from bench.gateway.subjects import T0, Running
from bench.gateway.summary import markdown
from bench.verdict import Verdict, judge

CONNECTIONS = 16
WARM_UP_S = 1.0
LONGEST_SAMPLE_S = 60
OUR_ROLES = ("worker", "recorder")
"""The store is ClickHouse, whose merges come when they come."""


@dataclass(frozen=True)
class Case:
    name: str
    stream: bool
    stores: bool

    @property
    def options(self) -> list[str]:
        """Of the load generator."""
        return ["--stream"] if self.stream else []


CASES = (Case("complete", False, False), Case("streamed", True, False), Case("stored", False, True))

Sample = dict[str, float]
"""What requests cost, by the name of the figure; less is better."""
Pair = tuple[Sample, Sample]
"""Base and head, measured one right after the other, or at the same time where this changes nothing."""
Round = list[Pair]
Builds = tuple[Build, Build]

CYCLES, CPU, TIME = "cycles/request", "CPU µs/request", "time µs/request"
TOLERANCES = {CYCLES: 0.02, CPU: 0.03, TIME: 0.10}
"""Shares by which a figure may grow. `TIME` is the inverse of the throughput of a closed loop."""


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
            comparisons = compare(_builds(options, Path(folder)), options)
    except (BuildFailed, LoadFailed, RowsMissing, StartFailed) as e:
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
    parser.add_argument("--cases", default=",".join(c.name for c in CASES), help="default: %(default)s")
    parser.add_argument("--measure", default="cycles,time", help="default: %(default)s")
    parser.add_argument("--pairs", type=int, default=20, metavar="N", help="of one start, for time (default: 20)")
    parser.add_argument("--sample", type=float, default=0.25, metavar="S", help="length of a sample (default: 0.25)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser


def _builds(options: argparse.Namespace, folder: Path) -> Builds:
    sides = (("base", options.base, options.base_python), ("head", options.head, options.head_python))
    found = []
    for side, version, python in sides:
        if (version is None) == (python is None):
            raise BuildFailed(f"expected either {side.upper()} or --{side}-python")
        found.append(installed(python) if python else build(version, folder / side))
    return found[0], found[1]


def compare(builds: Builds, options: argparse.Namespace) -> list[Comparison]:
    comparisons = []
    for case in (c for c in CASES if c.name in options.cases.split(",")):
        if "cycles" in options.measure and cycles.available():
            rounds = take_rounds(partial(counted_round, case, builds), least=2, most=5)
            comparisons += compare_rounds(case.name, rounds)
        if "time" in options.measure:
            take = partial(timed_round, case, builds, pairs=options.pairs, sample_s=options.sample)
            comparisons += compare_rounds(case.name, take_rounds(take, least=4, most=8))
    return comparisons


def take_rounds(take: Callable[[int], Round], *, least: int, most: int) -> list[Round]:
    """At least some rounds, and more while a figure is unclear and none is slower, which settles the matter."""
    rounds: list[Round] = []
    while len(rounds) < most:
        rounds.append(take(len(rounds)))
        if len(rounds) >= least:
            judgements = {comparison.verdict.judgement for comparison in compare_rounds("", rounds)}
            if "slower" in judgements or "unclear" not in judgements:
                break
    return rounds


def compare_rounds(case: str, rounds: Sequence[Round]) -> list[Comparison]:
    """One for each figure of the samples."""
    pairs = [pair for pairs in rounds for pair in pairs]
    return [
        Comparison(
            case,
            figure,
            median(base[figure] for base, _ in pairs),
            median(head[figure] for _, head in pairs),
            judge([[head[figure] / base[figure] for base, head in pairs] for pairs in rounds], TOLERANCES[figure]),
        )
        for figure in pairs[0][0]
    ]


def table(comparisons: Sequence[Comparison]) -> str:
    head = ["", "figure", "base", "head", "difference", "99 % interval", "allowed", "verdict"]
    return markdown(head, map(_row, comparisons))


def _row(comparison: Comparison) -> list[str]:
    verdict = comparison.verdict
    values = [f"{comparison.base:.1f}", f"{comparison.head:.1f}", f"{verdict.ratio - 1:+.1%}"]
    interval = f"{verdict.low - 1:+.1%} … {verdict.high - 1:+.1%}"
    allowed = f"{TOLERANCES[comparison.figure]:.0%}"
    return [comparison.case, comparison.figure, *values, interval, allowed, verdict.judgement]


# -- counting ----------------------------------------------------------------------------------------------------------


def counted_round(case: Case, builds: Builds, number: int) -> Round:
    """Both sides at once: what one does is not counted for the other."""
    with tempfile.TemporaryDirectory(prefix="bench-count-") as name, Mocks(Path(name) / "mock") as mocks:

        def count(side: int) -> float:
            subject = _subject(case, builds[side], number)
            return cycles.per_request(subject, case.stream, case.options, Path(name) / str(side), mocks)

        with ThreadPoolExecutor(2) as pool:
            base, head = pool.map(count, (0, 1))
    return _told(case, number, [({CYCLES: base}, {CYCLES: head})])


# -- timing ------------------------------------------------------------------------------------------------------------


def timed_round(case: Case, builds: Builds, number: int, pairs: int, sample_s: float) -> Round:
    """Starts both afresh and measures them in turns; each is first in half of the pairs."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-time-")))
        wrapper = stack.enter_context(_own_core())
        mocks = stack.enter_context(Mocks(folder / "mock"))
        sides = []
        for i, built in enumerate(builds):
            sides.append(replace(_subject(case, built, number), wrapper=wrapper).start(folder / str(i), mocks))
            stack.callback(sides[-1].stop)
        requests = max(1, int(min(_warm_up(side, case) for side in sides) * sample_s))
        measured = []
        for turn in range(pairs):
            order = (0, 1) if turn % 2 == 0 else (1, 0)
            samples = {side: _sample(sides[side], case, requests) for side in order}
            measured.append((samples[0], samples[1]))
    return _told(case, number, measured)


def _subject(case: Case, built: Build, number: int) -> T0:
    # Equal seeds, so that the order of sets is not among the differences.
    return T0(1, case.stores, built.python, {**built.env, "PYTHONHASHSEED": str(number)})


@contextmanager
def _own_core() -> Iterator[list[str]]:
    """The command that keeps a gateway on one core, while the mock and the generator keep off it.

    Otherwise its threads settle on one core or on two, and stay there: two starts of the same code differ.
    """
    cores = os.sched_getaffinity(0)
    if len(cores) == 1:
        yield []
        return
    own = max(cores)
    os.sched_setaffinity(0, cores - {own})
    try:
        yield ["taskset", "--cpu-list", str(own)]
    finally:
        os.sched_setaffinity(0, cores)


def _warm_up(running: Running, case: Case) -> float:
    """Requests/s."""
    figures = _offer(running, case, ["--warm-up", "0.2", "--duration", str(WARM_UP_S)])
    return float(figures["requests_per_s"])


def _sample(running: Running, case: Case, requests: int) -> Sample:
    before = running.cpu_seconds()
    limits = ["--requests", str(requests), "--warm-up", "0", "--duration", str(LONGEST_SAMPLE_S)]
    figures = _offer(running, case, limits)
    used = running.cpu_by_role(before)
    cpu_us = sum(used.get(role, 0.0) for role in OUR_ROLES) / figures["answered_in_all"] * 1e6
    return {CPU: cpu_us, TIME: 1e6 / figures["requests_per_s"]}


def _offer(running: Running, case: Case, options: list[str]) -> Figures:
    """A closed loop; returns when all of it is stored."""
    url, body = running.request("small", case.stream)
    figures = load(url, body, ["--connections", str(CONNECTIONS), *case.options, *options])
    if figures["failed"] or figures["unanswered"]:
        raise LoadFailed(f"{case.name}: {figures['failures']}, {figures['unanswered']} requests without an answer")
    running.answers += figures["answered_in_all"]
    await_rows(running)
    return figures


def _told(case: Case, number: int, pairs: Round) -> Round:
    """Prints the round's ratios, so that a long run shows what it does."""
    ratios = {figure: median(head[figure] / base[figure] for base, head in pairs) for figure in pairs[0][0]}
    shown = ", ".join(f"{figure} {ratio - 1:+.1%}" for figure, ratio in ratios.items())
    print(f"{case.name}, round {number + 1}: {shown} (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)
    return pairs


if __name__ == "__main__":
    sys.exit(main())
