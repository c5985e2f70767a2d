"""`python -m bench.gateway`: measures, prints the tables, writes the JSON from which the page is generated."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.gateway import summary
from bench.gateway.cases import FULL, QUICK, Case, Plan
from bench.gateway.loadgen import Mocks
from bench.gateway.machine import machine, versions
from bench.gateway.measure import await_rows, measure
from bench.gateway.processes import StartFailed
from bench.gateway.soak import soak
from bench.gateway.subjects import T0, LiteLLM, MockAlone, Reference, Running, Subject


def main() -> int:
    options = _parser().parse_args()
    plan = _plan(options)
    with tempfile.TemporaryDirectory(prefix="bench-gateway-") as folder:
        result = run(plan, _subjects(options), Path(folder))
        if options.soak:
            result["soak"] = _soak(Path(folder), options.soak)
    result["flags"] = _flags(options)
    print(summary.text(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer, shorter cases: 15 minutes, rough figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there")
    parser.add_argument("--subjects", default="*", metavar="GLOB", help="only these (default: all that are installed)")
    parser.add_argument("--cases", default="*", metavar="GLOB", help="only these, such as 'complete, small*'")
    parser.add_argument("--rounds", type=int, metavar="N")
    parser.add_argument("--duration", type=float, metavar="S", help="of each measurement")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="of 100 kB prompts at half load, at the end")
    parser.add_argument("--litellm", metavar="COMMAND", default=shutil.which("litellm"), help="of another environment")
    return parser


def _plan(options: argparse.Namespace) -> Plan:
    plan = QUICK if options.quick else FULL
    given = {"rounds": options.rounds, "duration_s": options.duration}
    cases = [case for case in plan.cases if fnmatch(case.name, options.cases)]
    return replace(plan, cases=cases, **{name: value for name, value in given.items() if value})


def _flags(options: argparse.Namespace) -> list[str]:
    """What was asked for beyond the defaults, without the paths of this machine."""
    flags = ["--quick"] if options.quick else []
    for name, default in (("subjects", "*"), ("cases", "*"), ("rounds", None), ("duration", None), ("soak", None)):
        if (value := getattr(options, name)) != default:
            flags.append(shlex.join([f"--{name}", str(value)]))
    return flags


def _subjects(options: argparse.Namespace) -> list[Subject]:
    """The mock always: it is what others are compared with."""
    subjects: list[Subject] = [T0(workers, stores) for workers in (1, 2) for stores in (False, True)]
    if find_spec("tensorzero") is not None:
        subjects += [Reference(threads=1), Reference()]
    if options.litellm:
        subjects.append(LiteLLM(options.litellm, workers=1))
    return [MockAlone(), *(s for s in subjects if fnmatch(s.name, options.subjects))]


def run(plan: Plan, subjects: list[Subject], folder: Path) -> summary.Result:
    """All subjects stay up during the whole run; each case goes round them, round after round."""
    result: summary.Result = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "plan": {key: value for key, value in asdict(plan).items() if key != "cases"},
        "cases": [{"name": case.name, **asdict(case)} for case in plan.cases],
        "subjects": {},
        "runs": [],
    }
    with ExitStack() as stack:
        mocks = stack.enter_context(Mocks(folder / "mock", limit_s=_limit_s(plan, subjects)))
        started = _start(subjects, folder, mocks, stack, result)
        for case in plan.cases:
            result["runs"] += _measure_case(case, plan, started, result)
        for name, running in started.items():
            facts = result["subjects"][name]
            facts["memory_mb"]["end"] = running.memory()
            facts["answers"], facts["rows"] = running.answers, await_rows(running)
    return result


def _soak(folder: Path, minutes: float) -> dict[str, Any]:
    _say(f"half load for {minutes:g} minutes")
    with Mocks(folder / "soak-mock") as mocks:
        return soak(folder / "soak", mocks, minutes)


def _limit_s(plan: Plan, subjects: list[Subject]) -> int:
    """Far beyond what the run takes, so that the mock outlives it but not for long when it is orphaned."""
    each = plan.warm_up_s + plan.duration_s + 30
    return int(min(3600, 300 + each * plan.rounds * len(plan.cases) * len(subjects)))


def _start(
    subjects: list[Subject], folder: Path, mocks: Mocks, stack: ExitStack, result: summary.Result
) -> dict[str, Running]:
    started = {}
    for number, subject in enumerate(subjects):
        _say(f"starting {subject.name}")
        try:
            running = subject.start(folder / str(number), mocks)
        except StartFailed as e:
            _say(f"left out, it does not start: {e}")
            continue
        stack.callback(running.stop)
        await_rows(running)
        started[subject.name] = running
        facts: dict[str, Any] = {"version": subject.version(), "first_answer_s": running.first_answer_s}
        result["subjects"][subject.name] = {**facts, "memory_mb": {"idle": running.memory()}}
    return started


def _measure_case(case: Case, plan: Plan, started: dict[str, Running], result: summary.Result) -> Iterator[summary.Run]:
    for turn in range(plan.rounds):
        for name, running in started.items():
            if case.kind not in running.targets or _is_beyond(case, name, result):
                continue
            measured = measure(running, case, plan)
            result["subjects"][name]["memory_mb"].setdefault("warm", measured["memory_mb"])
            _say(f"{case.name}, round {turn + 1}, {name}: {_line(measured)}")
            yield {"case": case.name, "subject": name, "round": turn, **measured}


def _is_beyond(case: Case, subject: str, result: summary.Result) -> bool:
    """Whether an open loop would ask for more than the subject's highest throughput: its queue would only grow."""
    if case.rate_per_s is None:
        return False
    kind = case.name.split(",")[0]
    closed = [name for name in summary.case_names(result, rate=False) if name.startswith(f"{kind}, small")]
    peak = summary.peak(result, subject, closed)
    return peak is not None and peak[0] < case.rate_per_s


def _line(measured: dict[str, Any]) -> str:
    load = measured["load"]
    times = f"p50 {load['latency_ms']['p50']:.2f} ms, p99 {load['latency_ms']['p99']:.2f} ms"
    return f"{load['requests_per_s']:.0f}/s, {times}, CPU {measured['cpu_us']['total']:.0f} µs"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
